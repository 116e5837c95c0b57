"""Agents whose slopes fall in pieces: each piece of a good is a good of its own, bounded.

An agent may look at few of the goods only: at w of m.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import RESET, Response, shortfall, within
from catallax.clearing.equilibrium._payment import BACK, KEPT, SAME, Purse, Rule
from catallax.clearing.equilibrium._places import Sight


class Filling(NamedTuple):
    """The state of agents who fill pieces; `[n, w, k]` each but the purse.

    Attributes:
        filled: x > 0.
        room: h = width − x > 0.
        aversion: z > 0, for x ≥ 0.
        pressure: ζ > 0, for x ≤ width: `p + ζ − z = β g` with the slope `g = s − q x`.
        purse: The `Purse`.
    """

    filled: Float[Array, "n w k"]
    room: Float[Array, "n w k"]
    aversion: Float[Array, "n w k"]
    pressure: Float[Array, "n w k"]
    purse: Purse


class FillingSeen(NamedTuple):
    """What is known of a `Filling`: slopes g, `D⁻¹`, `h = D⁻¹ g`, `a = g·h`, κ and prices."""

    worth: Float[Array, "n"]
    slope: Float[Array, "n w k"]
    loose: Float[Array, "n w k"]
    lean: Float[Array, "n w k"]
    give: Float[Array, "n"]
    kappa: Float[Array, "n"]
    asked: Float[Array, "n w 1"]


class Pieces(NamedTuple):
    """Agents with piecewise linear or quadratic values.

    Args:
        sight: Which goods they look at.
        slopes: `[n, w, k]`, s.
        curvatures: `[n, w, k]`, q; None where nothing bends.
        widths: `[n, w, k]`, above 0 and finite.
        wealth: `[n]`.
        rule: What money means.
    """

    sight: Sight
    slopes: Float[Array, "n w k"]
    curvatures: Float[Array, "n w k"] | None
    widths: Float[Array, "n w k"]
    wealth: Float[Array, "n"]
    rule: Rule

    def slope(self, filled: Array) -> Array:
        """Returns `s − q x`."""
        return self.slopes if self.curvatures is None else self.slopes - self.curvatures * filled

    def _seen(self, by_good: Array) -> Array:
        """Returns numbers by good, of the goods that each agent looks at, for all their pieces."""
        return self.sight.of(by_good)[..., None]

    def gained(self, filled: Array) -> Array:
        """Returns `Σ s x − q x² / 2`."""
        mean = self.slope(filled / 2)
        return jnp.sum(mean * filled, axis=(1, 2))

    def begin(self, prices: Array, share: Any) -> Filling:
        """Returns pieces filled by equal shares, at most half, and a β that makes none dear."""
        pieces = self.slopes.shape[2]
        filled = jnp.minimum(share / pieces, self.widths / 2)
        worth = self.gained(filled)
        asked = self._seen(prices)
        highest = jnp.max(self.slopes / asked, axis=(1, 2))
        beta = 0.5 * jnp.minimum(1.0, 1 / jnp.maximum(highest, 1e-300))
        purse = self.rule.begin(beta, worth, self.wealth)
        excess = asked - purse.beta[:, None, None] * self.slope(filled)
        pressure = jnp.maximum(-excess, 0) + 0.1 * asked
        return Filling(filled, self.widths - filled, excess + pressure, pressure, purse)

    def entered(self, state: Filling, prices: Array, mu: Array) -> Filling:
        """Returns the state with pieces filled within their widths."""
        filling = state.filled, state.room, state.aversion, state.pressure
        worth = self.slope(jnp.minimum(state.filled, self.widths))
        cost = self._seen(prices) - state.purse.beta[:, None, None] * worth
        return Filling(*within(filling, self.widths, cost, mu), state.purse)

    def floor(self, state: Filling) -> Array:
        """Returns 0: no equality is linear."""
        return jnp.zeros(self.sight.goods)

    def look(self, state: Filling, prices: Array, settled: bool = False) -> FillingSeen:
        """Returns the pieces of `(diag(z/x + ζ/h + β q))⁻¹`."""
        worth, slope = self.gained(state.filled), self.slope(state.filled)
        stiff = state.aversion / state.filled + state.pressure / state.room
        if self.curvatures is not None:
            stiff = stiff + state.purse.beta[:, None, None] * self.curvatures
        loose = 1 / stiff
        lean = loose * slope
        give = jnp.sum(lean * slope, axis=(1, 2))
        kappa = self.rule.equation(state.purse, worth, self.wealth, 0.0, None).kappa
        return FillingSeen(worth, slope, loose, lean, give, kappa, self._seen(prices))

    def bundles(self, state: Filling, seen: FillingSeen) -> Array:
        """Returns the sums over pieces."""
        return self.sight.spread(jnp.sum(state.filled, axis=2))

    def worth(self, state: Filling, seen: FillingSeen) -> Array:
        """Returns v(x)."""
        return seen.worth

    def response(self, state: Filling, seen: FillingSeen) -> Response:
        """Returns `K = D⁻¹ − ω h hᵀ` with `ω = κ / (1 + κ a)`, summed over pieces."""
        omega = seen.kappa / (1 + seen.kappa * seen.give)
        diagonal = self.sight.summed(jnp.sum(seen.loose, axis=2))
        return self.sight.response(diagonal, jnp.sum(seen.lean, axis=2), omega)

    def constant(
        self, state: Filling, seen: FillingSeen, mu: Any, second: Filling | None
    ) -> tuple[Array, Any]:
        """Returns `Σ_i K (ρ + g t)` with `ρ = µ/x − µ/h − p + β g`."""
        lower = None if second is None else (second.filled, second.aversion)
        upper = None if second is None else (second.room, second.pressure)
        below = shortfall(mu, lambda: 1 / state.filled / state.aversion, lower)
        above = shortfall(mu, lambda: 1 / state.room / state.pressure, upper)
        lift, press = state.aversion * (1 + below), state.pressure * (1 + above)
        pull = lift - press - seen.asked + state.purse.beta[:, None, None] * seen.slope
        purse = None if second is None else second.purse
        equation = self.rule.equation(state.purse, seen.worth, self.wealth, mu, purse)
        along = jnp.sum(seen.lean * pull, axis=(1, 2))
        push = equation.kappa * (equation.target - along) / (1 + equation.kappa * seen.give)
        filled = seen.loose * pull + seen.lean * push[:, None, None]
        total = self.sight.summed(jnp.sum(filled, axis=2))
        return total, (filled, along, below, above, equation)

    def follow(self, state: Filling, seen: FillingSeen, kept: Any, step: Array) -> Filling:
        """Returns dx / x, dh / h, dz / z, dζ / ζ and the purse's direction."""
        filled, along, below, above, equation = kept
        dearer = self._seen(step)
        across = jnp.sum(seen.lean * dearer, axis=(1, 2))
        spread = 1 + equation.kappa * seen.give
        omega = equation.kappa / spread
        filled = filled - seen.loose * dearer + seen.lean * (omega * across)[:, None, None]
        room, filled = -filled / state.room, filled / state.filled
        change = equation.kappa * (equation.target - along + across) / spread
        purse = self.rule.follow(state.purse, equation, change)
        return Filling(filled, room, below - filled, above - room, purse)

    def settle(self, state: Filling, prices: Array) -> Filling:
        """Returns the state with z read off its definition wherever that is well inside."""
        lift = state.purse.beta[:, None, None] * self.slope(state.filled)
        exact = self._seen(prices) + state.pressure - lift
        inside = exact > RESET * state.aversion
        return state._replace(aversion=jnp.where(inside, exact, state.aversion))

    def mirror(self) -> Filling:
        """Returns a direction whose second order takes back every product."""
        return Filling(BACK, BACK, SAME, SAME, KEPT)

    def products(self, state: Filling) -> tuple[Array, ...]:
        """Returns x z, h ζ and the purse's."""
        own = (state.filled * state.aversion, state.room * state.pressure)
        return (*own, *self.rule.products(state.purse))

    def misses(self, state: Filling, seen: FillingSeen, prices: Array) -> Array:
        """Returns the largest miss of `p + ζ − z = β g` and of the rule."""
        beta = state.purse.beta[:, None, None]
        off = seen.asked + state.pressure - state.aversion - beta * seen.slope
        purse = self.rule.misses(state.purse, seen.worth, self.wealth)
        return jnp.maximum(jnp.max(jnp.abs(off)), jnp.max(purse))
