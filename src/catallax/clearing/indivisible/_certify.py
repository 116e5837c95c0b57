"""Measures what prices and bundles of whole goods miss; shares nothing with those who find them."""

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from jaxtyping import Int64

from catallax._errors import InvalidMarket
from catallax.clearing.indivisible._market import UNITS_MAX, WholeMarket, WholeMoney, whole_market
from catallax.clearing.indivisible._outcome import WholeCertificate
from catallax.clearing.indivisible.wishes import worth
from catallax.clearing.indivisible.wishes._numbers import whole


def certify_whole(
    valuations: Any,
    supply: Any,
    prices: Any,
    bundles: Any,
    wealth: Any = None,
    *,
    money: WholeMoney = "none",
) -> WholeCertificate:
    """Measures by how much anybody's prices and bundles miss an equilibrium, exactly.

    Regret is `max_{x ≤ s} v_i(x) − p·x − (v_i(x_i) − p·x_i)`, over all bundles that there are.

    Args:
        valuations: Wishes for whole goods, of n agents for m goods.
        supply: Whole numbers `[m]`, units.
        prices: `[m]`, ticks, 0 or more: whole numbers, or fractions.
        bundles: Whole numbers `[n, m]`, units.
        wealth: Whole numbers `[n]`, ticks; for `"cap"` only.
        money: `"none"`, or `"cap"` for worths `min(v, w)`.

    Returns:
        The `WholeCertificate`.

    Raises:
        InvalidMarket: If an argument is of the wrong kind, shape or size.

    Example:
        >>> from catallax.clearing.indivisible import certify_whole, wishes
        >>> certify_whole(wishes.UnitDemand([[5], [3]]), [1], [3], [[1], [0]]).violation
        0

    Source: paper, Definition 2.2.
    """
    market = whole_market(valuations, supply, wealth, money)
    held = whole("bundles", bundles, "agents goods", UNITS_MAX)
    if held.sum(axis=1).max() > UNITS_MAX:
        most = f"`bundles` give somebody {held.sum(axis=1).max()} units."
        raise InvalidMarket(most, f"At most {UNITS_MAX} are counted.", "Count larger units.")
    numerators, parts = in_parts(prices)
    if held.shape != (valuations.agents, valuations.goods) or len(numerators) != held.shape[1]:
        shapes = f"`prices` and `bundles` are {np.shape(prices)} and {held.shape}."
        want = f"There are {valuations.agents} agents and {valuations.goods} goods."
        raise InvalidMarket(shapes, want, "Pass [goods] and [agents, goods].")
    return measured(market, numerators, parts, held)


def in_parts(prices: Any) -> tuple[np.ndarray, int]:
    """Returns prices as whole numbers of parts of a tick, and how many make a tick."""
    given = np.asarray(prices)
    if given.dtype != object:
        return whole("prices", prices, "goods"), 1
    fractions = [Fraction(price) for price in given.tolist()]
    if not fractions or min(fractions) < 0:
        raise InvalidMarket("`prices` are below 0.", "Goods are not burdens.", "Raise them.")
    parts = lcm(*(price.denominator for price in fractions))
    return np.array([int(price * parts) for price in fractions], object), parts


def measured(
    market: WholeMarket, prices: np.ndarray, parts: int, bundles: Int64[np.ndarray, "n m"]
) -> WholeCertificate:
    """Returns the certificate of prices in parts of a tick, and bundles."""
    wishes, leftover = market.wishes, market.supply - bundles.sum(axis=0)
    # In 64 bits a payment fits: prices are below 2**41, and nobody holds more than 2**20 units.
    number = np.int64 if parts == 1 else object
    payments = bundles.astype(number) @ prices.astype(number)
    worths = worth(wishes, bundles).astype(object) * parts
    best = wishes.best(prices, market.supply, parts).astype(object)
    left = sum(int(p) * max(int(unit), 0) for p, unit in zip(prices, leftover, strict=True))
    income = sum(int(p) * int(unit) for p, unit in zip(prices, market.supply, strict=True))
    return WholeCertificate(
        leftover=leftover,
        unallocated=_ticks(left, parts),
        shortage=max(int(-leftover.min()), 0),
        irrational=_all_ticks(np.maximum(payments - worths, 0), parts),
        regret=_all_ticks(best - (worths - payments), parts),
        gap=_ticks(income + int(best.sum()) - int(worths.sum()), parts),
    )


def _ticks(amount: int, parts: int) -> int | Fraction:
    """Returns an amount in ticks, whole where ticks are not divided."""
    return Fraction(amount, parts) if parts > 1 else int(amount)


def _all_ticks(amounts: np.ndarray, parts: int) -> np.ndarray:
    """Returns amounts in ticks: int64, or exact fractions."""
    if parts == 1:
        return amounts.astype(np.int64)
    return np.array([Fraction(int(amount), parts) for amount in amounts], object)
