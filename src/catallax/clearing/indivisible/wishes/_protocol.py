"""What a family of wishes for whole goods must say about itself."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int, Int64


@runtime_checkable
class Wishes(Protocol):
    """What bundles of whole goods are worth to each of n agents: `v_i(0) = 0`, more is no worse.

    Money is whole ticks and bundles are whole units, all in 64-bit integers. A family is a frozen
    value that checks its numbers when it is made.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> isinstance(wishes.UnitDemand([[3, 2]]), wishes.Wishes)
        True

    Source: Kelso and Crawford, "Job matching, coalition formation, and gross substitutes" (1982).
    """

    @property
    def agents(self) -> int:
        """How many agents, n."""
        ...

    @property
    def goods(self) -> int:
        """How many goods, m."""
        ...

    @property
    def substitutes(self) -> bool:
        """Whether every agent is known to hold goods for gross substitutes (M♮-concave)."""
        ...

    def worths(self, agent: int, bundles: Int[np.ndarray, "k m"]) -> Int64[np.ndarray, "k"]:
        """Returns what each of k bundles is worth to one agent.

        Args:
            agent: Its place, from 0.
            bundles: `[k, m]`, units.

        Returns:
            int64 `[k]`, ticks.
        """
        ...

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns what the best bundle that there is brings: `max_{x ≤ s} v_i(x) − p·x`.

        The certificate rests on it, so it shares nothing with the methods that find prices.

        Args:
            prices: Whole numbers `[m]`, in parts of a tick.
            supply: `[m]`, units.
            parts: How many to a tick.

        Returns:
            `[n]`, parts of a tick.
        """
        ...


def worth(wishes: Wishes, bundles: Any) -> Int64[np.ndarray, "n"]:
    """Returns what each agent's own bundle is worth to it.

    Args:
        wishes: A family.
        bundles: Whole numbers `[n, m]`, units.

    Returns:
        int64 `[n]`, ticks.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> wishes.worth(wishes.UnitDemand([[3, 2], [1, 4]]), [[1, 0], [1, 1]]).tolist()
        [3, 4]
    """
    rows = np.asarray(bundles)
    own = [wishes.worths(agent, rows[agent : agent + 1]) for agent in range(wishes.agents)]
    return np.concatenate(own)


def ticks(values: Int64[np.ndarray, "..."], parts: int) -> np.ndarray:
    """Returns values in parts of a tick; where there are parts, as integers without end."""
    return values if parts == 1 else values.astype(object) * parts
