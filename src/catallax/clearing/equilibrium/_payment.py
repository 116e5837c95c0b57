"""What money means, as the interior point method sees it: one rule from a worth to its weight β.

An agent maximises `g(v(x))` where g says what money is to it; `β = g′(v(x))` weighs its worth in
the market's welfare. Each rule is a few complementarity conditions on β, relaxed by µ, and one
Newton equation, `du + λ dβ = t`, in the change of worth.
"""

from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Float


class Purse(NamedTuple):
    """Where an agent stands with its money; `[n]` each.

    Attributes:
        beta: β, the weight of its worth.
        eta: 1 − β, a variable of its own so that it keeps its digits near 0.
        idle: Money left over (budget), or worth that is missing to the cap (cap).
        excess: Worth beyond the cap (cap).
    """

    beta: Float[Array, "n"]
    eta: Float[Array, "n"]
    idle: Float[Array, "n"]
    excess: Float[Array, "n"]


class Equation(NamedTuple):
    """The Newton equation `dβ = κ (t − du)`, with what `follow` needs of it.

    Attributes:
        kappa: κ = 1/λ, 0 where β is fixed.
        target: t.
        idle: What complementarity of `idle` misses.
        excess: What complementarity of `excess` misses.
    """

    kappa: Float[Array, "n"]
    target: Float[Array, "n"]
    idle: Float[Array, "n"]
    excess: Float[Array, "n"]


class Rule(Protocol):
    """What money means, in the five questions that the method asks."""

    def begin(self, beta: Array, worth: Array, wealth: Array) -> Purse:
        """Returns a purse to start from, positive in every part."""
        ...

    def equation(self, purse: Purse, worth: Array, wealth: Array, mu: Any, second: Any) -> Equation:
        """Returns the Newton equation; `second` is the predictor's direction, or None."""
        ...

    def follow(self, purse: Purse, equation: Equation, change: Array) -> Purse:
        """Returns the direction of a purse, each part as a share of itself, given dβ."""
        ...

    def misses(self, purse: Purse, worth: Array, wealth: Array) -> Array:
        """Returns by how much the rule's equality is missed, as a share of wealth."""
        ...

    def ruler(self, wealth: Array, mean: Array) -> Array:
        """Returns the money of which an agent's products are a share; `mean` is what most have."""
        ...

    def products(self, purse: Purse) -> tuple[Array, ...]:
        """Returns the products that fall to 0 with µ."""
        ...


class Unlimited:
    """`money="none"`: β is 1."""

    def begin(self, beta: Array, worth: Array, wealth: Array) -> Purse:
        """Returns β = 1."""
        one = jnp.ones_like(beta)
        return Purse(one, one, one, one)

    def equation(self, purse: Purse, worth: Array, wealth: Array, mu: Any, second: Any) -> Equation:
        """Returns `dβ = 0`."""
        none = jnp.zeros_like(worth)
        return Equation(none, none, none, none)

    def follow(self, purse: Purse, equation: Equation, change: Array) -> Purse:
        """Returns no change."""
        none = jnp.zeros_like(change)
        return Purse(none, none, none, none)

    def misses(self, purse: Purse, worth: Array, wealth: Array) -> Array:
        """Returns 0: nothing can be missed."""
        return jnp.zeros_like(worth)

    def ruler(self, wealth: Array, mean: Array) -> Array:
        """Returns the mean: there is no wealth."""
        return jnp.broadcast_to(mean, wealth.shape)

    def products(self, purse: Purse) -> tuple[Array, ...]:
        """Returns none."""
        return ()


class AllSpent:
    """`money="fisher"`: `β v(x) = w`."""

    def begin(self, beta: Array, worth: Array, wealth: Array) -> Purse:
        """Returns the given β."""
        one = jnp.ones_like(beta)
        return Purse(beta, one, one, one)

    def equation(self, purse: Purse, worth: Array, wealth: Array, mu: Any, second: Any) -> Equation:
        """Returns the equation of `v(x) = w / β`."""
        none = jnp.zeros_like(worth)
        return Equation(purse.beta**2 / wealth, wealth / purse.beta - worth, none, none)

    def follow(self, purse: Purse, equation: Equation, change: Array) -> Purse:
        """Returns the change of β."""
        none = jnp.zeros_like(change)
        return Purse(change / purse.beta, none, none, none)

    def misses(self, purse: Purse, worth: Array, wealth: Array) -> Array:
        """Returns what is not spent."""
        return jnp.abs(1 - purse.beta * worth / wealth)

    def ruler(self, wealth: Array, mean: Array) -> Array:
        """Returns wealth: what is overspent is a share of it."""
        return wealth

    def products(self, purse: Purse) -> tuple[Array, ...]:
        """Returns none."""
        return ()


class Budgeted:
    """`money="budget"`: `β (v(x) + δ) = w` with money left over δ only where β = 1."""

    def begin(self, beta: Array, worth: Array, wealth: Array) -> Purse:
        """Returns the given β, with a fifth of the money left over."""
        return Purse(beta, 1 - beta, wealth / 5, jnp.ones_like(beta))

    def equation(self, purse: Purse, worth: Array, wealth: Array, mu: Any, second: Any) -> Equation:
        """Returns the equation of `v(x) + δ = w / β` and `(1 − β) δ = µ`."""
        beta, eta, idle, _ = purse
        short = mu - eta * idle
        if second is not None:
            short = short - eta * idle * second.eta * second.idle
        slack = wealth / beta - worth - idle
        kappa = 1 / (wealth / beta**2 + idle / eta)
        return Equation(kappa, slack - short / eta, short, jnp.zeros_like(beta))

    def follow(self, purse: Purse, equation: Equation, change: Array) -> Purse:
        """Returns the change of β and of the money left over."""
        idle = (equation.idle / purse.idle + change) / purse.eta
        return Purse(change / purse.beta, -change / purse.eta, idle, jnp.zeros_like(change))

    def misses(self, purse: Purse, worth: Array, wealth: Array) -> Array:
        """Returns what is neither spent nor left over."""
        return jnp.abs(1 - purse.beta * (worth + purse.idle) / wealth)

    def ruler(self, wealth: Array, mean: Array) -> Array:
        """Returns wealth, as far as it may be of use."""
        return jnp.minimum(wealth, mean)

    def products(self, purse: Purse) -> tuple[Array, ...]:
        """Returns (1 − β) δ."""
        return (purse.eta * purse.idle,)


class Capped:
    """`money="cap"`: worth beyond w counts for nothing, `min(v(x), w)`."""

    def begin(self, beta: Array, worth: Array, wealth: Array) -> Purse:
        """Returns the given β, with room on both sides of the cap."""
        room = wealth / 2
        idle = jnp.maximum(wealth - worth, 0) + room
        return Purse(beta, 1 - beta, idle, idle - wealth + worth)

    def equation(self, purse: Purse, worth: Array, wealth: Array, mu: Any, second: Any) -> Equation:
        """Returns the equation of `v − w = a − b`, `β a = µ` and `(1 − β) b = µ`."""
        beta, eta, idle, excess = purse
        over, under = mu - beta * excess, mu - eta * idle
        if second is not None:
            over = over - beta * excess * second.beta * second.excess
            under = under - eta * idle * second.eta * second.idle
        kappa = 1 / (excess / beta + idle / eta)
        off = worth - wealth - excess + idle
        return Equation(kappa, over / beta - under / eta - off, under, over)

    def follow(self, purse: Purse, equation: Equation, change: Array) -> Purse:
        """Returns the change of β and of both sides."""
        idle = (equation.idle / purse.idle + change) / purse.eta
        excess = (equation.excess / purse.excess - change) / purse.beta
        return Purse(change / purse.beta, -change / purse.eta, idle, excess)

    def misses(self, purse: Purse, worth: Array, wealth: Array) -> Array:
        """Returns by how much the two sides of the cap disagree."""
        return jnp.abs(worth - wealth - purse.excess + purse.idle) / wealth

    def ruler(self, wealth: Array, mean: Array) -> Array:
        """Returns wealth, as far as it may be of use."""
        return jnp.minimum(wealth, mean)

    def products(self, purse: Purse) -> tuple[Array, ...]:
        """Returns β a and (1 − β) b."""
        return purse.beta * purse.excess, purse.eta * purse.idle


BACK: Any = -1.0
SAME: Any = 1.0
KEPT = Purse(BACK, BACK, SAME, SAME)
"""A direction whose second order takes back every product: a step after it keeps them all."""

RULES: dict[str, Rule] = {
    "none": Unlimited(),
    "cap": Capped(),
    "budget": Budgeted(),
    "fisher": AllSpent(),
}
"""The rules by the names that callers give."""
