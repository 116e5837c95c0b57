"""Domain names, once: ticks, credits, and the two precisions in which the library computes."""

from fractions import Fraction
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Bool, Float32, Int32, Int64

TICKS_PER_CREDIT = 1_000_000
"""One credit, the unit of rewards and bids, is a million ticks."""

TICKS_MAX = 2**40
"""Largest bid, price or reward in ticks: about 1.1 million credits.

It leaves room to multiply by a discount's numerator (below 2**20) and to add 2**22 payments
without overflow of 63 bits.
"""

NOBODY = -1
"""The slot of the winner of an auction that nobody won."""

Ticks = Int64[Array, "..."]
Slots = Int32[Array, "..."]
Credits = Float32[Array, "..."]
Mask = Bool[Array, "..."]
Columns = dict[str, np.ndarray]
"""A table on the host: equally long columns by name."""

Key = Any
PyTree = Any


def exact() -> Any:
    """Returns the 64-bit context in which all money is computed, and only money."""
    return jax.enable_x64(True)


def floats() -> Any:
    """Returns the 32-bit context in which worlds and agents run, inside a 64-bit one."""
    return jax.enable_x64(False)


def ticks_of(credits: float | str | Fraction) -> int:
    """Converts credits to whole ticks, rounding down.

    Args:
        credits: An amount in credits.

    Returns:
        The amount in ticks, a Python integer.

    Example:
        >>> ticks_of(1.5), ticks_of("-0.0000001")
        (1500000, -1)
    """
    if not isinstance(credits, str | int | Fraction):
        credits = repr(float(credits))  # the decimal that was typed: 0.29 is 290000 ticks
    scaled = Fraction(credits) * TICKS_PER_CREDIT
    return int(scaled.numerator // scaled.denominator)


def credits_of(ticks: int | np.ndarray) -> float | np.ndarray:
    """Converts ticks to credits, for people to read; never for payments."""
    return (
        np.asarray(ticks, np.float64) / TICKS_PER_CREDIT
        if np.ndim(ticks)
        else float(Fraction(int(ticks), TICKS_PER_CREDIT))
    )
