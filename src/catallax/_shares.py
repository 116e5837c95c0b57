"""Whole shares of whole amounts: largest remainders, in integers, the same in any order of adding.

Like the ledger's, these functions expect a 64-bit context (`catallax._types.exact`). They serve up
to 2**20 agents; an amount times the sum of its weights stays below 2**112.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float64, Int64

WEIGHT_BITS = 40
"""Weights are read down to 2**-40 of the largest one; what is finer is left out."""

TINIEST = -900
"""Where the largest weight is below 2**-900, nobody has weight."""


def portion(
    amount: Int64[Array, "..."], part: Int64[Array, "..."], whole: Int64[Array, "..."]
) -> tuple[Int64[Array, "..."], Int64[Array, "..."]]:
    """Returns `⌊amount·part / whole⌋` and the remainder, exactly, though the product may not fit.

    Args:
        amount: int64, 0 or more.
        part: int64, from 0 to `whole`, of the same rank.
        whole: int64, of the same rank; where it is 0 the answer is 0 and 0.

    Returns:
        The quotient and the remainder, which is below `whole`.
    """
    whole = jnp.maximum(whole, 1)
    ratio = amount.astype(jnp.float64) * part.astype(jnp.float64) / whole.astype(jnp.float64)
    near = ratio.astype(jnp.int64)
    # Both products may wrap around 2**64; their difference is small, and therefore right.
    rest = amount * part - near * whole
    # No processor divides whole numbers side by side; of floats only the last digit is in doubt.
    guess = jnp.floor(rest.astype(jnp.float64) / whole.astype(jnp.float64)).astype(jnp.int64)
    rest = rest - guess * whole
    off = (rest >= whole).astype(jnp.int64) - (rest < 0).astype(jnp.int64)
    return near + guess + off, rest - off * whole


def largest(keys: Int64[Array, "n m"], count: Int64[Array, "m"]) -> Bool[Array, "n m"]:
    """Marks the agents with the largest keys, of each good as many as are asked for.

    The key at the border is found bit by bit: each bit is one pass, which vectorises where sorting
    does not. No bit is looked at that makes no difference to any good.

    Args:
        keys: int64 `[n, m]`; below 0 an agent is never marked.
        count: int64 `[m]`, how many to mark; all there are, if there are fewer.

    Returns:
        bool `[n, m]`; of equal keys the lowest slots are marked.
    """
    there = jnp.sum(keys >= 0, axis=0, dtype=jnp.int32)
    count = jnp.minimum(count.astype(jnp.int32), there)
    bits = 64 - jax.lax.clz(jnp.maximum(jnp.max(keys, initial=0), 1)).astype(jnp.int32)

    def unsure(state: tuple[Array, Array, Array]) -> Array:
        bit, _, marked = state
        return (bit > 0) & jnp.any(marked > count)

    def raised(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        bit, border, marked = state
        higher = border + (jnp.int64(1) << (bit - 1).astype(jnp.int64))
        fewer = jnp.sum(keys >= higher[None], axis=0, dtype=jnp.int32)
        enough = fewer >= count
        return bit - 1, jnp.where(enough, higher, border), jnp.where(enough, fewer, marked)

    start = (bits, jnp.zeros_like(keys[0]), there)
    _, border, _ = jax.lax.while_loop(unsure, raised, start)
    above, tied = keys > border[None], keys == border[None]
    left = count - jnp.sum(above, axis=0, dtype=jnp.int32)
    return above | (tied & (jnp.cumsum(tied, axis=0, dtype=jnp.int32) <= left[None]))


def shares_of(total: Int64[Array, "m"], weights: Int64[Array, "n m"]) -> Int64[Array, "n m"]:
    """Splits whole totals in proportion to whole weights, by largest remainder.

    Everybody gets its proportion rounded down; what is left goes, one each, to those from whom the
    most was rounded off, of equals to the lowest slot. No share misses its proportion by 1 or more,
    and none is above its weight if the total is at most the sum of the weights.

    Args:
        total: int64 `[m]`, 0 or more.
        weights: int64 `[n, m]`, 0 or more.

    Returns:
        int64 `[n, m]`, which sum to `total`; all 0 where nobody has weight.
    """
    whole = jnp.sum(weights, axis=0)
    shares, rest = portion(total[None], weights, whole[None])
    left = jnp.where(whole > 0, total - jnp.sum(shares, axis=0), 0)
    return shares + largest(jnp.where(rest > 0, rest, -1), left).astype(jnp.int64)


def shares_by(total: Int64[Array, "m"], weights: Float64[Array, "n m"]) -> Int64[Array, "n m"]:
    """Splits whole totals in proportion to any weights, by largest remainder.

    Weights become whole numbers first, so that no order of adding them up changes a share.

    Args:
        total: int64 `[m]`, from 0 to 2**50.
        weights: float64 `[n, m]`; what is not a finite number above 0 is no weight.

    Returns:
        int64 `[n, m]`, which sum to `total`; all 0 where nobody has weight.
    """
    sound = jnp.where(jnp.isfinite(weights) & (weights > 0), weights, 0.0)
    _, exponent = jnp.frexp(jnp.max(sound, axis=0, initial=0.0))
    scaled = jnp.ldexp(sound, (WEIGHT_BITS - jnp.maximum(exponent, TINIEST))[None])
    return shares_of(total, scaled.astype(jnp.int64))


def returned_to(leftover: Int64[Array, "m"], offered: Int64[Array, "n m"]) -> Int64[Array, "n m"]:
    """Returns what nobody bought to those who offered it, pro rata.

    Args:
        leftover: int64 `[m]`, quanta, at most what was offered.
        offered: int64 `[n, m]`, quanta.

    Returns:
        int64 `[n, m]`, quanta; nobody gets back more than it offered.
    """
    return shares_of(leftover, offered)
