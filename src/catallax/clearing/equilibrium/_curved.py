"""Agents whose goods interact: coupled quadratic and any concave function, with whole Hessians."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as linalg
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import RESET, Response, shortfall
from catallax.clearing.equilibrium._payment import BACK, KEPT, SAME, Rule
from catallax.clearing.equilibrium._quantities import Holding

LEAST_CURVATURE = 1e-12
"""Added to a Hessian's diagonal, as a share of it, so that rounding leaves it definite."""


class CurvedSeen(NamedTuple):
    """What is known of a `Holding` here: slopes and `K = (diag(z/x) − β ∇²v + κ g gᵀ)⁻¹`."""

    worth: Float[Array, "n"]
    slope: Float[Array, "n m"]
    inverse: Float[Array, "n m m"]
    lean: Float[Array, "n m"]
    give: Float[Array, "n"]
    kappa: Float[Array, "n"]
    prices: Float[Array, "m"]


class Curved(NamedTuple):
    """Agents described by a concave function and its derivatives; `n` systems of `m` goods a step.

    Args:
        family: The valuations, in shares of supply and units of money.
        wealth: `[n]`.
        rule: What money means.
    """

    family: Any
    wealth: Float[Array, "n"]
    rule: Rule

    def derivatives(self, bundle: Array) -> tuple[Array, Array, Array]:
        """Returns worth `[n]`, slopes `[n, m]` and minus the Hessian `[n, m, m]`."""

        def one(member: Any, goods: Array) -> Array:
            alone = jax.tree.map(lambda leaf: leaf[None], member)
            return alone.worth(goods[None])[0]

        def each(member: Any, goods: Array) -> tuple[Array, Array, Array]:
            slope = jax.grad(one, argnums=1)
            return one(member, goods), slope(member, goods), -jax.jacfwd(slope, 1)(member, goods)

        return jax.vmap(each)(self.family, bundle)

    def begin(self, prices: Array, share: Any) -> Holding:
        """Returns equal shares, and a β at which nobody wants more."""
        bundle = jnp.full((self.wealth.shape[0], prices.shape[0]), share)
        worth, slope, _ = self.derivatives(bundle)
        highest = jnp.max(slope / prices, axis=1)
        beta = 0.8 * jnp.minimum(1.0, 1 / jnp.maximum(highest, 1e-300))
        purse = self.rule.begin(beta, worth, self.wealth)
        aversion = prices - purse.beta[:, None] * slope
        return Holding(bundle, jnp.maximum(aversion, 0.1 * prices), purse)

    def entered(self, state: Holding, prices: Array, mu: Array) -> Holding:
        """Returns the state: nothing is bounded."""
        return state

    def floor(self, state: Holding) -> Array:
        """Returns 0: no equality is linear."""
        return jnp.zeros(state.bundle.shape[1])

    def look(self, state: Holding, prices: Array, settled: bool = False) -> CurvedSeen:
        """Returns slopes and the inverse of each agent's own system."""
        worth, slope, bend = self.derivatives(state.bundle)
        kappa = self.rule.equation(state.purse, worth, self.wealth, 0.0, None).kappa
        bend = (bend + jnp.swapaxes(bend, 1, 2)) / 2
        own = state.aversion / state.bundle
        diagonal = own + LEAST_CURVATURE * (1 + jnp.abs(jnp.diagonal(bend, axis1=1, axis2=2)))
        system = state.purse.beta[:, None, None] * bend + jax.vmap(jnp.diag)(diagonal)
        identity = jnp.broadcast_to(jnp.eye(slope.shape[1]), system.shape)
        free = linalg.cho_solve((jnp.linalg.cholesky(system), True), identity)
        lean = jnp.einsum("ijk,ik->ij", free, slope)
        give = jnp.sum(lean * slope, axis=1)
        return CurvedSeen(worth, slope, free, lean, give, kappa, prices)

    def bundles(self, state: Holding, seen: CurvedSeen) -> Array:
        """Returns x."""
        return state.bundle

    def worth(self, state: Holding, seen: CurvedSeen) -> Array:
        """Returns v(x)."""
        return seen.worth

    def response(self, state: Holding, seen: CurvedSeen) -> Response:
        """Returns the sum of the inverses, less the part along the slopes."""
        omega = seen.kappa / (1 + seen.kappa * seen.give)
        nothing = jnp.zeros(seen.prices.shape)
        return Response(nothing, seen.lean, omega, jnp.sum(seen.inverse, axis=0))

    def constant(
        self, state: Holding, seen: CurvedSeen, mu: Any, second: Holding | None
    ) -> tuple[Array, Any]:
        """Returns `Σ_i K (ρ + g t)` with `ρ = µ/x − p + β g`."""
        pair = None if second is None else (second.bundle, second.aversion)
        short = shortfall(mu, lambda: 1 / state.bundle / state.aversion, pair)
        pull = state.aversion * (1 + short) - seen.prices + state.purse.beta[:, None] * seen.slope
        purse = None if second is None else second.purse
        equation = self.rule.equation(state.purse, seen.worth, self.wealth, mu, purse)
        along = jnp.sum(seen.lean * pull, axis=1)
        push = equation.kappa * (equation.target - along) / (1 + equation.kappa * seen.give)
        bundle = jnp.einsum("ijk,ik->ij", seen.inverse, pull) + seen.lean * push[:, None]
        return jnp.sum(bundle, axis=0), (bundle, along, short, equation)

    def follow(self, state: Holding, seen: CurvedSeen, kept: Any, step: Array) -> Holding:
        """Returns dx / x, dz / z and the purse's direction."""
        bundle, along, short, equation = kept
        across = seen.lean @ step
        spread = 1 + equation.kappa * seen.give
        omega = equation.kappa / spread
        bundle = bundle - seen.inverse @ step + seen.lean * (omega * across)[:, None]
        bundle = bundle / state.bundle
        change = equation.kappa * (equation.target - along + across) / spread
        return Holding(bundle, short - bundle, self.rule.follow(state.purse, equation, change))

    def settle(self, state: Holding, prices: Array) -> Holding:
        """Returns the state with z read off its definition wherever that is well inside."""
        _, slope, _ = self.derivatives(state.bundle)
        exact = prices - state.purse.beta[:, None] * slope
        inside = exact > RESET * state.aversion
        return state._replace(aversion=jnp.where(inside, exact, state.aversion))

    def mirror(self) -> Holding:
        """Returns a direction whose second order takes back every product."""
        return Holding(BACK, SAME, KEPT)

    def products(self, state: Holding) -> tuple[Array, ...]:
        """Returns x z and the purse's."""
        return (state.bundle * state.aversion, *self.rule.products(state.purse))

    def misses(self, state: Holding, seen: CurvedSeen, prices: Array) -> Array:
        """Returns the largest miss of `z = p − β g` and of the rule."""
        off = prices - state.purse.beta[:, None] * seen.slope - state.aversion
        purse = self.rule.misses(state.purse, seen.worth, self.wealth)
        return jnp.maximum(jnp.max(jnp.abs(off)), jnp.max(purse))
