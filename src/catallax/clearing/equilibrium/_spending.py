"""Agents whose budget is counted at prices: for values that are not of degree 1.

For a value of degree 1 an agent pays `β v(x)`, and a budget is a statement about worth. For any
other it is one about prices and bundles, `p·x + δ = w`, and the market's Newton equation is not
symmetric.
"""

from functools import singledispatch
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import Block, Response
from catallax.clearing.equilibrium._curved import Curved
from catallax.clearing.equilibrium._levels import Levels
from catallax.clearing.equilibrium._payment import Purse, Unlimited
from catallax.clearing.equilibrium._pieces import Pieces
from catallax.clearing.equilibrium._quantities import Quantities

LEAST_IDLE = 0.05
"""A search starts with at least this share of everybody's money left over."""

STEEPEST = 1.0
"""The most by which log β falls in a step."""


class Limit(Protocol):
    """When money may be left over: `dδ = rest + slope·dβ`."""

    def room(self, beta: Array) -> Float[Array, "n"]:
        """Returns how far β may rise, or 1 if there is no end."""
        ...

    def after(self, beta: Array, rate: Array) -> Float[Array, "n"]:
        """Returns β after a step that would change it by so much of itself."""
        ...

    def hindrance(self, change: Array) -> Float[Array, "n"]:
        """Returns what is seen of dβ / β where a step must stop before anything falls below 0."""
        ...

    def slope(self, purse: Purse) -> Float[Array, "n"]:
        """Returns how much more is left over with β, 0 or more."""
        ...

    def rest(self, purse: Purse, mu: Any, second: Purse | None) -> Float[Array, "n"]:
        """Returns how δ moves where β stands still."""
        ...

    def product(self, purse: Purse) -> Float[Array, "n"]:
        """Returns what falls to 0 with µ."""
        ...


class UpToOne:
    """With a budget money is left over only at β = 1: `(1 − β) δ = µ`."""

    def room(self, beta: Array) -> Array:
        """Returns 1 − β."""
        return 1 - beta

    def after(self, beta: Array, rate: Array) -> Array:
        """Returns β, which rises by steps and falls in proportion."""
        return beta * jnp.where(rate < 0, jnp.exp(jnp.maximum(rate, -STEEPEST)), 1 + rate)

    def hindrance(self, change: Array) -> Array:
        """Returns a rise: `after` keeps a falling β above 0."""
        return jnp.maximum(change, 0.0)

    def slope(self, purse: Purse) -> Array:
        """Returns `δ / (1 − β)`."""
        return purse.idle / purse.eta

    def rest(self, purse: Purse, mu: Any, second: Purse | None) -> Array:
        """Returns `(µ − (1 − β) δ) / (1 − β)`."""
        short = mu - purse.eta * purse.idle
        if second is not None:
            short = short - purse.eta * purse.idle * second.eta * second.idle
        return short / purse.eta

    def product(self, purse: Purse) -> Array:
        """Returns `(1 − β) δ`."""
        return purse.eta * purse.idle


class Satiated:
    """Where all is spent money is left over only without wants, at β = ∞: `δ / β = µ`."""

    def room(self, beta: Array) -> Array:
        """Returns 1."""
        return jnp.ones_like(beta)

    def after(self, beta: Array, rate: Array) -> Array:
        """Returns β after a step of 1/β, the price of money, which may fall to 0."""
        return beta / (1 - rate)

    def hindrance(self, change: Array) -> Array:
        """Returns a fall where 1/β falls."""
        return -jnp.maximum(change, 0.0)

    def slope(self, purse: Purse) -> Array:
        """Returns `δ / β`."""
        return purse.idle / purse.beta

    def rest(self, purse: Purse, mu: Any, second: Purse | None) -> Array:
        """Returns `µ β − δ`, less what δ and 1/β do together."""
        rest = mu * purse.beta - purse.idle
        return rest if second is None else rest + purse.idle * second.idle * second.beta

    def product(self, purse: Purse) -> Array:
        """Returns `δ / β`."""
        return purse.idle / purse.beta


LIMITS: dict[str, Limit] = {"budget": UpToOne(), "fisher": Satiated()}
"""The limits by the names that callers give."""


class Ahead(NamedTuple):
    """The predictor's direction, as far as agents need it, and dp."""

    state: Any
    prices: Float[Array, "m"]


class SpendingSeen(NamedTuple):
    """What is known of agents who count: `g̃ = D⁻¹ g` by good, `p̃ − x` with `p̃ = D⁻¹ p`.

    Attributes:
        inner: What the inner block knows.
        gain: `[n, m]`, `∂x/∂β` by good.
        rows: `[n, m]`, `p̃ − x`.
        yields: `[n]`, `p·∂x/∂β + ∂δ/∂β`, above 0.
        slope: `[n]`, `∂δ/∂β`.
        prices: `[m]`.
    """

    inner: Any
    gain: Float[Array, "n m"]
    rows: Float[Array, "n m"]
    yields: Float[Array, "n"]
    slope: Float[Array, "n"]
    prices: Float[Array, "m"]


class Spending(NamedTuple):
    """Agents of another block, each with its budget `p·x + δ = w`.

    Args:
        inner: `Quantities`, `Pieces` or `Curved` with the rule `Unlimited`.
        wealth: `[n]`.
        limit: When money may be left over.
    """

    inner: Any
    wealth: Float[Array, "n"]
    limit: Limit

    def opened(self, state: Any, prices: Array) -> Any:
        """Returns a state of the inner block with the money left over that is left over."""
        purse = state.purse
        cost = self.inner.bundles(state, self.inner.look(state, prices)) @ prices
        idle = jnp.maximum(self.wealth - cost, LEAST_IDLE * self.wealth)
        room = self.limit.room(purse.beta)
        return state._replace(purse=Purse(purse.beta, room, idle, jnp.ones_like(idle)))

    def look(self, state: Any, prices: Array, settled: bool = False) -> SpendingSeen:
        """Returns how bundles and payments answer β and prices."""
        seen = self.inner.look(state, prices)
        gain = leaned(self.inner, seen)
        slope = self.limit.slope(state.purse)
        rows = bought_for(self.inner, state, seen, prices) - self.inner.bundles(state, seen)
        return SpendingSeen(seen, gain, rows, gain @ prices + slope, slope, prices)

    def bundles(self, state: Any, seen: SpendingSeen) -> Array:
        """Returns what everyone holds."""
        return self.inner.bundles(state, seen.inner)

    def response(self, state: Any, seen: SpendingSeen) -> Response:
        """Returns `K = D⁻¹ − g̃ (p̃ − x)ᵀ / (p·g̃ + ∂δ/∂β)`, which is not symmetric."""
        alone = self.inner.response(state, seen.inner)
        coupled = -(seen.gain / seen.yields[:, None]).T @ seen.rows
        whole = coupled if alone.matrix is None else coupled + alone.matrix
        none = jnp.zeros((0, seen.prices.shape[0]))
        return Response(alone.diagonal, none, jnp.zeros(0), whole)

    def constant(
        self, state: Any, seen: SpendingSeen, mu: Any, second: Ahead | None
    ) -> tuple[Array, Any]:
        """Returns how bundles move at `dp = 0`, when everyone pays what it has."""
        own = None if second is None else second.state
        total, kept = self.inner.constant(state, seen.inner, mu, own)
        rest = self.limit.rest(state.purse, mu, None if own is None else own.purse)
        due = self.wealth - self.bundles(state, seen) @ seen.prices - state.purse.idle
        if second is not None:
            due = due - moves(self.inner, state, second.state) @ second.prices
        change = (due - rest - drawn(self.inner, state, kept) @ seen.prices) / seen.yields
        return total + change @ seen.gain, (kept, change, rest)

    def follow(self, state: Any, seen: SpendingSeen, kept: Any, step: Float[Array, "m"]) -> Any:
        """Returns the direction of the state, and of β and δ."""
        inner, change, rest = kept
        change = change + seen.rows @ step / seen.yields
        direction = self.inner.follow(
            state, seen.inner, pushed(self.inner, seen.inner, inner, change), step
        )
        none, own = jnp.zeros_like(change), state.purse
        room = self.limit.room(change) - self.limit.room(none)
        idle = rest + seen.slope * change
        purse = Purse(change / own.beta, room / own.eta, idle / own.idle, none)
        return direction._replace(purse=purse)

    def hindered(self, direction: Any) -> Any:
        """Returns a direction in which β is replaced by what hinders a step."""
        purse = direction.purse
        return direction._replace(purse=purse._replace(beta=self.limit.hindrance(purse.beta)))

    def bent(self, state: Any, there: Any, length: Array, direction: Any) -> Any:
        """Returns a state after a step, with β where its limit has it."""
        purse = state.purse
        rate = length * direction.purse.beta
        beta = self.limit.after(purse.beta, rate)
        # 1 − β that falls to 0 keeps its digits only as a variable of its own.
        room = jnp.where(rate < 0, self.limit.room(beta), there.purse.eta)
        return there._replace(purse=there.purse._replace(beta=beta, eta=room))

    def settle(self, state: Any, prices: Array) -> Any:
        """Returns the state with multipliers read off their definitions."""
        return self.inner.settle(state, prices)

    def products(self, state: Any) -> tuple[Array, ...]:
        """Returns the inner products and that of money."""
        return (*self.inner.products(state), self.limit.product(state.purse))

    def misses(self, state: Any, seen: SpendingSeen, prices: Array) -> Array:
        """Returns the largest miss of the inner equalities and of `p·x + δ = w`."""
        off = 1 - (self.bundles(state, seen) @ prices + state.purse.idle) / self.wealth
        return jnp.maximum(self.inner.misses(state, seen.inner, prices), jnp.max(jnp.abs(off)))


def by_good(amounts: Array) -> Float[Array, "n m"]:
    """Returns amounts by good, whether or not a good comes in pieces."""
    return amounts if amounts.ndim == 2 else jnp.sum(amounts, axis=2)


@singledispatch
def leaned(inner: Any, seen: Any) -> Float[Array, "n m"]:
    """Returns dx by good for a change of β at dp = 0, `D⁻¹ g`.

    Args:
        inner: A block that chooses quantities.
        seen: What it knows of its state.

    Returns:
        `[n, m]`.
    """
    return by_good(seen.lean)


@leaned.register
def _(inner: Levels, seen: Any) -> Array:
    return (seen.theta * seen.slope)[:, None] * inner.family.needs


@singledispatch
def moves(inner: Any, state: Any, direction: Any) -> Float[Array, "n m"]:
    """Returns dx by good, of a state and a direction.

    Args:
        inner: A block that chooses quantities.
        state: Its state.
        direction: The state's.

    Returns:
        `[n, m]`.
    """
    return state.bundle * direction.bundle


@moves.register
def _(inner: Pieces, state: Any, direction: Any) -> Array:
    return by_good(state.filled * direction.filled)


@moves.register
def _(inner: Levels, state: Any, direction: Any) -> Array:
    return (state.level * direction.level)[:, None] * inner.family.needs


@singledispatch
def drawn(inner: Any, state: Any, kept: Any) -> Float[Array, "n m"]:
    """Returns dx by good at dp = 0 and dβ = 0.

    Args:
        inner: A block that chooses quantities.
        state: Its state.
        kept: From its `constant`.

    Returns:
        `[n, m]`.
    """
    return by_good(kept[0])


@drawn.register
def _(inner: Quantities, state: Any, kept: Any) -> Array:
    return state.bundle * kept[0]


@drawn.register
def _(inner: Levels, state: Any, kept: Any) -> Array:
    return kept[0][:, None] * inner.family.needs


@singledispatch
def pushed(inner: Any, seen: Any, kept: Any, change: Float[Array, "n"]) -> Any:
    """Returns what `follow` needs if β moves too.

    Args:
        inner: A block that chooses quantities.
        seen: What it knows of its state.
        kept: From its `constant`.
        change: `[n]`, dβ.

    Returns:
        As `kept`.
    """
    lean = seen.lean
    return (kept[0] + lean * jnp.reshape(change, (-1, *(1,) * (lean.ndim - 1))), *kept[1:])


@pushed.register
def _(inner: Quantities, seen: Any, kept: Any, change: Array) -> Any:
    return (kept[0], kept[1] + change, *kept[2:])


@pushed.register
def _(inner: Levels, seen: Any, kept: Any, change: Array) -> Any:
    return (kept[0] + seen.theta * seen.slope * change, *kept[1:])


@singledispatch
def bought_for(inner: Any, state: Any, seen: Any, prices: Array) -> Float[Array, "n m"]:
    """Returns `D⁻¹ p`, by how much bundles shrink if all prices rise in proportion.

    Args:
        inner: A block that chooses quantities.
        state: Its state.
        seen: What it knows of that.
        prices: `[m]`.

    Returns:
        `[n, m]`, by good.

    Raises:
        TypeError: For a block of another kind.
    """
    raise TypeError(type(inner).__name__)


@bought_for.register
def _(inner: Quantities, state: Any, seen: Any, prices: Array) -> Array:
    return seen.stiff * state.bundle * prices


@bought_for.register
def _(inner: Pieces, state: Any, seen: Any, prices: Array) -> Array:
    return by_good(seen.loose) * prices


@bought_for.register
def _(inner: Curved, state: Any, seen: Any, prices: Array) -> Array:
    return seen.inverse @ prices


@bought_for.register
def _(inner: Levels, state: Any, seen: Any, prices: Array) -> Array:
    return (seen.theta * seen.cost)[:, None] * inner.family.needs


def counted(block: Block, money: str) -> Any:
    """Returns a block whose budget is counted at prices, if its values are not of degree 1.

    Args:
        block: Of `InteriorPoint`.
        money: The rule of its agents.

    Returns:
        The block itself without a budget and for values of degree 1, else `Spending`.
    """
    whole = isinstance(block, Quantities) and block.family.homogeneous
    if money not in LIMITS or whole:
        return block
    if not isinstance(block, Quantities | Pieces | Curved | Levels):
        return block
    return Spending(block._replace(rule=Unlimited()), block.wealth, LIMITS[money])
