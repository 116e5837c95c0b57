"""Agents whose bundles are recipes times amounts: Leontief, Cobb-Douglas, CES with ρ < 0."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import RESET, Response, shortfall
from catallax.clearing.equilibrium._costs import Costs, costs_of
from catallax.clearing.equilibrium._payment import BACK, KEPT, SAME, Purse, Rule


class Cooking(NamedTuple):
    """The state of agents who choose how much worth to make.

    Attributes:
        amount: `[n]`, u > 0.
        loss: `[n]`, ψ > 0, by how much a unit costs more than it is worth: `ψ = e(p) − β`.
        purse: The `Purse`.
    """

    amount: Float[Array, "n"]
    loss: Float[Array, "n"]
    purse: Purse


class CookingSeen(NamedTuple):
    """What is known of a `Cooking`: its costs, and `θ = 1 / (κ + ψ/u)`."""

    costs: Costs
    theta: Float[Array, "n"]
    prices: Float[Array, "m"]


class Recipes(NamedTuple):
    """Agents whose bundles are recipes times amounts: Leontief, Cobb-Douglas, CES with ρ < 0.

    Args:
        family: The valuations, in shares of supply and units of money.
        wealth: `[n]`.
        rule: What money means.
    """

    family: Any
    wealth: Float[Array, "n"]
    rule: Rule

    def begin(self, prices: Array, share: Any) -> Cooking:
        """Returns the amount that equal shares would make, and a β at which it does not pay."""
        costs = costs_of(self.family, prices)
        amount = share * jnp.sum(prices) / costs.unit
        purse = self.rule.begin(0.5 * jnp.minimum(1.0, costs.unit), amount, self.wealth)
        loss = jnp.maximum(costs.unit - purse.beta, 0.1 * costs.unit)
        return Cooking(amount, loss, purse)

    def entered(self, state: Cooking, prices: Array, mu: Array) -> Cooking:
        """Returns the state: nothing is bounded."""
        return state

    def floor(self, state: Cooking) -> Array:
        """Returns 0: no equality is linear."""
        return jnp.zeros(self.family.goods)

    def look(self, state: Cooking, prices: Array, settled: bool = False) -> CookingSeen:
        """Returns costs and θ."""
        costs = costs_of(self.family, prices)
        kappa = self.rule.equation(state.purse, state.amount, self.wealth, 0.0, None).kappa
        return CookingSeen(costs, 1 / (kappa + state.loss / state.amount), prices)

    def bundles(self, state: Cooking, seen: CookingSeen) -> Array:
        """Returns `u ∇e(p)`."""
        return state.amount[:, None] * seen.costs.recipe

    def worth(self, state: Cooking, seen: CookingSeen) -> Array:
        """Returns v(x)."""
        return state.amount

    def response(self, state: Cooking, seen: CookingSeen) -> Response:
        """Returns `K = θ ∇e ∇eᵀ − u ∇²e`."""
        costs = seen.costs
        bend = state.amount * costs.sigma
        diagonal = jnp.sum(bend[:, None] * costs.recipe, axis=0) / seen.prices
        return Response(diagonal, costs.recipe, bend / costs.unit - seen.theta)

    def constant(
        self, state: Cooking, seen: CookingSeen, mu: Any, second: Cooking | None
    ) -> tuple[Array, Any]:
        """Returns `Σ_i ∇e θ (κ t + µ/u + β − e)`."""
        pair = None if second is None else (second.amount, second.loss)
        short = shortfall(mu, lambda: 1 / state.amount / state.loss, pair)
        purse = None if second is None else second.purse
        equation = self.rule.equation(state.purse, state.amount, self.wealth, mu, purse)
        force = state.loss * (1 + short)
        pull = equation.kappa * equation.target + force + state.purse.beta - seen.costs.unit
        return (seen.theta * pull) @ seen.costs.recipe, (force, short, equation)

    def follow(self, state: Cooking, seen: CookingSeen, kept: Any, step: Array) -> Cooking:
        """Returns du / u, dψ / ψ and the purse's direction."""
        force, short, equation = kept
        kappa, target = equation.kappa, equation.target
        pull = force + state.purse.beta - seen.costs.unit - seen.costs.recipe @ step
        amount = seen.theta * (kappa * target + pull) / state.amount
        change = kappa * seen.theta * (state.loss / state.amount * target - pull)
        return Cooking(amount, short - amount, self.rule.follow(state.purse, equation, change))

    def settle(self, state: Cooking, prices: Array) -> Cooking:
        """Returns the state with ψ read off its definition wherever that is well inside."""
        exact = costs_of(self.family, prices).unit - state.purse.beta
        inside = exact > RESET * state.loss
        return state._replace(loss=jnp.where(inside, exact, state.loss))

    def mirror(self) -> Cooking:
        """Returns a direction whose second order takes back every product."""
        return Cooking(BACK, SAME, KEPT)

    def products(self, state: Cooking) -> tuple[Array, ...]:
        """Returns u ψ and the purse's."""
        return (state.amount * state.loss, *self.rule.products(state.purse))

    def misses(self, state: Cooking, seen: CookingSeen, prices: Array) -> Array:
        """Returns the largest miss of `ψ = e(p) − β` and of the rule."""
        off = (seen.costs.unit - state.purse.beta - state.loss) / seen.costs.unit
        purse = self.rule.misses(state.purse, state.amount, self.wealth)
        return jnp.maximum(jnp.max(jnp.abs(off)), jnp.max(purse))
