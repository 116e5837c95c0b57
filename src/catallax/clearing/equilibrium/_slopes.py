"""What the interior point method needs to know of a family: worth, slopes and how they bend."""

from functools import singledispatch
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium.valuations import (
    CES,
    CobbDouglas,
    Linear,
    Logarithmic,
    Quadratic,
)
from catallax.clearing.equilibrium.valuations._homogeneous import power_mean


class Slopes(NamedTuple):
    """A family at a point, `−∇²v = diag(bend) − pull · g gᵀ` with g the slopes.

    Attributes:
        worth: `[n]`, v.
        slope: `[n, m]`, g = ∇v.
        bend: `[n, m]`, 0 or more; None where nothing bends, which saves passes over all values.
        pull: `[n]`, (1 − ρ)/v for a family of degree 1; None where goods add up.
    """

    worth: Float[Array, "n"]
    slope: Float[Array, "n m"]
    bend: Float[Array, "n m"] | None
    pull: Float[Array, "n"] | None


@singledispatch
def slopes_of(family: Any, bundles: Float[Array, "n m"]) -> Slopes:
    """Returns a family's slopes at bundles inside the positive orthant.

    Args:
        family: `Linear`, `CES` with ρ > 0, `Quadratic` or `Logarithmic`.
        bundles: `[n, m]`, above 0.

    Returns:
        The `Slopes`.

    Raises:
        TypeError: For a family that has another form here.
    """
    raise TypeError(type(family).__name__)


@slopes_of.register
def _(family: Linear, bundles: Array) -> Slopes:
    values = jnp.asarray(family.values)
    worth = jnp.sum(values * bundles, axis=1)
    return Slopes(worth, values, None, None)


@slopes_of.register
def _(family: CES, bundles: Array) -> Slopes:
    weights, rho = jnp.asarray(family.weights), jnp.reshape(jnp.asarray(family.rho), (-1, 1))
    mean = power_mean(weights, bundles, rho)
    slope = jnp.reshape(family.scale, (-1, 1)) * weights * (mean[:, None] / bundles) ** (1 - rho)
    worth = jnp.asarray(family.scale) * mean
    return Slopes(worth, slope, (1 - rho) * slope / bundles, (1 - rho[:, 0]) / worth)


@slopes_of.register
def _(family: Quadratic, bundles: Array) -> Slopes:
    slopes, curvatures = jnp.asarray(family.slopes), jnp.asarray(family.curvatures)
    bend = jnp.broadcast_to(curvatures, bundles.shape)
    worth = jnp.sum(slopes * bundles - bend * bundles**2 / 2, axis=1)
    return Slopes(worth, slopes - bend * bundles, bend, None)


@slopes_of.register
def _(family: Logarithmic, bundles: Array) -> Slopes:
    scales, offsets = jnp.asarray(family.scales), jnp.asarray(family.offsets)
    slope = scales / (offsets + bundles)
    worth = jnp.sum(scales * jnp.log1p(bundles / offsets), axis=1)
    return Slopes(worth, slope, slope / (offsets + bundles), None)


@slopes_of.register
def _(family: CobbDouglas, bundles: Array) -> Slopes:
    worth = family.worth(bundles)
    slope = jnp.asarray(family.shares) * worth[:, None] / bundles
    return Slopes(worth, slope, slope / bundles, 1 / worth)
