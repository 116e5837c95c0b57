"""`ProportionalResponse`: agents bid for each good in proportion to what it brought them."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from catallax.clearing.equilibrium._demand import useful
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._method import Found, require_steps, several_rules
from catallax.clearing.equilibrium._opaque import opaque
from catallax.clearing.equilibrium.valuations import CES, CobbDouglas, Linear

LEAST = 1e-60
"""The least bid for a good that is wanted, as a share of wealth: a bid of 0 never comes back."""

LOOKS = 10
"""Steps between two looks at what is still missed."""

FRESH = 1e-3
"""The part of the bids of a warm start that is spread evenly: old bids may have died."""


class Purses(NamedTuple):
    """What agents bid, and what they keep.

    Attributes:
        bids: `[n, m]`, b, money.
        kept: `[n]`, δ, money; 0 in a Fisher market.
    """

    bids: Float[Array, "n m"]
    kept: Float[Array, "n"]


class Progress(NamedTuple):
    """Purses, what they miss, and how many steps it took."""

    purses: Purses
    missed: Float[Array, ""]
    steps: Int[Array, ""]


@dataclass(frozen=True)
class ProportionalResponse:
    """Bids follow utility: `b_ij ← w_i g_ij / u_i`, `δ_i ← w_i δ_i / u_i`, `u_i = Σ_j g_ij + δ_i`.

    Prices are `p_j = Σ_i b_ij / s_j`, bundles `x_ij = b_ij / p_j`, and `g_ij = x_ij ∂v_i/∂x_ij` is
    what a good contributes to the worth of a bundle. So goods clear and budgets hold at every step.
    A market could play this by itself: nobody needs to know anybody else's values.

    It is quick to a thousandth (50 to 250 steps) and slow beyond (thousands to a millionth). It
    serves linear, CES with 0 < ρ < 1, and Cobb-Douglas values, with a budget or all spent.

    Args:
        steps: The most that are taken.

    Raises:
        InvalidSetting: If steps is below 1.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
        >>> eq = cx.equilibrium(values, [1.0, 1.0], [1.0, 0.4], money="fisher", tol=1e-4,
        ...                     method=cx.ProportionalResponse())
        >>> eq.prices.round(3).tolist()
        [0.467, 0.933]

    Source: Zhang (2011); Birnbaum, Devanur and Xiao (2011); Cole et al. (2017) and Gao and Kroer
        (2020) for money left over.
    """

    steps: int = 20_000

    def __post_init__(self) -> None:
        require_steps(self.steps)

    def serves(self, market: Market) -> str | None:
        """Returns why it cannot solve such a market, or None."""
        if reason := several_rules(market):
            return reason
        if market.money not in ("budget", "fisher"):
            return 'It lets money respond to utility, and "none" and "cap" do not limit money.'
        return next(filter(None, map(_unfit, market.families)), None)

    def find(self, market: Market, tol: float, start: Purses | None = None) -> Found:
        """Returns the best it found; see `Method`."""
        first = _even(market) if start is None else _refreshed(market, start)

        def goes_on(progress: Progress) -> Array:
            return (progress.missed > tol / 2) & (progress.steps < self.steps)

        def step(progress: Progress) -> Progress:
            count = jnp.minimum(LOOKS, self.steps - progress.steps)
            purses = jax.lax.fori_loop(
                0, count, lambda _, purses: responded(market, purses), progress.purses
            )
            return Progress(purses, _missed(market, purses), progress.steps + count)

        begun = Progress(first, _missed(market, first), jnp.zeros((), jnp.int32))
        purses, _, steps = jax.lax.while_loop(goes_on, step, begun)
        prices, bundles = _bought(market, purses)
        found = Found(prices, bundles, _beta(market, prices), steps, purses)
        return opaque(type(self).__name__, found, market)


def responded(market: Market, purses: Purses) -> Purses:
    """Returns the purses after one step.

    Args:
        market: A market that the method serves.
        purses: Before.

    Returns:
        The `Purses`, no bid for a wanted good at 0.
    """
    _, bundles = _bought(market, purses)
    gains = _gains(market, bundles)
    worth = jnp.sum(gains, axis=1) + purses.kept
    per = jnp.where(worth > 0, market.wealth / jnp.where(worth > 0, worth, 1.0), 0.0)[:, None]
    least = jnp.where(purses.bids > 0, LEAST * market.wealth[:, None], 0.0)
    return Purses(jnp.maximum(gains * per, least), purses.kept * per[:, 0])


# --- what a good contributes


@singledispatch
def _contribution(family: Any, bundles: Float[Array, "n m"]) -> Float[Array, "n m"]:
    raise TypeError(type(family).__name__)


@_contribution.register
def _(family: Linear, bundles: Array) -> Array:
    return jnp.asarray(family.values) * bundles


@_contribution.register
def _(family: CobbDouglas, bundles: Array) -> Array:
    return jnp.asarray(family.shares) * family.worth(bundles)[:, None]


@_contribution.register
def _(family: CES, bundles: Array) -> Array:
    weights = jnp.asarray(family.weights)
    rho = jnp.broadcast_to(jnp.asarray(family.rho), (family.agents,))[:, None]
    most = jnp.max(jnp.where(weights > 0, bundles, 0.0), axis=1, keepdims=True)
    held = bundles / jnp.where(most > 0, most, 1.0)
    powers = jnp.where(held > 0, weights * jnp.where(held > 0, held, 1.0) ** rho, 0.0)
    total = jnp.sum(powers, axis=1, keepdims=True)
    return powers / jnp.where(total > 0, total, 1.0) * family.worth(bundles)[:, None]


def _gains(market: Market, bundles: Array) -> Array:
    parts, first = [], 0
    for family in market.families:
        parts.append(_contribution(family, bundles[first : first + family.agents]))
        first += family.agents
    return jnp.concatenate(parts)


def _unfit(family: Any) -> str | None:
    if isinstance(family, Linear | CobbDouglas):
        return None
    if not isinstance(family, CES):
        return f"Of {type(family).__name__} values it is not known to converge."
    if family.substitutes:
        return None
    return "With ρ below 0 bids overshoot, and it does not converge."


# --- markets at bids


def _even(market: Market) -> Purses:
    """Returns every agent's money spread evenly over the goods it wants, and what it keeps."""
    wants = jnp.concatenate([useful(family) for family in market.families])
    wants = wants & (market.supply > 0)
    keeps = jnp.ones_like(market.wealth) if market.money == "budget" else 0 * market.wealth
    per = market.wealth / jnp.maximum(jnp.sum(wants, axis=1) + keeps, 1)
    return Purses(wants * per[:, None], keeps * per)


def _refreshed(market: Market, start: Purses) -> Purses:
    """Returns an earlier market's bids, fit for this one's wealth, with some spread evenly."""
    even = _even(market)
    total = jnp.sum(start.bids, axis=1) + start.kept
    scale = jnp.where(total > 0, market.wealth / jnp.where(total > 0, total, 1.0), 0.0)
    old = Purses(jnp.where(even.bids > 0, start.bids * scale[:, None], 0.0), start.kept * scale)
    return jax.tree.map(lambda old, new: (1 - FRESH) * old + FRESH * new, old, even)


def _bought(market: Market, purses: Purses) -> tuple[Array, Array]:
    spent = jnp.sum(purses.bids, axis=0)
    sold = (market.supply > 0) & (spent > 0)
    prices = jnp.where(sold, spent / jnp.where(sold, market.supply, 1.0), 0.0)
    return prices, jnp.where(sold, purses.bids / jnp.where(sold, prices, 1.0), 0.0)


def _beta(market: Market, prices: Array) -> Array:
    """Returns what a unit of worth costs at most, of the goods that are for sale."""
    costs = market.valuations.unit_cost(jnp.where(prices > 0, prices, jnp.inf))
    usable = jnp.where(jnp.isfinite(costs), costs, 1.0)
    return jnp.minimum(usable, 1.0) if market.money == "budget" else usable


def _missed(market: Market, purses: Purses) -> Array:
    """Returns the utility lost per unit of money that is of use, or the worst overpayment."""
    prices, bundles = _bought(market, purses)
    worth, pays = jnp.sum(_gains(market, bundles), axis=1), jnp.sum(purses.bids, axis=1)
    beta, wealth = _beta(market, prices), market.wealth
    if market.money == "fisher":
        lost = wealth * jnp.maximum(1 - worth * beta / jnp.where(wealth > 0, wealth, 1.0), 0.0)
        return jnp.sum(lost) / jnp.sum(wealth)
    useful = worth + purses.kept
    lost = wealth * jnp.maximum(1 - useful * beta / jnp.where(wealth > 0, wealth, 1.0), 0.0)
    stakes = jnp.minimum(worth, wealth)
    scale = jnp.minimum(wealth, jnp.maximum(worth, jnp.mean(stakes)))
    over = jnp.maximum(pays - worth, 0.0) / jnp.where(scale > 0, scale, 1.0)
    return jnp.maximum(jnp.sum(lost) / jnp.sum(stakes), jnp.max(over))
