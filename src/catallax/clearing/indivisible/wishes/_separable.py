"""Wishes that add up over goods."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Int64

from catallax.clearing.indivisible.wishes._numbers import rising, whole
from catallax.clearing.indivisible.wishes._protocol import ticks


@dataclass(frozen=True, eq=False)
class Additive:
    """Every unit counts on its own: `v_i(x) = Σ_j v_ij x_j`.

    Args:
        values: Whole numbers `[agents, goods]`, ticks a unit.

    Raises:
        InvalidMarket: If they are not whole, or negative.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> wishes.Additive([[5, 3]]).worths(0, [[2, 1]]).tolist()
        [13]
    """

    values: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", whole("values", self.values, "agents goods"))

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.values.shape[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.values.shape[1]

    @property
    def substitutes(self) -> bool:
        """Always."""
        return True

    def worths(self, agent: int, bundles: Int[np.ndarray, "k m"]) -> Int64[np.ndarray, "k"]:
        """Returns `[k]`, what bundles are worth to an agent."""
        return np.asarray(bundles, np.int64) @ self.values[agent]

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns `[agents]`, what the best bundle brings."""
        return np.maximum(ticks(self.values, parts) - prices, 0) @ supply


@dataclass(frozen=True, eq=False)
class Diminishing:
    """Every further unit of a good is worth no more: `v_i(x) = Σ_j Σ_{k ≤ x_j} d_ijk`.

    Args:
        values: Whole numbers `[agents, goods, units]`, ticks for the first unit, the second, and
            so on, not increasing; units beyond the last are worth nothing.

    Raises:
        InvalidMarket: If they are not whole, or negative, or increase.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> wishes.Diminishing([[[5, 3, 1]]]).worths(0, [[2], [9]]).tolist()
        [8, 9]
    """

    values: Any

    def __post_init__(self) -> None:
        values = whole("values", self.values, "agents goods units")
        worse = np.diff(values, axis=2).max(axis=(1, 2), initial=0) > 0
        rising("values", worse, "A further unit of a good may not be worth more than the last.")
        object.__setattr__(self, "values", values)

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.values.shape[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.values.shape[1]

    @property
    def substitutes(self) -> bool:
        """Always."""
        return True

    def worths(self, agent: int, bundles: Int[np.ndarray, "k m"]) -> Int64[np.ndarray, "k"]:
        """Returns `[k]`, what bundles are worth to an agent."""
        places = np.arange(self.values.shape[2])
        counts = places < np.asarray(bundles)[:, :, None]
        return np.where(counts, self.values[agent], 0).sum(axis=(1, 2))

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns `[agents]`, what the best bundle brings."""
        margins = np.maximum(ticks(self.values, parts) - prices[:, None], 0)
        there = np.arange(self.values.shape[2]) < supply[:, None]
        return np.where(there, margins, 0).sum(axis=(1, 2))
