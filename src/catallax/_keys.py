"""Named random streams: one seed, and a stream for each purpose and moment."""

import zlib

import jax

from catallax._types import Key


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
