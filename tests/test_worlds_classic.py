"""The compiled control worlds behave as Gymnasium's do, tick by tick."""

from collections.abc import Callable
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._errors import InvalidSetting
from catallax.worlds import (
    Acrobot,
    CartPole,
    MountainCar,
    MountainCarContinuous,
    Pendulum,
    World,
)

TICKS = 600
WORLDS: list[tuple[str, World]] = [
    ("CartPole-v1", CartPole()),
    ("Acrobot-v1", Acrobot()),
    ("MountainCar-v0", MountainCar()),
    ("MountainCarContinuous-v0", MountainCarContinuous()),
    ("Pendulum-v1", Pendulum()),
]
IDS = [name for name, _ in WORLDS]


def in_array_form(space: gymnasium.Space[Any], action: Any) -> jax.Array:
    if isinstance(space, gymnasium.spaces.Discrete):
        return jnp.int32(action)
    return jnp.asarray(action, jnp.float32)


def compare(env: Any, world: World, ticks: int, push: Callable[[int], None] | None = None) -> int:
    """Steps both from Gymnasium's states; returns how many episodes terminated."""
    step = jax.jit(world.step)
    env.reset(seed=0)
    env.action_space.seed(0)
    endings = 0
    for tick in range(ticks):
        if push is not None:
            push(tick)
        state = jnp.asarray(np.asarray(env.unwrapped.state), jnp.float32)
        action = env.action_space.sample()
        expected, reward, terminated, _, _ = env.step(action)
        after, paid, ended = step(
            state, in_array_form(env.action_space, action), jax.random.key(tick)
        )
        np.testing.assert_allclose(world.observe(after), expected, rtol=1e-5, atol=2e-5)
        np.testing.assert_allclose(paid, reward, rtol=1e-5, atol=2e-5)
        assert bool(ended) == terminated
        endings += terminated
        if terminated or tick % 200 == 199:
            env.reset(seed=tick)
    return endings


@pytest.mark.parametrize(("name", "world"), WORLDS, ids=IDS)
def test_equals_gymnasium_step_by_step(name: str, world: World) -> None:
    env = gymnasium.make(name, disable_env_checker=True).unwrapped
    endings = compare(env, world, TICKS)
    if name == "CartPole-v1":
        assert endings > 5


@pytest.mark.parametrize(("name", "world"), WORLDS, ids=IDS)
def test_equals_gymnasium_from_all_over_the_state_space(name: str, world: World) -> None:
    """Random states, since a random policy never sees walls, goals and speed limits."""
    env: Any = gymnasium.make(name, disable_env_checker=True).unwrapped
    random = np.random.default_rng(1)
    low, high = {
        "CartPole-v1": ([-2.5, -3, -0.25, -3], [2.5, 3, 0.25, 3]),
        "Acrobot-v1": ([-3.1, -3.1, -12, -28], [3.1, 3.1, 12, 28]),
        "Pendulum-v1": ([-9, -8], [9, 8]),
    }.get(name, ([-1.2, -0.07], [0.6, 0.07]))

    def scatter(tick: int) -> None:
        env.state = random.uniform(low, high).astype(np.float32).astype(np.float64)
        if name == "CartPole-v1":
            env.steps_beyond_terminated = None

    endings = compare(env, world, TICKS, scatter)
    assert endings > 5 or name == "Pendulum-v1"


def test_cartpole_pays_as_in_the_book_if_asked() -> None:
    env = gymnasium.make("CartPole-v1", sutton_barto_reward=True, disable_env_checker=True)
    assert compare(env.unwrapped, CartPole(sutton_barto_reward=True), 100) > 1


def test_settings_reach_the_dynamics() -> None:
    moon = gymnasium.make("Pendulum-v1", g=1.6, disable_env_checker=True).unwrapped
    compare(moon, Pendulum(g=1.6), 50)
    state, key = jnp.array([0.49, 0.05], jnp.float32), jax.random.key(0)
    assert not MountainCar(goal_velocity=0.06).step(state, jnp.int32(0), key)[2]
    assert not MountainCarContinuous(goal_velocity=0.06).step(state, jnp.zeros(1), key)[2]


def test_continuous_car_is_charged_for_the_action_as_given() -> None:
    env: Any = gymnasium.make("MountainCarContinuous-v0", disable_env_checker=True).unwrapped
    env.reset(seed=0)
    state = jnp.asarray(env.state, jnp.float32)
    seen, paid, *_ = env.step(np.array([3.0], np.float32))
    after, reward, _ = MountainCarContinuous().step(state, jnp.array([3.0]), jax.random.key(0))
    np.testing.assert_allclose(after, seen, atol=1e-6)
    assert float(reward) == pytest.approx(paid)


@pytest.mark.parametrize(("name", "world"), WORLDS, ids=IDS)
def test_spaces_and_limits_are_gymnasiums(name: str, world: World) -> None:
    env = gymnasium.make(name)
    assert env.spec is not None
    assert world.observation_space == env.observation_space
    assert world.action_space == env.action_space
    assert world.time_limit == env.spec.max_episode_steps


@pytest.mark.parametrize(("name", "world"), WORLDS, ids=IDS)
def test_first_states_fill_the_range_of_gymnasiums(name: str, world: World) -> None:
    env: Any = gymnasium.make(name, disable_env_checker=True).unwrapped
    theirs = []
    for seed in range(400):
        env.reset(seed=seed)
        theirs.append(np.asarray(env.state, np.float64))
    ours = np.asarray(jax.vmap(world.initial)(jax.random.split(jax.random.key(0), 400)))
    scale = np.ptp(theirs, axis=0) + 1e-9
    assert (np.abs(ours.min(0) - np.min(theirs, 0)) <= 0.05 * scale).all()
    assert (np.abs(ours.max(0) - np.max(theirs, 0)) <= 0.05 * scale).all()


@pytest.mark.parametrize(("name", "world"), WORLDS, ids=IDS)
def test_bad_time_limits_are_refused(name: str, world: World) -> None:
    for limit in (0, -1, 1.5, True):
        with pytest.raises(InvalidSetting, match="time_limit"):
            type(world)(time_limit=limit)
    assert type(world)(time_limit=None).time_limit is None


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="g=nan"):
        Pendulum(g=float("nan"))
    with pytest.raises(InvalidSetting, match="goal_velocity"):
        MountainCar(goal_velocity=float("inf"))
