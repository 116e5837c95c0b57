"""Evaluation: a frozen, greedy copy; caps apply, nothing settles."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

import catallax as cx
from catallax._drivers import driver_of
from catallax._errors import InvalidSetting

CHAIN = cx.worlds.Chain(length=4, time_limit=9)


def economy_of(agents, world=CHAIN, **rules):
    market = cx.DeepMarket(agents=agents, **rules)
    return cx.Economy(driver_of(market, world, 2, 0), world, 0)


def test_evaluation_changes_nothing():
    economy = economy_of([cx.Constant(action=1, offer=0.3), cx.Constant(action=0, offer=0.2)])
    before, digest = economy.balances, economy.digest
    first, again = economy.evaluate(7), economy.evaluate(7)
    assert economy.balances == before and economy.digest == digest and economy.tick == 0
    np.testing.assert_array_equal(first.returns, again.returns)
    np.testing.assert_allclose(first.returns, 0.8, rtol=1e-6)
    assert first.lengths.tolist() == [3] * 7
    assert first.mean == pytest.approx(0.8) and first.std == pytest.approx(0)


def test_the_highest_bid_acts_and_nobody_explores():
    agents = [cx.Constant(action=1, offer=0.3), cx.Constant(action=0, offer=0.4)]
    economy = economy_of(agents, exploration=cx.EpsilonGreedy(1.0, 1.0))
    played = economy.evaluate(3)
    assert played.returns.tolist() == [0, 0, 0] and played.lengths.tolist() == [9, 9, 9]
    assert economy.predict(np.array([0, 1, 2])).tolist() == [0, 0, 0]
    assert int(economy.predict(2)) == 0


def test_caps_apply():
    """The higher bid is not backed by wealth: 0.25 of 5, against a poor 0.4 of 0.4."""
    economy = economy_of([cx.Constant(action=1, offer=0.2)], capital=cx.Hard(5.0))
    economy.add(cx.Constant(action=0, offer=5.0), endowment=0.1)
    assert economy.predict(np.array([0])).tolist() == [1]
    economy.add(cx.Constant(action=0, offer=0.21), endowment=1.0)
    assert economy.predict(np.array([0])).tolist() == [0]


def test_the_bond_lowers_caps():
    """Of two credits one is bonded; the rival, with less wealth and no more bond, bids less."""
    economy = economy_of([cx.Constant(action=1, offer=9.0)], capital=cx.Hard(2.0), bond=1.0)
    economy.add(cx.Constant(action=0, offer=0.5), endowment=2.0)
    assert economy.predict(np.array([0])).tolist() == [1]
    economy.add(cx.Constant(action=0, offer=9.0), endowment=2.5)
    assert economy.predict(np.array([0])).tolist() == [0]


@dataclass(frozen=True, kw_only=True)
class Loud(cx.Constant):
    """Asks for an action beyond the space; worlds must never see it."""

    def act(self, genes, senses, key):
        return jnp.full_like(genes.fixed["action"], 9.0)


@dataclass(frozen=True)
class Slider:
    """One step in a Box of a width of one's own; pays the action."""

    width: float
    time_limit: int | None = None

    @property
    def observation_space(self):
        return spaces.Discrete(1)

    @property
    def action_space(self):
        return spaces.Box(-self.width, self.width, (1,), np.float32)

    def initial(self, key):
        return jnp.int32(0)

    def observe(self, state):
        return state

    def step(self, state, action, key):
        return state, action[0], jnp.asarray(True)


def test_actions_keep_to_the_bounds_of_their_own_world():
    """The same market in two worlds that differ in their bounds alone."""
    for width in (1.0, 5.0):
        economy = economy_of([Loud(action=0.0)], Slider(width))
        assert economy.predict(np.zeros(1, np.int32)).tolist() == [[width]]
        assert economy.evaluate(2).mean == width
    economy.train(32)
    assert economy.metrics["returns"].sum() == width * economy.steps


def test_evaluation_goes_on_beyond_a_hundred_episodes_with_fresh_seeds():
    economy = economy_of([cx.Constant(action=1)], cx.worlds.FrozenLake())
    played = economy.evaluate(130, seed=3)
    assert played.lengths.shape == (130,)
    assert len(set(played.lengths[:100].tolist())) > 3
    assert played.lengths[100:].tolist() != played.lengths[:30].tolist()
    other = economy.evaluate(130, seed=4)
    assert other.lengths.tolist() != played.lengths.tolist()


def test_another_world_may_be_given_and_an_episode_must_be():
    economy = economy_of([cx.Constant(action=1)])
    shorter = cx.worlds.Chain(length=4, reward=2.0)
    assert economy.evaluate(2, world=shorter).mean == 2.0
    with pytest.raises(InvalidSetting, match="episodes=0"):
        economy.evaluate(0)


def test_averaged_weights_are_what_is_evaluated():
    """With a long memory the first, optimistic table of the wrong action still wins."""
    learning = cx.Learning(horizon=4, optimizer="sgd", rate=1.0, average=0.999)
    market = cx.DeepMarket(
        agents=[cx.Tabular(count=1, initial=0.5), cx.Constant(action=1, offer=0.3)],
        learning=learning,
        exploration=cx.NoExploration(),
    )
    economy = cx.train(market, cx.worlds.Bandit((0.0, 0.9)), steps=64, worlds=1, seed=0)
    group = economy._run.economy.groups[0]
    assert float(group.genes.learned["weights"][0, 0]) < 0.3 < float(group.average["weights"][0, 0])
    assert economy.predict(np.zeros(1, np.int32)).tolist() == [0]
