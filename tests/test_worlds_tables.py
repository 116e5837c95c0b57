"""Finite worlds: their tables are right, and draws follow them."""

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import InvalidSetting
from catallax.worlds import Bandit, Chain, CliffWalking, Corridor, FrozenLake, Tabular
from catallax.worlds._outcomes import NEVER, TableWorld, draw

GRIDS: list[tuple[str, dict[str, Any], TableWorld]] = [
    ("FrozenLake-v1", {}, FrozenLake()),
    ("FrozenLake-v1", {"is_slippery": False}, FrozenLake(is_slippery=False)),
    ("FrozenLake8x8-v1", {}, FrozenLake("8x8")),
    (
        "FrozenLake-v1",
        {"success_rate": 0.75, "reward_schedule": (10, -10, -1)},
        FrozenLake(success_rate=0.75, reward_schedule=(10, -10, -1)),
    ),
    ("CliffWalking-v1", {}, CliffWalking()),
    ("CliffWalkingSlippery-v1", {}, CliffWalking(is_slippery=True)),
]


def outcomes(world: TableWorld, state: int, action: int) -> list[tuple[float, int, float, bool]]:
    """Reads a row of the table back, as Gymnasium's P would have it."""
    table = world.table()
    row = state * table.actions + action
    cumulative = table.cumulative[row]
    last = int(np.argmax(cumulative == NEVER))
    shares = np.diff([0.0, *cumulative[:last], 1.0])
    return [
        (share, int(table.state[row, i]), float(table.reward[row, i]), bool(end))
        for i, (share, end) in enumerate(zip(shares, table.terminated[row], strict=False))
    ]


@pytest.mark.parametrize(("name", "kwargs", "world"), GRIDS)
def test_grids_have_gymnasiums_tables(name: str, kwargs: dict[str, Any], world: TableWorld) -> None:
    env: Any = gymnasium.make(name, **kwargs).unwrapped
    assert world.observation_space == env.observation_space
    assert world.action_space == env.action_space
    for state, actions in env.P.items():
        for action, expected in actions.items():
            found = outcomes(world, state, action)
            assert len(found) == len(expected)
            for mine, theirs in zip(found, expected, strict=True):
                assert mine[0] == pytest.approx(theirs[0], abs=1e-6)
                assert mine[1:] == (theirs[1], theirs[2], theirs[3])
    first = world.initial(jax.random.key(0))
    assert env.initial_state_distrib[int(first)] == 1.0


def test_time_limits() -> None:
    assert FrozenLake().time_limit == 100
    assert FrozenLake("8x8").time_limit == 200
    assert FrozenLake("8x8", time_limit=7).time_limit == 7
    assert FrozenLake(time_limit=None).time_limit is None
    assert CliffWalking().time_limit == 200
    assert (Chain().time_limit, Bandit().time_limit, Corridor().time_limit) == (20, None, None)


def test_draws_have_the_probabilities_of_the_table() -> None:
    world = FrozenLake(success_rate=0.5)
    keys = jax.random.split(jax.random.key(0), 20_000)
    after, _, _ = jax.vmap(lambda key: world.step(jnp.int32(9), jnp.int32(2), key))(keys)
    shares = np.bincount(np.asarray(after), minlength=16) / len(keys)
    assert shares[[13, 10, 5]] == pytest.approx([0.25, 0.5, 0.25], abs=0.015)
    assert shares.sum() == pytest.approx(shares[[13, 10, 5]].sum())


@given(
    weights=st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(any),
    seed=st.integers(0, 2**31 - 1),
)
@settings(deadline=None, max_examples=60)
def test_an_outcome_of_probability_zero_is_never_drawn(weights: list[int], seed: int) -> None:
    start = np.array(weights) / np.sum(weights)
    size = len(weights)
    world = Tabular(np.eye(size)[:, None, :], np.zeros((size, 1)), [False] * size, start)
    keys = jax.random.split(jax.random.key(seed), 50)
    first = np.asarray(jax.vmap(world.initial)(keys))
    assert all(weights[state] > 0 for state in first)


def test_the_largest_uniform_draw_selects_the_last_possible_outcome() -> None:
    cumulative = np.array([0.3, NEVER, NEVER], np.float32)
    found = jax.vmap(lambda key: draw(cumulative, key))(jax.random.split(jax.random.key(1), 500))
    assert set(np.asarray(found).tolist()) == {0, 1}


def test_tabular_pays_by_state_action_and_next_state() -> None:
    probabilities = [[[0.5, 0.5, 0.0]], [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]]
    rewards = [[[1.0, 2.0, 9.0]], [[0.0, 3.0, 0.0]], [[0.0, 0.0, 4.0]]]
    world = Tabular(probabilities, rewards, [False, True, False], [0.0, 0.5, 0.5], 9)
    keys = jax.random.split(jax.random.key(0), 200)
    after, reward, ended = jax.vmap(lambda k: world.step(jnp.int32(0), jnp.int32(0), k))(keys)
    assert set(zip(after.tolist(), reward.tolist(), ended.tolist(), strict=True)) == {
        (0, 1.0, False),
        (1, 2.0, True),
    }
    assert set(jax.vmap(world.initial)(keys).tolist()) == {1, 2}
    assert world.time_limit == 9
    assert hash(world) == hash(
        Tabular(np.array(probabilities), np.array(rewards), (False, True, False), [0, 0.5, 0.5], 9)
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"probabilities": [[[1.0, 0.0]]]}, "probabilities"),
        ({"probabilities": [[[0.5, 0.4]], [[0.0, 1.0]]]}, "probabilities"),
        ({"probabilities": [[[1.5, -0.5]], [[0.0, 1.0]]]}, "probabilities"),
        ({"probabilities": [[[float("nan"), 1.0]], [[0.0, 1.0]]]}, "probabilities"),
        ({"probabilities": [[["a", 1.0]], [[0.0, 1.0]]]}, "probabilities"),
        ({"probabilities": np.zeros((0, 1, 0))}, "probabilities"),
        ({"rewards": [0.0, 0.0]}, "rewards"),
        ({"rewards": [[float("inf")], [0.0]]}, "rewards"),
        ({"terminal": [True]}, "terminal"),
        ({"start": [1.0]}, "start"),
        ({"start": [0.5, 0.6]}, "start"),
        ({"time_limit": 0}, "time_limit"),
    ],
)
def test_tabular_refuses_tables_that_mean_nothing(change: dict[str, Any], named: str) -> None:
    good: dict[str, Any] = {
        "probabilities": [[[0.0, 1.0]], [[0.0, 1.0]]],
        "rewards": [[0.0], [0.0]],
        "terminal": [False, True],
    }
    with pytest.raises(InvalidSetting, match=named):
        Tabular(**{**good, **change})


def test_chain_pays_only_at_the_end() -> None:
    world, key = Chain(length=3, reward=2.0), jax.random.key(0)
    assert int(world.step(jnp.int32(0), jnp.int32(0), key)[0]) == 0
    state, reward, ended = world.step(jnp.int32(0), jnp.int32(1), key)
    assert (int(state), float(reward), bool(ended)) == (1, 0.0, False)
    state, reward, ended = world.step(state, jnp.int32(1), key)
    assert (int(state), float(reward), bool(ended)) == (2, 2.0, True)


def test_bandit_pays_each_arm_its_own_reward_and_ends() -> None:
    world = Bandit()
    _, reward, ended = jax.vmap(world.step, (None, 0, None))(
        jnp.int32(0), jnp.arange(4), jax.random.key(0)
    )
    assert reward.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert ended.all()
    assert world.observation_space == gymnasium.spaces.Discrete(1)


def test_corridor_costs_every_step_and_ends_after_the_last() -> None:
    world, key = Corridor(), jax.random.key(0)
    state, total, endings = world.initial(key), 0.0, []
    for _ in range(3):
        state, reward, ended = world.step(state, jnp.int32(0), key)
        total += float(reward)
        endings.append(bool(ended))
    assert (total, endings) == (-3.0, [False, False, True])
    assert world.action_space == gymnasium.spaces.Discrete(1)


def test_bad_settings_are_refused() -> None:
    for make in (
        lambda: FrozenLake("5x5"),
        lambda: FrozenLake(success_rate=1.5),
        lambda: FrozenLake(reward_schedule=(1.0, 0.0)),
        lambda: FrozenLake(time_limit=-1),
        lambda: Chain(length=1),
        lambda: Chain(reward=float("nan")),
        lambda: Bandit(()),
        lambda: Corridor(steps=0),
    ):
        with pytest.raises(InvalidSetting):
            make()
