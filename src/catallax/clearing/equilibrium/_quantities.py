"""Agents who choose quantities: linear, CES with ρ > 0, quadratic, logarithmic."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import RESET, Response
from catallax.clearing.equilibrium._payment import Purse, Rule
from catallax.clearing.equilibrium._slopes import Slopes, slopes_of


class Holding(NamedTuple):
    """The state of agents who choose quantities.

    Attributes:
        bundle: `[n, m]`, x > 0.
        aversion: `[n, m]`, z > 0, by how much a good costs more than it is worth: `z = p − β g`.
        purse: The `Purse`.
    """

    bundle: Float[Array, "n m"]
    aversion: Float[Array, "n m"]
    purse: Purse


class HoldingSeen(NamedTuple):
    """What is known of a `Holding`: slopes, `D⁻¹`, `h = D⁻¹ g`, `a = g·h`, `s = 1 − β·pull·a`."""

    slopes: Slopes
    loose: Float[Array, "n m"]
    lean: Float[Array, "n m"]
    give: Float[Array, "n"]
    stay: Float[Array, "n"]
    prices: Float[Array, "m"]
    kappa: Float[Array, "n"]


class Quantities(NamedTuple):
    """Agents who choose quantities: linear, CES with ρ > 0, quadratic, logarithmic.

    Args:
        family: The valuations, in shares of supply and units of money.
        wealth: `[n]`.
        rule: What money means.
    """

    family: Any
    wealth: Float[Array, "n"]
    rule: Rule

    def begin(self, prices: Array, share: Any) -> Holding:
        """Returns equal shares, and a β at which nobody wants more."""
        bundle = jnp.full((self.family.agents, self.family.goods), share)
        slopes = slopes_of(self.family, bundle)
        highest = jnp.max(slopes.slope / prices, axis=1)
        beta = 0.5 * jnp.minimum(1.0, 1 / jnp.maximum(highest, 1e-300))
        purse = self.rule.begin(beta, slopes.worth, self.wealth)
        aversion = prices - purse.beta[:, None] * slopes.slope
        return Holding(bundle, jnp.maximum(aversion, 0.1 * prices), purse)

    def look(self, state: Holding, prices: Array) -> HoldingSeen:
        """Returns slopes and the pieces of `(diag(z/x) − β ∇²v)⁻¹`."""
        slopes = slopes_of(self.family, state.bundle)
        steep = state.aversion
        if slopes.bend is not None:
            steep = steep + state.purse.beta[:, None] * slopes.bend * state.bundle
        loose = state.bundle / steep
        lean = loose * slopes.slope
        give = jnp.sum(lean * slopes.slope, axis=1)
        stay = jnp.ones_like(give)
        if slopes.pull is not None:
            # 1 − β·pull·a loses its digits; for degree 1 it is Σ g x (z/x) / (D v).
            stay = jnp.sum(lean * state.aversion, axis=1) / slopes.worth
        kappa = self.rule.equation(state.purse, slopes.worth, self.wealth, 0.0, None).kappa
        return HoldingSeen(slopes, loose, lean, give, stay, prices, kappa)

    def bundles(self, state: Holding, seen: HoldingSeen) -> Array:
        """Returns x."""
        return state.bundle

    def response(self, state: Holding, seen: HoldingSeen) -> Response:
        """Returns `K = D⁻¹ − ω h hᵀ` with `ω = (κ − β pull) / (s + κ a)`."""
        return Response(jnp.sum(seen.loose, axis=0), seen.lean, self._omega(state, seen))

    def _omega(self, state: Holding, seen: HoldingSeen) -> Array:
        spread = seen.stay + seen.kappa * seen.give
        if seen.slopes.pull is None:
            return seen.kappa / spread
        return (seen.kappa - state.purse.beta * seen.slopes.pull) / spread

    def constant(
        self, state: Holding, seen: HoldingSeen, mu: Any, second: Holding | None
    ) -> tuple[Array, Any]:
        """Returns `Σ_i K (ρ + g t)` with `ρ = µ/x − p + β g`."""
        relaxed = mu if second is None else mu - second.bundle * second.aversion
        force = relaxed / state.bundle
        pull = force - seen.prices + state.purse.beta[:, None] * seen.slopes.slope
        purse = None if second is None else second.purse
        equation = self.rule.equation(state.purse, seen.slopes.worth, self.wealth, mu, purse)
        push = equation.kappa * equation.target / (seen.stay + equation.kappa * seen.give)
        along = jnp.sum(seen.lean * pull, axis=1)
        bundle = seen.loose * pull + seen.lean * (push - self._omega(state, seen) * along)[:, None]
        return jnp.sum(bundle, axis=0), (bundle, along, force, equation)

    def follow(self, state: Holding, seen: HoldingSeen, kept: Any, step: Array) -> Holding:
        """Returns dx, dz and the purse's direction.

        `dβ = κ (t − g·dx)` loses its digits where κ is large; solved for dβ first, it does not.
        """
        bundle, along, force, equation = kept
        across = seen.lean @ step
        omega = self._omega(state, seen)
        bundle = bundle - seen.loose * step + seen.lean * (omega * across)[:, None]
        aversion = force - state.aversion * (1 + bundle / state.bundle)
        change = equation.kappa * (seen.stay * equation.target - along + across)
        change = change / (seen.stay + equation.kappa * seen.give)
        return Holding(bundle, aversion, self.rule.follow(state.purse, equation, change))

    def settle(self, state: Holding, prices: Array) -> Holding:
        """Returns the state with z read off its definition wherever that is well inside.

        Slopes of a CES rise without end towards 0, faster than any linear step foresees.
        """
        slopes = slopes_of(self.family, state.bundle)
        if slopes.bend is None:
            return state
        exact = prices - state.purse.beta[:, None] * slopes.slope
        inside = exact > RESET * state.aversion
        return state._replace(aversion=jnp.where(inside, exact, state.aversion))

    def mirror(self, state: Holding) -> Holding:
        """Returns a state whose products are minus the state's own."""
        return state._replace(bundle=-state.bundle, purse=self.rule.mirror(state.purse))

    def products(self, state: Holding) -> tuple[Array, ...]:
        """Returns x z and the purse's."""
        return (state.bundle * state.aversion, *self.rule.products(state.purse))

    def misses(self, state: Holding, seen: HoldingSeen, prices: Array) -> Array:
        """Returns the largest miss of `z = p − β g` and of the rule."""
        off = prices - state.purse.beta[:, None] * seen.slopes.slope - state.aversion
        purse = self.rule.misses(state.purse, seen.slopes.worth, self.wealth)
        return jnp.maximum(jnp.max(jnp.abs(off)), jnp.max(purse))
