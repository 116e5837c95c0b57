"""The register: what is written now is seen on the next tick, and on no other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.worlds import (
    CartPole,
    Chain,
    FunctionalOnHost,
    GymnasiumWorlds,
    Pendulum,
    Remember,
    RememberOnHost,
)

KEY = jax.random.key(0)


@given(moves=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=1, max_size=6))
def test_the_world_inside_never_feels_the_register(moves):
    inner = Chain(length=9)
    world = Remember(inner, 3)
    state, alone = world.initial(KEY), inner.initial(KEY)
    assert int(world.observe(state)) == 0
    for move, symbol in moves:
        state, reward, ended = world.step(state, jnp.array([move, symbol], jnp.int32), KEY)
        alone, right, over = inner.step(alone, jnp.int32(move), KEY)
        assert int(world.observe(state)) == int(alone) * 3 + symbol
        assert (float(reward), bool(ended)) == (float(right), bool(over))


def test_a_vector_gains_a_one_hot_at_its_end():
    world = Remember(CartPole(), 3)
    state = world.initial(KEY)
    np.testing.assert_array_equal(world.observe(state)[4:], [1, 0, 0])
    state, _, _ = world.step(state, jnp.array([1, 2], jnp.int32), KEY)
    np.testing.assert_array_equal(world.observe(state)[:4], state[0])
    np.testing.assert_array_equal(world.observe(state)[4:], [0, 0, 1])
    space = world.observation_space
    assert space.shape == (7,)
    assert space.contains(np.asarray(world.observe(state)))
    assert world.action_space == spaces.MultiDiscrete([2, 3])
    assert world.time_limit == 500


def test_registers_nest():
    world = Remember(Remember(Chain(), 2), 3)
    assert world.action_space == spaces.MultiDiscrete([2, 2, 3])
    assert world.observation_space == spaces.Discrete(36)
    state, _, _ = world.step(world.initial(KEY), jnp.array([1, 1, 2], jnp.int32), KEY)
    assert int(world.observe(state)) == (1 * 2 + 1) * 3 + 2


@pytest.mark.parametrize("inner", [Chain(), CartPole()])
def test_the_register_on_the_host_is_the_same(inner):
    functional = FunctionalOnHost(Remember(inner, 2), 2)
    host = RememberOnHost(FunctionalOnHost(inner, 2), 2)
    assert functional.observation_space == host.observation_space
    assert functional.action_space == host.action_space
    assert functional.time_limit == host.time_limit
    np.testing.assert_array_equal(functional.reset([1, 2]), host.reset([1, 2]))
    for tick in range(4):
        actions = np.array([[1, tick % 2], [0, 1]], np.int32)
        active = np.array([True, tick != 2])
        for mine, theirs in zip(
            functional.step(actions, active), host.step(actions, active), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)
    only = np.array([False, True])
    np.testing.assert_array_equal(functional.reset([5, 6], only), host.reset([5, 6], only))


def test_the_register_of_gymnasium_worlds():
    worlds = RememberOnHost(GymnasiumWorlds("FrozenLake-v1", 2, is_slippery=False), 4)
    assert worlds.reset([0, 0]).tolist() == [0, 0]
    seen, _, _, _ = worlds.step(np.array([[2, 3], [1, 0]]))
    assert seen.tolist() == [1 * 4 + 3, 4 * 4]
    assert worlds.observation_space == spaces.Discrete(64)


def test_what_cannot_have_a_register_is_refused():
    with pytest.raises(UnsupportedSpace, match="Box"):
        Remember(Pendulum(), 2)
    with pytest.raises(UnsupportedSpace, match="Box"):
        RememberOnHost(GymnasiumWorlds("Pendulum-v1", 1), 2)
    for symbols in (1, 0, 2.0):
        with pytest.raises(InvalidSetting, match="symbols"):
            Remember(Chain(), symbols)


def test_a_symbol_that_the_register_lacks_is_refused_on_the_host():
    worlds = RememberOnHost(GymnasiumWorlds("CartPole-v1", 1), 2)
    worlds.reset([0])
    with pytest.raises(InvalidSetting, match="out of range"):
        worlds.step(np.array([[0, 2]]))
    with pytest.raises(InvalidSetting, match="of shape"):
        worlds.step(np.array([0]))
