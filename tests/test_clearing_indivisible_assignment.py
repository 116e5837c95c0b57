import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.indivisible import Assignment, Clock, indivisible, wishes
from catallax.clearing.indivisible import _assignment as module
from catallax.clearing.indivisible._market import whole_market
from oracles import whole_goods as oracle
from whole_markets import lists, markets

VALUES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([2, 9])).flatmap(
    lambda shape: lists(shape[:2], st.integers(0, shape[2]))
)


def sold(values, supply=None, selection="lowest"):
    supply = [1] * np.shape(values)[1] if supply is None else supply
    return indivisible(wishes.UnitDemand(values), supply, selection=selection, method=Assignment())


def best_worth(values):
    """The most that any assignment of goods to agents is worth, by trying all."""
    agents, goods = values.shape
    padded = np.hstack([values, np.zeros((agents, agents), int)])
    columns = itertools.permutations(range(goods + agents), agents)
    return max(padded[np.arange(agents), list(chosen)].sum() for chosen in columns)


@settings(max_examples=30)
@given(lists((3, 3), st.integers(0, 9)))
def test_the_lowest_prices_are_the_payments_of_vickrey_clarke_and_groves(values):
    """Leonard (1983): everybody pays what others lose by its presence."""
    values = np.array(values)
    outcome = sold(values)
    payments = outcome.bundles @ outcome.prices
    everyone = best_worth(values)
    for agent in range(3):
        others_alone = best_worth(np.delete(values, agent, axis=0))
        others_now = everyone - (outcome.bundles * values)[agent].sum()
        assert payments[agent] == others_alone - others_now


@given(VALUES)
def test_one_good_costs_the_second_bid_or_the_first(values):
    bids = np.array(values)[:, :1]
    ranked = sorted([0, *bids.ravel().tolist()])
    low, high = sold(bids), sold(bids, selection="highest")
    assert (low.prices[0], high.prices[0]) == (ranked[-2], ranked[-1])
    winners = np.flatnonzero(low.bundles[:, 0])
    assert winners.tolist() == ([int(bids.argmax())] if ranked[-1] else [])
    assert (low.bundles == high.bundles).all()


@given(markets(kinds=("unit",), top=4))
def test_ids_decide_between_equals(market):
    for selection in ("lowest", "highest"):
        outcome = sold(market.wishes.values, market.supply, selection)
        _, best = oracle.best_divisions(market.agents, market.supply)
        given_out = tuple(tuple(x) for x in outcome.bundles.tolist())
        assert given_out in best
        assert oracle.fees(given_out) == min(map(oracle.fees, best))


@settings(max_examples=40)
@given(st.tuples(st.integers(1, 8), st.integers(1, 8)), st.data())
def test_the_assignment_and_the_clock_agree(shape, data):
    values = data.draw(lists(shape, st.integers(0, data.draw(st.sampled_from([2, 50])))))
    supply = data.draw(lists(shape[1:], st.integers(0, 3)))
    for selection in ("lowest", "highest"):
        one = sold(values, supply, selection)
        other = indivisible(wishes.UnitDemand(values), supply, selection=selection, method=Clock())
        assert one.prices.tolist() == other.prices.tolist()
        assert oracle.fees(one.bundles.tolist()) == oracle.fees(other.bundles.tolist())


@pytest.mark.parametrize(
    ("values", "supply", "served"),
    [
        # agent 4 makes room for agent 2, over a chain of two others
        ([[3, 3, 0], [2, 1, 2], [1, 2, 0], [1, 2, 0], [3, 0, 2]], [1, 1, 2], [0, 1, 2, 4]),
        ([[1, 0, 2], [2, 2, 2], [1, 0, 0], [0, 1, 2], [1, 1, 2]], [1, 2, 1], [0, 1, 2, 3]),
        # agent 1 alone is worth as much as both
        ([[1, 0], [2, 1]], [1, 1], [1]),
    ],
)
def test_who_is_served_of_equals(values, supply, served):
    market = [oracle.listed(oracle.unit_demand(own), supply) for own in values]
    _, best = oracle.best_divisions(market, supply)
    least = min(map(oracle.fees, best))
    assert least == sum(agent + 1 for agent in served)
    for selection in ("lowest", "highest"):
        bundles = sold(values, supply, selection).bundles
        assert np.flatnonzero(bundles.sum(axis=1)).tolist() == served


def test_it_serves_only_unit_demand():
    assert Assignment().serves(whole_market(wishes.UnitDemand([[1]]), [1], None, "none")) is None
    reason = Assignment().serves(whole_market(wishes.Additive([[1]]), [1], None, "none"))
    assert reason == "The agents want several goods."


def test_what_could_be_bettered_is_never_certified(monkeypatch):
    """If the doubles of the assignment ever went wrong, the answer would say so."""
    monkeypatch.setattr(module, "_assigned", lambda values, units: np.array([0, 1]))
    wanted = wishes.UnitDemand([[1, 9], [9, 1]])
    outcome = indivisible(wanted, [1, 1], throw=False)
    assert outcome.result is Result.UNKNOWN
    assert outcome.certificate.violation > 0


@pytest.mark.parametrize("selection", ["lowest", "highest"])
@pytest.mark.parametrize("top", [3, 2**40])
def test_large_assignments_are_certified_to_the_tick(selection, top):
    values = np.random.default_rng(1).integers(0, top, (130, 120), endpoint=True)
    outcome = sold(values, selection=selection)
    assert outcome.result is Result.CERTIFIED
    assert outcome.certificate.violation == 0 == outcome.certificate.gap
    assert outcome.prices.dtype == np.int64
