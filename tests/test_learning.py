"""Learning from the books: revenues by hand, traces, optimisers, policies."""

from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

import catallax as cx
from catallax._errors import InvalidSetting
from catallax._learning import Record, revenues
from catallax._types import NOBODY
from test_deep import ONE_BY_ONE, tables_of


def record_of(rows):
    """Rows of (price, sold, closing, reward, ended), one a tick, in one world."""
    price, sold, closing, reward, ended = (
        np.array(column)[:, None] for column in zip(*rows, strict=True)
    )
    return Record(
        senses=(),
        actor=np.where(sold & ~closing, 0, NOBODY).astype(np.int32),
        action=np.zeros_like(price, np.int32),
        price=price.astype(np.float32),
        paid=price.astype(np.float32),
        sold=sold.astype(bool),
        closing=closing.astype(bool),
        reward=reward.astype(np.float32),
        ended=ended.astype(bool),
    )


def by_hand(rows, discount, trace):
    """G, and whether it is known, from the end backwards; straight from its definition."""
    found = []
    price, sold, _, reward, ended = rows[-1]
    following = (reward, True) if ended else (price, sold)  # where it goes on, it is its price
    for now, after in reversed(list(pairwise(rows))):
        _, _, _, reward, ended = now
        price, sold, closing = after[:3]
        later, known = following
        if ended:
            revenue = (reward, True)
        elif sold and closing:
            revenue = (reward + discount * price, True)
        elif sold:
            chained = later if known else price
            revenue = (reward + discount * ((1 - trace) * price + trace * chained), True)
        else:
            revenue = (reward + later, known)
        following = revenue
        found.append(revenue)
    return found[::-1]


REVENUES = jax.jit(revenues)
prices = st.floats(-4, 4, width=16)
ticks = st.tuples(prices, st.booleans(), st.booleans(), prices, st.booleans())


def lawful(rows):
    """A closing tick is a sale that ends; nothing else about a tick is bound."""
    return [
        (price, sold or closing, closing, 0.0 if closing else reward, ended or closing)
        for price, sold, closing, reward, ended in rows
    ]


@settings(max_examples=40)
@given(rows=st.lists(ticks, min_size=7, max_size=7), trace=st.sampled_from([0.0, 0.65, 1.0]))
def test_revenues_are_what_the_definition_says(rows, trace):
    rows = lawful(rows)
    revenue, known = REVENUES(record_of(rows), 0.9, trace)
    expected = by_hand(rows, 0.9, trace)
    assert known[:, 0].tolist() == [bool(k) for _, k in expected]
    told = [r for r, k in expected if k]
    np.testing.assert_allclose(np.asarray(revenue)[np.asarray(known)], told, rtol=1e-4, atol=1e-4)


def test_a_world_held_through_a_silent_tick_keeps_its_later_rewards():
    """Bought, held while nobody bid, then sold for 5: 1 + 2 + .9·5; the last trade is unknown."""
    rows = [(3, True, False, 1, False), (0, False, False, 2, False), (5, True, False, 7, False)]
    revenue, known = revenues(record_of(rows), 0.9, 0.0)
    np.testing.assert_allclose(revenue[:, 0], [1 + 2 + 4.5, 2 + 4.5])
    assert known[:, 0].tolist() == [True, True]
    _, known = revenues(record_of(rows[:2]), 0.9, 0.0)
    assert known[:, 0].tolist() == [False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"horizon": 0},
        {"trace": 1.5},
        {"rate": -1.0},
        {"rate": float("inf")},
        {"optimizer": "magic"},
        {"decay": "soon"},
        {"epochs": 0},
        {"minibatches": 0},
        {"average": 1.0},
    ],
    ids=lambda value: type(value).__name__,
)
def test_learning_refuses_what_means_nothing(wrong):
    with pytest.raises(InvalidSetting):
        cx.Learning(**wrong)


def test_the_trace_of_one_learns_returns_whole():
    """With λ = 1 and no exploration an episode's return is learned at every place at once."""
    learning = cx.Learning(horizon=4, trace=1.0, optimizer="sgd", rate=4.0, decay="none")
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        discount=0.9,
        exploration=cx.NoExploration(),
        learning=learning,
    )
    world = cx.worlds.Corridor(steps=3, reward=1.0)
    economy = cx.train(market, world, steps=4, worlds=1, seed=0)
    # The fourth tick begins the next episode; its trade is pending.
    np.testing.assert_allclose(tables_of(economy._run.economy)[0, :3], [2.71, 1.9, 1.0], rtol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "radam", "rmsprop", "adagrad"])
def test_every_optimizer_goes_downhill_within_the_clipped_norm(optimizer):
    direction = cx.Learning(optimizer=optimizer, clip_norm=1.0).direction()

    @jax.jit
    def descend(start):
        def step(carry, _):
            weight, state = carry
            moved, state = direction.update(weight - 0.75, state, weight)
            return (weight - 0.03 * moved, state), moved

        (weight, _), moves = jax.lax.scan(step, (start, direction.init(start)), length=600)
        return weight, moves

    weight, moves = descend(jnp.float32(5.0))
    assert abs(float(weight) - 0.75) < (3.0 if optimizer == "adagrad" else 0.05)
    assert optimizer != "sgd" or float(jnp.max(jnp.abs(moves))) <= 1.0 + 1e-6


def test_bids_become_what_a_bandit_pays():
    learning = cx.Learning(horizon=8, rate=0.2, clip_norm=5.0, average=0.5)
    market = cx.DeepMarket(
        agents=[cx.Tabular()], learning=learning, exploration=cx.EpsilonGreedy(1.0, 1.0)
    )
    economy = cx.train(market, cx.worlds.Bandit((0.25, 0.75)), steps=3200, worlds=4, seed=0)
    np.testing.assert_allclose(tables_of(economy._run.economy)[:, 0], [0.25, 0.75], atol=0.05)
    assert economy.evaluate(1).mean == 0.75


def test_the_rate_falls_to_nothing_over_a_call_where_it_decays():
    rates = [float(cx.Learning(rate=0.5).rate_at(jnp.float32(share))) for share in (0, 0.5, 1)]
    assert rates == [0.5, 0.25, 0.0]
    assert float(cx.Learning(rate=0.5, decay="none").rate_at(jnp.float32(1))) == 0.5


# --- learning to act


@dataclass(frozen=True)
class Aim:
    """One step: the reward falls with the square of the distance from half the observation."""

    time_limit: int | None = None

    @property
    def observation_space(self):
        return spaces.Box(-1, 1, (1,), np.float32)

    @property
    def action_space(self):
        return spaces.Box(-1, 1, (1,), np.float32)

    def initial(self, key):
        return jax.random.uniform(key, (1,), jnp.float32, -1, 1)

    def observe(self, state):
        return state

    def step(self, state, action, key):
        return state, -jnp.sum((action - 0.5 * state) ** 2), jnp.asarray(True)


def test_agents_that_learn_their_action_learn_to_aim():
    """The profit of a trade is the advantage; greedy evaluation takes the mean of the policy."""
    market = cx.DeepMarket(
        agents=[cx.Neural(policy=True, count=2, hidden=(16,), encoder=cx.Raw(), clip=0.3)],
        learning=cx.Learning(horizon=8, rate=0.01, epochs=4, minibatches=2),
        exploration=cx.EpsilonGreedy(0.2, 0.0),
    )
    untrained = cx.train(market, Aim(), steps=512, worlds=64, seed=0)
    economy = cx.train(market, Aim(), steps=60_000, worlds=64, seed=0)
    assert economy.evaluate(64).mean > -0.02
    assert economy.evaluate(64).mean > untrained.evaluate(64).mean
    action = economy.predict(np.array([[0.8], [-0.8]], np.float32))
    np.testing.assert_allclose(action, [[0.4], [-0.4]], atol=0.2)
    assert economy.audit().balanced


def test_nobody_learns_at_rate_zero():
    market = cx.DeepMarket(agents=[cx.Tabular(initial=0.5)], learning=cx.Learning(rate=0.0))
    economy = cx.train(market, cx.worlds.Bandit(), steps=256, worlds=2, seed=0)
    np.testing.assert_array_equal(tables_of(economy._run.economy), np.full((4, 1), 0.5))
    assert ONE_BY_ONE.rate > 0
