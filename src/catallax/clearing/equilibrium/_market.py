"""The market that a solver is given: checked once, in 64 bits."""

from dataclasses import dataclass, field
from typing import Any, Literal

from jax.tree_util import register_dataclass
from jaxtyping import Array, Float

from catallax.clearing.equilibrium.valuations import Valuations

Money = Literal["none", "cap", "budget", "fisher"]
"""What money means: no limit, a cap on worth `min(v, w)`, a budget `p·x ≤ w`, or all spent."""


@register_dataclass
@dataclass(frozen=True)
class Market:
    """Who wants what, what there is, and what money means.

    Attributes:
        valuations: What bundles are worth to n agents.
        supply: float64 `[m]`, quantities.
        wealth: float64 `[n]`, money; ignored with `money="none"`.
        money: The rule.
        places: From `places_of`, for each family; None where nobody looked.
    """

    valuations: Any
    supply: Float[Array, "m"]
    wealth: Float[Array, "n"]
    money: Money = field(metadata={"static": True})
    places: tuple[Any, ...] | None = None

    @property
    def families(self) -> tuple[Valuations, ...]:
        """The families of agents, in their order."""
        return getattr(self.valuations, "families", (self.valuations,))

    @property
    def seen(self) -> tuple[Any, ...]:
        """Of each family, what is known of its `places`."""
        return self.places or (None,) * len(self.families)
