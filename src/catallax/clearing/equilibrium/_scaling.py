"""Units in which every market looks alike: goods in shares of supply, prices about 1."""

import dataclasses
from functools import singledispatch
from typing import Any, ClassVar

import jax.numpy as jnp
from jax.tree_util import register_dataclass
from jaxtyping import Array, Float

from catallax.clearing.equilibrium.valuations import (
    CES,
    BoundedLeontief,
    CobbDouglas,
    Leontief,
    Linear,
    Logarithmic,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Rescaled:
    """A family that is asked about other units than it was made for.

    Args:
        inner: The family.
        supply: `[n, m]`, quantities that a share of 1 stands for.
        factor: `[n]`, what its worth is multiplied with.
    """

    inner: Any
    supply: Float[Array, "n m"]
    factor: Float[Array, "n"]
    homogeneous: ClassVar[bool] = False

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.supply.shape[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.supply.shape[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[n]`, the worth of shares, in the new unit."""
        return self.inner.worth(bundles * self.supply) * self.factor


@singledispatch
def in_shares(family: Any, supply: Float[Array, "m"]) -> Any:
    """Returns a family that values shares of supply as the given one values quantities.

    Args:
        family: Of any kind.
        supply: `[m]`, above 0.

    Returns:
        A family of the same kind where that is possible, else a `Rescaled` one.
    """
    units = jnp.broadcast_to(supply, (family.agents, family.goods))
    return Rescaled(family, units, jnp.ones(family.agents))


@in_shares.register
def _(family: Linear, supply: Array) -> Linear:
    return Linear(jnp.asarray(family.values) * supply)


@in_shares.register
def _(family: CES, supply: Array) -> CES:
    weights = jnp.asarray(family.weights) * supply ** jnp.reshape(family.rho, (-1, 1))
    return dataclasses.replace(family, weights=weights)


@in_shares.register
def _(family: CobbDouglas, supply: Array) -> CobbDouglas:
    shares = jnp.asarray(family.shares)
    gain = jnp.exp(jnp.sum(shares * jnp.log(supply), axis=1))
    return CobbDouglas(shares, family.scale * gain)


@in_shares.register
def _(family: Leontief, supply: Array) -> Leontief:
    return Leontief(jnp.asarray(family.needs) / supply, family.scale)


@in_shares.register
def _(family: Quadratic, supply: Array) -> Quadratic:
    slopes, curvatures = jnp.asarray(family.slopes), jnp.asarray(family.curvatures)
    return Quadratic(slopes * supply, curvatures * supply**2)


@in_shares.register
def _(family: Logarithmic, supply: Array) -> Logarithmic:
    return Logarithmic(jnp.asarray(family.scales), jnp.asarray(family.offsets) / supply)


@in_shares.register
def _(family: PiecewiseLinear, supply: Array) -> PiecewiseLinear:
    slopes, widths = jnp.asarray(family.slopes), jnp.asarray(family.widths)
    return PiecewiseLinear(slopes * supply[:, None], widths / supply[:, None])


@in_shares.register
def _(family: PiecewiseQuadratic, supply: Array) -> PiecewiseQuadratic:
    curvatures = jnp.asarray(family.curvatures) * supply[:, None] ** 2
    slopes = jnp.asarray(family.slopes) * supply[:, None]
    return PiecewiseQuadratic(slopes, curvatures, jnp.asarray(family.widths) / supply[:, None])


@in_shares.register
def _(family: BoundedLeontief, supply: Array) -> BoundedLeontief:
    return dataclasses.replace(family, needs=jnp.asarray(family.needs) / supply)


@singledispatch
def times(family: Any, factor: Float[Array, "n"]) -> Any:
    """Returns a family whose worths are multiplied.

    Args:
        family: From `in_shares`.
        factor: `[n]`, above 0.

    Returns:
        A family of the same kind.
    """
    return dataclasses.replace(family, factor=family.factor * factor)


@times.register(CES)
@times.register(CobbDouglas)
@times.register(Leontief)
def _(family: Any, factor: Array) -> Any:
    return dataclasses.replace(family, scale=family.scale * factor)


@times.register
def _(family: Linear, factor: Array) -> Linear:
    return Linear(jnp.asarray(family.values) * factor[:, None])


@times.register
def _(family: Quadratic, factor: Array) -> Quadratic:
    curvatures = jnp.broadcast_to(jnp.asarray(family.curvatures), (family.agents, family.goods))
    return Quadratic(family.slopes * factor[:, None], curvatures * factor[:, None])


@times.register
def _(family: Logarithmic, factor: Array) -> Logarithmic:
    return Logarithmic(family.scales * factor[:, None], family.offsets)


@times.register
def _(family: PiecewiseLinear, factor: Array) -> PiecewiseLinear:
    return PiecewiseLinear(family.slopes * factor[:, None, None], family.widths)


@times.register
def _(family: PiecewiseQuadratic, factor: Array) -> PiecewiseQuadratic:
    each = factor[:, None, None]
    return PiecewiseQuadratic(family.slopes * each, family.curvatures * each, family.widths)


@times.register
def _(family: BoundedLeontief, factor: Array) -> BoundedLeontief:
    slopes, curvatures = family.slopes * factor, family.curvatures * factor
    return dataclasses.replace(family, slopes=slopes, curvatures=curvatures)
