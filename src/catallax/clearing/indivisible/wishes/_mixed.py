"""Agents of several families, and wishes capped by wealth."""

from dataclasses import dataclass
from math import prod

import numpy as np
from jaxtyping import Int, Int64

from catallax._errors import InvalidMarket
from catallax.clearing.indivisible.wishes._protocol import Wishes, ticks

LOOKED_AT_MAX = 2**16


@dataclass(frozen=True, eq=False)
class Mixed:
    """Several families, one after the other: the agents of the first come first.

    Args:
        families: Wishes for the same goods.

    Raises:
        InvalidMarket: If there are none, or they speak of different numbers of goods.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> both = wishes.Mixed((wishes.UnitDemand([[3, 2]]), wishes.Additive([[1, 4]])))
        >>> both.agents, both.worths(1, [[1, 1]]).tolist()
        (2, [5])
    """

    families: tuple[Wishes, ...]

    def __post_init__(self) -> None:
        goods = {family.goods for family in self.families}
        if len(goods) != 1:
            counts = f"`families` speak of {sorted(goods)} goods."
            raise InvalidMarket(counts, "One market has one list of goods.", "Align them.")

    @property
    def agents(self) -> int:
        """How many agents, of all families."""
        return sum(family.agents for family in self.families)

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.families[0].goods

    @property
    def substitutes(self) -> bool:
        """Whether they are so in every family."""
        return all(family.substitutes for family in self.families)

    def worths(self, agent: int, bundles: Int[np.ndarray, "k m"]) -> Int64[np.ndarray, "k"]:
        """Returns `[k]`, what bundles are worth to an agent."""
        for family in self.families:
            if agent < family.agents:
                return family.worths(agent, bundles)
            agent -= family.agents
        raise IndexError(f"There is no agent {agent + self.agents}.")

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns `[agents]`, what the best bundle brings."""
        return np.concatenate([family.best(prices, supply, parts) for family in self.families])


@dataclass(frozen=True, eq=False)
class Capped:
    """No bundle is worth more than one's wealth: `min(v_i(x), w_i)`.

    Nothing is known of what that leaves of a family's structure, so its best bundle is looked up
    among all that there are.

    Args:
        wishes: What is capped.
        wealth: int64 `[agents]`, ticks.

    Example:
        >>> import numpy as np
        >>> from catallax.clearing.indivisible import wishes
        >>> poor = wishes.Capped(wishes.Additive([[4, 2, 3]]), np.array([4]))
        >>> poor.worths(0, [[0, 1, 0], [1, 1, 1]]).tolist()
        [2, 4]
    """

    wishes: Wishes
    wealth: Int64[np.ndarray, "n"]

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.wishes.agents

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.wishes.goods

    @property
    def substitutes(self) -> bool:
        """Not known to be so."""
        return False

    def worths(self, agent: int, bundles: Int[np.ndarray, "k m"]) -> Int64[np.ndarray, "k"]:
        """Returns `[k]`, what bundles are worth to an agent."""
        return np.minimum(self.wishes.worths(agent, bundles), self.wealth[agent])

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns `[agents]`, what the best bundle brings."""
        count = prod(int(units) + 1 for units in supply)
        if count > LOOKED_AT_MAX:
            why = f"A cap leaves no way but to look at all {count} bundles."
            raise InvalidMarket("There are too many bundles.", why, "Offer fewer units.")
        bundles = np.indices(tuple(supply + 1)).reshape(self.goods, -1).T
        costs = (bundles * prices).sum(axis=1)
        found = [
            (ticks(self.worths(agent, bundles), parts) - costs).max()
            for agent in range(self.agents)
        ]
        return np.array(found)
