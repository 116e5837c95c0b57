"""Agents who choose a level up to a bound, and need goods in fixed proportions for it."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import RESET, Response, shortfall, within
from catallax.clearing.equilibrium._payment import BACK, KEPT, SAME, Purse, Rule
from catallax.clearing.equilibrium._places import Sight


class Running(NamedTuple):
    """The state of agents who choose levels; `[n]` each but the purse.

    Attributes:
        level: u > 0.
        room: h = z̄ − u > 0.
        loss: ψ > 0, for u ≥ 0.
        pressure: ζ > 0, for u ≤ z̄: `a·p + ζ − ψ = β (s − q u)`.
        purse: The `Purse`.
    """

    level: Float[Array, "n"]
    room: Float[Array, "n"]
    loss: Float[Array, "n"]
    pressure: Float[Array, "n"]
    purse: Purse


class RunningSeen(NamedTuple):
    """What is known of a `Running`: costs and slopes of a level, `θ⁻¹ = ψ/u + ζ/h + β q` and κ."""

    cost: Float[Array, "n"]
    slope: Float[Array, "n"]
    worth: Float[Array, "n"]
    theta: Float[Array, "n"]
    kappa: Float[Array, "n"]


class Levels(NamedTuple):
    """Agents with bounded levels in fixed proportions.

    Args:
        sight: Which goods they look at.
        family: A `BoundedLeontief` of these goods, in shares and units of money, with finite bounds
            above 0.
        wealth: `[n]`.
        rule: What money means.
    """

    sight: Sight
    family: Any
    wealth: Float[Array, "n"]
    rule: Rule

    def slope(self, level: Array) -> Array:
        """Returns `s − q u`."""
        return self.family.slopes - self.family.curvatures * level

    def gained(self, level: Array) -> Array:
        """Returns `s u − q u² / 2`."""
        return (self.family.slopes - self.family.curvatures * level / 2) * level

    def begin(self, prices: Array, share: Any) -> Running:
        """Returns levels for an equal share of the scarcest good, and a β that makes none dear."""
        cost = self.sight.times(self.family.needs, prices)
        level = jnp.minimum(share / jnp.max(self.family.needs, axis=1), self.family.bounds / 2)
        beta = 0.5 * jnp.minimum(1.0, cost / jnp.maximum(self.family.slopes, 1e-300))
        purse = self.rule.begin(beta, self.gained(level), self.wealth)
        excess = cost - purse.beta * self.slope(level)
        pressure = jnp.maximum(-excess, 0) + 0.1 * cost
        return Running(level, self.family.bounds - level, excess + pressure, pressure, purse)

    def entered(self, state: Running, prices: Array, mu: Array) -> Running:
        """Returns the state with levels within their bounds."""
        running, bounds = (state.level, state.room, state.loss, state.pressure), self.family.bounds
        worth = state.purse.beta * self.slope(jnp.minimum(state.level, bounds))
        cost = self.sight.times(self.family.needs, prices) - worth
        return Running(*within(running, bounds, cost, mu), state.purse)

    def floor(self, state: Running) -> Array:
        """Returns 0: prices of single goods make no equality good."""
        return jnp.zeros(self.sight.goods)

    def look(self, state: Running, prices: Array, settled: bool = False) -> RunningSeen:
        """Returns costs, slopes and θ."""
        worth, bend = self.gained(state.level), state.purse.beta * self.family.curvatures
        theta = 1 / (state.loss / state.level + state.pressure / state.room + bend)
        kappa = self.rule.equation(state.purse, worth, self.wealth, 0.0, None).kappa
        cost = self.sight.times(self.family.needs, prices)
        return RunningSeen(cost, self.slope(state.level), worth, theta, kappa)

    def bundles(self, state: Running, seen: RunningSeen) -> Array:
        """Returns `u a`."""
        return self.sight.spread(state.level[:, None] * self.family.needs)

    def worth(self, state: Running, seen: RunningSeen) -> Array:
        """Returns v(x)."""
        return seen.worth

    def response(self, state: Running, seen: RunningSeen) -> Response:
        """Returns `K = θ / (1 + κ θ g²) a aᵀ` with the slope g."""
        goods, weights = self.sight.goods, seen.theta / self._spread(seen)
        matrix = self.sight.squared(weights, jnp.asarray(self.family.needs))
        return Response(jnp.zeros(goods), jnp.zeros((0, goods)), jnp.zeros(0), matrix)

    def _spread(self, seen: RunningSeen) -> Array:
        return 1 + seen.kappa * seen.theta * seen.slope**2

    def constant(
        self, state: Running, seen: RunningSeen, mu: Any, second: Running | None
    ) -> tuple[Array, Any]:
        """Returns `Σ_i a θ (ρ + g κ t) / (1 + κ θ g²)` with `ρ = µ/u − µ/h − a·p + β g`."""
        lower = None if second is None else (second.level, second.loss)
        upper = None if second is None else (second.room, second.pressure)
        below = shortfall(mu, lambda: 1 / state.level / state.loss, lower)
        above = shortfall(mu, lambda: 1 / state.room / state.pressure, upper)
        lift, press = state.loss * (1 + below), state.pressure * (1 + above)
        pull = lift - press - seen.cost + state.purse.beta * seen.slope
        purse = None if second is None else second.purse
        equation = self.rule.equation(state.purse, seen.worth, self.wealth, mu, purse)
        along = seen.theta * seen.slope * pull
        push = equation.kappa * (equation.target - along) / self._spread(seen)
        level = seen.theta * (pull + seen.slope * push)
        total = self.sight.mixed(level, self.family.needs)
        return total, (level, along, below, above, equation)

    def follow(self, state: Running, seen: RunningSeen, kept: Any, step: Array) -> Running:
        """Returns du / u, dh / h, dψ / ψ, dζ / ζ and the purse's direction."""
        level, along, below, above, equation = kept
        dearer, spread = self.sight.times(self.family.needs, step), self._spread(seen)
        level = level - seen.theta * dearer / spread
        room, level = -level / state.room, level / state.level
        across = seen.theta * seen.slope * dearer
        change = equation.kappa * (equation.target - along + across) / spread
        purse = self.rule.follow(state.purse, equation, change)
        return Running(level, room, below - level, above - room, purse)

    def settle(self, state: Running, prices: Array) -> Running:
        """Returns the state with ψ read off its definition wherever that is well inside."""
        cost = self.sight.times(self.family.needs, prices)
        exact = cost + state.pressure - state.purse.beta * self.slope(state.level)
        inside = exact > RESET * state.loss
        return state._replace(loss=jnp.where(inside, exact, state.loss))

    def mirror(self) -> Running:
        """Returns a direction whose second order takes back every product."""
        return Running(BACK, BACK, SAME, SAME, KEPT)

    def products(self, state: Running) -> tuple[Array, ...]:
        """Returns u ψ, h ζ and the purse's."""
        own = (state.level * state.loss, state.room * state.pressure)
        return (*own, *self.rule.products(state.purse))

    def misses(self, state: Running, seen: RunningSeen, prices: Array) -> Array:
        """Returns the largest miss of `a·p + ζ − ψ = β (s − q u)` and of the rule."""
        off = seen.cost + state.pressure - state.loss - state.purse.beta * seen.slope
        purse = self.rule.misses(state.purse, seen.worth, self.wealth)
        return jnp.maximum(jnp.max(jnp.abs(off) / jnp.maximum(seen.cost, 1.0)), jnp.max(purse))
