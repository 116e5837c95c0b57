"""The state of a wide market: books, stocks, and what producers go by."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float64, Int32, Int64

from catallax._ledger import N_SYSTEM, Account, Ledger, Reason, empty_ledger, post, transfers
from catallax._stocks import Stocks, empty_stocks
from catallax._types import exact, ticks_of
from catallax._xla import compiled

from ._cast import Cast
from ._habits import Habits, Waits, first_waits
from ._lessons import Lessons
from ._market import WideMarket
from ._rules import Stipends
from ._turnover import Lives, first_lives


class WideState(NamedTuple):
    """Everything that the next step depends on.

    Attributes:
        ledger: The books.
        stocks: Who holds what, in quanta of components.
        forecasts: float64 `[m]`, p̂, credits for 1 of a good.
        habits: What producers are used to.
        waits: How patient the market of each good is.
        lessons: What they have learnt about grades that they do not see.
        memories: What households that bid by a taste remember, one after the other.
        lives: What is remembered of them for their exit and entry.
        alive: bool `[P]`, who is in the market.
        step: int64 scalar, steps since genesis.
    """

    ledger: Ledger
    stocks: Stocks
    forecasts: Float64[Array, "m"]
    habits: Habits
    waits: Waits
    lessons: Lessons
    memories: tuple[Any, ...]
    lives: Lives
    alive: Bool[Array, "P"]
    step: Int64[Array, ""]


def genesis(
    market: WideMarket, cast: Cast, habits: Habits, lessons: Lessons, memories: tuple[Any, ...]
) -> WideState:
    """Returns a market in which nothing was made or sold, with its money paid in.

    Args:
        market: The market.
        cast: Its holders.
        habits: Of those who have done nothing.
        lessons: Of those who have made nothing.
        memories: Of households who have bought nothing.

    Returns:
        The first `WideState`.
    """
    holders, components = cast.arrivals.shape
    producers = habits.scales.size
    with exact():
        closure = market.closure
        capital = ticks_of(closure.treasury) if isinstance(closure, Stipends) else 0
        ledger = _paid_in(cast.accounts, cast.endowments, np.array([capital], np.int64))
        return WideState(
            ledger=ledger,
            stocks=empty_stocks(holders, components),
            forecasts=jax.device_put(np.zeros(cast.units.size)),
            habits=habits,
            waits=first_waits(cast.units.size),
            lessons=lessons,
            memories=memories,
            lives=first_lives(producers),
            alive=jax.device_put(np.arange(producers) < market.turnover.first(producers)),
            step=jax.device_put(np.int64(0)),
        )


@compiled
def _paid_in(
    accounts: Int32[Array, "n"], endowments: Int64[Array, "n"], capital: Int64[Array, "1"]
) -> Ledger:
    """Returns the books after nature has paid the holders, and the treasury its capital."""
    nature, ledger = Account.NATURE, empty_ledger(N_SYSTEM + accounts.size - 1)
    ledger = post(ledger, transfers(nature, accounts, endowments, Reason.ENDOWMENT))
    return post(ledger, transfers(nature, Account.TREASURY, capital, Reason.ENDOWMENT))
