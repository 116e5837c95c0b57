"""The market for whole goods that a method is given: checked once, in whole numbers."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Int64

from catallax._errors import InvalidMarket, InvalidSetting
from catallax.clearing.indivisible.wishes import Capped, Mixed, Table, UnitDemand, Wishes
from catallax.clearing.indivisible.wishes._numbers import whole

UNITS_MAX = 2**20
"""Units of one good, and of all goods: with `TICKS_MAX` sums over a bundle stay below 2**61."""

WholeMoney = Literal["none", "cap"]
"""What money means: no limit, or a cap on worth `min(v, w)`."""

Selection = Literal["lowest", "highest"]
"""Which end of the prices that clear the market."""


@dataclass(frozen=True)
class WholeMarket:
    """Who wants what, and what there is.

    Attributes:
        wishes: Of n agents, for m goods, capped by wealth where that is the rule.
        supply: int64 `[m]`, units.
        wealth: int64 `[n]`, ticks, the caps; None where there are none.

    Example:
        >>> import numpy as np
        >>> from catallax.clearing.indivisible import Assignment, WholeMarket, wishes
        >>> market = WholeMarket(wishes.Additive([[3, 2]]), np.array([1, 1]))
        >>> Assignment().serves(market)
        'The agents want several goods.'
    """

    wishes: Wishes
    supply: Int64[np.ndarray, "m"]
    wealth: Int64[np.ndarray, "n"] | None = None

    @property
    def absent(self) -> Bool[np.ndarray, "m"]:
        """Goods of which there is nothing."""
        return self.supply == 0


def whole_market(valuations: Any, supply: Any, wealth: Any, money: str) -> WholeMarket:
    """Returns the market that was asked for, or says what is wrong with it.

    Args:
        valuations: Wishes for whole goods.
        supply: Whole numbers `[goods]`, units.
        wealth: Whole numbers `[agents]`, ticks; with `"none"` not looked at.
        money: `"none"` or `"cap"`.

    Raises:
        InvalidMarket: If an argument is of the wrong kind, shape or size.
        InvalidSetting: If the rule for money is unknown.
    """
    if not isinstance(valuations, Wishes):
        kind = f"`valuations` is a {type(valuations).__name__}."
        raise InvalidMarket(kind, "Whole goods need wishes for whole goods.", "See `wishes`.")
    if money not in ("none", "cap"):
        why = "Whole goods are sold with money 'none' or 'cap'; a budget may leave no prices."
        raise InvalidSetting(f"`money` is {money!r}.", why, "Pass one of the two.")
    supply = whole("supply", supply, "goods", UNITS_MAX)
    if len(supply) != valuations.goods or supply.sum() > UNITS_MAX:
        counts = f"`supply` has {len(supply)} goods and {supply.sum()} units."
        want = f"The valuations speak of {valuations.goods} goods, and {UNITS_MAX} units are most."
        raise InvalidMarket(counts, want, "Count again.")
    if money == "none":
        return WholeMarket(valuations, supply)
    if wealth is None:
        raise InvalidMarket("`wealth` is missing.", "A cap needs it.", "Pass one for each agent.")
    wealth = whole("wealth", wealth, "agents")
    if len(wealth) != valuations.agents:
        counts = f"`wealth` has {len(wealth)} agents."
        raise InvalidMarket(counts, f"There are {valuations.agents}.", "Pass one for each.")
    return WholeMarket(_capped(valuations, wealth), supply, wealth)


def _capped(wishes: Wishes, wealth: Int64[np.ndarray, "n"]) -> Wishes:
    """Returns the wishes as far as wealth goes; those that stay of their kind do."""
    if isinstance(wishes, UnitDemand | Table):
        return type(wishes)(np.minimum(wishes.values, wealth[:, None]))
    if isinstance(wishes, Mixed):
        firsts = np.cumsum([family.agents for family in wishes.families])[:-1]
        parts = zip(wishes.families, np.split(wealth, firsts), strict=True)
        return Mixed(tuple(_capped(family, part) for family, part in parts))
    return Capped(wishes, wealth)
