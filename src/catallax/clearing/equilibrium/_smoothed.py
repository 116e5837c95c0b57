"""`Smoothed`: Newton's method on the log-prices of a smoothed market, for many agents."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._answers import Answers, Quote, answers, asked, nothing
from catallax.clearing.equilibrium._course import (
    WARM,
    Plan,
    Terms,
    beginning,
    course_at,
    quote_of,
)
from catallax.clearing.equilibrium._homotopy import directions
from catallax.clearing.equilibrium._market import Market, Money
from catallax.clearing.equilibrium._method import Found, require_steps, several_rules
from catallax.clearing.equilibrium._visits import CROWD, Crowd, settled
from catallax.clearing.equilibrium.valuations import Linear

FINE, MANY = 1e-6, 8
"""Powers in 32 bits are good for tolerances down to this one, with so many agents to a good."""

MARGIN = 0.8
"""The share of a tolerance that the method allows itself."""


class Prices(NamedTuple):
    """Log-prices to start from, `[m]`, and the ε at which they were found."""

    logs: Float[Array, "m"]
    eps: Float[Array, ""]


@dataclass(frozen=True)
class Smoothed:
    """Newton's method on log-prices, for linear values and many more agents than terms.

    An agent's choice of the best bang per buck is smoothed by ε: it bids
    `b_ij ∝ (v_ij / p_j)^(1/ε)`. Then excess supply is the gradient of a strictly convex function of
    log-prices, and ε goes to 0 along the path of its solutions. What is returned is consistent by
    itself: `p_j = Σ_i b_ij / s_j` and `x_ij = b_ij / p_j`, so that goods clear and budgets hold
    exactly, and all that is missed is the bang per buck that smoothing loses.

    A step asks every agent once, in time and memory linear in agents. Between two such steps, many
    small ones may be taken with the quarter of the agents that are nearest to indifference.

    Args:
        steps: The most that are taken.

    Raises:
        InvalidSetting: If steps is below 1.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
        >>> method = cx.Smoothed(steps=100)
        >>> eq = cx.equilibrium(values, [1.0, 1.0], [1.0, 0.4], money="budget", method=method)
        >>> eq.prices.round(4).tolist()
        [0.4667, 0.9333]

    Source: Eisenberg and Gale (1959); Cole et al. (2017) for budgets; the smoothing is that of
        Chen, Jiang and So (2025), and equals a CES market with ρ = 1 / (1 + ε).
    """

    steps: int = 200

    def __post_init__(self) -> None:
        require_steps(self.steps)

    def serves(self, market: Market) -> str | None:
        """Returns why it cannot solve such a market, or None."""
        if reason := several_rules(market):
            return reason
        if market.rule not in ("budget", "fisher"):
            return 'It follows money from agent to good, which "none" and "cap" do not limit.'
        if not all(isinstance(family, Linear) for family in market.families):
            return "It smooths the choice of one best good, which is that of linear values."
        return None

    def find(self, market: Market, tol: float, start: Any = None) -> Found:
        """Returns the best it found, differentiable in the market; see `Method`.

        Its derivative is that of the smoothed market at the ε where it ended, by the implicit
        function theorem.
        """
        return _searched(market, start, self.steps, tol)


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _searched(market: Market, start: Prices | None, steps: int, tol: float) -> Found:
    values, terms = _values(market), terms_of(market, MARGIN * tol)
    plan = Plan(market.rule, steps, work=work_for(values.shape, tol))
    if start is None:
        flat = Quote(jnp.where(terms.priced, 1.0, 0.0), None, jnp.ones(()))
        even, _ = asked(values, market.wealth, flat, "fisher", jnp.dtype(plan.work))
        first = beginning(even.spent, jnp.max(values, axis=0), terms, market.rule)
    else:
        first = course_at(start.logs, WARM)
    crowd = Crowd(values, market.wealth, nothing(terms.supply.size))
    last = settled(crowd, first, terms, plan)
    prices, bundles, beta = _outcome(market, terms, quote_of(last, terms, "float64"))
    warm = Prices(last.base + last.logs, last.eps)
    return Found(prices, bundles, beta, last.steps, warm)


def work_for(shape: tuple[int, ...], tol: float) -> str:
    """Returns the type of powers: 32 bits, where that is a gain and the tolerance allows it.

    Where agents are few, goods hang on small shares of somebody's money, whose logs 32 bits blur.
    """
    agents, goods = shape
    coarse = tol >= FINE and agents >= max(CROWD, MANY * goods)
    return "float32" if coarse else "float64"


def terms_of(market: Market, tol: float) -> Terms:
    """Returns what there is in a market, and which goods have a price."""
    wanted = (_values(market) > 0) & (market.wealth > 0)[:, None]
    priced = (market.supply > 0) & jnp.any(wanted, axis=0)
    agents = float(market.wealth.size)
    return Terms(market.supply, priced, jnp.asarray(agents), jnp.asarray(tol))


def _values(market: Market) -> Float[Array, "n m"]:
    families: tuple[Any, ...] = market.families  # every one Linear: see `serves`
    return jnp.concatenate([jnp.asarray(family.values) for family in families])


def _outcome(
    market: Market, terms: Terms, quote: Quote
) -> tuple[Float[Array, "m"], Float[Array, "n m"], Float[Array, "n"]]:
    """Returns prices, bundles and β that are consistent with the bids at some log-prices."""
    values = _values(market)
    said = answers(values, quote, market.rule, quote.rates.dtype)
    bids = shares(said) * market.wealth[:, None]
    supply = jnp.where(terms.priced, terms.supply, 1.0)
    prices = jnp.where(terms.priced, jnp.sum(bids, axis=0) / supply, 0.0)
    sold = prices > 0
    bundles = jnp.where(sold, bids / jnp.where(sold, prices, 1.0), 0.0)
    return prices, bundles, unit_costs(values, prices, market.rule)


def shares(said: Answers) -> Float[Array, "n m"]:
    """Returns `w_ij`, the share of its money that each agent bids for each good."""
    return said.weights * (said.part / said.total)[:, None]


def unit_costs(
    values: Float[Array, "n m"], prices: Float[Array, "m"], money: Money
) -> Float[Array, "n"]:
    """Returns β, what the best unit of worth costs; at most 1 with a budget."""
    paid = (values > 0) & (prices > 0)
    costs = jnp.where(paid, prices / jnp.where(paid, values, 1.0), jnp.inf)
    # Picked, not reduced: a minimum that is computed twice may be no minimum in its derivative.
    least = jnp.take_along_axis(costs, jnp.argmin(costs, axis=1)[:, None], axis=1)[:, 0]
    return (
        jnp.minimum(least, 1.0) if money == "budget" else jnp.where(jnp.isfinite(least), least, 1.0)
    )


@_searched.defjvp
def _differentiated(steps: int, tol: float, primals: Any, tangents: Any) -> tuple[Found, Found]:
    market, start = primals
    found = _searched(market, start, steps, tol)
    last = course_at(found.warm.logs, found.warm.eps)

    def outputs(market: Market) -> tuple[Array, Array, Array]:
        now = terms_of(market, tol)
        quote, wide = quote_of(last, now, "float64"), last.logs.dtype
        arrays = jax.lax.stop_gradient((_values(market), market.wealth, quote))
        sums, _ = asked(*arrays, market.rule, wide)
        bids = shares(answers(_values(market), quote, market.rule, wide))
        # One step of Newton's method moves nothing here, and its derivative is the solution's.
        spent = jnp.sum(bids * market.wealth[:, None], axis=0)
        newton, _ = directions(last, sums._replace(spent=spent), now)
        prices, bundles, beta = _outcome(market, now, quote._replace(shift=newton))
        return jnp.where(now.priced, jnp.exp(last.base + newton), prices), bundles, beta

    _, (prices, bundles, beta) = jax.jvp(outputs, (market,), (tangents[0],))
    still = jax.tree.map(_no_tangent, found)
    return found, still._replace(prices=prices, bundles=bundles, spending=beta)


def _no_tangent(leaf: Array) -> Any:
    if jnp.issubdtype(leaf.dtype, jnp.inexact):
        return jnp.zeros_like(leaf)
    return jnp.zeros(leaf.shape, jax.dtypes.float0)
