import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import catallax as cx
from catallax.clearing.indivisible import ByGood, Clock, indivisible, wishes
from catallax.clearing.indivisible._market import whole_market
from oracles import whole_goods as oracle
from whole_markets import markets


@pytest.mark.parametrize(("selection", "k"), [("lowest", 2), ("highest", 1)])
def test_one_unit_of_each_good_is_an_auction_in_each_world(selection, k):
    """The deep market's auctions, one good for each world: ids of winners and prices in ticks."""
    bids = np.random.default_rng(3).integers(1, [[9], [9], [2**40]] * 4, (12, 40))
    outcome = indivisible(wishes.Additive(bids), [1] * 40, selection=selection, method=ByGood())
    with jax.enable_x64(True):
        entered = jnp.asarray(bids)
        cleared = cx.KthPrice(k=k).clear(entered, entered > 0, jnp.zeros(40, jnp.float32))
    assert outcome.prices.tolist() == cleared.price.tolist()
    assert outcome.bundles.argmax(axis=0).tolist() == cleared.winner.tolist()
    assert (outcome.bundles.sum(axis=0) == 1).all()


@given(markets(kinds=("additive",), top=3), st.sampled_from(["lowest", "highest"]))
def test_whole_lots_go_as_the_clock_has_it(market, selection):
    agree(market, selection)


@given(markets(kinds=("diminishing",), top=3), st.sampled_from(["lowest", "highest"]))
def test_units_go_as_the_clock_has_it(market, selection):
    agree(market, selection)


def agree(market, selection):
    one = indivisible(market.wishes, market.supply, selection=selection, method=ByGood())
    other = indivisible(market.wishes, market.supply, selection=selection, method=Clock())
    assert one.prices.tolist() == other.prices.tolist()
    assert oracle.fees(one.bundles.tolist()) == oracle.fees(other.bundles.tolist())
    assert one.bundles.dtype == one.prices.dtype == np.int64


def test_units_of_one_good_by_hand():
    """Bids 9, 7, 4 and 8, 5, 0 for three units: 9, 8, 7 are sold, the next bid is 5."""
    bids = wishes.Diminishing([[[9, 7, 4]], [[8, 5, 0]]])
    low, high = (indivisible(bids, [3], selection=end) for end in ("lowest", "highest"))
    assert low.bundles.tolist() == high.bundles.tolist() == [[2], [1]]
    assert (low.prices.tolist(), high.prices.tolist()) == ([5], [7])


def test_of_many_equal_bids_the_lowest_ids_are_met():
    bids = np.random.default_rng(2).integers(1, 4, (200, 1, 1))
    outcome = indivisible(wishes.Diminishing(bids), [100])
    ranked = sorted(range(200), key=lambda agent: (-bids[agent, 0, 0], agent))
    assert np.flatnonzero(outcome.bundles).tolist() == sorted(ranked[:100])


def test_more_units_than_anybody_wants_are_free():
    outcome = indivisible(wishes.Diminishing([[[3, 0]], [[2, 1]]]), [9])
    assert outcome.prices.tolist() == [0]
    assert outcome.bundles.tolist() == [[1], [2]]
    assert outcome.certificate.leftover.tolist() == [6]


def test_it_serves_only_what_adds_up():
    assert ByGood().serves(whole_market(wishes.Additive([[1]]), [1], None, "none")) is None
    reason = ByGood().serves(whole_market(wishes.UnitDemand([[1]]), [1], None, "none"))
    assert reason == "What a good is worth depends on the others."
