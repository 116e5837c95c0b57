"""Reservation prices: what a good that is missing would have to cost, so that nobody buys it."""

from functools import singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from catallax._types import exact
from catallax.clearing.equilibrium._market import Market, Money
from catallax.clearing.equilibrium._reduction import wanted
from catallax.clearing.equilibrium.valuations import (
    CES,
    BoundedLeontief,
    CobbDouglas,
    CoupledQuadratic,
    Leontief,
    Linear,
    Logarithmic,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)

CEILING = 1e100
"""The highest quote: bids that are higher, or endless, are quoted so."""

SPARE = 0.1
"""Quotes that stand for endless bids may cost this share of the tolerance."""

NUDGE = 1e-12
"""By what share quotes are rounded up, so that no bid is above its quote by rounding alone."""

TOUCH = 1e-12
"""Where slopes of unknown functions are taken: at 0 itself they may be endless."""


class Standing(NamedTuple):
    """How the agents of a family stand, with nothing of the missing goods.

    Attributes:
        money: The rule.
        prices: `[m]`, of the goods that are there.
        bundles: `[n, m]`.
        beta: `[n]`, the marginal worth of wealth; 1 for those who hold nothing.
        missing: `[m]`, goods of which there is none.
        supply: `[m]`.
        ease: `[n]`, by what share a unit of worth may become cheaper without harm.
    """

    money: Money
    prices: Float[np.ndarray, "m"]
    bundles: Float[np.ndarray, "n m"]
    beta: Float[np.ndarray, "n"]
    missing: Bool[np.ndarray, "m"]
    supply: Float[np.ndarray, "m"]
    ease: Float[np.ndarray, "n"]


def with_quotes(
    market: Market,
    prices: Float[np.ndarray, "m"],
    bundles: Float[np.ndarray, "n m"],
    spending: Float[np.ndarray, "n"],
    tol: float,
) -> Float[np.ndarray, "m"]:
    """Returns prices in which goods of which there is none are quoted at the highest bid.

    A bid is the most that the first unit is worth to an agent, in money: `β ∂v/∂x_j` at what it
    holds, with `x_j = 0`. By agreement, where that says nothing:

    - Complements that lack several goods: an agent shares out evenly among these what its recipe
      could pay for them after the goods that are there.
    - A CES with ρ > 0, whose first unit is worth more than any price: the price at which buying
      what is missing would gain everyone together a tenth of the tolerance.
    - In a Fisher market, an agent who can buy nothing: all its money for one unit.
    - Never more than `CEILING`, where a Cobb-Douglas agent's bid ends whose other goods are free.
      Those without money, where money matters, do not bid, nor those whose cap is met at 0.

    Args:
        market: In NumPy, with goods of which there is none.
        prices: `[m]`, of the other goods.
        bundles: `[n, m]`.
        spending: `[n]`, β.
        tol: The tolerance of the certificate.

    Returns:
        `[m]`, prices.
    """
    supply, wealth = np.asarray(market.supply), np.asarray(market.wealth)
    missing: np.ndarray = supply <= 0
    if not missing.any():
        return prices
    rich = wealth > 0  # as are all to whom money is no limit: see `market_of`
    quotes, first = np.zeros(prices.size), 0
    for family, rule in zip(market.families, market.rules, strict=True):
        mine = slice(first, first + family.agents)
        first += family.agents
        ease = _ease(market, rule, prices, bundles[mine], wealth[mine], tol)
        standing = Standing(rule, prices, bundles[mine], spending[mine], missing, supply, ease)
        with np.errstate(all="ignore"):
            offers = bids(family, standing)
        offers = np.nan_to_num(offers, nan=CEILING, posinf=CEILING, neginf=0.0)
        if rule == "fisher":
            idle = np.all(bundles[mine] == 0, axis=1, keepdims=True)
            idle = idle & wanted(family, np.ones(prices.size))
            offers = np.where(idle, wealth[mine][:, None], offers)
        # Whose wealth counts for nothing at the margin has all that it can use.
        bidding = rich[mine] & ((spending[mine] > 0) | (rule == "fisher"))
        offers = np.where(bidding[:, None], np.clip(offers, 0.0, CEILING), 0.0)
        quotes = np.maximum(quotes, offers.max(axis=0, initial=0.0))
    return np.where(missing, np.minimum(quotes * (1 + NUDGE), CEILING), prices)


def _ease(
    market: Market,
    rule: Money,
    prices: np.ndarray,
    bundles: np.ndarray,
    wealth: np.ndarray,
    tol: float,
) -> np.ndarray:
    """Returns by what share worth may become cheaper, so that all gains are `SPARE · tol` of all.

    An agent gains at most that share of `w / β`; without a limit, of its payment at twice all
    there is.
    """
    allowed = SPARE * tol / np.sum(market.supply <= 0)
    if rule == "fisher":
        return np.full(wealth.size, allowed)
    revenue = prices @ market.supply
    pays = bundles @ prices
    at_most = 2 * revenue if rule == "none" else np.maximum(wealth, pays)
    with np.errstate(all="ignore"):
        share = allowed * revenue / (market.wealth.size * at_most)
    share = np.where(np.isfinite(share), np.minimum(share, allowed), 0.0)
    return np.broadcast_to(share, wealth.shape)


@singledispatch
def bids(family: Any, standing: Standing) -> Float[np.ndarray, "n m"]:
    """Returns what agents would pay for the first unit of the goods that are missing.

    Args:
        family: In NumPy.
        standing: How its agents stand.

    Returns:
        `[n, m]`, money; meaningless for goods that are there.
    """
    touched = np.maximum(standing.bundles, TOUCH * np.where(standing.missing, 1.0, standing.supply))
    with exact():
        slopes = np.asarray(_slopes(family, touched))
    return standing.beta[:, None] * slopes


_slopes = jax.jit(jax.grad(lambda family, bundles: jnp.sum(family.worth(bundles)), argnums=1))


@bids.register
def _(family: Linear, standing: Standing) -> np.ndarray:
    values = np.asarray(family.values)
    costs = np.where((values > 0) & ~standing.missing, standing.prices / values, np.inf)
    cost = costs.min(axis=1)
    beta = cost if standing.money == "fisher" else np.minimum(cost, 1.0)
    return np.where(values > 0, values * np.where(np.isfinite(beta), beta, 1.0)[:, None], 0.0)


@bids.register
def _(family: CES, standing: Standing) -> np.ndarray:
    weights, rho = np.asarray(family.weights), np.asarray(family.rho)
    sigma, lack = 1 / (1 - rho), (weights > 0) & standing.missing
    power = (1 - sigma)[:, None]  # e^(1−σ) c^(1−σ) = Σ_j a_j^σ p_j^(1−σ)
    strength = np.where(weights > 0, weights, 0.0) ** sigma[:, None]
    terms = np.where((weights > 0) & ~standing.missing, strength * standing.prices**power, 0.0)
    present = terms.sum(axis=1)
    room = np.asarray(family.scale) ** (1 - sigma) - present
    spare = np.expm1((sigma - 1) * np.log1p(standing.ease)) * present
    room = np.where(rho > 0, spare if standing.money == "fisher" else np.maximum(room, spare), room)
    each = np.maximum(room, 0.0) / np.maximum(lack.sum(axis=1), 1)
    return np.where(lack, (each[:, None] / strength) ** (1 / power), 0.0)


@bids.register
def _(family: CobbDouglas, standing: Standing) -> np.ndarray:
    shares = np.asarray(family.shares)
    there, lack = (shares > 0) & ~standing.missing, (shares > 0) & standing.missing
    logs = np.where(there, shares * np.log(standing.prices / shares), 0.0).sum(axis=1)
    weight = np.where(lack, shares, 0.0).sum(axis=1)
    each = np.exp((np.log(np.asarray(family.scale)) - logs) / np.where(weight > 0, weight, 1.0))
    return np.where(lack, shares * each[:, None], 0.0)


@bids.register
def _(family: Leontief, standing: Standing) -> np.ndarray:
    needs = np.asarray(family.needs)
    lack = (needs > 0) & standing.missing
    rest = np.asarray(family.scale) - np.where(standing.missing, 0.0, needs) @ standing.prices
    each = np.maximum(rest, 0.0) / np.maximum(lack.sum(axis=1), 1)
    return np.where(lack, each[:, None] / needs, 0.0)


@bids.register
def _(family: BoundedLeontief, standing: Standing) -> np.ndarray:
    needs = np.asarray(family.needs)
    lack = (needs > 0) & standing.missing
    rest = np.asarray(family.slopes) - np.where(standing.missing, 0.0, needs) @ standing.prices
    each = np.maximum(rest, 0.0) / np.maximum(lack.sum(axis=1), 1)
    return np.where(lack & (np.asarray(family.bounds) > 0)[:, None], each[:, None] / needs, 0.0)


@bids.register
def _(family: Quadratic, standing: Standing) -> np.ndarray:
    return standing.beta[:, None] * np.asarray(family.slopes)


@bids.register
def _(family: Logarithmic, standing: Standing) -> np.ndarray:
    return standing.beta[:, None] * np.asarray(family.scales) / np.asarray(family.offsets)


@bids.register(PiecewiseLinear)
@bids.register(PiecewiseQuadratic)
def _(family: Any, standing: Standing) -> np.ndarray:
    first = np.where(np.asarray(family.widths) > 0, np.asarray(family.slopes), 0.0).max(axis=2)
    return standing.beta[:, None] * first


@bids.register
def _(family: CoupledQuadratic, standing: Standing) -> np.ndarray:
    bend = np.einsum("ijk,ik->ij", np.asarray(family.curvatures), standing.bundles)
    return standing.beta[:, None] * (np.asarray(family.slopes) - bend)
