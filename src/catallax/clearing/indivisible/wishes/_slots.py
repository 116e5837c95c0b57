"""Wishes of agents with several places for goods."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Int64

from catallax._errors import InvalidMarket
from catallax.clearing.indivisible.wishes._numbers import whole
from catallax.clearing.indivisible.wishes._protocol import ticks

SLOTS_MAX = 12


@dataclass(frozen=True, eq=False)
class Slots:
    """An agent has slots, each for one unit of any good: `v_i(x)` is the best way to fill them.

    `v_i(x) = max Σ_{k,j} a_ikj y_kj`, with every slot filled once at most and `Σ_k y_kj ≤ x_j`.
    One slot is unit demand. A worth that only depends on how many units there are, and grows
    ever less, has slots to which all goods are alike.

    Args:
        values: Whole numbers `[agents, slots, goods]`, ticks; up to 12 slots, of which an agent
            with fewer has some worth 0.

    Raises:
        InvalidMarket: If they are not whole, or negative, or the slots are too many.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> team = wishes.Slots([[[5, 4], [3, 0]]])
        >>> team.worths(0, [[1, 0], [1, 1], [2, 0]]).tolist()
        [5, 7, 8]

    Source: Lehmann, Lehmann and Nisan, "Combinatorial auctions with decreasing marginal
    utilities" (2006), where these are the OXS valuations.
    """

    values: Any

    def __post_init__(self) -> None:
        values = whole("values", self.values, "agents slots goods")
        if values.shape[1] > SLOTS_MAX:
            many = f"`values` has {values.shape[1]} slots."
            raise InvalidMarket(many, f"At most {SLOTS_MAX} are looked at.", "Split the agent.")
        object.__setattr__(self, "values", values)

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.values.shape[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.values.shape[2]

    @property
    def substitutes(self) -> bool:
        """Always."""
        return True

    def worths(self, agent: int, bundles: Int[np.ndarray, "k m"]) -> Int64[np.ndarray, "k"]:
        """Returns `[k]`, what bundles are worth to an agent."""
        # Loaded where it is used: importing scipy's optimisers takes most of a second.
        from scipy.optimize import linear_sum_assignment

        own = self.values[agent]
        units = np.minimum(np.asarray(bundles), len(own))
        found = np.zeros(len(units), np.int64)
        for number, bundle in enumerate(units):
            table = np.repeat(own, bundle, axis=1)
            # Exact: 12 slots of 2**40 ticks stay far within the integers that a double holds.
            found[number] = table[linear_sum_assignment(table, maximize=True)].sum()
        return found

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns `[agents]`, what the best bundle brings: over sets of slots, unit by unit."""
        margins = ticks(self.values, parts) - prices
        slots = self.values.shape[1]
        brings = np.zeros((self.agents, 1 << slots), margins.dtype)
        sets = np.arange(1 << slots)
        for good in np.repeat(np.arange(self.goods), np.minimum(supply, slots)):
            before = brings.copy()
            for slot in range(slots):
                free = sets[(sets >> slot) & 1 == 0]
                filled = before[:, free] + margins[:, slot, good, None]
                brings[:, free | 1 << slot] = np.maximum(brings[:, free | 1 << slot], filled)
        return brings.max(axis=1)
