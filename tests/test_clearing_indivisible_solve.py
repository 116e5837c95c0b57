import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import InvalidMarket, InvalidSetting, NoEquilibrium
from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.indivisible import (
    Clock,
    Shares,
    WholeFound,
    certify_whole,
    indivisible,
    wishes,
)
from oracles import whole_goods as oracle
from whole_markets import lists, markets

BOTH = ("lowest", "highest")


FOUR_BY_FOUR = markets(most_agents=3, most_goods=4, units=(0, 1), top=4)


@settings(max_examples=120)
@given(st.one_of(markets(), FOUR_BY_FOUR), st.sampled_from(BOTH))
def test_certified_where_there_are_prices_and_only_there(market, selection):
    right(market, selection)


@settings(max_examples=120)
@given(markets(capped=True), st.sampled_from(BOTH))
def test_under_a_cap_too(market, selection):
    right(market, selection)


def right(market, selection):
    outcome = indivisible(
        market.wishes, market.supply, market.wealth, money=market.money, selection=selection,
        throw=False,
    )  # fmt: off
    worth, _ = oracle.best_divisions(market.agents, market.supply)
    shares = oracle.shares_worth(market.agents, market.supply)
    held = tuple(tuple(x) for x in outcome.bundles.tolist())
    known = Result.NO_EQUILIBRIUM if shares > worth + 1e-6 else Result.CERTIFIED
    assert outcome.result is known
    assert oracle.is_equilibrium(market.agents, market.supply, outcome.prices, held) is (
        known is Result.CERTIFIED
    )
    again = certify_whole(
        market.wishes, market.supply, outcome.prices, held, market.wealth, money=market.money
    )
    assert again.violation == outcome.certificate.violation
    caps = [own[x] for own, x in zip(market.agents, held, strict=True)] == market.wealth
    assert outcome.all_caps_met is caps


def test_the_method_is_chosen_by_what_is_known():
    def name(wanted, supply=(1, 1), **settings):
        return indivisible(wanted, supply, throw=False, **settings).method

    cap = {"wealth": [3], "money": "cap"}
    assert name(wishes.UnitDemand([[3, 2]])) == name(wishes.UnitDemand([[3, 2]]), **cap)
    assert name(wishes.UnitDemand([[3, 2]])) == "Assignment"
    assert name(wishes.Additive([[3, 2]])) == name(wishes.Diminishing([[[3], [2]]])) == "ByGood"
    assert name(wishes.Slots([[[3, 2]]])) == name(wishes.Table([[0, 2, 2, 3]])) == "Clock"
    assert name(wishes.Additive([[3, 2]]), **cap) == "Configurations"
    assert name(wishes.Table([[0, 0, 0, 3]])) == "Configurations"


@settings(max_examples=60)
@given(lists((3, 2), st.integers(0, 6)), lists((3,), st.integers(0, 6)), st.sampled_from(BOTH))
def test_capped_unit_demand_is_unit_demand(values, wealth, selection):
    capped = np.minimum(values, np.array(wealth)[:, None])
    one = indivisible(wishes.UnitDemand(values), [1, 1], wealth, money="cap", selection=selection)
    other = indivisible(wishes.UnitDemand(capped), [1, 1], selection=selection)
    assert one.prices.tolist() == other.prices.tolist()
    assert one.bundles.tolist() == other.bundles.tolist()


def test_a_good_of_which_there_is_nothing_has_the_price_of_the_highest_bid():
    """Agent 0 holds good 0 at 3 and would pay 4 for good 1 beside it, agent 1 would pay 6 - 0."""
    wanted = wishes.Mixed((wishes.Additive([[5, 4]]), wishes.UnitDemand([[3, 6]])))
    outcome = indivisible(wanted, [1, 0])
    assert outcome.prices.tolist() == [3, 6]
    assert outcome.no_supply.tolist() == [False, True]
    assert outcome.bundles[:, 1].tolist() == [0, 0]
    capped = indivisible(wanted, [1, 0], [6, 2], money="cap")
    assert capped.prices.tolist() == [2, 2]


def test_an_absent_good_may_cost_a_fraction_too():
    sets = np.arange(128)
    pairs = [0b11, 0b101, 0b110, 0b11000, 0b101000, 0b110000]
    any_pair = np.max([(sets & pair) == pair for pair in pairs], axis=0).astype(int)
    all_six = 3 * (sets & 63 == 63)
    with_first = 1 * (sets & 0b1000001 == 0b1000001)
    outcome = indivisible(wishes.Table([any_pair, all_six, with_first]), [1] * 6 + [0])
    assert outcome.prices.tolist() == [Fraction(1, 2)] * 7
    assert outcome.certificate.violation == 0


@pytest.mark.parametrize("selection", BOTH)
def test_a_market_without_prices_raises_with_its_proof_in_words(selection):
    rivals = wishes.Table([[0, 0, 0, 3], [0, 2, 2, 2]])
    with pytest.raises(NoEquilibrium, match="worth 3 ticks in all and shares of them 7/2"):
        indivisible(rivals, [1, 1], selection=selection)


def test_where_no_method_serves_nothing_is_claimed():
    sets = np.arange(2**13)
    pair = wishes.Table([5 * (sets & 3 == 3)])
    unknown = indivisible(pair, [1] * 13, throw=False)
    assert (unknown.result, unknown.method) == (Result.UNKNOWN, "")
    assert unknown.certificate.regret.tolist() == [5]
    hidden = indivisible(wishes.Additive([[1] * 20]), [1] * 20, [5], money="cap", throw=False)
    assert (hidden.result, hidden.certificate) == (Result.UNKNOWN, None)
    with pytest.raises(NoEquilibrium, match=r"none was shown to be missing.*No method serves"):
        indivisible(pair, [1] * 13)


def test_a_proof_that_proves_nothing_is_not_believed():
    class Liar:
        def serves(self, market):
            return None

        def find(self, market, selection):
            none = np.zeros((1, 1), np.int64)
            shares = Shares([0], np.array([[1]]), [Fraction(2)], Fraction(6), 3)
            return WholeFound(np.array([0]), none, 1, shares)

    outcome = indivisible(wishes.UnitDemand([[3]]), [1], method=Liar(), throw=False)
    assert outcome.result is Result.UNKNOWN


def test_bad_input_is_refused_by_name():
    with pytest.raises(InvalidSetting, match="`selection` is 'middle'"):
        indivisible(wishes.UnitDemand([[3]]), [1], selection="middle")
    with pytest.raises(InvalidMarket, match="`supply`"):
        indivisible(wishes.UnitDemand([[3]]), [0.5])
    with pytest.raises(InvalidMarket, match="`Clock` does not serve it"):
        indivisible(wishes.Table([[0, 0, 0, 3]]), [1, 1], method=Clock())


def test_optimisers_are_loaded_when_they_are_used():
    script = (
        "import sys, catallax.clearing.indivisible as whole;"
        "sold = whole.indivisible(whole.wishes.Additive([[3], [2]]), [1]);"
        "sys.exit(int('scipy.optimize' in sys.modules or sold.prices[0] != 2))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
