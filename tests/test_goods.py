"""Goods and inflows: what they are, and what is refused by name."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._errors import InvalidGood
from catallax._goods import Good, Inflow, arrivals_of, checked_goods, quanta_of, table_of

WOOD, COAL = Good("wood", unit=0.5), Good("coal", depreciation=0.25, carrying_cost=3.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unit", 0.0),
        ("unit", -1.0),
        ("unit", float("nan")),
        ("unit", float("inf")),
        ("unit", 1e-13),
        ("unit", "1"),
        ("unit", True),
        ("depreciation", -0.1),
        ("depreciation", 1.1),
        ("depreciation", 1e-9),
        ("depreciation", float("nan")),
        ("carrying_cost", -1.0),
        ("carrying_cost", 2e6),
        ("carrying_cost", None),
        ("perishable", 1),
    ],
)
def test_an_argument_out_of_range_is_named(name, value):
    with pytest.raises(InvalidGood, match=f"{name}="):
        Good("wood", **{name: value})


@pytest.mark.parametrize("name", ["", "  ", 7, None])
def test_a_good_needs_a_name(name):
    with pytest.raises(InvalidGood, match="name="):
        Good(name)


def test_goods_are_one_or_more_with_names_of_their_own():
    assert checked_goods([WOOD, COAL]) == (WOOD, COAL)
    with pytest.raises(InvalidGood, match="no goods"):
        checked_goods([])
    with pytest.raises(InvalidGood, match="two goods named 'wood'"):
        checked_goods([WOOD, COAL, Good("wood")])
    with pytest.raises(InvalidGood, match=r"goods\[1\] is 'coal'"):
        checked_goods([WOOD, "coal"])


def test_a_table_has_the_numbers_of_goods():
    table = table_of((WOOD, COAL, Good("fish", unit=2, perishable=True, depreciation=1)))
    assert table.units.tolist() == [0.5, 1e-6, 2.0]
    assert table.kept.tolist() == [[1, 3, 0], [1, 4, 1]]
    assert table.carrying.tolist() == [0.0, 3.0, 0.0]
    assert table.perishable.tolist() == [False, False, True]
    assert {column.dtype for column in table} == {np.dtype(t) for t in ("f8", "i8", "?")}


@given(millionths=st.integers(0, 10**6))
def test_depreciation_is_the_fraction_that_was_typed(millionths):
    assert Good("wood", depreciation=millionths / 10**6).lost == Fraction(millionths, 10**6)


@pytest.mark.parametrize(
    ("amount", "unit", "quanta"),
    [
        (0.3, 0.1, 3),
        (0.29, 0.01, 29),
        (1, 0.3, 3),
        (0, 1.0, 0),
        (0.5, 1.0, 0),
        (7, 1e-6, 7 * 10**6),
    ],
)
def test_amounts_are_read_as_typed_and_rounded_down(amount, unit, quanta):
    assert quanta_of(amount, Good("wood", unit=unit)) == quanta


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), 2.0**41, "1", True])
def test_an_amount_that_cannot_be_counted_is_refused(amount):
    with pytest.raises(InvalidGood, match="amount="):
        quanta_of(amount, Good("wood", unit=1.0))


def test_inflows_come_to_their_owners():
    """The mine sells 2 of coal; nobody is named for the wood, which the original owner sells."""
    inflows = [Inflow("wood", 3.0), Inflow("coal", 2e-6, "mine"), Inflow("wood", 0.7)]
    table = arrivals_of(inflows, (WOOD, COAL), ["original_owner", "mine"])
    assert table.tolist() == [[7, 0], [0, 2]]
    assert table.dtype == np.int64


@pytest.mark.parametrize(
    ("inflow", "said"),
    [
        (Inflow("tin", 1.0), "good='tin'"),
        (Inflow("wood", 1.0, "thief"), "owner='thief'"),
        (Inflow("wood", -1.0), "amount=-1.0"),
    ],
)
def test_an_inflow_from_nowhere_to_nobody_is_refused(inflow, said):
    with pytest.raises(InvalidGood, match=said):
        arrivals_of([inflow], (WOOD, COAL), ["original_owner"])
