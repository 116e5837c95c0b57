"""The population: a fixed number of slots, an `alive` mask, and a fresh id for every birth."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, Int64

from catallax._types import NOBODY, Mask

EMPTY = -1
"""The id of a slot in which nobody has been since the last journal entry."""


class Population(NamedTuple):
    """Who lives in which slot, and what is known of each.

    Attributes:
        alive: bool `[N]`.
        frozen: bool `[N]`, whether learning and mutation pass the agent by.
        ids: int64 `[N]`, never reused; `EMPTY` where the slot is unused. A slot that dies keeps
            its id until the next journal entry, so that a flow belongs to one agent.
        parents: int64 `[N]`, the id of the parent, `EMPTY` without one.
        born: int64 `[N]`, the tick of birth.
        last_won: int64 `[N]`, the last tick at which the agent bought a world.
        wins: int64 `[N]`, worlds bought.
        next_id: int64 scalar.
        births: int64 scalar, since genesis.
        deaths: int64 scalar, since genesis.
        refused: int64 scalar, births that could not be paid or had no slot.
        refinanced: int64 scalar, times that a learner was topped up.
    """

    alive: Bool[Array, "N"]
    frozen: Bool[Array, "N"]
    ids: Int64[Array, "N"]
    parents: Int64[Array, "N"]
    born: Int64[Array, "N"]
    last_won: Int64[Array, "N"]
    wins: Int64[Array, "N"]
    next_id: Int64[Array, ""]
    births: Int64[Array, ""]
    deaths: Int64[Array, ""]
    refused: Int64[Array, ""]
    refinanced: Int64[Array, ""]


def founders(alive: Mask) -> Population:
    """Returns the population at genesis.

    Args:
        alive: bool `[N]`, the slots that are filled from the start; they get ids 0, 1, 2 ...

    Returns:
        A `Population` born at tick 0.
    """
    ids = jnp.where(alive, jnp.cumsum(alive.astype(jnp.int64)) - 1, EMPTY)
    nothing, zero = jnp.zeros(alive.shape, jnp.int64), jnp.zeros((), jnp.int64)
    return Population(
        alive=alive,
        frozen=jnp.zeros(alive.shape, bool),
        ids=ids,
        parents=jnp.full(alive.shape, EMPTY, jnp.int64),
        born=nothing,
        last_won=nothing,
        wins=nothing,
        next_id=jnp.sum(alive, dtype=jnp.int64),
        births=jnp.sum(alive, dtype=jnp.int64),
        deaths=zero,
        refused=zero,
        refinanced=zero,
    )


def bear(
    population: Population, slots: Int32[Array, "B"], parents: Int64[Array, "B"], tick: Int64
) -> Population:
    """Fills free slots with newborns, each with a fresh id.

    Args:
        population: Before.
        slots: int32 `[B]`, distinct free slots, `NOBODY` for a birth that does not take place.
        parents: int64 `[B]`, ids.
        tick: Now.

    Returns:
        The population after.
    """
    born = slots != NOBODY
    ids = population.next_id + jnp.cumsum(born.astype(jnp.int64)) - 1
    where = jnp.where(born, slots, population.alive.shape[0])

    def put(column: Array, values: Array | bool | int) -> Array:
        return column.at[where].set(values, mode="drop")

    count = jnp.sum(born, dtype=jnp.int64)
    return population._replace(
        alive=put(population.alive, True),
        frozen=put(population.frozen, False),
        ids=put(population.ids, ids),
        parents=put(population.parents, parents),
        born=put(population.born, tick),
        last_won=put(population.last_won, tick),
        wins=put(population.wins, 0),
        next_id=population.next_id + count,
        births=population.births + count,
    )


def bury(population: Population, dead: Mask) -> Population:
    """Marks agents as dead; their ids stay in their slots until the journal is written."""
    dead = dead & population.alive
    return population._replace(
        alive=population.alive & ~dead,
        deaths=population.deaths + jnp.sum(dead, dtype=jnp.int64),
    )


def free_slots(population: Population) -> Mask:
    """Returns bool `[N]`: slots in which a birth may take place, unused since the last entry."""
    return ~population.alive & (population.ids == EMPTY)


def sweep(population: Population) -> Population:
    """Empties the slots of the dead, once the journal holds their last flows."""
    return population._replace(ids=jnp.where(population.alive, population.ids, EMPTY))
