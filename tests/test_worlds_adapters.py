"""Environments of other libraries keep their dynamics, and lose their automatic resets."""

import importlib
import sys

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.phys2d.cartpole import CartPoleFunctional
from gymnasium.envs.phys2d.pendulum import PendulumFunctional
from gymnasium.experimental.functional import FuncEnv

from catallax._errors import InvalidSetting, MissingExtra, UnknownWorld, UnsupportedSpace
from catallax.worlds import CartPole, from_functional, from_gymnax
from catallax.worlds._adapters import gymnax_names

KEY = jax.random.key(0)
GYMNAX = [
    "CartPole-v1",
    "Pendulum-v1",
    "MountainCarContinuous-v0",
    "Catch-bsuite",
    "DeepSea-bsuite",
    "MemoryChain-bsuite",
    "UmbrellaChain-bsuite",
    "SimpleBandit-bsuite",
    "Breakout-MinAtar",
    "Asterix-MinAtar",
    "FourRooms-misc",
    "BernoulliBandit-misc",
    "FrozenLake-misc",
]


@pytest.mark.parametrize("name", GYMNAX)
@pytest.mark.parametrize("x64", [False, True])
def test_gymnax_worlds_scan_with_stable_dtypes(name, x64):
    world = from_gymnax(name)
    box = isinstance(world.action_space, spaces.Box)
    action = jnp.zeros(world.action_space.shape, jnp.float32) if box else jnp.int32(0)

    def tick(state, key):
        after, reward, ended = world.step(state, action, key)
        return after, (world.observe(after), reward, ended)

    with jax.enable_x64(x64):
        first = jax.eval_shape(world.initial, KEY)
        run = jax.eval_shape(lambda s: jax.lax.scan(tick, s, jax.random.split(KEY, 4)), first)
    discrete = isinstance(world.observation_space, spaces.Discrete)
    seen, reward, ended = run[1]
    assert seen.dtype == (jnp.int32 if discrete else jnp.float32)
    assert (reward.dtype, ended.dtype) == (jnp.float32, jnp.bool_)


def test_gymnax_steps_are_gymnaxs_own():
    world = from_gymnax("Catch-bsuite")
    gymnax = importlib.import_module("gymnax")
    env, params = gymnax.make("Catch-bsuite")
    state, (_, theirs) = world.initial(KEY), env.reset_env(KEY, params)
    for tick in range(9):
        key = jax.random.key(tick)
        state, reward, ended = world.step(state, jnp.int32(tick % 3), key)
        seen, theirs, right, over, _ = env.step_env(key, theirs, tick % 3, params)
        np.testing.assert_array_equal(world.observe(state), np.ravel(seen))
        assert (float(reward), bool(ended)) == (float(right), bool(over))
    assert ended


def test_a_gymnax_world_neither_resets_nor_truncates_by_itself():
    world = from_gymnax("MountainCar-v0", {"max_steps_in_episode": 3})
    assert world.time_limit == 3
    state, places = world.initial(KEY), []
    for tick in range(6):
        state, _, ended = world.step(state, jnp.int32(2), jax.random.key(tick))
        places.append(float(world.observe(state)[0]))
        assert not ended
    assert places == sorted(places)


def test_gymnax_and_our_cartpole_agree():
    theirs, ours = from_gymnax("CartPole-v1"), CartPole()
    state = theirs.initial(KEY)
    mine = theirs.observe(state)
    for tick in range(8):
        state, _, _ = theirs.step(state, jnp.int32(tick % 2), KEY)
        mine, _, _ = ours.step(mine, jnp.int32(tick % 2), KEY)
    np.testing.assert_allclose(theirs.observe(state), mine, atol=1e-5)


def test_parameters_of_gymnax_can_be_given_in_three_ways():
    gymnax = importlib.import_module("gymnax")
    env, params = gymnax.make("CartPole-v1")
    by_name = from_gymnax("CartPole-v1", {"gravity": 1.5})
    by_object = from_gymnax("CartPole-v1", params.replace(gravity=1.5))
    assert by_name == by_object and hash(by_name) == hash(by_object)
    by_env = from_gymnax(env, params.replace(gravity=1.5))
    results = []
    for world in (by_name, by_env, from_gymnax("CartPole-v1")):
        after, _, _ = world.step(world.initial(KEY), jnp.int32(1), KEY)
        after, _, _ = world.step(after, jnp.int32(1), KEY)
        results.append(np.asarray(world.observe(after)))
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_wrong_gymnax_names_and_parameters_are_refused():
    gymnax = importlib.import_module("gymnax")
    with pytest.raises(UnknownWorld, match="CartPole-v1"):
        from_gymnax("CartPool-v1")
    with pytest.raises(InvalidSetting, match="gravity"):
        from_gymnax("CartPole-v1", {"levity": 1.0})
    with pytest.raises(InvalidSetting, match="single numbers"):
        from_gymnax("CartPole-v1", {"gravity": jnp.ones(3)})
    with pytest.raises(InvalidSetting, match="EnvParams"):
        from_gymnax("CartPole-v1", gymnax.EnvParams())


def test_without_gymnax_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "gymnax"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gymnax", None)
    with pytest.raises(MissingExtra, match=r"pip install catallax\[gymnax\]"):
        from_gymnax("Acrobot-v1", {"max_steps_in_episode": 77})
    assert gymnax_names() == []


class Lamp(FuncEnv):
    """A lamp that is switched; noisy observation, shifted actions, a dict for a state."""

    observation_space = spaces.Dict({"lit": spaces.Discrete(2), "noise": spaces.Box(0, 1, (2,))})
    action_space = spaces.Discrete(2, start=3)

    def initial(self, rng, params=None):
        return {"lit": 0, "count": 0}

    def transition(self, state, action, rng, params=None):
        return {"lit": action - 3, "count": state["count"] + 0.5}

    def observation(self, state, rng, params=None):
        return {"lit": state["lit"], "noise": jax.random.uniform(rng, (2,))}

    def reward(self, state, action, next_state, rng, params=None):
        return next_state["lit"] * 2 - state["lit"]

    def terminal(self, state, rng, params=None):
        return state["count"] >= 1.0


def test_a_functional_environment_becomes_a_world():
    world = from_functional(Lamp(), time_limit=9)
    state = world.initial(KEY)
    np.testing.assert_array_equal(world.observe(state)[:2], [1, 0])
    state, reward, ended = jax.jit(world.step)(state, jnp.int32(1), KEY)
    np.testing.assert_array_equal(world.observe(state)[:2], [0, 1])
    assert (float(reward), bool(ended)) == (2.0, False)
    np.testing.assert_array_equal(world.observe(state), world.observe(state))
    state, reward, ended = jax.jit(world.step)(state, jnp.int32(0), KEY)
    assert (float(reward), bool(ended)) == (-1.0, True)
    assert state.inner["count"].dtype == jnp.float32
    assert world.time_limit == 9


@pytest.mark.parametrize("env", [CartPoleFunctional(), PendulumFunctional()])
def test_gymnasiums_functional_environments_run(env):
    world = from_functional(env, 100)
    box = isinstance(world.action_space, spaces.Box)
    action = jnp.full(world.action_space.shape, 0.5) if box else jnp.int32(1)
    state = world.initial(KEY)
    right = env.transition(state.inner, action, None)
    after, reward, ended = jax.jit(world.step)(state, action, KEY)
    np.testing.assert_allclose(after.inner, right, rtol=1e-6)
    wanted = np.asarray(env.reward(state.inner, action, right, None)).item()
    assert float(reward) == pytest.approx(wanted)
    assert not bool(ended)


def test_spaces_of_adapted_worlds_are_checked():
    class Talking(Lamp):
        observation_space = spaces.Text(5)

    class Binary(Lamp):
        action_space = spaces.MultiBinary(3)

    for env in (Talking(), Binary()):
        with pytest.raises(UnsupportedSpace):
            from_functional(env)
    with pytest.raises(InvalidSetting, match="time_limit"):
        from_functional(Lamp(), 0)
    assert isinstance(from_functional(Lamp()).action_space, gymnasium.spaces.Discrete)
