import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import InvalidMarket
from catallax._types import TICKS_MAX
from catallax.clearing.indivisible import wishes
from whole_markets import KINDS, families, markets

# --- the families say what they mean


@given(markets(most_agents=2))
def test_a_bundle_is_worth_what_the_definition_says(market):
    for agent, listed in enumerate(market.agents):
        found = market.wishes.worths(agent, np.array(list(listed)))
        assert found.tolist() == list(listed.values())
        assert found.dtype == np.int64


@given(markets(most_agents=2), st.data())
def test_the_best_bundle_is_the_best_of_all(market, data):
    goods, parts = len(market.supply), data.draw(st.sampled_from([1, 3]))
    prices = np.array(data.draw(st.lists(st.integers(0, 9), min_size=goods, max_size=goods)))
    found = market.wishes.best(prices, np.array(market.supply), parts)
    for brings, listed in zip(found, market.agents, strict=True):
        assert brings == max(parts * worth - prices @ x for x, worth in listed.items())


@given(markets(most_agents=2, capped=True), st.data())
def test_under_a_cap_too(market, data):
    goods = len(market.supply)
    prices = np.array(data.draw(st.lists(st.integers(0, 9), min_size=goods, max_size=goods)))
    capped = wishes.Capped(market.wishes, np.array(market.wealth))
    found = capped.best(prices, np.array(market.supply))
    for agent, listed in enumerate(market.agents):
        assert capped.worths(agent, np.array(list(listed))).tolist() == list(listed.values())
        assert found[agent] == max(worth - prices @ x for x, worth in listed.items())


@given(st.sampled_from(KINDS), st.data())
def test_a_family_counts_its_agents_and_goods(kind, data):
    wanted, worths = data.draw(families(kind, 2, 3, 5))
    assert (wanted.agents, wanted.goods) == (2, 3)
    assert isinstance(wanted, wishes.Wishes)
    own = [worth((1, 0, 1)) for worth in worths]
    assert wishes.worth(wanted, [[1, 0, 1]] * 2).tolist() == own
    both = wishes.Mixed((wanted, wanted))
    assert (both.agents, both.goods, both.substitutes) == (4, 3, wanted.substitutes)
    assert wishes.worth(both, [[1, 0, 1]] * 4).tolist() == own * 2


def test_a_mixture_has_no_further_agent():
    mixed = wishes.Mixed((wishes.UnitDemand([[1]]), wishes.Additive([[1], [2]])))
    with pytest.raises(IndexError, match="no agent 3"):
        mixed.worths(3, np.array([[1]]))


def test_the_largest_numbers_are_exact():
    top = TICKS_MAX - 1
    slots = wishes.Slots(np.full((1, 12, 1), top))
    assert slots.worths(0, np.array([[11], [99]])).tolist() == [11 * top, 12 * top]
    assert slots.best(np.array([1]), np.array([99])).tolist() == [12 * (top - 1)]
    assert wishes.Additive([[top]]).worths(0, np.array([[2**20]])).tolist() == [2**20 * top]


# --- gross substitutes


def demands(worths, holds, prices):
    brings = worths - holds @ prices
    return holds[brings == brings.max()]


def keeps_substitutes(worths, goods, steps):
    """The definition: when one price rises, some best bundle keeps what it had of the others."""
    holds = np.array([[b >> j & 1 for j in range(goods)] for b in range(1 << goods)])
    grid = list(itertools.product(range(steps + 1), repeat=goods))
    wanted = {p: demands(2 * worths, holds, np.array(p)) for p in grid}
    for prices in grid:
        for good in range(goods):
            others = np.arange(goods) != good
            for dearer in range(prices[good] + 1, steps + 1):
                after = wanted[(*prices[:good], dearer, *prices[good + 1 :])][:, others]
                for bundle in wanted[prices][:, others]:
                    if not (after >= bundle).all(axis=1).any():
                        return False
    return True


@settings(max_examples=40)
@given(families("table", 1, 3, 3))
def test_tables_are_told_apart_as_the_definition_does(family):
    """Prices in half ticks, one step above the largest worth."""
    table, _ = family
    assert wishes.is_gross_substitutes(table).tolist() == [keeps_substitutes(table.values[0], 3, 7)]


@given(families("slots", 2, 4, 9))
def test_slots_are_gross_substitutes(family):
    slots, _ = family
    sets = np.array([[b >> j & 1 for j in range(4)] for b in range(16)])
    table = wishes.Table([slots.worths(agent, sets) for agent in range(2)])
    assert wishes.is_gross_substitutes(table).all() and table.substitutes


@pytest.mark.parametrize(
    ("values", "substitutes"),
    [
        ([0, 2, 2, 4], True),
        ([0, 2, 2, 3], True),
        ([0, 0, 0, 9], False),
        # diminishing, and yet not: a dearer good 0 makes both others wanted less
        ([0, 4, 2, 4, 2, 4, 4, 4], False),
        ([0, 1, 1, 1, 1, 1, 1, 1], True),
    ],
)
def test_known_tables(values, substitutes):
    assert wishes.is_gross_substitutes(wishes.Table([values])).tolist() == [substitutes]
    assert wishes.Table([values, [0] * len(values)]).substitutes is substitutes


# --- what is refused


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: wishes.UnitDemand([[1.5]]), "`values` is not whole numbers.*float64"),
        (lambda: wishes.UnitDemand([[float("nan")]]), "NaN"),
        (lambda: wishes.UnitDemand([[True]]), "bool"),
        (lambda: wishes.UnitDemand([[2**70]]), "object"),
        (lambda: wishes.UnitDemand([[-1]]), "-1, below 0"),
        (lambda: wishes.UnitDemand([[TICKS_MAX + 1]]), "above"),
        (lambda: wishes.UnitDemand([1, 2]), r"shape \(2,\).*agents, goods"),
        (lambda: wishes.UnitDemand(np.zeros((0, 2), int)), "none of them empty"),
        (lambda: wishes.UnitDemand([[1, 2], [3]]), "ragged"),
        (lambda: wishes.Additive([[-2]]), "below 0"),
        (lambda: wishes.Diminishing([[[2, 1]], [[1, 2]]]), "agent 1.*further unit"),
        (lambda: wishes.Slots([[[-1]]]), "below 0"),
        (lambda: wishes.Slots(np.ones((1, 13, 1), int)), "13 slots"),
        (lambda: wishes.Table([[0, 1, 1]]), "3 sets"),
        (lambda: wishes.Table([[0]]), "1 sets"),
        (lambda: wishes.Table([[1, 1]]), "empty set"),
        (lambda: wishes.Table([[0, 3, 1, 2]]), "less with good 1"),
        (lambda: wishes.Mixed(()), "speak of"),
        (lambda: wishes.Mixed((wishes.Additive([[1]]), wishes.Additive([[1, 1]]))), r"\[1, 2\]"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(make, said):
    with pytest.raises(InvalidMarket, match=said):
        make()


def test_values_are_kept_as_they_were():
    given_values = np.array([[3, 2]], np.uint8)
    wanted = wishes.UnitDemand(given_values)
    given_values[0, 0] = 9
    assert wanted.values.tolist() == [[3, 2]] and wanted.values.dtype == np.int64


def test_too_many_bundles_under_a_cap_are_refused():
    capped = wishes.Capped(wishes.Additive([[1] * 3]), np.array([2]))
    with pytest.raises(InvalidMarket, match="too many bundles"):
        capped.best(np.zeros(3, np.int64), np.array([99, 99, 99]))
