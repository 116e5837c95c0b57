"""A compiled world and what random play in it shows: what its clauses are tested on."""

from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from catallax._types import PyTree
from catallax.checks._clauses import demand
from catallax.checks._draws import draw_actions

WORLDS, TICKS = 8, 320


class Seen(NamedTuple):
    """What one tick of W worlds showed: the observations before and after it."""

    before: Any
    after: Any
    reward: Any
    ended: Any


class Trial:
    """A world, and what 320 ticks of random play in 8 copies of it showed.

    Args:
        world: The world; nothing of it is touched before a clause asks.
    """

    def __init__(self, world: Any) -> None:
        self.world = world

    @cached_property
    def actions(self) -> np.ndarray:
        """Random actions, `[320, 8, ...]`."""
        return draw_actions(self.world.action_space, (TICKS, WORLDS), 0)

    @cached_property
    def keys(self) -> np.ndarray:
        """The data of a key for every tick, and of one for the first states."""
        return np.asarray(jax.random.key_data(jax.random.split(jax.random.key(7), TICKS + 1)))

    @cached_property
    def program(self) -> Any:
        """The compiled play."""
        return jax.jit(self.play)

    @cached_property
    def seen(self) -> Seen:
        """The play, on the host."""
        return jax.tree.map(np.asarray, self.program(self.keys, self.actions))

    def shapes(self) -> tuple[PyTree, PyTree]:
        """Returns the shapes and dtypes of a first state, and of a state after a step."""
        first = jax.eval_shape(self.world.initial, jax.random.key(0))
        action = jnp.asarray(self.actions[0, 0])
        return first, jax.eval_shape(self.world.step, first, action, jax.random.key(0))[0]

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


def demand_everywhere(fine: np.ndarray, values: np.ndarray, complaint: str) -> None:
    """Breaks the clause unless something holds of all values; shows the first where not."""
    if not fine.all():
        place = tuple(np.argwhere(~fine)[0])
        said = values[place]
        demand(False, f"world {place[1]} gives {said} at tick {place[0]}, {complaint}")


def demand_same_play(one: Seen, other: Any, when: str) -> None:
    """Breaks the clause unless two plays are the same, to float precision."""
    for name, a, b in zip(Seen._fields, one, other, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        close = np.isclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True)
        if not close.all():
            tick = int(np.argwhere(~close)[0][0])
            demand(False, f"{when}, {name} differs from tick {tick} on")
