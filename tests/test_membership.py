"""Agents that come, go and freeze while a market runs, with their books."""

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._errors import BadBirth, UnknownAgent
from test_deep import tables_of

LEARNING = cx.Learning(horizon=8, trace=0.0, optimizer="sgd", rate=0.5, decay="none")
LAKE = cx.worlds.FrozenLake(is_slippery=False, time_limit=30)


def trained(world, steps=8000, **rules):
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        discount=0.9,
        learning=LEARNING,
        exploration=cx.EpsilonGreedy(1.0, 0.05, until=0.7),
        **rules,
    )
    return cx.train(market, world, steps=steps, worlds=8, seed=0)


def test_the_richest_agent_is_missed_when_it_goes_and_makes_good_when_it_comes_back():
    """The lake wants the agents that go down and right; wealth says who they are."""
    economy = trained(LAKE)
    assert economy.evaluate(5).mean == 1.0
    richest = max(economy.wealth, key=economy.wealth.get)
    before = economy.balances
    agent = economy.remove(richest)
    assert agent.wealth_ticks == before[f"agent/{richest}"]
    assert economy.balances["treasury"] == before["treasury"] + agent.wealth_ticks
    assert economy.evaluate(5).mean < 1.0
    assert economy.audit().balanced
    (back,) = economy.add(agent)
    assert back not in (0, 1, 2, 3)
    assert economy.evaluate(5).mean == 1.0
    assert economy.audit().balanced
    economy.train(64)
    assert economy.audit().balanced
    assert sum(economy.balances.values()) == 0


def test_worlds_of_who_leaves_revert_and_nobody_learns_from_its_last_trade():
    economy = trained(cx.worlds.Chain(length=4), steps=512)
    state = economy._run.economy
    holders = set(np.asarray(state.owner).tolist()) - {0}
    assert holders
    first = economy._driver.setting.first_agent
    for account in holders:
        economy.remove(int(np.asarray(state.population.ids)[account - first]))
    assert not holders & set(np.asarray(economy._run.economy.owner).tolist())
    economy.add(cx.Constant(action=1, offer=0.1))
    economy.train(64)
    assert economy.audit().balanced


def test_a_newcomer_of_another_kind_gets_new_slots_and_an_endowment_from_nature():
    economy = trained(cx.worlds.Chain(length=4), steps=512)
    before, tables = economy.balances, np.asarray(tables_of(economy._run.economy))
    ids = economy.add(cx.Constant(action=1, offer=0.01, count=2), endowment=3.0)
    assert ids == [2, 3]
    assert [economy.wealth[id_] for id_ in ids] == [3_000_000, 3_000_000]
    assert economy.balances["nature"] == before["nature"] - 6_000_000
    np.testing.assert_array_equal(economy._run.economy.groups[0].genes.learned["weights"], tables)
    economy.train(256)
    assert economy.audit().balanced
    names = [record.species for record in economy.inspect()]
    assert sorted(names) == ["Constant", "Constant", "Tabular", "Tabular"]


def test_a_slot_that_was_left_is_used_again_by_its_own_kind_under_a_fresh_id():
    economy = trained(cx.worlds.Chain(length=4), steps=512)
    agent = economy.remove(1)
    economy.train(64)
    assert economy.add(agent) == [2]
    assert economy._driver.setting.n_agents == 2
    assert economy.inspect()[0].parent in (None, 1)


def test_a_frozen_agent_trades_and_does_not_learn():
    economy = trained(cx.worlds.Chain(length=4), steps=2000)
    economy.freeze(1)
    frozen, learns = np.array(tables_of(economy._run.economy)).tolist()[::-1]
    wins = np.asarray(economy._run.economy.population.wins)[1]
    economy.train(512)
    after = np.asarray(tables_of(economy._run.economy)).tolist()
    assert after[1] == frozen and after[0] != learns
    assert np.asarray(economy._run.economy.population.wins)[1] > wins
    assert {record.id: record.frozen for record in economy.inspect()} == {0: False, 1: True}
    economy.freeze(1, frozen=False)
    economy.train(512)
    assert np.asarray(tables_of(economy._run.economy)).tolist()[1] != frozen


def test_who_is_not_there_cannot_leave_or_freeze_and_nobody_enters_as_nobody():
    economy = trained(cx.worlds.Bandit((0.1, 0.2)), steps=64)
    for call in (economy.remove, economy.freeze):
        with pytest.raises(UnknownAgent, match="7"):
            call(7)
    economy.remove(0)
    with pytest.raises(UnknownAgent, match="0"):
        economy.remove(0)
    with pytest.raises(BadBirth):
        economy.add(cx.Constant(action=0, count=0))


def test_a_removed_agent_takes_its_genes_along():
    economy = trained(cx.worlds.Chain(length=4), steps=512)
    table = np.asarray(tables_of(economy._run.economy))[1]
    agent = economy.remove(1)
    np.testing.assert_array_equal(agent.genes.learned["weights"], table)
    assert int(jnp.asarray(agent.genes.fixed["action"])) == 1
    assert agent.id == 1 and isinstance(agent.species, cx.Tabular)
