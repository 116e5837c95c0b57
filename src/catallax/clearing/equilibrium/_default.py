"""Which methods are tried, and in what order, where none is chosen."""

from typing import Any

from catallax.clearing.equilibrium._closed import ClosedForm
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._method import Method
from catallax.clearing.equilibrium._smoothed import Prices, Smoothed
from catallax.clearing.equilibrium._weighted import default_method

MANY, TO_A_GOOD = 1000, 4
"""From so many agents on, and so many to a good, smoothing is faster than the interior point."""

HELD = 2 * 10**7
"""So many values, agents times goods, are not too many for the memory of the interior point."""


def default_methods(market: Market, start: Any = None) -> tuple[Method, ...]:
    """Returns methods that serve a market, the fastest first.

    A formula where there is one, `Smoothed` for many agents of linear values, and what serves any
    market of the kind. The next one is tried where the one before misses the tolerance.

    Args:
        market: Whose numbers are known.
        start: `Found.warm` of an earlier call, or None: only the method it comes from can use it.

    Returns:
        One or two methods.
    """
    general = default_method(market.valuations, market.money)
    if start is None and ClosedForm().serves(market) is None:
        return ClosedForm(), general
    if not (isinstance(start, Prices) or (start is None and _crowded(market))):
        return (general,)
    small = market.wealth.size * market.supply.size <= HELD
    return (Smoothed(), general) if small else (Smoothed(),)


def _crowded(market: Market) -> bool:
    agents, goods = market.wealth.size, market.supply.size
    many = agents >= max(MANY, TO_A_GOOD * goods)
    return many and Smoothed().serves(market) is None
