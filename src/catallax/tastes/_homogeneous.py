"""Tastes of which twice the bundle is worth twice as much: CES and Cobb-Douglas."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from catallax._errors import InvalidSetting
from catallax.clearing.equilibrium import valuations
from catallax.industries import Sight
from catallax.techniques._amounts import GivenAmounts, frozen_amounts, require_between

from ._known import Known


@dataclass(frozen=True)
class CES(Known):
    """Goods stand in for each other, more or less easily: `v(x) = c (Σ_j a_j x_j^ρ)^(1/ρ)`.

    `ρ = 1 − 1/σ`. At an elasticity σ below 1 goods are complements, above 1 substitutes.

    Args:
        weights: a, of every good, above 0.
        substitution: σ, above 0, finite, and not 1 (that is `CobbDouglas`).
        scale: c, credits, above 0.

    Raises:
        InvalidSetting: If a number is out of range or a good is named twice.

    Example:
        >>> import catallax as cx
        >>> from catallax.industries import Household
        >>> ann = Household("ann", cx.tastes.CES({"bread": 1.0, "beer": 2.0}, substitution=0.5))
        >>> ann.goods
        ('bread', 'beer')

    Source: Arrow, Chenery, Minhas and Solow (1961), Capital-labor substitution and economic
    efficiency.
    """

    weights: GivenAmounts
    substitution: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Checks the numbers and freezes the weights."""
        object.__setattr__(self, "weights", frozen_amounts("CES", "weights", self.weights))
        low = {"open_low": True}
        require_between("CES", "substitution", self.substitution, 0.0, math.inf, **low)
        require_between("CES", "scale", self.scale, 0.0, math.inf, **low)
        if self.substitution == 1.0:
            raise InvalidSetting(
                "CES was given substitution=1.0.",
                "Its formula divides by 0 there; the limit is Cobb-Douglas.",
                "Use CobbDouglas with the weights, divided by their sum, as shares.",
            )

    @property
    def goods(self) -> tuple[str, ...]:
        """The goods that have a weight."""
        return tuple(good for good, _ in tuple(self.weights))

    def valuation(self, goods: tuple[str, ...], memory: Any, sight: Sight) -> valuations.CES:
        """Returns its values of bundles of all goods."""
        rho = np.array([1 - 1 / self.substitution])
        return valuations.CES(_spread(self.weights, goods), rho, np.array([self.scale]))


@dataclass(frozen=True)
class CobbDouglas(Known):
    """A constant share of what is spent goes to each good: `v(x) = c Π_j x_j^(a_j)`.

    Args:
        shares: a, of every good, above 0; they sum to 1.
        scale: c, credits, above 0.

    Raises:
        InvalidSetting: If a number is out of range, a good is named twice, or shares do not sum
            to 1.

    Example:
        >>> import catallax as cx
        >>> from catallax.industries import Household
        >>> bob = Household("bob", cx.tastes.CobbDouglas({"bread": 0.25, "beer": 0.75}, scale=3.0))
        >>> bob.wants.goods
        ('bread', 'beer')

    Source: Cobb and Douglas (1928), A theory of production.
    """

    shares: GivenAmounts
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Checks the numbers and freezes the shares."""
        require_between("CobbDouglas", "scale", self.scale, 0.0, math.inf, open_low=True)
        shares = frozen_amounts("CobbDouglas", "shares", self.shares)
        total = math.fsum(share for _, share in shares)
        object.__setattr__(self, "shares", shares)
        if abs(total - 1) > 1e-9:
            raise InvalidSetting(
                f"CobbDouglas was given shares that sum to {total:g}.",
                "They are shares of what is spent.",
                "Divide them by their sum.",
            )

    @property
    def goods(self) -> tuple[str, ...]:
        """The goods that have a share."""
        return tuple(good for good, _ in tuple(self.shares))

    def valuation(
        self, goods: tuple[str, ...], memory: Any, sight: Sight
    ) -> valuations.CobbDouglas:
        """Returns its values of bundles of all goods."""
        return valuations.CobbDouglas(_spread(self.shares, goods), np.array([self.scale]))


def _spread(amounts: Any, goods: tuple[str, ...]) -> np.ndarray:
    """Returns amounts as a row of all goods, float64 `[1, m]`."""
    row = np.zeros((1, len(goods)))
    for good, amount in amounts:
        row[0, goods.index(good)] = amount
    return row
