"""Agents that always do and bid the same."""

from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float32

from catallax._types import Key, PyTree
from catallax.agents._actions import as_action, blank_action
from catallax.agents._protocol import Genes, Spaces, Species


@dataclass(frozen=True, kw_only=True)
class Constant(Species):
    """Always does the same and always bids the same, as in Theorem 3.1's constant maps.

    Args:
        action: A number (Discrete, 0-based) or a tuple of numbers (MultiDiscrete, Box).
        offer: The bid, in credits.
        count: Agents at genesis.

    Raises:
        InvalidSetting: If the action is not one of the world's, when the market meets it.

    Example:
        >>> import catallax as cx
        >>> cx.Constant(action=1, offer=0.5).offer
        0.5

    Source: paper section 3, the proof of Theorem 3.1.
    """

    action: int | float | tuple[float, ...] = 0
    offer: float = 0.0
    count: int | None = field(default=1)

    def init(self, key: Key, spaces: Spaces, index: Any) -> Genes:
        """Returns the action and the bid."""
        action = jnp.asarray(as_action(spaces.action, self.action))
        return Genes({}, {"action": action, "offer": jnp.float32(self.offer)})

    def bid(self, genes: Genes, senses: PyTree) -> Float32[Array, ""]:
        """Returns the bid."""
        return genes.fixed["offer"]

    def act(self, genes: Genes, senses: PyTree, key: Key) -> Array:
        """Returns the action."""
        return genes.fixed["action"]

    def supports(self, spaces: Spaces) -> None:
        """Raises where the world has no such action."""
        super().supports(spaces)
        blank_action(spaces.action)
        as_action(spaces.action, self.action)
