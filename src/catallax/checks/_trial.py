"""Random play in a compiled world, as a market would play."""

from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from catallax._types import PyTree
from catallax.checks._host_world import sample_actions

WORLDS, TICKS = 8, 320


class Seen(NamedTuple):
    """What one tick of W worlds showed: the observations before and after it."""

    before: Any
    after: Any
    reward: Any
    ended: Any


class Trial:
    """A world, and what 320 ticks of random play in 8 copies of it showed."""

    def __init__(self, world: Any) -> None:
        self.world = world
        draws = np.random.default_rng(0)
        self.actions = np.stack(
            [sample_actions(world.action_space, draws, WORLDS) for _ in range(TICKS)]
        )
        self.keys = np.asarray(jax.random.key_data(jax.random.split(jax.random.key(7), TICKS + 1)))

    @cached_property
    def program(self) -> Any:
        """The compiled play."""
        return jax.jit(self.play)

    @cached_property
    def seen(self) -> Seen:
        """The play, on the host."""
        return jax.tree.map(np.asarray, self.program(self.keys, self.actions))

    @cached_property
    def shapes(self) -> tuple[PyTree, PyTree]:
        """The shapes and dtypes of a first state, and of a step."""
        first = jax.eval_shape(self.world.initial, jax.random.key(0))
        return first, jax.eval_shape(
            self.world.step, first, jnp.asarray(self.actions[0, 0]), jax.random.key(0)
        )

    def play(self, keys: jax.Array, actions: jax.Array) -> Seen:
        """Plays as a market does: worlds that end, or reach their limit, begin again."""
        world, limit = self.world, self.world.time_limit or 2**30

        def begin(key: jax.Array) -> PyTree:
            return jax.vmap(world.initial)(jax.random.split(key, WORLDS))

        def tick(carry: Any, given: Any) -> Any:
            state, age = carry
            move, again = jax.random.split(jax.random.wrap_key_data(given[0]))
            before = jax.vmap(world.observe)(state)
            after, reward, ended = jax.vmap(world.step)(
                state, given[1], jax.random.split(move, WORLDS)
            )
            seen = Seen(before, jax.vmap(world.observe)(after), reward, ended)
            age = age + jnp.int32(1)
            over = ended | (age >= limit)
            state = jax.tree.map(lambda new, old: _where(over, new, old), begin(again), after)
            return (state, jnp.where(over, jnp.int32(0), age)), seen

        first = begin(jax.random.wrap_key_data(keys[-1]))
        start = (first, jnp.zeros(WORLDS, jnp.int32))
        return jax.lax.scan(tick, start, (keys[:-1], actions))[1]


def _where(mask: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    return jnp.where(mask.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)
