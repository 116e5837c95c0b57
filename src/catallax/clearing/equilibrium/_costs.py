"""Families that prices describe better than bundles: what one unit of worth costs, and of what."""

from functools import singledispatch
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium.valuations import CES, CobbDouglas, Leontief


class Costs(NamedTuple):
    """A family at prices, `∇²e = σ (∇e ∇eᵀ / e − diag(∇e / p))`.

    Attributes:
        unit: `[n]`, e(p).
        recipe: `[n, m]`, ∇e, the cheapest bundle that is worth 1.
        sigma: `[n]`, σ in [0, 1].
    """

    unit: Float[Array, "n"]
    recipe: Float[Array, "n m"]
    sigma: Float[Array, "n"]


@singledispatch
def costs_of(family: Any, prices: Float[Array, "m"]) -> Costs:
    """Returns a family's unit cost and recipe at prices above 0.

    Args:
        family: `Leontief`, `CobbDouglas` or `CES` with ρ < 0.
        prices: `[m]`, above 0.

    Returns:
        The `Costs`.

    Raises:
        TypeError: For a family that has another form here.
    """
    raise TypeError(type(family).__name__)


@costs_of.register
def _(family: Leontief, prices: Array) -> Costs:
    scale = jnp.broadcast_to(jnp.asarray(family.scale), (family.agents,))
    recipe = jnp.asarray(family.needs) / scale[:, None]
    return Costs(jnp.sum(recipe * prices, axis=1), recipe, jnp.zeros_like(scale))


@costs_of.register
def _(family: CobbDouglas, prices: Array) -> Costs:
    shares = jnp.asarray(family.shares)
    unit = family.unit_cost(prices)
    return Costs(unit, shares * unit[:, None] / prices, jnp.ones_like(unit))


@costs_of.register
def _(family: CES, prices: Array) -> Costs:
    rho = jnp.broadcast_to(jnp.asarray(family.rho), (family.agents,))
    sigma = 1 / (1 - rho)
    scale = jnp.broadcast_to(jnp.asarray(family.scale), (family.agents,))
    unit = family.unit_cost(prices)
    weights = jnp.asarray(family.weights) ** sigma[:, None]
    ratio = (unit * scale)[:, None] / prices
    recipe = weights * ratio ** sigma[:, None] / scale[:, None]
    return Costs(unit, recipe, sigma)
