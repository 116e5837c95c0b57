"""Valuations of those who use goods in fixed proportions, up to a bound."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax.tree_util import register_dataclass
from jaxtyping import Array, ArrayLike, Float


@register_dataclass
@dataclass(frozen=True)
class BoundedLeontief:
    """Goods in fixed proportions, each level worth less than the one before, up to a bound.

    `v(x) = s z − q z² / 2` with the level `z = min(min_j x_j / a_j, z̄, s / q)`: that of a producer
    with a capacity, whose costs rise with what it does.

    Args:
        needs: `[agents, goods]`, a, quantities for a level of 1, 0 or more, not all 0 in a row.
        slopes: `[agents]`, s, what the first level is worth, 0 or more.
        curvatures: One number or `[agents]`, q, 0 or more.
        bounds: One number or `[agents]`, z̄, 0 or more; infinity is allowed.

    Example:
        >>> import numpy as np, catallax as cx
        >>> saws = cx.valuations.BoundedLeontief(np.array([[2.0, 1.0]]), np.array([3.0]), 0.0, 4.0)
        >>> [float(saws.worth(np.array([[planks, 9.0]]))[0]) for planks in (6.0, 9.0)]
        [9.0, 12.0]

    Source: Koopmans (1951), Activity analysis of production and allocation, chapter 3.
    """

    needs: ArrayLike
    slopes: ArrayLike
    curvatures: ArrayLike = 0.0
    bounds: ArrayLike = np.inf
    homogeneous: ClassVar[bool] = False

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(self.needs)[0]

    @property
    def goods(self) -> int:
        """How many goods."""
        return np.shape(self.needs)[1]

    @property
    def most(self) -> Float[Array, "n"]:
        """`[agents]`, the level beyond which more is worth nothing."""
        curvatures = jnp.asarray(self.curvatures)
        curved = curvatures > 0
        peak = jnp.asarray(self.slopes) / jnp.where(curved, curvatures, 1.0)
        return jnp.minimum(jnp.asarray(self.bounds), jnp.where(curved, peak, jnp.inf))

    def levels(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, the level that each bundle is enough for."""
        needs = jnp.asarray(self.needs)
        ratios = jnp.where(needs > 0, bundles / jnp.where(needs > 0, needs, 1.0), jnp.inf)
        return jnp.minimum(jnp.min(ratios, axis=1), self.most)

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        level = self.levels(bundles)
        return (jnp.asarray(self.slopes) - jnp.asarray(self.curvatures) * level / 2) * level
