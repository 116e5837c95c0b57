"""The entry to the market for whole goods."""

from typing import Any

import numpy as np

from catallax._errors import InvalidMarket, InvalidSetting, NoEquilibrium
from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.indivisible._assignment import Assignment
from catallax.clearing.indivisible._by_good import ByGood
from catallax.clearing.indivisible._certify import in_parts, measured
from catallax.clearing.indivisible._clock import Clock
from catallax.clearing.indivisible._configurations import Configurations
from catallax.clearing.indivisible._market import Selection, WholeMarket, WholeMoney, whole_market
from catallax.clearing.indivisible._method import WholeFound, WholeMethod
from catallax.clearing.indivisible._outcome import WholeEquilibrium
from catallax.clearing.indivisible.wishes import worth

METHODS: tuple[WholeMethod, ...] = (Assignment(), ByGood(), Clock(), Configurations())


def indivisible(
    valuations: Any,
    supply: Any,
    wealth: Any = None,
    *,
    money: WholeMoney = "none",
    selection: Selection = "lowest",
    method: WholeMethod | None = None,
    throw: bool = True,
) -> WholeEquilibrium:
    """Finds Walrasian prices for whole goods, proves that there are none, or says it cannot tell.

    Prices p and whole bundles x_i with `Σ_i x_i ≤ s`, `p ≥ 0`, `p·(s − Σ_i x_i) = 0`, and each
    x_i best for its agent: `v_i(x_i) − p·x_i = max_{x ≤ s} v_i(x) − p·x`. Agents choose among
    bundles that there are; so one who has all units of a good drives no price by wanting more.

    For gross substitutes there are such prices, whole ones too, and they form a lattice: its
    lowest point is best for every buyer, its highest for every seller. Of one good these are
    Vickrey's price and the first price. All money is whole ticks and all arithmetic exact.

    Several bundles may be equally good. Those returned have the least `Σ_i (i+1)·Σ_j x_ij`:
    nobody is given what adds nothing (it is left over, at price 0), and of equal claims the
    lowest id's is met.

    Args:
        valuations: Wishes of n agents for m goods, in whole ticks.
        supply: Whole numbers `[m]`, units; up to about a million.
        wealth: Whole numbers `[n]`, ticks; with `"cap"` only.
        money: `"none"`, or `"cap"`: no bundle is worth more than one's wealth, `min(v, w)`.
            Capped unit demand is unit demand; other capped wishes may have no prices.
        selection: `"lowest"` or `"highest"` prices.
        method: How; None takes the first that serves of `Assignment`, `ByGood`, `Clock` and
            `Configurations`.
        throw: Whether to raise where there is no certified answer, instead of returning it.

    Returns:
        The `WholeEquilibrium`; its `result` is `CERTIFIED` only if nothing is violated at all,
        `NO_EQUILIBRIUM` only with a proof in `shares`, and else `UNKNOWN`.

    Raises:
        InvalidMarket: If an argument is of the wrong kind, shape or size, or the method does not
            serve such markets.
        InvalidSetting: If `money` or `selection` is unknown.
        NoEquilibrium: If no prices clear the market, or none were found, and `throw` is set.

    Example:
        >>> from catallax.clearing.indivisible import indivisible, wishes
        >>> sold = indivisible(wishes.UnitDemand([[5, 4], [4, 1], [3, 0]]), [1, 1])
        >>> sold.prices.tolist(), sold.bundles.tolist()
        ([3, 0], [[0, 1], [1, 0], [0, 0]])

    Source: paper, Definition 2.2; Kelso and Crawford (1982); Gul and Stacchetti (1999).
    """
    if selection not in ("lowest", "highest"):
        why = "The prices that clear a market have a lowest end and a highest."
        raise InvalidSetting(f"`selection` is {selection!r}.", why, "Pass one of the two.")
    market = whole_market(valuations, supply, wealth, money)
    method = _chosen(market, method)
    if method is None:
        return _checked(_unsolved(market), throw)
    found = method.find(market, selection)
    return _checked(_outcome(market, found, type(method).__name__), throw)


def _chosen(market: WholeMarket, method: WholeMethod | None) -> WholeMethod | None:
    """Returns the method asked for, or the first that serves, if any does."""
    if method is None:
        return next((each for each in METHODS if each.serves(market) is None), None)
    reason = method.serves(market)
    if reason is not None:
        name = type(method).__name__
        raise InvalidMarket(f"`{name}` does not serve it.", reason, "Leave `method` out.")
    return method


def _outcome(market: WholeMarket, found: WholeFound, name: str) -> WholeEquilibrium:
    """Certifies what was found; only a certificate without violation, or a proof, is an answer."""
    prices = _quoted(market, found.prices)
    certificate = measured(market, *in_parts(prices), found.bundles)
    result = Result.CERTIFIED if certificate.violation == 0 else Result.UNKNOWN
    if found.shares is not None and found.shares.proves(market):
        result = Result.NO_EQUILIBRIUM
    return WholeEquilibrium(
        prices=prices,
        bundles=found.bundles,
        certificate=certificate,
        result=result,
        shares=found.shares,
        no_supply=market.absent,
        all_caps_met=_caps_met(market, found.bundles),
        steps=found.steps,
        method=name,
    )


def _caps_met(market: WholeMarket, bundles: np.ndarray) -> bool:
    """Tells whether everybody holds as much as its wealth lets count."""
    if market.wealth is None:
        return False
    return bool((worth(market.wishes, bundles) == market.wealth).all())


def _quoted(market: WholeMarket, prices: np.ndarray) -> np.ndarray:
    """Returns prices in which an absent good costs the highest bid for one unit of it."""
    if not market.absent.any():
        return prices
    quoted = prices.copy()
    quoted[market.absent] = 0
    numerators, parts = in_parts(quoted)
    without = market.wishes.best(numerators, market.supply, parts)
    for good in np.flatnonzero(market.absent):
        more = market.supply.copy()
        more[good] = 1
        bid = (market.wishes.best(numerators, more, parts) - without).max()
        quoted[good] = bid if parts == 1 else quoted[good] + bid / parts
    return quoted


def _unsolved(market: WholeMarket) -> WholeEquilibrium:
    """Returns what is said where no method serves: nothing is sold, and nothing is known."""
    wishes = market.wishes
    prices = np.zeros(wishes.goods, np.int64)
    bundles = np.zeros((wishes.agents, wishes.goods), np.int64)
    try:
        certificate = measured(market, prices, 1, bundles)
    except InvalidMarket:  # too many bundles to look for the best one under a cap
        certificate = None
    return WholeEquilibrium(
        prices=prices,
        bundles=bundles,
        certificate=certificate,
        result=Result.UNKNOWN,
        shares=None,
        no_supply=market.absent,
        all_caps_met=False,
        steps=0,
        method="",
    )


def _checked(outcome: WholeEquilibrium, throw: bool) -> WholeEquilibrium:
    """Returns a certified outcome, and raises on any other if asked to."""
    if outcome.result is Result.CERTIFIED or not throw:
        return outcome
    if outcome.result is Result.NO_EQUILIBRIUM and outcome.shares is not None:
        why = (
            f"The best whole bundles are worth {outcome.shares.whole_worth} ticks in all and "
            f"shares of them {outcome.shares.worth}."
        )
    else:
        why = "No method serves such a market, or what was found is not certified."
    remedy = "Pass throw=False to look at it, or let the goods be divided."
    raise NoEquilibrium(outcome.result.sentence, why, remedy)
