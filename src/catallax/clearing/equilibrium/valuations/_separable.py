"""Valuations that add up over goods: quadratic, logarithmic, and in pieces."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax.tree_util import register_dataclass
from jaxtyping import Array, ArrayLike, Float


@register_dataclass
@dataclass(frozen=True)
class Quadratic:
    """Each good satiates on its own: `v(x) = Σ_j a_j x_j − q_j x_j² / 2`.

    Beyond `a_j / q_j` more of a good is worth less; nobody then buys it at a price of 0 or more.

    Args:
        slopes: `[agents, goods]`, a, the worth of the first unit, 0 or more.
        curvatures: `[agents, goods]`, q, 0 or more.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.Quadratic(np.array([[2.0]]), np.array([[1.0]]))
        >>> float(market.worth(np.array([[2.0]]))[0])
        2.0
    """

    slopes: ArrayLike
    curvatures: ArrayLike
    homogeneous: ClassVar[bool] = False

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.slopes)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.slopes)[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        curved = jnp.asarray(self.curvatures) * bundles**2 / 2
        return jnp.sum(jnp.asarray(self.slopes) * bundles - curved, axis=1)


@register_dataclass
@dataclass(frozen=True)
class Logarithmic:
    """Each good is worth less the more there is: `v(x) = Σ_j a_j log(1 + x_j / c_j)`.

    Args:
        scales: `[agents, goods]`, a, money, 0 or more.
        offsets: One number, `[goods]` or `[agents, goods]`, c, a quantity above 0.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.Logarithmic(np.array([[2.0]]), 1.0)
        >>> round(float(market.worth(np.array([[np.e - 1]]))[0]), 6)
        2.0
    """

    scales: ArrayLike
    offsets: ArrayLike
    homogeneous: ClassVar[bool] = False

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.scales)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.scales)[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        gains = jnp.log1p(bundles / jnp.asarray(self.offsets))
        return jnp.sum(jnp.asarray(self.scales) * gains, axis=1)


@register_dataclass
@dataclass(frozen=True)
class PiecewiseLinear:
    """The first units are worth most: slopes fall from piece to piece, each so wide.

    `v(x) = Σ_j Σ_k s_jk · min(max(x_j − Σ_{l<k} w_jl, 0), w_jk)`; beyond the last piece a good is
    worth nothing more.

    Args:
        slopes: `[agents, goods, pieces]`, s, money a unit, 0 or more, not increasing over pieces.
        widths: `[agents, goods, pieces]`, w, quantities, 0 or more; infinity is allowed.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.PiecewiseLinear([[[3.0, 1.0]]], [[[2.0, 5.0]]])
        >>> float(market.worth(np.array([[4.0]]))[0])
        8.0
    """

    slopes: ArrayLike
    widths: ArrayLike
    homogeneous: ClassVar[bool] = False

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.slopes)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.slopes)[1]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        filled = _filled(jnp.asarray(self.widths), bundles)
        return jnp.sum(jnp.asarray(self.slopes) * filled, axis=(1, 2))


@register_dataclass
@dataclass(frozen=True)
class PiecewiseQuadratic:
    """The first units are worth most: slopes fall within a piece, and from piece to piece.

    `v(x) = Σ_j Σ_k s_jk y_jk − q_jk y_jk² / 2` with `y_jk = min(max(x_j − Σ_{l<k} w_jl, 0), w_jk)`;
    beyond the last piece a good is worth nothing more. A piece ends at `s / q` at the latest, where
    its slope is 0.

    Args:
        slopes: `[agents, goods, pieces]`, s, money for the first unit of a piece, 0 or more, at
            most what the last unit of the piece before is worth.
        curvatures: One number or `[agents, goods, pieces]`, q, 0 or more.
        widths: `[agents, goods, pieces]`, w, quantities, 0 or more; infinity is allowed.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.PiecewiseQuadratic([[[3.0, 1.0]]], [[[1.0, 0]]], [[[2, 5]]])
        >>> float(market.worth(np.array([[4.0]]))[0])
        6.0
    """

    slopes: ArrayLike
    curvatures: ArrayLike
    widths: ArrayLike
    homogeneous: ClassVar[bool] = False

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.slopes)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.slopes)[1]

    @property
    def reached(self) -> Float[Array, "n m k"]:
        """`[agents, goods, pieces]`, how wide a piece is until it is worth nothing."""
        curvatures = jnp.asarray(self.curvatures)
        curved = curvatures > 0
        peak = jnp.asarray(self.slopes) / jnp.where(curved, curvatures, 1.0)
        return jnp.minimum(jnp.asarray(self.widths), jnp.where(curved, peak, jnp.inf))

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        filled = _filled(self.reached, bundles)
        means = jnp.asarray(self.slopes) - jnp.asarray(self.curvatures) * filled / 2
        return jnp.sum(means * filled, axis=(1, 2))


def _filled(widths: Array, bundles: Array) -> Float[Array, "n m k"]:
    """Returns how much of each piece a bundle fills."""
    ends = jnp.cumsum(widths, axis=2)
    starts = jnp.concatenate([jnp.zeros_like(ends[..., :1]), ends[..., :-1]], axis=2)
    filled = jnp.clip(bundles[..., None] - starts, 0.0, widths)
    return jnp.where(jnp.isnan(filled), 0.0, filled)
