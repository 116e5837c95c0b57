"""`equilibrium`: from valuations, supply and wealth to certified prices and bundles."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike

from catallax._errors import InvalidSetting, NotConverged
from catallax._types import exact
from catallax._xla import compiled
from catallax.clearing.equilibrium._border import market_of
from catallax.clearing.equilibrium._caps import caps_are_met, met
from catallax.clearing.equilibrium._certificate import certificate_of
from catallax.clearing.equilibrium._default import default_methods
from catallax.clearing.equilibrium._idling import idled
from catallax.clearing.equilibrium._interior import Iterate
from catallax.clearing.equilibrium._interior_method import InteriorPoint
from catallax.clearing.equilibrium._interior_start import start_in
from catallax.clearing.equilibrium._market import Market, Rules, worth_of
from catallax.clearing.equilibrium._method import Found, Method
from catallax.clearing.equilibrium._money import money_of
from catallax.clearing.equilibrium._outcome import Certificate, Equilibrium, Result
from catallax.clearing.equilibrium._padding import padded, rows_of
from catallax.clearing.equilibrium._places import places_of
from catallax.clearing.equilibrium._reduction import Reduction, reduced
from catallax.clearing.equilibrium._reservation import with_quotes
from catallax.clearing.equilibrium._smoothed import Smoothed
from catallax.clearing.equilibrium._traced import traced
from catallax.clearing.equilibrium._weighted import default_method
from catallax.clearing.equilibrium.valuations import Valuations

DEAR = 1e100
"""A price that nobody pays."""

SPREAD, LITTLE = 4, 2**14
"""What is left of a market is solved in its place, unless the whole has so many times as many
values and more than so many."""


def equilibrium(
    valuations: Valuations,
    supply: ArrayLike,
    wealth: ArrayLike | None = None,
    *,
    money: Rules,
    tol: float = 1e-6,
    method: Method | None = None,
    start: Any = None,
    throw: bool = True,
) -> Equilibrium:
    """Finds Walrasian prices and bundles, `Equ(Σ_b ω_b, α_b) = (p, ω)`, and certifies them.

    In equilibrium `Σ_b ω_b ≤ Ω`, `p ≥ 0`, `p·(Ω − Σ_b ω_b) = 0`, and each `ω_b` is a best bundle at
    p, by what money means:

    - `"none"`: the best of `α_b(ω) − p·ω`;
    - `"cap"`: the best of `min(α_b(ω), w_b) − p·ω`, as the paper writes it;
    - `"budget"`: the best of `α_b(ω) − p·ω` with `p·ω ≤ w_b`;
    - `"fisher"`: the best of `α_b(ω)` with `p·ω ≤ w_b`.

    Args:
        valuations: What bundles are worth to n agents; one of `catallax.valuations`.
        supply: `[m]`, quantities, 0 or more.
        wealth: `[n]`, money, 0 or more; None with `money="none"`.
        money: What money means to all, or a tuple: what it means to each family of `Mixed`, as to
            producers with caps beside households with budgets. There is no default, since the
            answers differ.
        tol: The largest violation that counts as an equilibrium, relative.
        method: How to search; None for the default by size and kind. Where that misses the
            tolerance, `InteriorPoint` tries again; `Equilibrium.method` says which one answered.
        start: `Equilibrium.warm` of a similar market, to start from; that of a market of another
            size is left aside, and so is one that leads nowhere.
        throw: Whether to raise where the result is not certified; False hands it back.

    Returns:
        The `Equilibrium`, in NumPy float64.

    Raises:
        InvalidMarket: If an argument means nothing, by its name.
        InvalidSetting: If the method cannot serve the market, or tol is out of range.
        NotConverged: If the steps ran out, and `throw` is set.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
        >>> eq = cx.equilibrium(values, supply=[1.0, 1.0], wealth=[1.0, 0.5], money="budget")
        >>> eq.prices.round(3).tolist(), bool(eq.certificate.violation < 1e-6)
        ([0.5, 1.0], True)

        A producer who values the good at 1, up to its wealth, and a household with a budget:

        >>> both = cx.valuations.Mixed(
        ...     (cx.valuations.Linear(np.array([[1.0]])), cx.valuations.Linear(np.array([[2.0]])))
        ... )
        >>> eq = cx.equilibrium(both, [10.0], [5.0, 6.0], money=("cap", "budget"))
        >>> eq.prices.round(3).tolist(), eq.bundles.round(3).tolist()
        ([1.0], [[4.0], [6.0]])

    Source: paper section 2, `Equ`; Eisenberg and Gale (1959); Cole et al. (2017) for budgets.
    """
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((valuations, supply, wealth))):
        money = money_of(money, valuations)
        method = default_method(valuations, money) if method is None else method
        return traced(valuations, supply, wealth, money, method, tol, start)
    market = market_of(valuations, supply, wealth, money)
    methods = default_methods(market, start) if method is None else (method,)
    _check(methods[0], market, tol)
    outcome = _tried(market, methods, tol, start)
    return _thrown(outcome, tol) if throw else outcome


def _tried(market: Market, methods: tuple[Method, ...], tol: float, start: Any) -> Equilibrium:
    """Returns what the first method to be certified found, or else what misses least."""
    # A start was meant for the first method, and may lead nowhere.
    tries = [(methods[0], start)] if start is not None else []
    outcomes = []
    for method, first in [*tries, *((method, None) for method in methods)]:
        outcomes.append(solved(market, method, tol, first))
        if outcomes[-1].result is Result.CERTIFIED:
            return outcomes[-1]
    return min(outcomes, key=lambda outcome: float(outcome.certificate.violation))


def solved(market: Market, method: Method, tol: float, start: Any = None) -> Equilibrium:
    """Finds and certifies the equilibrium of a checked market, in a program for its bucket.

    What is idle is taken out first and put back afterwards. Where every cap can be met at once,
    prices are exactly 0 and bundles the smallest that do, for linear values; of other families
    the found bundles are kept.

    Args:
        market: From `market_of`.
        method: That serves it.
        tol: The largest violation that counts as an equilibrium.
        start: `Equilibrium.warm` of a market in the same bucket, or None.

    Returns:
        The `Equilibrium`, whatever its result.
    """
    reduction = reduced(market)
    left = market if reduction is None else reduction.market
    whole = _alone(market)
    if left is None:
        outcome = _nothing(type(method).__name__)
    else:
        placed = whole if reduction is None else _placed(whole, reduction)
        outcome = _of_what_is_left(placed, method, tol, start)
    triple = outcome.prices, outcome.bundles, outcome.spending
    all_met = False
    if left is not None and left.money == "cap" and _met(left, outcome, tol):
        all_met, triple = True, met(left, np.asarray(outcome.bundles))
    if reduction is not None:
        triple = _put_back(reduction, market, triple, tol)
    if not all_met and reduction is None:
        return outcome
    prices, bundles, spending = map(np.asarray, triple)
    certificate = _certified(whole, prices, bundles)
    return dataclasses.replace(
        outcome,
        prices=prices,
        bundles=bundles,
        spending=spending,
        certificate=certificate,
        code=_code(certificate, tol),
        all_caps_met=np.asarray(all_met),
        no_supply=market.supply == 0,
    )


class _Placed(NamedTuple):
    """A market of a size from `bucket`, and where in it stand those who are left of the whole."""

    grown: Market
    rows: np.ndarray
    goods: np.ndarray
    whole: Market

    @property
    def is_padded(self) -> bool:
        """Whether there is anything beside the market; every family that can be padded has it."""
        return self.grown.supply.size > self.goods.size

    @property
    def with_places(self) -> Market:
        """The market, with what agents want where that is little."""
        pairs = zip(self.grown.families, self.whole.families, strict=True)
        places = tuple(places_of(family, whole) for family, whole in pairs)
        return dataclasses.replace(self.grown, places=places)


def _placed(whole: _Placed, reduction: Reduction) -> _Placed:
    """Returns what is left, padded: where it stands in the whole market, if that is not far larger.

    So a market in which agents and goods come and go keeps its size, and its program.
    """
    left: Any = reduction.market
    size = whole.rows.size * whole.goods.size
    enough = SPREAD * left.wealth.size * left.supply.size
    if not (reduction.in_place and whole.is_padded) or size > max(enough, LITTLE):
        return _alone(left)
    grown, rows, beside = whole.grown, whole.rows[reduction.agents], whole.goods.size
    agents, goods = _real(grown, rows, reduction.goods)
    there = goods | (np.arange(goods.size) >= beside)
    return _Placed(idled(grown, agents, there, beside), rows, reduction.goods, grown)


def _alone(market: Market) -> _Placed:
    grown = padded(market)
    return _Placed(grown, rows_of(market), np.arange(market.supply.size), grown)


def _of_what_is_left(placed: _Placed, method: Method, tol: float, start: Any) -> Equilibrium:
    rows, goods = placed.rows, placed.goods
    grown = placed.grown
    if isinstance(method, InteriorPoint):
        grown = placed.with_places
        with exact():
            start = start_in(grown, start)
    elif isinstance(start, Iterate):
        start = None
    real = _real(grown, rows, goods)
    if isinstance(method, Smoothed):
        # It follows those who are near indifference; added agents, all alike, would crowd them out.
        grown = dataclasses.replace(grown, wealth=np.where(real[0], grown.wealth, 0.0))
    with exact():
        found, seen = _searched(grown, real, method, tol, start)
        parts = (found.prices, found.bundles, found.spending, found.steps)
        prices, bundles, spending, steps = map(np.asarray, parts)
        certificate = _cut(jax.tree.map(np.asarray, seen), rows, goods)
    return Equilibrium(
        prices=prices[goods],
        bundles=bundles[np.ix_(rows, goods)],
        certificate=certificate,
        code=_code(certificate, tol),
        steps=steps,
        spending=spending[rows],
        all_caps_met=np.asarray(False),
        no_supply=np.zeros(goods.size, bool),
        warm=found.warm,
        method=type(method).__name__,
    )


def _nothing(method: str) -> Equilibrium:
    """Returns what is found where nobody is left; its certificate is still to come."""
    none: Any = None
    return Equilibrium(
        prices=np.zeros(0),
        bundles=np.zeros((0, 0)),
        certificate=none,
        code=none,
        steps=np.asarray(0),
        spending=np.zeros(0),
        all_caps_met=none,
        no_supply=none,
        warm=None,
        method=method,
    )


def _met(market: Market, outcome: Equilibrium, tol: float) -> bool:
    if outcome.certificate.violation > tol:
        return False
    with exact():
        worth = np.asarray(worth_of(market.valuations, outcome.bundles))
    return caps_are_met(market, np.asarray(outcome.prices), worth, tol)


def _put_back(reduction: Reduction, market: Market, triple: Any, tol: float) -> Any:
    prices, bundles, spending = reduction.put_back(market, *triple)
    return with_quotes(market, prices, bundles, spending, tol), bundles, spending


def measured(market: Market, prices: np.ndarray, bundles: np.ndarray) -> Certificate:
    """Returns the certificate of a market and a pair, in a program for its bucket."""
    return _certified(_alone(market), prices, bundles)


def _certified(placed: _Placed, prices: np.ndarray, bundles: np.ndarray) -> Certificate:
    grown, rows, goods, _ = placed
    wide_prices = np.zeros(grown.supply.size)
    wide_bundles = np.zeros((grown.wealth.size, grown.supply.size))
    wide_prices[goods] = prices
    wide_bundles[np.ix_(rows, goods)] = bundles
    with exact():
        seen = _measured(grown, _real(grown, rows, goods), wide_prices, wide_bundles)
        return _cut(jax.tree.map(np.asarray, seen), rows, goods)


def _real(grown: Market, rows: np.ndarray, goods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which agents and which goods are not beside the market."""
    return _at(rows, grown.wealth.size), _at(goods, grown.supply.size)


def _at(places: np.ndarray, size: int) -> np.ndarray:
    there = np.zeros(size, bool)
    there[places] = True
    return there


def _code(certificate: Certificate, tol: float) -> np.ndarray:
    certified = bool(certificate.violation <= tol)
    return np.asarray(Result.CERTIFIED if certified else Result.NOT_CONVERGED)


@partial(compiled, static_argnames=("method", "tol"))
def _searched(
    market: Market, real: tuple[Array, Array], method: Method, tol: float, start: Any
) -> tuple[Found, Certificate]:
    """Finds, and certifies without what was added by padding."""
    found = method.find(market, tol, start)
    return found, _own_certificate(market, real, found.prices, found.bundles)


def _own_certificate(
    market: Market, real: tuple[Array, Array], prices: Array, bundles: Array
) -> Certificate:
    """Certifies without what was added by padding.

    Added agents own nothing; added goods are not there, and cost more than anyone would give.
    """
    agents, goods = real
    prices = jnp.where(goods, prices, DEAR)
    own = dataclasses.replace(
        market,
        supply=jnp.where(goods, market.supply, 0.0),
        wealth=jnp.where(agents, market.wealth, 0.0),
    )
    return certificate_of(own, prices, jnp.where(agents[:, None] & goods, bundles, 0.0))


_measured = compiled(_own_certificate)


def _cut(certificate: Certificate, rows: np.ndarray, goods: np.ndarray) -> Certificate:
    """Returns the part of a certificate that speaks of the real market."""
    return dataclasses.replace(
        certificate,
        leftover=certificate.leftover[goods],
        overspent=certificate.overspent[rows],
        irrational=certificate.irrational[rows],
        regret=certificate.regret[rows],
    )


def _check(method: Method, market: Market, tol: float) -> None:
    if not 0 < tol < 1:
        raise InvalidSetting(
            f"tol={tol} was given.", "A tolerance is a small share.", "Give 1e-6, say."
        )
    reason = method.serves(market)
    if reason is not None:
        raise InvalidSetting(
            f"method={method} was given for this market.", reason, "Leave the method out."
        )


def _thrown(outcome: Equilibrium, tol: float) -> Equilibrium:
    if outcome.result is Result.CERTIFIED:
        return outcome
    raise NotConverged(
        f"{outcome.method} stopped after {int(outcome.steps)} steps with a violation of "
        f"{float(outcome.certificate.violation):.1e}.",
        f"The tolerance is {tol:.0e}.",
        "Give more steps or a larger tol; throw=False hands back what was found.",
    )
