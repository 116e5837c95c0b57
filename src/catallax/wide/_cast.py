"""Who holds goods and money in a wide market: rows, accounts, and numbers for the compiled step."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float64, Int32, Int64

from catallax._goods import ORIGINAL_OWNER, GoodsTable, arrivals_of, table_of
from catallax._ledger import N_SYSTEM, Account
from catallax._types import exact, ticks_of

from ._market import WideMarket
from ._rules import Rewards
from ._turnover import Terms


class Cast(NamedTuple):
    """The n holders of a market, row by row: owners of what comes in, households, producers.

    Attributes:
        accounts: int32 `[n]`, the account of each.
        arrivals: int64 `[n, C]`, quanta of components that come in in a step.
        discounted: bool `[n]`, who sells what it made; the first sale has no discount.
        endowments: int64 `[n]`, ticks at genesis.
        stipends: int64 `[n]`, ticks a step.
        hands_over: bool `[n]`, whose earnings go to the treasury.
        goods: The numbers of the components.
        units: float64 `[m]`, how much one quantum of a good is, as it is seen.
        discount: int64 `[2]`, numerator and denominator of γ.
        rewarded: Whether nature pays for what is used up.
        turnover: When producers enter and leave.
    """

    accounts: Int32[Array, "n"]
    arrivals: Int64[Array, "n C"]
    discounted: Bool[Array, "n"]
    endowments: Int64[Array, "n"]
    stipends: Int64[Array, "n"]
    hands_over: Bool[Array, "n"]
    goods: GoodsTable
    units: Float64[Array, "m"]
    discount: Int64[Array, "2"]
    rewarded: Bool[Array, ""]
    turnover: Terms


class Rows(NamedTuple):
    """Which rows are whose, and the names of all."""

    owners: int
    households: int
    producers: int
    names: tuple[str, ...]

    @property
    def household_rows(self) -> slice:
        """Of the households."""
        return slice(self.owners, self.owners + self.households)

    @property
    def producer_rows(self) -> slice:
        """Of the producers."""
        return slice(self.owners + self.households, len(self.names))


def rows_of(market: WideMarket) -> Rows:
    """Returns the holders of a market in order; the original owner is always there, and first.

    Owners that are households or producers too hold everything on one row.

    Args:
        market: The market.

    Returns:
        The `Rows`.
    """
    industry = market.industry
    others = [one.name for one in (*industry.households, *industry.producers)]
    named = dict.fromkeys(one.owner for one in industry.inflows)
    owners = [ORIGINAL_OWNER, *(n for n in named if n not in (*others, ORIGINAL_OWNER))]
    counts = len(owners), len(industry.households), len(industry.producers)
    return Rows(*counts, (*owners, *others))


def cast_of(market: WideMarket) -> Cast:
    """Returns the numbers of a market's holders."""
    industry, rows, closure = market.industry, rows_of(market), market.closure
    n, components = len(rows.names), market.components
    own = np.arange(n) >= rows.owners
    makes = np.zeros(n, bool)
    makes[rows.producer_rows] = True
    wants = own & ~makes
    accounts = np.arange(n) - 1 + N_SYSTEM
    accounts[0] = Account.ORIGINAL_OWNER
    rewarded = isinstance(closure, Rewards)
    first, count = rows.producer_rows.start, market.turnover.first(rows.producers)
    begins = (makes & (np.arange(n) < first + count)) | (wants & rewarded)
    stipends = np.zeros(n, np.int64)
    if not isinstance(closure, Rewards):
        for name, amount in closure.of.items():
            stipends[rows.names.index(name)] = ticks_of(amount)
    with exact():
        numbers = {
            "accounts": accounts.astype(np.int32),
            "arrivals": np.asarray(arrivals_of(industry.inflows, components, rows.names)),
            "discounted": makes,
            "endowments": np.where(begins, ticks_of(closure.endowment), 0),
            "stipends": stipends,
            "hands_over": ~own & (not rewarded),
            "units": np.array([good.unit for good in market.goods or ()], np.float64),
            "discount": np.array(market.discount.as_integer_ratio(), np.int64),
            "rewarded": np.asarray(rewarded),
        }
        terms = market.turnover.terms(
            ticks_of(closure.endowment), Account.NATURE if rewarded else Account.TREASURY
        )
        return Cast(**jax.device_put(numbers), goods=table_of(components), turnover=terms)
