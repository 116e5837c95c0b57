"""Agents of several families in one market."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax.tree_util import register_dataclass
from jaxtyping import Array, Float

from catallax.clearing.equilibrium.valuations._protocol import Valuations


@register_dataclass
@dataclass(frozen=True)
class Mixed:
    """Several families, one after the other: the agents of the first come first.

    Args:
        families: Valuations of the same goods.

    Example:
        >>> import numpy as np, catallax as cx
        >>> linear = cx.valuations.Linear(np.ones((2, 3)))
        >>> logs = cx.valuations.Logarithmic(np.ones((1, 3)), 1.0)
        >>> cx.valuations.Mixed((linear, logs)).agents
        3
    """

    families: tuple[Valuations, ...]

    @property
    def homogeneous(self) -> bool:
        """Whether every family is."""
        return all(family.homogeneous for family in self.families)

    @property
    def agents(self) -> int:
        """How many agents, of all families."""
        return sum(family.agents for family in self.families)

    @property
    def goods(self) -> int:
        """How many goods."""
        return self.families[0].goods

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth."""
        worths, first = [], 0
        for family in self.families:
            worths.append(family.worth(bundles[first : first + family.agents]))
            first += family.agents
        return jnp.concatenate(worths)

    def unit_cost(self, prices: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns `[agents]`, the least money for a worth of 1, where every family has one."""
        families: tuple[Any, ...] = self.families
        return jnp.concatenate([family.unit_cost(prices) for family in families])
