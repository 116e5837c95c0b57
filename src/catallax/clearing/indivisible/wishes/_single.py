"""Wishes for one good at most."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Int64

from catallax.clearing.indivisible.wishes._numbers import whole
from catallax.clearing.indivisible.wishes._protocol import ticks


@dataclass(frozen=True, eq=False)
class UnitDemand:
    """The best unit of a bundle is all that counts: `v_i(x) = max {v_ij : x_j ≥ 1}`.

    Args:
        values: Whole numbers `[agents, goods]`, ticks.

    Raises:
        InvalidMarket: If they are not whole, or negative.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> houses = wishes.UnitDemand([[5, 3], [4, 0]])
        >>> houses.agents, houses.goods
        (2, 2)

    Source: Shapley and Shubik, "The assignment game I: the core" (1971).
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
        return np.where(np.asarray(bundles) > 0, self.values[agent], 0).max(axis=1)

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns `[agents]`, what the best bundle brings."""
        margins = ticks(self.values[:, supply > 0], parts) - prices[supply > 0]
        return margins.max(axis=1, initial=0)
