"""What a deep market knows between two ticks, and the random numbers of one."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int32, Int64

from catallax._clearing import Luck
from catallax._keys import stream
from catallax._learning import GroupState, Record
from catallax._ledger import Ledger
from catallax._market import Setting
from catallax._population import Population
from catallax._types import Key, floats
from catallax.agents._actions import blank_action


class Plan(NamedTuple):
    """What a training call set out to do; schedules follow it.

    Attributes:
        start: int64 scalar, the tick at which the call began.
        ticks: int64 scalar, its length.
    """

    start: Int64[Array, ""]
    ticks: Int64[Array, ""]


class EconomyState(NamedTuple):
    """All that a market knows between two ticks.

    Attributes:
        ledger: The books.
        population: Who lives.
        groups: One `GroupState` a species.
        owner: int32 `[W]`, the account that owns each world.
        pending: The last tick's `Record`, whose revenue is not known yet.
        tick: int64 scalar.
        plan: The present training call.
        key: The root of all random streams.
    """

    ledger: Ledger
    population: Population
    groups: tuple[GroupState, ...]
    owner: Int32[Array, "W"]
    pending: Record
    tick: Int64[Array, ""]
    plan: Plan
    key: Key


class Draws(NamedTuple):
    """The random numbers of one tick.

    Attributes:
        luck: For ties and exploration.
        action: float32 `[W, k]`, for the action where nobody bids.
        act: Keys `[W]`, for agents that draw their action.
        world: Keys `[W, 2]`, for the world's step and for its reset.
    """

    luck: Luck
    action: Float32[Array, "W k"]
    act: Key
    world: Key


def progress_of(state: EconomyState) -> Float32[Array, ""]:
    """Returns the share of the present training call that is done, in [0, 1]."""
    done = (state.tick - state.plan.start) / jnp.maximum(state.plan.ticks, 1)
    return jnp.clip(done, 0.0, 1.0).astype(jnp.float32)


def draws_of(setting: Setting, key: Key, ticks: int) -> Draws:
    """Draws the random numbers of `ticks` ticks at once, with a leading axis `[ticks]`.

    Args:
        setting: The market in its world.
        key: Consumed.
        ticks: How many.

    Returns:
        `Draws`, stacked.
    """
    worlds, parts = setting.worlds, blank_action(setting.spaces.action).size
    with floats():
        uniform = jax.random.uniform(stream(key, "luck"), (ticks, 3 + parts, worlds), jnp.float32)
        return Draws(
            luck=Luck(ties=uniform[:, 0], explore=uniform[:, 1:3]),
            action=jnp.moveaxis(uniform[:, 3:], 1, 2),
            act=jax.random.split(stream(key, "act"), (ticks, worlds)),
            world=jax.vmap(jax.vmap(jax.random.split))(
                jax.random.split(stream(key, "world"), (ticks, worlds))
            ),
        )
