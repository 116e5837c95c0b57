"""Named random streams: one seed, and a stream for each purpose and moment."""

import zlib

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from catallax._types import Key, exact


def stream(key: Key, name: str, *moments: int | jax.Array) -> Key:
    """Returns the key of a named stream at a moment.

    The same seed, name and moments always give the same key, whatever else was drawn before;
    this is what lets a resumed run repeat an uninterrupted one.

    Args:
        key: The parent key.
        name: What the stream is for, such as `"explore"`.
        *moments: Integers that count within the stream: a tick, a world, an agent.

    Returns:
        A key of its own.

    Example:
        >>> key = jax.random.key(0)
        >>> bool(stream(key, "bids", 3) == stream(key, "bids", 3))
        True
    """
    key = jax.random.fold_in(key, zlib.crc32(name.encode()))
    for moment in moments:
        key = jax.random.fold_in(key, moment)
    return key


def shuffled(key: Key, size: int) -> Int32[Array, "size"]:
    """Returns the numbers below `size` in an order drawn at random.

    The numbers ride in the low halves of 64-bit words with random high halves: sorting single
    words is several times faster on a CPU than sorting numbers by other numbers. For small sizes
    it is the order of `jax.random.permutation`.

    Args:
        key: Consumed.
        size: How many.

    Returns:
        int32 `[size]`.

    Example:
        >>> sorted(shuffled(jax.random.key(0), 3).tolist())
        [0, 1, 2]
    """
    drawn = jax.random.bits(jax.random.split(key)[1], (size,), jnp.uint32)
    with exact():
        words = (drawn.astype(jnp.uint64) << 32) | jnp.arange(size, dtype=jnp.uint64)
        return (jnp.sort(words) & jnp.uint64(2**32 - 1)).astype(jnp.int32)
