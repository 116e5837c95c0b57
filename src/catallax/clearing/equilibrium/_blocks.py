"""Blocks of agents in the interior point method: what each kind must answer.

Every kind reduces its own agents to goods: a step of prices `dp` moves the bundles of a block by
`constant − K dp`, and the market's Newton equation is the sum of these over blocks.
"""

from typing import Any, NamedTuple, Protocol

from jaxtyping import Array, Float

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
    """Agents of one kind: their state, their answer to prices, and their steps."""

    @property
    def wealth(self) -> Float[Array, "n"]:
        """`[n]`, in units of money."""
        ...

    def begin(self, prices: Array, share: Any) -> Any:
        """Returns a state inside all bounds, in which every agent has a share of each good."""
        ...

    def look(self, state: Any, prices: Array) -> Any:
        """Returns what the other questions need of a state, computed once."""
        ...

    def bundles(self, state: Any, seen: Any) -> Float[Array, "n m"]:
        """Returns what everyone holds."""
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

    def mirror(self, state: Any) -> Any:
        """Returns a state whose products are minus the state's own."""
        ...

    def products(self, state: Any) -> tuple[Array, ...]:
        """Returns the products that fall to 0 with µ."""
        ...

    def misses(self, state: Any, seen: Any, prices: Array) -> Array:
        """Returns the largest miss of an equality."""
        ...
