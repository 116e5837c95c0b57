"""What every compiled world promises, whatever it is about."""

import dataclasses
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

from catallax import worlds
from catallax.worlds import HostSpec, World
from catallax.worlds._spaces import action_size, observation_size

ALL = [
    worlds.CartPole(),
    worlds.Acrobot(),
    worlds.MountainCar(),
    worlds.MountainCarContinuous(),
    worlds.Pendulum(),
    worlds.FrozenLake(),
    worlds.FrozenLake("8x8"),
    worlds.CliffWalking(),
    worlds.CliffWalking(is_slippery=True),
    worlds.Chain(),
    worlds.Bandit(),
    worlds.Corridor(),
    worlds.Tabular([[[1.0]]], [[0.5]], [False]),
    worlds.Remember(worlds.Chain(), 3),
    worlds.Remember(worlds.CartPole(), 2),
    worlds.Remember(worlds.Remember(worlds.Acrobot(), 2), 3),
    worlds.from_gymnax("CartPole-v1"),
]
NAMES = [f"{type(world).__name__}-{number}" for number, world in enumerate(ALL)]
each = pytest.mark.parametrize("world", ALL, ids=NAMES)


def random_actions(world, key, count):
    space = world.action_space
    if isinstance(space, spaces.Discrete):
        return jax.random.randint(key, (count,), 0, int(space.n), jnp.int32)
    if isinstance(space, spaces.MultiDiscrete):
        return jax.random.randint(key, (count, len(space.nvec)), 0, space.nvec, jnp.int32)
    return jax.random.uniform(key, (count, action_size(space)), jnp.float32, -1.0, 1.0)


def roll(world, ticks, count):
    def tick(state, key):
        action = random_actions(world, key, count)
        after, reward, ended = jax.vmap(world.step)(state, action, jax.random.split(key, count))
        return after, (jax.vmap(world.observe)(after), reward, ended)

    first = jax.vmap(world.initial)(jax.random.split(jax.random.key(0), count))
    return jax.lax.scan(tick, first, jax.random.split(jax.random.key(1), ticks))


# The driver runs worlds with narrow numbers; those that differ most are also tried with wide ones.
@pytest.mark.parametrize(
    ("world", "x64"),
    [(world, False) for world in ALL] + [(ALL[i], True) for i in (0, 2, 4, 5, 14, 16)],
)
def test_a_scan_over_a_batch_keeps_the_dtypes_of_the_protocol(world, x64):
    with jax.enable_x64(x64):
        state, (seen, reward, ended) = jax.jit(lambda: roll(world, 30, 4))()
    allowed = {jnp.dtype("float32"), jnp.dtype("int32"), jnp.dtype("bool")}
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} <= allowed
    assert (reward.dtype, ended.dtype) == (jnp.float32, jnp.bool_)
    assert (reward.shape, ended.shape) == ((30, 4), (30, 4))
    assert np.isfinite(np.asarray(seen)).all()
    if isinstance(world.observation_space, spaces.Discrete):
        assert (seen.dtype, seen.shape) == (jnp.int32, (30, 4))
        assert ((seen >= 0) & (seen < world.observation_space.n)).all()
    else:
        size = observation_size(world.observation_space)
        assert (seen.dtype, seen.shape) == (jnp.float32, (30, 4, size))


@each
def test_a_world_can_be_a_static_argument_of_jit(world):
    assert isinstance(world, World)
    same = dataclasses.replace(world)
    assert world == same and hash(world) == hash(same)
    begin = jax.jit(lambda of, key: of.observe(of.initial(key)), static_argnums=0)
    one, other = begin(world, jax.random.key(0)), begin(same, jax.random.key(0))
    np.testing.assert_array_equal(one, other)


@each
def test_a_world_cannot_be_changed(world):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(world, dataclasses.fields(world)[0].name, None)


def test_the_contents_page_holds_worlds_and_their_makers_only():
    public = [name for name in vars(worlds) if not name.startswith("_")]
    assert all(inspect.getdoc(getattr(worlds, name)) for name in public)
    assert HostSpec("Taxi-v4") == HostSpec("Taxi-v4", (), 1)
