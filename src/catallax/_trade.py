"""Trade: from one clearing's prices and bundles to quanta and ticks that add up, exactly.

Everybody sells all that it holds and buys its bundle. The functions here are pure and move nothing:
`_payments` books what they say.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float64, Int64

from catallax._errors import BadPrice, InvalidMarket
from catallax._goods import QUANTA_MAX
from catallax._quanta import payments_of, whole_bundles
from catallax._shares import returned_to, shares_of
from catallax._types import TICKS_MAX, TICKS_PER_CREDIT

PRICE_MAX = TICKS_MAX / TICKS_PER_CREDIT
"""The highest price, in credits for 1 of a good."""


class Trade(NamedTuple):
    """What n holders buy and sell of m goods, and what they pay and get for it.

    `prices`, `bought` and `payments` are the rounded equilibrium, which is what is certified.

    Attributes:
        prices: float64 `[m]`, credits for 1 of a good; 0 where the price was none.
        bought: int64 `[n, m]`, quanta.
        sold: int64 `[n, m]`, quanta.
        returned: int64 `[n, m]`, quanta that were offered and that nobody bought.
        payments: int64 `[n, m]`, ticks that the buyer pays.
        receipts: int64 `[n, m]`, ticks that the seller gets.
        unpriced: bool `[m]`, goods whose price was none (below 0, not finite, above
            `PRICE_MAX`): none of them is sold, and the caller must say so.
    """

    prices: Float64[Array, "m"]
    bought: Int64[Array, "n m"]
    sold: Int64[Array, "n m"]
    returned: Int64[Array, "n m"]
    payments: Int64[Array, "n m"]
    receipts: Int64[Array, "n m"]
    unpriced: Bool[Array, "m"]

    @property
    def holdings(self) -> Int64[Array, "n m"]:
        """What everybody holds afterwards, in quanta: what it bought and what came back."""
        return self.bought + self.returned

    @property
    def spent(self) -> Int64[Array, "n"]:
        """What everybody pays in all, in ticks."""
        return self.payments.sum(axis=1)

    @property
    def earned(self) -> Int64[Array, "n"]:
        """What everybody gets in all, in ticks."""
        return self.receipts.sum(axis=1)


def trade(
    offered: Int64[Array, "n m"],
    prices: Float64[Array, "m"],
    bundles: Float64[Array, "n m"],
    means: Int64[Array, "n"],
    units: Float64[Array, "m"],
) -> Trade:
    """Settles a clearing: who gets which quanta for which ticks.

    - Bundles become whole quanta, of no good more than is offered, and of nobody more than its
      means can pay: what it sells in this step buys nothing in this step.
    - A buyer pays `⌊price·quanta⌋` ticks for each good. What the buyers of a good pay, its sellers
      get, in proportion to what they sold: by largest remainder, of equals the lowest slot.
    - What nobody buys goes back to those who offered it, in proportion to what they offered.

    Args:
        offered: int64 `[n, m]`, quanta that everybody holds; `QUANTA_MAX` of a good at most.
        prices: float64 `[m]`, credits for 1 of a good.
        bundles: float64 `[n, m]`, how much everybody is to get, from `cx.equilibrium`; what is not
            a finite number above 0 is nothing.
        means: int64 `[n]`, ticks that everybody may spend: its wealth before this step, or
            `MEANS_MAX` where money knows no limit.
        units: float64 `[m]`, how much one quantum is.

    Returns:
        The `Trade`.

    Source: paper Algorithm 2, "charge buyers" and "pay sellers".
    """
    supply = jnp.sum(offered, axis=0)
    unpriced = ~((prices >= 0) & (prices <= PRICE_MAX))
    prices = jnp.where(unpriced, 0.0, prices)
    wanted = jnp.isfinite(bundles) & (bundles > 0) & ~unpriced[None]
    price = prices * (units * TICKS_PER_CREDIT)
    bought = whole_bundles(jnp.where(wanted, bundles / units[None], 0.0), supply, price, means)
    payments = payments_of(bought, price[None])
    returned = returned_to(supply - jnp.sum(bought, axis=0), offered)
    sold = offered - returned
    return Trade(
        prices=prices,
        bought=bought,
        sold=sold,
        returned=returned,
        payments=payments,
        receipts=shares_of(jnp.sum(payments, axis=0), sold),
        unpriced=unpriced,
    )


def check_clearing(
    offered: ArrayLike, prices: ArrayLike, bundles: ArrayLike, means: ArrayLike, units: ArrayLike
) -> None:
    """Checks, on the host, what `trade` is to be given.

    Args:
        offered: As for `trade`.
        prices: As for `trade`.
        bundles: As for `trade`.
        means: As for `trade`.
        units: As for `trade`.

    Raises:
        BadPrice: If a price is not finite, below 0, or above `PRICE_MAX`.
        InvalidMarket: If another argument has a wrong shape, sign or number, by its name.
    """
    agents, goods = np.shape(offered)
    _check("prices", prices, (goods,), None, PRICE_MAX)
    _check("bundles", bundles, (agents, goods), None, np.inf)
    _check("units", units, (goods,), None, np.inf)
    _check("offered", offered, (agents, goods), np.integer, QUANTA_MAX)
    _check("means", means, (agents,), np.integer, np.inf)
    most = np.sum(np.asarray(offered), axis=0, dtype=object).max(initial=0)
    if most > QUANTA_MAX:
        raise InvalidMarket(
            f"offered has {most} quanta of one good.",
            "Of a good at most 2**40 quanta can be counted.",
            "Give the good a larger unit.",
        )


def _check(
    name: str, given: ArrayLike, shape: tuple[int, ...], kind: type | None, highest: float
) -> None:
    array = np.asarray(given)
    error = BadPrice if name == "prices" else InvalidMarket
    if array.shape != shape or not np.issubdtype(array.dtype, kind or np.number):
        raise error(
            f"{name} has shape {array.shape} and type {array.dtype}.",
            f"It needs shape {shape}{' and whole numbers' if kind else ''}.",
            "Give one number for each agent and good.",
        )
    wrong = ~((array >= 0) & (array <= highest) & np.isfinite(array))
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise error(
            f"{name}{list(place)} is {array[place]}.",
            f"It is a finite number from 0 to {highest:g}.",
            "Check what it was computed from.",
        )
