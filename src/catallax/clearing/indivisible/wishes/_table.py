"""Wishes of any kind, written out bundle by bundle."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Int64

from catallax._errors import InvalidMarket
from catallax.clearing.indivisible.wishes._numbers import rising, whole
from catallax.clearing.indivisible.wishes._protocol import ticks

GOODS_MAX = 16


@dataclass(frozen=True, eq=False)
class Table:
    """Every set of goods has its own worth, substitutes, complements and all.

    Set number `b` holds good j where bit j of b is 1: of three goods, set 5 is goods 0 and 2. A
    second unit of a good adds nothing.

    Args:
        values: Whole numbers `[agents, 2**goods]`, ticks; 0 for the empty set, and not less for
            more goods; up to 16 goods.

    Raises:
        InvalidMarket: If they are not whole or negative, the length is no power of two, the empty
            set is worth something, or more goods are worth less.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> shoes = wishes.Table([[0, 0, 0, 9]])    # one shoe is worth nothing
        >>> shoes.goods, shoes.substitutes
        (2, False)
    """

    values: Any

    def __post_init__(self) -> None:
        values = whole("values", self.values, "agents sets")
        goods = values.shape[1].bit_length() - 1
        if values.shape[1] != 1 << goods or not 1 <= goods <= GOODS_MAX:
            wrong = f"`values` has {values.shape[1]} sets of goods."
            why = f"m goods have 2**m sets, and m is 1 to {GOODS_MAX}."
            raise InvalidMarket(wrong, why, "Write out every set, the empty one too.")
        rising("values", values[:, 0] > 0, "The empty set must be worth 0.")
        sets = np.arange(1 << goods)
        for good in range(goods):
            without = sets[(sets >> good) & 1 == 0]
            more = values[:, without | 1 << good] - values[:, without]
            rising(
                "values",
                more.min(axis=1) < 0,
                f"A set is worth less with good {good} than without.",
            )
        object.__setattr__(self, "values", values)

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.values.shape[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.values.shape[1].bit_length() - 1

    @cached_property
    def substitutes(self) -> bool:
        """Whether they are so to every agent: looked up in the table, once."""
        return bool(is_gross_substitutes(self).all())

    def worths(self, agent: int, bundles: Int[np.ndarray, "k m"]) -> Int64[np.ndarray, "k"]:
        """Returns `[k]`, what bundles are worth to an agent."""
        sets = (np.asarray(bundles) > 0) @ (1 << np.arange(self.goods))
        return self.values[agent, sets]

    def best(
        self, prices: np.ndarray, supply: Int[np.ndarray, "m"], parts: int = 1
    ) -> Int[np.ndarray, "n"]:
        """Returns `[agents]`, what the best bundle brings."""
        sets = np.arange(1 << self.goods)
        holds = (sets[:, None] >> np.arange(self.goods)) & 1
        there = ~(holds[:, supply == 0] > 0).any(axis=1)
        margins = ticks(self.values, parts) - (holds * prices).sum(axis=1)
        return margins[:, there].max(axis=1)


def is_gross_substitutes(table: Table) -> Bool[np.ndarray, "n"]:
    """Tells to whom goods are gross substitutes: a dearer good never makes another less wanted.

    Looks at every pair and triple of goods beside every set S of the others (`Si` is S and i):
    `v(Si) + v(Sj) ≥ v(Sij) + v(S)`, and of `v(Sij) + v(Sk)`, `v(Sik) + v(Sj)`, `v(Sjk) + v(Si)`
    the largest is there twice. That is `2**goods · goods³ / 6` comparisons for each agent.

    Args:
        table: Who wants which sets.

    Returns:
        bool `[agents]`.

    Example:
        >>> from catallax.clearing.indivisible import wishes
        >>> wishes.is_gross_substitutes(wishes.Table([[0, 2, 2, 3], [0, 0, 0, 3]])).tolist()
        [True, False]

    Source: Reijnierse, van Gellekom and Potters, "Verifying gross substitutability" (2002).
    """
    v, goods = table.values, table.goods
    sets = np.arange(1 << goods)
    agrees = np.ones(table.agents, bool)
    for i, j in combinations((1 << np.arange(goods)).tolist(), 2):
        s = sets[sets & (i | j) == 0]
        agrees &= (v[:, s | i] + v[:, s | j] >= v[:, s | i | j] + v[:, s]).all(axis=1)
    for i, j, k in combinations((1 << np.arange(goods)).tolist(), 3):
        s = sets[sets & (i | j | k) == 0]
        pairings = np.stack([v[:, s | i | j] + v[:, s | k], v[:, s | i | k] + v[:, s | j],
                             v[:, s | j | k] + v[:, s | i]])  # fmt: off
        ordered = np.sort(pairings, axis=0)
        agrees &= (ordered[1] == ordered[2]).all(axis=1)
    return agrees
