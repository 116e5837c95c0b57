"""Bundles in whole quanta: of no good more than there is, and nobody beyond its means.

These functions expect a 64-bit context (`catallax._types.exact`). Whatever is added up over agents
is a whole number, so that no order of agents changes what anybody gets.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float64, Int64

from catallax._shares import largest

FRACTION_BITS = 40
FRACTION = 2.0**FRACTION_BITS
"""Parts of quanta are compared and added up to 2**-40 of one."""

MEANS_MAX = 2**50
"""The most ticks that anybody spends in a step; whoever has more has so much."""

PAYMENT_MAX = 2.0**52
"""Stands for every payment that nobody can make; of a thousand goods they add up in 64 bits."""

SLACK = 2.0**-50
"""Of a sum over goods, more than its rounding can be, good by good."""


def payments_of(quanta: Int64[Array, "..."], price: Float64[Array, "..."]) -> Int64[Array, "..."]:
    """Returns what quanta cost, `⌊price·quanta⌋`.

    Args:
        quanta: int64, 0 or more.
        price: float64, of the same rank, ticks a quantum, 0 or more.

    Returns:
        int64, ticks; never more than `PAYMENT_MAX`.
    """
    return jnp.minimum(price * quanta.astype(jnp.float64), PAYMENT_MAX).astype(jnp.int64)


def whole_bundles(
    wants: Float64[Array, "n m"],
    supply: Int64[Array, "m"],
    price: Float64[Array, "m"],
    means: Int64[Array, "n"],
) -> Int64[Array, "n m"]:
    """Rounds bundles to whole quanta.

    Where more is wanted than there is, all get the same share of what they want; whoever wants more
    than it can pay gets the same share of each good that costs something. Then everything is
    rounded down, and what that leaves over of what was wanted in all goes, one quantum each, to
    those who lost most by rounding and can pay for one more; of what is free, to all who lost, as
    long as there is any. The dearest good comes first, so that what stays unsold for want of means
    is cheap.

    No bundle misses what was wanted by a quantum or more, unless it had to be cut.

    Args:
        wants: float64 `[n, m]`, quanta, finite and 0 or more.
        supply: int64 `[m]`, quanta, at most `QUANTA_MAX`.
        price: float64 `[m]`, ticks a quantum, finite and 0 or more.
        means: int64 `[n]`, ticks.

    Returns:
        int64 `[n, m]`, quanta.
    """
    means = jnp.clip(means, 0, MEANS_MAX)
    wants = _within_means(_within_supply(wants, supply), price, means)
    quanta = jnp.floor(wants).astype(jnp.int64)
    part = _fraction(wants)
    nearest = (jnp.sum(part, axis=0) + 2 ** (FRACTION_BITS - 1)) >> FRACTION_BITS
    asked = jnp.where(price > 0, nearest, jnp.sum(part > 0, axis=0))
    left = jnp.minimum(asked, supply - jnp.sum(quanta, axis=0))
    return quanta + _handed_out(quanta, part, left, price, means)


def _fraction(wants: Float64[Array, "n m"]) -> Int64[Array, "n m"]:
    """Returns what is more than whole quanta, in parts of one."""
    return ((wants - jnp.floor(wants)) * FRACTION).astype(jnp.int64)


def _within_supply(wants: Float64[Array, "n m"], supply: Int64[Array, "m"]) -> Array:
    """Cuts wants in proportion where even their whole quanta are more than there is."""
    wants = jnp.minimum(wants, supply.astype(jnp.float64)[None])
    quanta = jnp.sum(jnp.floor(wants).astype(jnp.int64), axis=0)
    parts = jnp.sum(_fraction(wants), axis=0).astype(jnp.float64)
    total = quanta.astype(jnp.float64) + parts / FRACTION
    # Rounding may lift an amount to a whole number, but never their sum: that is whole, and there.
    share = supply.astype(jnp.float64) / jnp.maximum(total, 1.0)
    return jnp.where((quanta > supply)[None], wants * share[None], wants)


def _within_means(
    wants: Float64[Array, "n m"], price: Float64[Array, "m"], means: Int64[Array, "n"]
) -> Array:
    """Cuts what costs something where somebody could not even pay for whole quanta."""
    spent = jnp.sum(payments_of(jnp.floor(wants).astype(jnp.int64), price[None]), axis=1)
    cost = jnp.sum(price[None] * wants, axis=1)
    slack = SLACK * (2 + wants.shape[1])
    share = means.astype(jnp.float64) / jnp.maximum(cost, 1.0) * (1 - slack)
    cut = (spent > means)[:, None] & (price > 0)[None]
    return jnp.where(cut, wants * share[:, None], wants)


def _handed_out(
    quanta: Int64[Array, "n m"],
    part: Int64[Array, "n m"],
    left: Int64[Array, "m"],
    price: Float64[Array, "m"],
    means: Int64[Array, "n"],
) -> Int64[Array, "n m"]:
    """Returns who gets one more quantum of what; each purchase leaves less for the next good."""
    now = payments_of(quanta, price[None])
    more = payments_of(quanta + 1, price[None]) - now
    dearest_first = jnp.argsort(-price, stable=True)

    def one_good(free: Array, good: tuple[Array, ...]) -> tuple[Array, Array]:
        part, left, more = good
        keys = jnp.where((part > 0) & (more <= free), part, -1)
        gets = largest(keys[:, None], left[None])[:, 0]
        return free - jnp.where(gets, more, 0), gets

    columns = (part.T[dearest_first], left[dearest_first], more.T[dearest_first])
    _, gets = jax.lax.scan(one_good, means - jnp.sum(now, axis=1), columns)
    return jnp.zeros_like(quanta.T).at[dearest_first].set(gets.astype(jnp.int64)).T
