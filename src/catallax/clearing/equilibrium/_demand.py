"""What agents have a use for, and what they buy at prices, where that is a formula."""

from functools import singledispatch
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from catallax.clearing.equilibrium.valuations import (
    CES,
    CobbDouglas,
    Leontief,
    Linear,
    Logarithmic,
    PiecewiseLinear,
    Quadratic,
)


@singledispatch
def demanded(
    family: Any, prices: Float[Array, "m"], most: Float[Array, "m"]
) -> Float[Array, "n m"]:
    """Returns what maximises `v(x) − p·x` good by good, at most so much of each.

    Args:
        family: `Linear`, `Quadratic`, `Logarithmic` or `PiecewiseLinear`.
        prices: `[m]`, 0 or more.
        most: `[m]`, the largest quantity.

    Returns:
        `[n, m]`; the least of the best quantities where there are several.

    Raises:
        TypeError: For another family.
    """
    raise TypeError(type(family).__name__)


@demanded.register
def _(family: Linear, prices: Array, most: Array) -> Array:
    return jnp.where(jnp.asarray(family.values) > prices, most, 0.0)


@demanded.register
def _(family: Quadratic, prices: Array, most: Array) -> Array:
    gains = jnp.maximum(jnp.asarray(family.slopes) - prices, 0.0)
    curved = jnp.asarray(family.curvatures) > 0
    peak = gains / jnp.where(curved, jnp.asarray(family.curvatures), 1.0)
    return jnp.minimum(jnp.where(curved, peak, jnp.where(gains > 0, jnp.inf, 0.0)), most)


@demanded.register
def _(family: Logarithmic, prices: Array, most: Array) -> Array:
    scales = jnp.asarray(family.scales)
    offsets = jnp.broadcast_to(jnp.asarray(family.offsets), scales.shape)
    peak = jnp.where(prices > 0, scales / jnp.where(prices > 0, prices, 1.0) - offsets, jnp.inf)
    return jnp.where(scales > 0, jnp.clip(peak, 0.0, most), 0.0)


@demanded.register
def _(family: PiecewiseLinear, prices: Array, most: Array) -> Array:
    slopes, widths = jnp.asarray(family.slopes), jnp.asarray(family.widths)
    return jnp.minimum(jnp.sum(jnp.where(slopes > prices[:, None], widths, 0.0), axis=2), most)


@singledispatch
def bought(
    family: Any, prices: Float[Array, "m"], wealth: Float[Array, "n"]
) -> Float[Array, "n m"]:
    """Returns what agents who spend all they have buy for the most utility.

    Args:
        family: `CES` or `CobbDouglas`.
        prices: `[m]`, above 0 but for goods that nobody has a use for.
        wealth: `[n]`.

    Returns:
        `[n, m]`, quantities.

    Raises:
        TypeError: For another family.
    """
    raise TypeError(type(family).__name__)


@bought.register
def _(family: CobbDouglas, prices: Array, wealth: Array) -> Array:
    return jnp.asarray(family.shares) * wealth[:, None] / _paid(prices)


@bought.register
def _(family: CES, prices: Array, wealth: Array) -> Array:
    weights = jnp.asarray(family.weights)
    sigma = jnp.broadcast_to(1 / (1 - jnp.asarray(family.rho)), (family.agents,))[:, None]
    prices = _paid(prices)
    logs = sigma * jnp.log(jnp.where(weights > 0, weights, 1.0)) + (1 - sigma) * jnp.log(prices)
    logs = jnp.where(weights > 0, logs, -jnp.inf)
    most = jnp.max(logs, axis=1, keepdims=True)
    powers = jnp.exp(logs - jnp.where(jnp.isfinite(most), most, 0.0))
    total = jnp.sum(powers, axis=1, keepdims=True)
    return powers / jnp.where(total > 0, total, 1.0) * wealth[:, None] / prices


def _paid(prices: Array) -> Array:
    return jnp.where(prices > 0, prices, 1.0)  # at 0 only for what nobody has a use for


@singledispatch
def useful(family: Any) -> Bool[Array, "n m"]:
    """Returns who has a use for which goods.

    Args:
        family: `Linear`, `CES`, `CobbDouglas` or `Leontief`.

    Returns:
        bool `[n, m]`.

    Raises:
        TypeError: For another family.
    """
    raise TypeError(type(family).__name__)


@useful.register
def _(family: Linear) -> Array:
    return jnp.asarray(family.values) > 0


@useful.register
def _(family: CES) -> Array:
    return jnp.asarray(family.weights) > 0


@useful.register
def _(family: CobbDouglas) -> Array:
    return jnp.asarray(family.shares) > 0


@useful.register
def _(family: Leontief) -> Array:
    return jnp.asarray(family.needs) > 0
