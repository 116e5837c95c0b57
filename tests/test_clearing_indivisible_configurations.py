from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.indivisible import Clock, Configurations, indivisible, wishes
from catallax.clearing.indivisible._configurations import _margins
from catallax.clearing.indivisible._market import whole_market
from catallax.clearing.indivisible._sharing_out import Listed
from oracles import whole_goods as oracle
from whole_markets import KINDS, Twice, families, lists, markets, no_less

BOTH = ("lowest", "highest")


def solved(market, selection="lowest"):
    return indivisible(
        market.wishes,
        market.supply,
        market.wealth,
        money=market.money,
        selection=selection,
        method=Configurations(),
        throw=False,
    )


def check(market, selection):
    """The answer is right: prices where there are any, else a proof; against HiGHS and by hand."""
    outcome = solved(market, selection)
    worth, best = oracle.best_divisions(market.agents, market.supply)
    shares = oracle.shares_worth(market.agents, market.supply)
    held = tuple(tuple(x) for x in outcome.bundles.tolist())
    assert held in best
    if shares > worth + 1e-6:
        assert outcome.result is Result.NO_EQUILIBRIUM
        assert outcome.shares.whole_worth == worth
        assert float(outcome.shares.worth) == pytest.approx(shares)
        # At the prices of the shares, regret and what is left over are all that is missing.
        assert outcome.certificate.gap == outcome.shares.worth - worth
        assert not oracle.is_equilibrium(market.agents, market.supply, outcome.prices, held)
    else:
        assert outcome.result is Result.CERTIFIED and outcome.shares is None
        there = np.array(market.supply) > 0
        prices = np.where(there, outcome.prices, 0)
        assert oracle.is_equilibrium(market.agents, market.supply, prices, held)
        sign = 1 if selection == "lowest" else -1
        cost = oracle.cheapest(market.agents, market.supply, best[0], sign)
        assert float(prices @ np.array(market.supply)) == pytest.approx(cost)
    return outcome.result


@settings(max_examples=80)
@given(markets(), st.sampled_from(BOTH))
def test_any_wishes_are_answered_rightly(market, selection):
    check(market, selection)


@settings(max_examples=80)
@given(markets(capped=True), st.sampled_from(BOTH))
def test_capped_ones_too(market, selection):
    check(market, selection)


def test_markets_of_complements_with_prices_and_without():
    """Tables drawn so that many have no prices; each answer is checked, and both occur."""
    rng, results = np.random.default_rng(5), []
    for _ in range(120):
        sizes = np.array([0, 1, 1, 3, 1, 3, 3, 5])
        tables = [no_less((rng.integers(0, 4, 8) * sizes).tolist()) for _ in range(3)]
        supply = [1, 1, int(rng.integers(1, 3))]
        agents = [oracle.listed(oracle.table(own), supply) for own in tables]
        results.append(check(Twice(wishes.Table(tables), supply, agents), BOTH[len(results) % 2]))
    assert results.count(Result.NO_EQUILIBRIUM) >= 10
    assert results.count(Result.CERTIFIED) >= 10


@settings(max_examples=40)
@given(markets(kinds=("unit", "diminishing", "slots"), most_agents=2), st.sampled_from(BOTH))
def test_of_gross_substitutes_it_finds_the_ends_of_the_lattice(market, selection):
    clock = indivisible(market.wishes, market.supply, selection=selection, method=Clock())
    listing = solved(market, selection)
    assert listing.prices.tolist() == clock.prices.tolist()
    assert oracle.fees(listing.bundles.tolist()) == oracle.fees(clock.bundles.tolist())


def test_a_pair_against_either_one_has_no_prices():
    rivals = wishes.Table([[0, 0, 0, 3], [0, 2, 2, 2]])
    outcome = indivisible(rivals, [1, 1], throw=False)
    assert outcome.result is Result.NO_EQUILIBRIUM
    assert (outcome.shares.worth, outcome.shares.whole_worth) == (Fraction(7, 2), 3)


def test_capped_sums_without_prices():
    values = [[1, 0, 0, 0], [4, 2, 3, 0], [1, 3, 2, 2]]
    outcome = indivisible(wishes.Additive(values), [1] * 4, [1, 4, 3], money="cap", throw=False)
    assert outcome.result is Result.NO_EQUILIBRIUM
    assert (outcome.shares.worth, outcome.shares.whole_worth) == (Fraction(15, 2), 7)
    assert outcome.method == "Configurations"


def triangles():
    """One agent wants any two of a triple, of two triples; another wants all six."""
    sets = np.arange(64)
    pairs = [0b11, 0b101, 0b110, 0b11000, 0b101000, 0b110000]
    any_pair = np.max([(sets & pair) == pair for pair in pairs], axis=0)
    return wishes.Table([any_pair.astype(int), 3 * (sets == 63)])


@pytest.mark.parametrize("selection", BOTH)
def test_prices_may_have_to_be_fractions(selection):
    """Every pair costs 1 at least and all six 3 at most: each half a tick, and nothing else."""
    outcome = indivisible(triangles(), [1] * 6, selection=selection)
    assert outcome.result is Result.CERTIFIED
    assert outcome.prices.tolist() == [Fraction(1, 2)] * 6
    assert outcome.certificate.regret.tolist() == [0, 0]
    assert outcome.certificate.gap == 0


@settings(max_examples=30)
@given(st.sampled_from(KINDS), st.data())
def test_units_of_money_do_not_matter(kind, data):
    """In ticks a billion times smaller the answer is the same: nothing was rounded."""
    wanted, _ = data.draw(families(kind, 2, 3, 5))
    supply = data.draw(lists((3,), st.integers(0, 2)))
    unit = 2**33 + 1
    for selection in BOTH:
        one, other = (
            indivisible(
                type(wanted)(wanted.values * scale),
                supply,
                selection=selection,
                method=Configurations(),
                throw=False,
            )
            for scale in (1, unit)
        )
        assert [unit * price for price in one.prices.tolist()] == other.prices.tolist()
        assert (one.bundles == other.bundles).all()
        assert one.result is other.result


def test_margins_do_not_end_at_64_bits():
    listing = Listed(np.array([[0], [1]]), np.array([[0, 2**39]]))
    margins = _margins(listing, np.array([2**70], object), np.array([0]), 2**30 + 1)
    assert margins.tolist() == [[0, 2**69 + 2**39 - 2**70]]


def test_it_serves_what_can_be_listed():
    def reason(goods):
        market = whole_market(wishes.Additive([[1] * goods]), [1] * goods, None, "none")
        return Configurations().serves(market)

    assert reason(3) is None
    assert "bundles" in reason(20)
