"""The market that a solver is given: checked once, in 64 bits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import register_dataclass
from jaxtyping import Array, Bool, Float

from catallax._xla import compiled
from catallax.clearing.equilibrium.valuations import Valuations

Money = Literal["none", "cap", "budget", "fisher"]
"""What money means: no limit, a cap on worth `min(v, w)`, a budget `p·x ≤ w`, or all spent."""

Rules = Money | tuple[Money, ...]
"""The rule of all, or one for each family."""


@register_dataclass
@dataclass(frozen=True)
class Market:
    """Who wants what, what there is, and what money means.

    Attributes:
        valuations: What bundles are worth to n agents.
        supply: float64 `[m]`, quantities.
        wealth: float64 `[n]`, money; ignored of those to whom money is `"none"`.
        money: The rule of all; a tuple, one for each family, only where they differ.
        places: From `places_of`, for each family; None where nobody looked.
    """

    valuations: Any
    supply: Float[Array, "m"]
    wealth: Float[Array, "n"]
    money: Rules = field(metadata={"static": True})
    places: tuple[Any, ...] | None = None

    @property
    def families(self) -> tuple[Valuations, ...]:
        """The families of agents, in their order."""
        return getattr(self.valuations, "families", (self.valuations,))

    @property
    def seen(self) -> tuple[Any, ...]:
        """Of each family, what is known of its `places`."""
        return self.places or (None,) * len(self.families)

    @property
    def rules(self) -> tuple[Money, ...]:
        """The rule of each family."""
        money = self.money
        return money if isinstance(money, tuple) else (money,) * len(self.families)

    @property
    def rule(self) -> Money:
        """The one rule, for methods that serve no market with several."""
        [rule] = set(self.rules)
        return rule

    def under(self, *rules: Money) -> Bool[np.ndarray, "n"]:
        """Returns whose money means one of these."""
        sizes = [family.agents for family in self.families]
        return np.repeat([rule in rules for rule in self.rules], sizes)


def together(rules: Iterable[Money]) -> Rules:
    """Returns the rules of families as a market keeps them: one, if they are all the same."""
    several = tuple(rules)
    return several[0] if len(set(several)) == 1 else several


def by_rule(market: Market, function: Callable[..., Any], *parts: Any) -> Any:
    """Returns what a function of a rule and of those who live by it says of all agents.

    Args:
        market: Whose rules.
        function: Of a rule and of parts, with whatever is to be known of each agent.
        parts: Arrays or tuples of them, with a leading axis of agents.

    Returns:
        What the function returns, with a leading axis of all agents.
    """
    if not isinstance(market.money, tuple):
        return function(market.money, *parts)
    said, first = [], 0
    for family, rule in zip(market.families, market.rules, strict=True):
        mine = slice(first, first + family.agents)
        said.append(function(rule, *jax.tree.map(lambda leaf, mine=mine: leaf[mine], parts)))
        first += family.agents
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *said)


worth_of = compiled(lambda valuations, bundles: valuations.worth(bundles))
"""What bundles `[n, m]` are worth, `[n]`: as one program, which the valuations' own is not."""
