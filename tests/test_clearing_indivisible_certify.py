from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._errors import InvalidMarket
from catallax.clearing.indivisible import certify_whole, wishes
from whole_markets import lists, markets


@given(markets(most_agents=2), st.sampled_from([1, 2, 6]), st.data())
def test_every_violation_is_what_the_definition_says(market, parts, data):
    """Of any prices and any bundles, good or bad."""
    goods, agents = len(market.supply), len(market.agents)
    ticks = st.integers(0, 9).map(lambda units: Fraction(units, parts))
    prices = data.draw(lists((goods,), ticks if parts > 1 else st.integers(0, 9)))
    held = data.draw(lists((agents, goods), st.integers(0, 2)))
    held = np.minimum(held, market.supply).tolist()
    found = certify_whole(market.wishes, market.supply, prices, held)

    def cost(x):
        return sum(p * units for p, units in zip(prices, x, strict=True))

    left = [s - sum(x[j] for x in held) for j, s in enumerate(market.supply)]
    worths = [listed[tuple(x)] for listed, x in zip(market.agents, held, strict=True)]
    best = [max(worth - cost(x) for x, worth in listed.items()) for listed in market.agents]
    here = [worth - cost(x) for worth, x in zip(worths, held, strict=True)]
    assert found.leftover.tolist() == left
    assert found.unallocated == cost([max(units, 0) for units in left])
    assert found.shortage == max(0, -min(left))
    assert found.irrational.tolist() == [max(0, -each) for each in here]
    assert found.regret.tolist() == [most - each for most, each in zip(best, here, strict=True)]
    assert found.gap == cost(market.supply) + sum(best) - sum(worths)
    parts = [found.unallocated, found.shortage, *found.irrational, *found.regret]
    assert found.violation == max(parts)


def test_a_cap_is_looked_through():
    wanted, held = wishes.Additive([[5, 5], [1, 1]]), [[1, 1], [0, 0]]
    assert certify_whole(wanted, [1, 1], [1, 1], held).violation == 0
    capped = certify_whole(wanted, [1, 1], [1, 1], held, wealth=[5, 1], money="cap")
    assert capped.regret.tolist() == [1, 0]


def test_whole_numbers_stay_whole():
    found = certify_whole(wishes.UnitDemand([[2**40]]), [1], [2**40 - 1], [[0]])
    assert found.regret.tolist() == [1] and found.regret.dtype == np.int64
    assert (found.unallocated, found.gap) == (2**40 - 1, 2**40)
    assert {type(found.gap), type(found.violation), type(found.shortage)} == {int}


def test_the_largest_sums_are_exact():
    wanted, units = wishes.Additive([[2**40, 2**40], [0, 0]]), [2**19, 2**19]
    found = certify_whole(wanted, units, [2**40, 2**40 - 1], [[0, 0], units])
    payment = 2**60 - 2**19
    assert found.irrational.tolist() == [0, payment]
    assert found.regret.tolist() == [2**19, payment]
    assert found.gap == 2**60 + 2**19 - 2**19
    halves = [Fraction(2**40), Fraction(2**41 - 1, 2)]
    assert certify_whole(wanted, units, halves, [[0, 0], units]).gap == 2**60


@pytest.mark.parametrize(
    ("prices", "bundles", "said"),
    [
        ([1.5], [[1]], "`prices` is not whole"),
        ([-1], [[1]], "`prices` has -1"),
        ([Fraction(-1, 2)], [[1]], "below 0"),
        ([1, 1], [[1]], "are"),
        ([1], [[1], [0]], "1 agents and 1 goods"),
        ([1], [[1, 0]], "1 agents and 1 goods"),
        ([1], [[-1]], "`bundles` has -1"),
        ([1], [[0.5]], "`bundles` is not whole"),
        ([1], [[2**21]], "`bundles` has 2097152"),
    ],
)
def test_bad_prices_and_bundles_are_refused(prices, bundles, said):
    with pytest.raises(InvalidMarket, match=said):
        certify_whole(wishes.UnitDemand([[3]]), [1], prices, bundles)


def test_more_units_than_can_be_counted_are_refused():
    with pytest.raises(InvalidMarket, match="give somebody 1048577 units"):
        certify_whole(wishes.UnitDemand([[3, 3]]), [1, 1], [1, 1], [[2**20, 1]])
