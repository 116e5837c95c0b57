from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.indivisible import Clock, indivisible, wishes
from catallax.clearing.indivisible._market import whole_market
from oracles import whole_goods as oracle
from whole_markets import families, lists, markets

SUBSTITUTES = ("unit", "additive", "diminishing", "slots")
TOP = 5


def ends(wanted, supply):
    low, high = (
        indivisible(wanted, supply, selection=end, method=Clock()) for end in ("lowest", "highest")
    )
    return low.prices, high.prices


SEVERAL_UNITS = markets(kinds=SUBSTITUTES, top=TOP, most_agents=2, units=(1, 2))
FOUR_BY_FOUR = markets(kinds=SUBSTITUTES, top=TOP, most_agents=3, most_goods=4, units=(1, 1))


@settings(max_examples=80)
@given(st.one_of(SEVERAL_UNITS, FOUR_BY_FOUR))
def test_both_ends_of_the_lattice_of_all_prices(market):
    """Against every whole price vector; and these are a lattice, of prices for every division."""
    _, best = oracle.best_divisions(market.agents, market.supply)
    # One more agent may come with the second family, and one tick above the dearest worth.
    prices = oracle.whole_prices(market.agents, market.supply, best[0], TOP + 1)
    low, high = ends(market.wishes, market.supply)
    assert low.tolist() == prices.min(axis=0).tolist()
    assert high.tolist() == prices.max(axis=0).tolist()
    known = {tuple(p) for p in prices.tolist()}
    for one in prices[:20]:
        assert {tuple(p) for p in np.minimum(one, prices).tolist()} <= known
        assert {tuple(p) for p in np.maximum(one, prices).tolist()} <= known
    for division in best[1:4]:
        again = oracle.whole_prices(market.agents, market.supply, division, TOP + 1)
        assert again.tolist() == prices.tolist()


@settings(max_examples=40)
@given(markets(kinds=SUBSTITUTES, most_agents=2))
def test_ids_decide_between_equals(market):
    _, best = oracle.best_divisions(market.agents, market.supply)
    for selection in ("lowest", "highest"):
        outcome = indivisible(market.wishes, market.supply, selection=selection, method=Clock())
        given_out = tuple(tuple(x) for x in outcome.bundles.tolist())
        assert given_out in best
        assert oracle.fees(given_out) == min(map(oracle.fees, best))


@settings(max_examples=30)
@given(st.data())
def test_another_buyer_or_unit_moves_prices_one_way(data):
    """Gross substitutes: more agents never lower an end, more units never raise one."""
    agents, goods = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    kind = data.draw(st.sampled_from(("unit", "slots", "diminishing")))
    everyone, _ = data.draw(families(kind, agents + 1, goods, 9))
    fewer = type(everyone)(everyone.values[:-1])
    supply = np.array(data.draw(lists((goods,), st.integers(1, 2))))
    more = supply.copy()
    more[data.draw(st.integers(0, goods - 1))] += 1
    before = ends(fewer, supply)
    for now, then in zip(ends(everyone, supply), before, strict=True):
        assert (now >= then).all()
    for now, then in zip(ends(fewer, more), before, strict=True):
        assert (now <= then).all()


@settings(max_examples=30)
@given(st.data())
def test_names_do_not_matter(data):
    values = np.array(data.draw(lists((3, 2, 3), st.integers(0, 9))))
    people, goods = data.draw(st.permutations(range(3))), data.draw(st.permutations(range(3)))
    supply = np.array([1, 2, 1])
    renamed = wishes.Slots(values[people][:, :, goods])
    for one, other in zip(
        ends(wishes.Slots(values), supply), ends(renamed, supply[goods]), strict=True
    ):
        assert one[goods].tolist() == other.tolist()


def test_steps_do_not_grow_with_the_prices():
    values = np.random.default_rng(0).integers(0, 1000, (8, 2, 6))
    for selection in ("lowest", "highest"):
        small, large = (
            indivisible(wishes.Slots(values * unit), [1] * 6, selection=selection, method=Clock())
            for unit in (1, 2**28)
        )
        assert large.prices.tolist() == (small.prices * 2**28).tolist()
        assert large.steps == small.steps


def test_it_serves_gross_substitutes_with_room_for_fees():
    def reason(wanted, supply):
        return Clock().serves(whole_market(wanted, supply, None, "none"))

    assert reason(wishes.Slots([[[3]]]), [1]) is None
    assert reason(wishes.Table([[0, 2, 2, 3]]), [1, 1]) is None
    assert "not known" in reason(wishes.Table([[0, 0, 0, 3]]), [1, 1])
    assert "too large" in reason(wishes.Slots([[[2**40]]]), [2**20])


@dataclass(frozen=True, eq=False)
class Boastful(wishes.Table):
    """Says that its goods are substitutes, whatever they are."""

    substitutes: bool = True


@pytest.mark.parametrize("selection", ["lowest", "highest"])
def test_false_substitutes_end_and_are_never_certified_wrongly(selection):
    rng = np.random.default_rng(7)
    for _ in range(60):
        tables = [
            np.maximum.accumulate(np.sort(np.append(0, rng.integers(0, 9, 7)))) for _ in range(3)
        ]
        outcome = indivisible(
            Boastful(tables), [1, 1, 1], selection=selection, method=Clock(), throw=False
        )
        market = [oracle.listed(oracle.table(own.tolist()), [1, 1, 1]) for own in tables]
        held = tuple(tuple(x) for x in outcome.bundles.tolist())
        holds = oracle.is_equilibrium(market, [1, 1, 1], outcome.prices.tolist(), held)
        assert holds is (outcome.result is Result.CERTIFIED)
        assert outcome.result in (Result.CERTIFIED, Result.UNKNOWN)


def test_a_clock_that_would_run_for_ever_is_stopped():
    tables = [
        [0, 4, 2, 4, 1, 4, 2, 4, 2, 4, 3, 4, 4, 4, 4, 4],
        [0, 3, 0, 3, 0, 4, 4, 4, 1, 3, 3, 3, 1, 4, 4, 4],
    ]
    outcome = indivisible(
        Boastful(tables), [1, 1, 2, 1], selection="highest", method=Clock(), throw=False
    )
    assert outcome.result is Result.UNKNOWN
    assert outcome.certificate.violation > 0
