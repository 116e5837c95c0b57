"""The border: what is given must be whole numbers of the right shape and size."""

from typing import Any

import numpy as np
from jaxtyping import Int64

from catallax._errors import InvalidMarket
from catallax._types import TICKS_MAX

HOW = "Count in whole ticks: `np.floor(values / tick).astype(np.int64)` for a tick of your choice."


def whole(name: str, given: Any, axes: str, limit: int = TICKS_MAX) -> Int64[np.ndarray, "..."]:
    """Returns what was given as int64, of its own.

    Args:
        name: Of the argument, for the message.
        given: Whole numbers, 0 or more.
        axes: Their names, separated by spaces: how many there must be.
        limit: The largest number allowed.

    Raises:
        InvalidMarket: If a number is not whole, is negative or too large, or the shape is wrong.
    """
    try:
        array = np.array(given)
    except ValueError as error:
        raise InvalidMarket(f"`{name}` is ragged.", f"{error}.", "Give equal rows.") from error
    if array.dtype.kind not in "iu":
        raise InvalidMarket(f"`{name}` is not whole numbers.", _what_it_is(array), HOW)
    if array.ndim != len(axes.split()) or 0 in array.shape:
        want = f"It takes [{', '.join(axes.split())}], none of them empty."
        raise InvalidMarket(f"`{name}` has the shape {array.shape}.", want, "Reshape it.")
    if array.min() < 0:
        worst = f"`{name}` has {array.min()}, below 0."
        raise InvalidMarket(worst, "Wants and goods are 0 or more.", "Add what makes them so.")
    if array.max() > limit:
        worst = f"`{name}` has {array.max()}, above {limit}."
        raise InvalidMarket(worst, "Sums would leave 64 bits.", "Count in larger units.")
    return array.astype(np.int64)


def _what_it_is(array: np.ndarray) -> str:
    if array.dtype.kind == "f" and np.isnan(array).any():
        return "It has NaN, which is no amount of money."
    return f"It has the type {array.dtype}, and prices of whole goods are exact."


def rising(name: str, agents: np.ndarray, why: str) -> None:
    """Refuses agents for whom more is worth less.

    Args:
        name: Of the argument.
        agents: bool `[agents]`, who is at fault.
        why: What they break.
    """
    if agents.any():
        first = int(np.flatnonzero(agents)[0])
        raise InvalidMarket(f"`{name}` of agent {first} is refused.", why, "Mend its numbers.")
