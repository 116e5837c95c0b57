import numpy as np
from hypothesis import given, settings

from catallax.clearing.indivisible import wishes
from catallax.clearing.indivisible._market import WholeMarket
from catallax.clearing.indivisible._sharing_out import best_division, listed, too_many
from oracles import whole_goods as oracle
from whole_markets import markets


@settings(max_examples=80)
@given(markets())
def test_the_best_division_of_all_and_of_equals_the_lowest_ids(market):
    whole = WholeMarket(market.wishes, np.array(market.supply))
    listing = listed(whole)
    assert [tuple(x) for x in listing.bundles.tolist()] == oracle.bundles(market.supply)
    found = listing.bundles[best_division(whole, listing)]
    _, best = oracle.best_divisions(market.agents, market.supply)
    division = tuple(tuple(x) for x in found.tolist())
    assert division in best
    assert oracle.fees(division) == min(map(oracle.fees, best))


def test_worths_near_the_end_of_64_bits_are_compared_exactly():
    """Fees make the numbers too wide for 64 bits; one tick still decides."""
    top = 2**40
    values = np.full((9, 1), top - 1)
    values[6] = top
    whole = WholeMarket(wishes.Additive(values), np.array([1023]))
    listing = listed(whole)
    assert listing.bundles[best_division(whole, listing)].ravel().tolist() == [0] * 6 + [1023, 0, 0]


def test_what_cannot_be_listed_is_said_first():
    def reason(supply):
        return too_many(WholeMarket(wishes.Additive([[1] * len(supply)]), np.array(supply)))

    assert reason([1] * 12) is None
    assert "8192 bundles" in reason([1] * 13)
    assert "4000 bundles" in reason([3999])
