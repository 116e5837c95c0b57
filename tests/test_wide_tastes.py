import dataclasses
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax import planner, tastes
from catallax._errors import InvalidSetting, NotConcave
from catallax._types import TICKS_PER_CREDIT, exact
from catallax.gym._levers import tables_of
from catallax.industries import Household, Industry, Inflow, Producer, Want
from catallax.techniques import LinearActivity
from catallax.wide import Rewards, Stipends, WideEconomy, WideMarket
from catallax.wide._tastes import (
    View,
    believed,
    first_memories,
    is_homogeneous,
    memories_after,
    remembered,
    tastes_of,
    worths_of,
)

GOODS = ("flour", "bread", "beer")
OVEN = LinearActivity({"flour": 1.0}, {"bread": 2.0}, capacity=6.0)
VAT = LinearActivity({"flour": 2.0}, {"beer": 1.0}, capacity=6.0)
INCOME = Stipends({"ann": 6.0, "bob": 4.0}, treasury=500.0, endowment=10.0)
COMPLEMENTS = tastes.CES({"bread": 1.0, "beer": 2.0}, 0.5, scale=9.0)
HALVES = tastes.CobbDouglas({"bread": 0.5, "beer": 0.5}, scale=9.0)
KNOWN = (Want("bread", 2.0), Want("beer", 3.0))


def town(ann, bob=(Want("beer", 1.0),), discount=1.0):
    """Flour becomes bread or beer, for two households."""
    two = [Household(*given) for given in (("ann", *_pair(ann)), ("bob", *_pair(bob)))]
    makers = Producer("baker", OVEN), Producer("brewer", VAT)
    return Industry(GOODS, (Inflow("flour", 5.0, "mill"),), makers, tuple(two), discount)


def _pair(given):
    return given if isinstance(given, list) else [given]


def per_unit(parameters, sight, bundle):
    return jnp.sum(parameters * bundle)


def by_season(sight, bundle):
    return jnp.where(sight.step % 4 == 0, 3.0, 1.0) * jnp.log1p(bundle[0])


def gains_by_mixing(sight, bundle):
    return bundle[0] ** 2


LEARNS = tastes.LearnedTaste(("bread", "beer"), per_unit, (10.0, 10.0))


def paid_for(economy, steps):
    """Runs, and returns what each household spends in a step, in credits."""
    before = {one.name: one.spent_ticks for one in economy.inspect()}
    economy.run(steps)
    after = {one.name: one.spent_ticks for one in economy.inspect()}
    return {name: (after[name] - before[name]) / TICKS_PER_CREDIT / steps for name in INCOME.of}


def loaded_copy(economy, path):
    """An economy of its own, as a copy of the run directory of another has it."""
    economy.save(path / "one")
    shutil.copytree(path / "one", path / "other")
    return cx.load(path / "other")


# --- tastes as values


def test_households_of_one_family_are_one_table():
    other = tastes.CES({"bread": 3.0}, 0.4)
    each = [HALVES, COMPLEMENTS, LEARNS, other, tastes.CES({"beer": 1.0}, 3.0), HALVES]
    households = [Household(f"{n}", one) for n, one in enumerate(each)]
    found = tastes_of([*households, Household("listed", KNOWN)], GOODS)
    assert found.groups == ((0, 5), (1, 3), (2,), (4,))
    assert found.rows == [0, 5, 1, 3, 2, 4]
    assert [row for row, _ in found.valued] == [0, 1, 2, 3, 4, 5]
    memories = jax.tree.map(np.asarray, first_memories(found.bids))
    families = believed(found, memories, View(np.zeros(()), np.zeros(3), np.zeros(3)))
    assert [one.agents for one in families] == [2, 2, 1, 1]
    assert families[1].weights.tolist() == [[0.0, 1.0, 2.0], [0.0, 3.0, 0.0]]
    assert hash(found) == hash(tastes_of([*households, Household("listed", KNOWN)], GOODS))


def test_nature_pays_by_wants_and_beliefs_learn_from_it():
    found = tastes_of([Household("a", KNOWN, LEARNS), Household("b", HALVES)], GOODS)
    view = View(jnp.zeros(()), jnp.zeros(3), jnp.zeros(3))
    with exact():
        bundles = jnp.asarray([[0.0, 4.0, 0.0], [1.0, 4.0, 9.0]])
        worths = worths_of(found, view, bundles)
        np.testing.assert_allclose(worths, [0.0, 54.0])
        (belief, nothing) = remembered(
            found, first_memories(found.bids), view, bundles, worths.at[0].set(8.0)
        )
    assert nothing == ()
    np.testing.assert_allclose(belief.parameters, [2.0, 10.0], atol=1e-5)


def test_who_keeps_a_taste_keeps_what_it_learnt():
    before = tastes_of([Household("a", KNOWN, LEARNS), Household("b", KNOWN, LEARNS)], GOODS)
    other = dataclasses.replace(LEARNS, parameters=(3.0, 3.0))
    after = tastes_of([Household("a", KNOWN, other), Household("b", KNOWN, LEARNS)], GOODS)
    old = tuple(one._replace(parameters=7.0) for one in first_memories(before.bids))
    new = memories_after(before, old, after)
    assert new[0].parameters.tolist() == [3.0, 3.0]
    assert new[1].parameters == 7.0


def test_what_is_homogeneous():
    assert is_homogeneous(COMPLEMENTS, GOODS)
    assert not is_homogeneous(LEARNS, GOODS)


# --- in a market


@pytest.fixture(scope="module")
def spenders():
    """Complements and constant shares, of who has no other use for money, at rest."""
    economy = WideEconomy(WideMarket(town(COMPLEMENTS, HALVES), INCOME, ("cap", "fisher")))
    economy.run(60)
    return economy


def test_households_spend_what_they_have_by_their_tastes(spenders):
    spent = paid_for(spenders, 1)
    assert spent == {name: pytest.approx(stipend, rel=1e-4) for name, stipend in INCOME.of.items()}
    last = spenders.history.last(1)
    bread, beer = last.prices[0, 1:]
    # v = 9 √(x y), of which half of the money goes to each.
    assert last.worths[0, 1] == pytest.approx(9 * 2.0 / np.sqrt(bread * beer), rel=1e-4)
    # σ = ½: v = 9 w / (√p + √(2 q))² for a weight of 1 and one of 2, at prices p and q.
    assert last.worths[0, 0] == pytest.approx(
        9 * 6.0 / (bread**0.5 + (2 * beer) ** 0.5) ** 2, rel=1e-4
    )
    assert float(spenders.history.violation.max()) < 1e-5
    assert spenders.audit().balanced


def test_such_a_run_is_kept(spenders, tmp_path):
    again = loaded_copy(spenders, tmp_path)
    assert again.market == spenders.market
    assert again.run(3).prices.tolist() == spenders.run(3).prices.tolist()
    assert again.digest == spenders.digest


@pytest.fixture(scope="module")
def learner():
    """One who does not know its wants, beside one whose wants have a season."""
    season = tastes.FunctionTaste(("bread",), by_season)
    economy = WideEconomy(WideMarket(town([KNOWN, LEARNS], season), Rewards(1e3), "none"))
    economy.run(100)
    return economy


def test_a_household_learns_what_it_wants_from_what_nature_pays(learner):
    belief, nothing = learner.state.memories
    assert nothing == ()
    assert belief.parameters[0] == pytest.approx(2.0, abs=1e-3)
    # Bread is worth 4 for a unit of flour, beer 1.5; bob takes a little of it.
    assert learner.history.last(10).worths[:, 0].mean() == pytest.approx(20.0, rel=0.05)
    assert learner.audit().balanced


def test_a_taste_may_see_the_season(learner):
    worths = learner.history.last(8).worths[:, 1]
    # In season the first breads are worth 3 to bob, more than the 2 of ann; else 1.
    assert np.count_nonzero(worths > 1.0) == 2
    assert np.median(worths) < 0.1


def test_what_was_learnt_is_kept(learner, tmp_path):
    again = loaded_copy(learner, tmp_path)
    one, other = (economy.state.memories[0] for economy in (again, learner))
    assert jax.tree.map(np.ndarray.tolist, jax.tree.map(np.asarray, one)) == jax.tree.map(
        np.ndarray.tolist, jax.tree.map(np.asarray, other)
    )
    assert again.run(2).prices.tolist() == learner.run(2).prices.tolist()


def test_budgets_answer_to_a_weighted_planner():
    # Each could spend 9 credits on what is worth 9 a piece: what it has counts.
    endless, other = (
        (Want("bread", 9.0), Want("beer", 1.0)),
        (Want("bread", 2.0), Want("beer", 16.0)),
    )
    industry = town(endless, other)
    economy = WideEconomy(WideMarket(industry, INCOME, ("cap", "budget")))
    economy.run(150)
    spent, last = paid_for(economy, 10), economy.history.last(10)
    worth = dict(zip(INCOME.of, last.worths.mean(axis=0), strict=True))
    weights = {name: min(1.0, spent[name] / worth[name]) for name in worth}
    assert max(weights.values()) < 0.9
    steady = planner.steady_state(planner.weighted(industry, weights))
    value = sum(weights[name] * worth[name] for name in worth)
    assert 0.99 < value / steady.value < 1.0 + 1e-6


# --- what is refused


def test_a_budget_needs_twice_for_twice():
    with pytest.raises(InvalidSetting, match="ann has a budget, and bids by LearnedTaste"):
        WideMarket(town([KNOWN, LEARNS]), INCOME, ("cap", "budget"))


def test_a_taste_that_gains_by_mixing_is_refused():
    taste = tastes.FunctionTaste(("flour",), gains_by_mixing)
    with pytest.raises(NotConcave):
        WideEconomy(WideMarket(town(taste), Rewards(1e3), "none")).run(1)


def test_a_taste_has_goods_of_the_industry():
    with pytest.raises(InvalidSetting, match="does not know the good 'wine'"):
        town(tastes.CobbDouglas({"wine": 1.0}))


@pytest.mark.parametrize("reader", [planner.steady_state, tables_of])
def test_who_reads_lists_says_so(reader):
    with pytest.raises(InvalidSetting, match="The household ann wants what CobbDouglas"):
        reader(town(HALVES))


@pytest.mark.parametrize(("weights", "says"), [({"eve": 1.0}, "'eve'"), ({"ann": 0.0}, "'ann'")])
def test_weights_are_checked(weights, says):
    with pytest.raises(InvalidSetting, match=says):
        planner.weighted(town(KNOWN), weights)
