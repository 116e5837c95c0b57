"""The two ends of the prices that support an allocation: longest paths of exchanges."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from catallax.clearing.indivisible._market import Selection

NEVER = -(2**61)
"""The gain of an exchange that nobody can make."""


class Ends(NamedTuple):
    """Prices at one end of the lattice.

    Attributes:
        prices: int64 `[m]`, ticks.
        steps: Rounds until they stood still.
    """

    prices: Int64[np.ndarray, "m"]
    steps: int


def end_of(gains: Int64[np.ndarray, "m+1 m+1"], selection: Selection) -> Ends | None:
    """Finds the lowest or highest `p ≥ 0` with `p_j − p_k ≥ gains[k, j]`.

    `gains[k, j]` is what the keenest holder of a unit of k would gain by a unit of j in its
    place; the last row and column stand for nothing, whose price is 0. For gross substitutes these
    inequalities are all that keeps everyone content. The lowest price of j is the longest path
    from nothing to j, and minus the highest price of k the longest path from k to nothing.

    Args:
        gains: As said, `NEVER` where there is no holder.
        selection: Which end.

    Returns:
        The prices, or None if the allocation can be bettered: then there are none.

    Source: Shapley and Shubik (1971) for the lattice; Gul and Stacchetti, "Walrasian equilibrium
    with gross substitutes" (1999); Fujishige, "Submodular Functions and Optimization" (2005).
    """
    found = _longest(gains if selection == "lowest" else np.ascontiguousarray(gains.T))
    if found is None:
        return None
    longest, rounds = found
    return Ends(longest[:-1] if selection == "lowest" else -longest[:-1], rounds)


def _longest(gains: Int64[np.ndarray, "m+1 m+1"]) -> tuple[Int64[np.ndarray, "m+1"], int] | None:
    """Returns the longest paths from the last node, or None if there is a way round that gains."""
    paths = np.full(len(gains), NEVER)
    paths[-1] = 0
    moved = np.array([len(gains) - 1])
    # Longer paths are used within the round that finds them, to and fro through the nodes: long
    # chains of exchanges in the order of the ids, or against it, take two rounds.
    for rounds in range(len(gains) + 1):
        before = paths.copy()
        for node in moved[:: (-1) ** rounds]:
            np.maximum(paths, paths[node] + gains[node], out=paths)
        paths[paths < NEVER // 2] = NEVER
        moved = np.flatnonzero(paths > before)
        if not len(moved):
            return paths, rounds
    return None
