"""Quotes: what every agent offers for every world, and its value in ticks."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, Int64

from catallax._ledger import Fault, fault
from catallax._market import Setting
from catallax._state import EconomyState
from catallax._types import TICKS_MAX, TICKS_PER_CREDIT, PyTree, floats


class Offers(NamedTuple):
    """What every agent offers for every world.

    Attributes:
        credits: float32 `[N, W]`, uncapped valuations.
        enters: bool `[N, W]`, who bids.
        actions: What host agents would do, `[N, W, ...]`, or None where there are none.
    """

    credits: Array | np.ndarray
    enters: Array | np.ndarray
    actions: Array | np.ndarray | None


def quote(setting: Setting, state: EconomyState, observation: Array) -> tuple[PyTree, Offers]:
    """Asks every agent for its bid on every world: `α_b(ω)`.

    Args:
        setting: The market in its world.
        state: Of the economy.
        observation: `[W]` or `[W, D]`.

    Returns:
        The senses of each group, and the `Offers`.
    """
    senses, credits, enters = [], [], []
    with floats():
        for species, group in zip(setting.species, state.groups, strict=True):
            sensed = jax.vmap(species.encoder.encode, in_axes=(None, 0))(group.encoder, observation)
            by_agent_and_world = ((0, None), (None, 0))
            bid, enter = species.bid, species.enters
            for axes in reversed(by_agent_and_world):
                bid, enter = jax.vmap(bid, axes), jax.vmap(enter, axes)
            senses.append(sensed)
            credits.append(bid(group.genes, sensed))
            enters.append(enter(group.genes, sensed))
        return tuple(senses), Offers(jnp.concatenate(credits), jnp.concatenate(enters), None)


def valuations_of(
    setting: Setting, state: EconomyState, offers: Offers
) -> tuple[Int64[Array, "N W"], Bool[Array, "N W"], Int32[Array, ""]]:
    """Rounds bids down to ticks; a species with a `stake` bids that share of its wealth.

    Args:
        setting: The market in its world.
        state: Of the economy.
        offers: In credits.

    Returns:
        int64 `[N, W]` ticks, bool `[N, W]` who bids, and the fault of bids that are not finite.
    """
    enters = state.population.alive[:, None] & offers.enters
    scaled = offers.credits.astype(jnp.float64) * TICKS_PER_CREDIT
    fine = jnp.abs(scaled) <= TICKS_MAX
    ticks = jnp.where(fine, jnp.floor(scaled), 0).astype(jnp.int64)
    bad = fault(jnp.any(enters & ~fine), Fault.BAD_BID)
    for species, offset, size in zip(setting.species, setting.offsets, setting.sizes, strict=True):
        if species.stake is not None:
            group = slice(offset, offset + size)
            wealth = jnp.clip(state.ledger.balances[setting.first_agent :][group], 0, TICKS_MAX)
            staked = wealth * species.stake.numerator // species.stake.denominator
            ticks = ticks.at[group].set(jnp.broadcast_to(staked[:, None], ticks[group].shape))
    return ticks, enters & fine, bad


def merged(setting: Setting, offers: Offers, outside: Offers) -> Offers:
    """Puts the offers of host agents in the place of their species' blanks."""
    hosted = np.repeat([species.on_host for species in setting.species], setting.sizes)
    mask = jnp.asarray(hosted)[:, None]
    return Offers(
        jnp.where(mask, outside.credits, offers.credits),
        jnp.where(mask, outside.enters, offers.enters),
        outside.actions,
    )
