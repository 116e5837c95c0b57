"""Blocks of agents in the interior point method: what each kind must answer.

Every kind reduces its own agents to goods: a step of prices `dp` moves the bundles of a block by
`constant − K dp`, and the market's Newton equation is the sum of these over blocks.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._payment import Rule

RESET = 0.1
"""A multiplier is read off its definition where that is at least this share of its own value."""


class Response(NamedTuple):
    """Minus the derivative of a block's bundles in prices.

    `K = matrix + diag(diagonal) − Σ_i ω_i c_i c_iᵀ`.

    Attributes:
        diagonal: `[m]`.
        columns: `[n, m]`, c; `[0, m]` where there are none.
        weights: `[n]`, ω.
        matrix: `[m, m]`, or None.
    """

    diagonal: Float[Array, "m"]
    columns: Float[Array, "n m"]
    weights: Float[Array, "n"]
    matrix: Float[Array, "m m"] | None = None


class Block(Protocol):
    """Agents of one kind: their state, their answer to prices, and their steps.

    Every part of a state is positive, and a direction says by what share of itself it moves.
    """

    @property
    def wealth(self) -> Float[Array, "n"]:
        """`[n]`, in units of money."""
        ...

    @property
    def rule(self) -> Rule:
        """What money means."""
        ...

    def begin(self, prices: Array, share: Any) -> Any:
        """Returns a state inside all bounds, in which every agent has a share of each good."""
        ...

    def entered(self, state: Any, prices: Array, mu: Array) -> Any:
        """Returns a state of a similar market inside the bounds of this one.

        What a bound has moved far from is put where the central path has it, at µ and the prices.
        """
        ...

    def floor(self, state: Any) -> Float[Array, "m"]:
        """Returns the lowest prices at which `settle` makes linear equalities good, or 0."""
        ...

    def look(self, state: Any, prices: Array, settled: bool = False) -> Any:
        """Returns what the other questions need of a state, computed once.

        Where the state is from `settle`, a linear equality that this made good is not looked at.
        """
        ...

    def bundles(self, state: Any, seen: Any) -> Float[Array, "n m"]:
        """Returns what everyone holds."""
        ...

    def worth(self, state: Any, seen: Any) -> Float[Array, "n"]:
        """Returns what that is worth to everyone."""
        ...

    def response(self, state: Any, seen: Any) -> Response:
        """Returns how bundles answer prices."""
        ...

    def constant(
        self, state: Any, seen: Any, mu: Any, second: Any
    ) -> tuple[Float[Array, "m"], Any]:
        """Returns how bundles would move at `dp = 0`, and what `follow` needs."""
        ...

    def follow(self, state: Any, seen: Any, kept: Any, step: Float[Array, "m"]) -> Any:
        """Returns the direction of the state, given `dp`."""
        ...

    def settle(self, state: Any, prices: Float[Array, "m"]) -> Any:
        """Returns a state after a step, with multipliers read off their definitions."""
        ...

    def mirror(self) -> Any:
        """Returns a direction whose second order takes back every product."""
        ...

    def products(self, state: Any) -> tuple[Array, ...]:
        """Returns the products that fall to 0 with µ."""
        ...

    def misses(self, state: Any, seen: Any, prices: Array) -> Array:
        """Returns the largest miss of an equality."""
        ...


LEAST_ROOM = 1e-3
"""A state from elsewhere leaves at least this share of what is bounded on both sides."""

MOVED = 1.5
"""What may be so many times as much as before, or as little, does not stay where it was."""


def within(
    state: tuple[Array, Array, Array, Array], width: Array, cost: Array, mu: Array
) -> tuple[Array, Array, Array, Array]:
    """Returns x, `h = width − x` and the multipliers of `x ≥ 0` and `h ≥ 0`, for a new width.

    Where the width is about what it was, x stays as far as it can. Elsewhere all four are those
    of the central path, so that `x z = h ζ = µ`: from a point with products far apart the method
    takes dozens of short steps.

    Args:
        state: The four of a similar market.
        width: Now, above 0.
        cost: What 1 more of x costs beyond its worth, of any sign.
        mu: µ.
    """
    amount, room, lower, upper = state
    before = amount + room
    moved = (width > MOVED * before) | (before > MOVED * width)
    stays = jnp.clip(amount, LEAST_ROOM * width, (1 - LEAST_ROOM) * width)
    x, h = centred(cost, width, mu)
    pairs = (x, stays), (h, width - stays), (mu / x, lower), (mu / h, upper)
    first, second, third, fourth = (jnp.where(moved, *pair) for pair in pairs)
    return first, second, third, fourth


def centred(cost: Array, width: Array, mu: Array) -> tuple[Array, Array]:
    """Returns x and `h = width − x` on the central path, where `cost = µ/x − µ/h`."""
    push, twice = jnp.abs(cost) * width, 2 * mu
    little = twice * width / (twice + push + jnp.sqrt(push**2 + twice**2))
    much = width - little
    return jnp.where(cost > 0, little, much), jnp.where(cost > 0, much, little)


def shortfall(mu: Any, inverse: Callable[[], Array], second: tuple[Array, Array] | None) -> Any:
    """Returns `F = (µ − dx dz) / (x z) − 1`, by what share a product is to change.

    To first order `dx/x + dz/z = F`.

    Args:
        mu: µ; the number 0.0 is known to be nothing before anything is compiled.
        inverse: Returns `1 / (x z)`.
        second: dx / x and dz / z of the predictor, or None.

    Returns:
        Of the shape of the product, or the number -1.0 where nothing is asked of it.
    """
    short = -1.0 if second is None else -1.0 - second[0] * second[1]
    nothing = isinstance(mu, float) and not mu
    return short if nothing else short + mu * inverse()


def summed(part: Any, axis: int, *amounts: Array) -> Array:
    """Returns the sum of products; a part that is the same of all is taken out of the sum."""
    first, *others = amounts
    if isinstance(part, float):
        return part * jnp.sum(math.prod(others, start=first), axis=axis)
    return jnp.sum(math.prod(amounts, start=part), axis=axis)
