"""Valuations of degree 1: linear, CES, Cobb-Douglas, Leontief."""

from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.tree_util import register_dataclass
from jaxtyping import Array, ArrayLike, Float


@register_dataclass
@dataclass(frozen=True)
class Linear:
    """Goods are perfect substitutes: `v(x) = Σ_j v_j x_j`, with `e(p) = min_j p_j / v_j`.

    Args:
        values: `[agents, goods]`, money a unit of each good, 0 or more.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.Linear(np.array([[1.0, 2.0]]))
        >>> float(market.worth(np.array([[3.0, 1.0]]))[0])
        5.0
    """

    values: ArrayLike
    homogeneous: ClassVar[bool] = True

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.values)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.values)[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        return jnp.sum(jnp.asarray(self.values) * bundles, axis=1)

    def unit_cost(self, prices: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, the least money for a worth of 1."""
        values = jnp.asarray(self.values)
        return jnp.min(jnp.where(values > 0, prices / _positive(values), jnp.inf), axis=1)


@register_dataclass
@dataclass(frozen=True)
class CES:
    """A constant elasticity of substitution: `v(x) = c (Σ_j a_j x_j^ρ)^(1/ρ)`, σ = 1/(1 − ρ).

    Its unit cost is `e(p) = (Σ_j a_j^σ p_j^(1−σ))^(1/(1−σ)) / c`. Towards ρ = 1 goods are
    substitutes, towards −∞ complements.

    Args:
        weights: `[agents, goods]`, a, 0 or more.
        rho: One number or `[agents]`, ρ below 1 and not 0 (that is `CobbDouglas`).
        scale: One number or `[agents]`, c above 0.
        substitutes: Whether every ρ is above 0 (then methods choose quantities) or every ρ below
            (then recipes); None reads it off ρ, which must then be known.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.CES(np.array([[1.0, 1.0]]), rho=0.5)
        >>> round(float(market.worth(np.array([[1.0, 4.0]]))[0]), 6)
        9.0

    Source: Arrow, Chenery, Minhas and Solow (1961).
    """

    weights: ArrayLike
    rho: ArrayLike
    scale: ArrayLike = 1.0
    substitutes: bool | None = field(default=None, metadata={"static": True})
    homogeneous: ClassVar[bool] = True

    def __post_init__(self) -> None:
        known = isinstance(self.rho, int | float | list | np.ndarray | jax.Array)
        if self.substitutes is None and known and not isinstance(self.rho, Tracer):
            object.__setattr__(self, "substitutes", bool(np.all(np.asarray(self.rho) > 0)))

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.weights)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.weights)[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        return jnp.asarray(self.scale) * power_mean(
            jnp.asarray(self.weights), bundles, jnp.asarray(self.rho)
        )

    def unit_cost(self, prices: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, the least money for a worth of 1."""
        rho = jnp.asarray(self.rho)
        sigma = 1 / (1 - rho)
        weights = jnp.asarray(self.weights) ** jnp.reshape(sigma, (-1, 1))
        prices = jnp.broadcast_to(prices, weights.shape)
        unit = power_mean(weights, prices, 1 - sigma) / self.scale
        return jnp.where(jnp.any(weights > 0, axis=1), unit, jnp.inf)


@register_dataclass
@dataclass(frozen=True)
class CobbDouglas:
    """A constant share of spending on each good: `v(x) = c Π_j x_j^(a_j)` with `Σ_j a_j = 1`.

    Its unit cost is `e(p) = Π_j (p_j / a_j)^(a_j) / c`.

    Args:
        shares: `[agents, goods]`, a, 0 or more; each row sums to 1.
        scale: One number or `[agents]`, c above 0.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.CobbDouglas(np.array([[0.5, 0.5]]))
        >>> round(float(market.worth(np.array([[1.0, 4.0]]))[0]), 6)
        2.0

    Source: Cobb and Douglas (1928).
    """

    shares: ArrayLike
    scale: ArrayLike = 1.0
    homogeneous: ClassVar[bool] = True

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.shares)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.shares)[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        return jnp.asarray(self.scale) * _geometric(jnp.asarray(self.shares), bundles)

    def unit_cost(self, prices: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, the least money for a worth of 1."""
        shares = jnp.asarray(self.shares)
        return _geometric(shares, prices / _positive(shares)) / self.scale


@register_dataclass
@dataclass(frozen=True)
class Leontief:
    """Goods are needed in fixed proportions: `v(x) = c min_j x_j / a_j`.

    Its unit cost is `e(p) = Σ_j a_j p_j / c`.

    Args:
        needs: `[agents, goods]`, a, quantities for one unit; 0 where a good is not needed.
        scale: One number or `[agents]`, c above 0.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.Leontief(np.array([[1.0, 2.0]]))
        >>> float(market.worth(np.array([[3.0, 4.0]]))[0])
        2.0

    Source: Leontief (1941).
    """

    needs: ArrayLike
    scale: ArrayLike = 1.0
    homogeneous: ClassVar[bool] = True

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.needs)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.needs)[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        needs = jnp.asarray(self.needs)
        return jnp.asarray(self.scale) * jnp.min(
            jnp.where(needs > 0, bundles / _positive(needs), jnp.inf), axis=1
        )

    def unit_cost(self, prices: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, the least money for a worth of 1."""
        return jnp.sum(jnp.asarray(self.needs) * prices, axis=1) / self.scale


def power_mean(
    weights: Float[Array, "n m"], amounts: Float[Array, "n m"], rho: Array
) -> Float[Array, "n"]:
    """Returns `(Σ_j a_j x_j^ρ)^(1/ρ)`, without overflow; a good without weight does not count.

    Args:
        weights: `[n, m]`, a.
        amounts: `[n, m]`, x, 0 or more.
        rho: One number or `[n]`, ρ, not 0.

    Returns:
        `[n]`; with ρ < 0 it is 0 where an amount that counts is 0.
    """
    rho = jnp.reshape(rho, (-1, 1))
    counts = weights > 0
    lowest = jnp.min(jnp.where(counts, amounts, jnp.inf), axis=1, keepdims=True)
    highest = jnp.max(jnp.where(counts, amounts, 0.0), axis=1, keepdims=True)
    pivot = jnp.where(rho > 0, highest, lowest)
    usable = (pivot > 0) & jnp.isfinite(pivot)
    ratio = jnp.where(counts & usable, amounts / jnp.where(usable, pivot, 1.0), 1.0)
    # Below ρ = 0 every ratio is at least 1, above at most 1: no power overflows.
    powers = jnp.where(ratio > 0, jnp.where(ratio > 0, ratio, 1.0) ** rho, 0.0)
    total = jnp.sum(jnp.where(counts, weights * powers, 0.0), axis=1, keepdims=True)
    mean = jnp.where(usable, pivot, 0.0) * _positive(total) ** (1 / rho)
    return mean[:, 0]


def _geometric(shares: Float[Array, "n m"], amounts: Array) -> Float[Array, "n"]:
    counts = shares > 0
    logs = jnp.log(jnp.where(counts & (amounts > 0), amounts, 1.0))
    product = jnp.exp(jnp.sum(jnp.where(counts, shares * logs, 0.0), axis=1))
    return jnp.where(jnp.any(counts & (amounts <= 0), axis=1), 0.0, product)


def _positive(numbers: Array) -> Array:
    return jnp.where(numbers > 0, numbers, 1.0)
