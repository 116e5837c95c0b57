"""Valuations whose goods interact: coupled quadratic, and any concave function."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import register_dataclass
from jaxtyping import Array, ArrayLike, Float


@register_dataclass
@dataclass(frozen=True)
class CoupledQuadratic:
    """Goods satiate together: `v(x) = a·x − xᵀQx / 2`, Q positive semidefinite.

    Args:
        slopes: `[agents, goods]`, a, the worth of the first unit, 0 or more.
        curvatures: `[agents, goods, goods]`, Q, symmetric and positive semidefinite.

    Example:
        >>> import numpy as np, catallax as cx
        >>> market = cx.valuations.CoupledQuadratic(np.array([[2.0, 2.0]]), np.ones((1, 2, 2)))
        >>> float(market.worth(np.array([[1.0, 1.0]]))[0])
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
        curved = jnp.einsum("ij,ijk,ik->i", bundles, jnp.asarray(self.curvatures), bundles)
        return jnp.sum(jnp.asarray(self.slopes) * bundles, axis=1) - curved / 2


@register_dataclass
@dataclass(frozen=True)
class Concave:
    """Any concave differentiable function of a bundle, in JAX.

    That it is concave is probed at random midpoints: a function that fails is refused, one that
    passes is not refuted, which is less than a proof.

    Args:
        function: From one agent's parameters and its bundle `[goods]` to a worth.
        parameters: A pytree of arrays whose first axis is agents.
        goods: How many goods.

    Example:
        >>> import jax.numpy as jnp, numpy as np, catallax as cx
        >>> root = lambda a, x: a * jnp.sqrt(1.0 + jnp.sum(x)) - a
        >>> market = cx.valuations.Concave(root, np.array([2.0]), goods=2)
        >>> float(market.worth(np.array([[1.0, 2.0]]))[0])
        2.0
    """

    function: Callable[[Any, Float[Array, "m"]], Array] = field(metadata={"static": True})
    parameters: Any
    goods: int = field(metadata={"static": True})
    homogeneous: ClassVar[bool] = False

    @property
    def agents(self) -> int:
        """How many agents."""
        return np.shape(jax.tree.leaves(self.parameters)[0])[0]

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        return jax.vmap(self.function)(self.parameters, bundles)
