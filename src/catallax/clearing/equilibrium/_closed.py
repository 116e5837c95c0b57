"""`ClosedForm`: equilibria that are a formula, or one number to find for each good."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from catallax.clearing.equilibrium._demand import bought, demanded, useful
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._method import Found
from catallax.clearing.equilibrium._opaque import opaque
from catallax.clearing.equilibrium.valuations import (
    CES,
    CobbDouglas,
    Leontief,
    Linear,
    Logarithmic,
    PiecewiseLinear,
    Quadratic,
)

WHOLE = (Linear, CES, CobbDouglas, Leontief)

SEPARABLE = (Linear, Quadratic, Logarithmic, PiecewiseLinear)

BITS = 63
"""Halvings after which two floats of 64 bits are neighbours."""


@dataclass(frozen=True)
class ClosedForm:
    """Exact prices, where no search over all goods together is needed.

    - Values that add up over goods, without a limit on money: each good is a market of its own,
      `p_j` the price at which `Σ_i x_ij(p_j)` passes `s_j`. For linear values `p_j = max_i v_ij`.
      Agents who are indifferent at that price share what is left.
    - Cobb-Douglas values, all spent: `p_j = Σ_i a_ij w_i / s_j`.
    - One agent with a worth v of degree 1: it gets everything, at `p = β ∇v(s)`, with β = 1 without
      a limit, `min(1, w / v(s))` with a budget, `w / v(s)` if all is spent, and under a cap 1 or,
      where the cap is met, 0.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[3.0, 1.0], [2.0, 2.0]]))
        >>> eq = cx.equilibrium(values, [1.0, 1.0], money="none", method=cx.ClosedForm())
        >>> eq.prices.tolist()
        [3.0, 2.0]

    Source: Cobb and Douglas (1928); Mas-Colell, Whinston and Green (1995), chapter 10.
    """

    def serves(self, market: Market) -> str | None:
        """Returns why it cannot solve such a market, or None."""
        if _form(market) is not None:
            return None
        return (
            "Only three kinds of markets are a formula: values that add up over goods without a "
            "limit on money, Cobb-Douglas values with all money spent, and one agent whose worth "
            "is of degree 1."
        )

    def find(self, market: Market, tol: float, start: Any = None) -> Found:
        """Returns the equilibrium; the tolerance and the start do not matter."""
        return (_form(market) or _alone)(market)


def _form(market: Market) -> Callable[[Market], Found] | None:
    families = market.families
    if market.money == "none" and all(isinstance(family, SEPARABLE) for family in families):
        return _good_by_good
    if market.money == "fisher" and all(isinstance(family, CobbDouglas) for family in families):
        return _shares_of_spending
    return _alone if _is_alone(market, 1) else None


def _is_alone(market: Market, most: int) -> bool:
    """Returns whether there are at most so many agents, of one family of degree 1."""
    families = market.families
    return len(families) == 1 and isinstance(families[0], WHOLE) and families[0].agents <= most


def _good_by_good(market: Market) -> Found:
    """Halves the interval of each price until its ends are neighbours, then goes between them.

    At the upper end no more is wanted than there is, at the lower end no less; what is handed out
    is the mixture of both demands that is exactly what there is.
    """
    supply = market.supply
    most = 2 * supply  # one agent who would buy without end must want more than there is

    def demand(prices: Array) -> Array:
        return jnp.concatenate([demanded(family, prices, most) for family in market.families])

    def halved(ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = low + (high - low) // 2
        much = jnp.sum(demand(_float(middle)), axis=0) > supply
        return jnp.where(much, middle, low), jnp.where(much, high, middle)

    # Floats above 0 are ordered as the integers that have the same bits.
    ends = jnp.zeros(supply.size, jnp.int64), _bits(jnp.full(supply.size, jnp.finfo(float).max))
    low, high = jax.lax.fori_loop(0, BITS, lambda _, ends: halved(ends), ends)
    free = jnp.sum(demand(jnp.zeros_like(supply)), axis=0) <= supply
    prices = jnp.where(free, 0.0, _float(high))
    least, more = demand(prices), demand(jnp.where(free, 0.0, _float(low)))
    gap = jnp.sum(more - least, axis=0)
    part = (supply - jnp.sum(least, axis=0)) / jnp.where(gap > 0, gap, 1.0)
    bundles = least + jnp.where(gap > 0, part, 0.0) * (more - least)
    found = Found(prices, bundles, jnp.ones_like(market.wealth), jnp.asarray(BITS))
    return opaque("ClosedForm", found, market)


def _bits(numbers: Array) -> Array:
    return jax.lax.bitcast_convert_type(numbers, jnp.int64)


def _float(bits: Array) -> Array:
    return jax.lax.bitcast_convert_type(bits, jnp.float64)


def _shares_of_spending(market: Market) -> Found:
    families: tuple[Any, ...] = market.families
    shares = jnp.concatenate([jnp.asarray(family.shares) for family in families])
    spent = jnp.sum(shares * market.wealth[:, None], axis=0)
    sold = spent > 0
    prices = spent / market.supply
    paid = jnp.where(sold, prices, 1.0)
    bundles = jnp.where(sold, bought(CobbDouglas(shares), paid, market.wealth), 0.0)
    return Found(prices, bundles, market.valuations.unit_cost(prices), jnp.asarray(1))


def _alone(market: Market) -> Found:
    """Everybody gets all of the goods that it has a use for and nobody else has.

    That is one agent, and another who wants an added good where the market was padded.
    """
    [family] = market.families
    wants = useful(family)
    bundles = jnp.where(wants, market.supply / jnp.maximum(jnp.sum(wants, axis=0), 1), 0.0)
    worth, pull = jax.vjp(family.worth, bundles)
    [slopes] = pull(jnp.ones_like(worth))
    wealth = market.wealth
    reach = jnp.where(worth > 0, wealth / jnp.where(worth > 0, worth, 1.0), 1.0)
    beta = {
        "none": jnp.ones_like(worth),
        "budget": jnp.minimum(reach, 1.0),
        "fisher": reach,
        "cap": jnp.where(worth > wealth, 0.0, 1.0),
    }[market.rule]
    prices = jnp.max(jnp.where(wants, beta[:, None] * slopes, 0.0), axis=0)
    return Found(prices, bundles, beta, jnp.asarray(1))
