"""Agents who choose quantities: linear, CES with ρ > 0, quadratic, logarithmic."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import RESET, Response, shortfall, summed
from catallax.clearing.equilibrium._payment import BACK, KEPT, SAME, Purse, Rule
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
    """What is known of a `Holding`, with `D = diag(z/x) − β ∇²v` and `a = g·D⁻¹g`.

    Attributes:
        slopes: The `Slopes`.
        ease: `[n, m]`, `(D⁻¹)_jj z_j / x_j`; None where nothing bends, for 1.
        stiff: `[n, m]`, `(D⁻¹)_jj / x_j`.
        lean: `[n, m]`, `D⁻¹ g`.
        give: `[n]`, a.
        stay: `[n]`, `1 − β·pull·a`.
        off: `[n, m]`, by how much `z = p − β g` is missed; None where z was read off.
        kappa: `[n]`, κ.
    """

    slopes: Slopes
    ease: Float[Array, "n m"] | None
    stiff: Float[Array, "n m"]
    lean: Float[Array, "n m"]
    give: Float[Array, "n"]
    stay: Float[Array, "n"]
    off: Float[Array, "n m"] | None
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
        beta = 0.8 * jnp.minimum(1.0, 1 / jnp.maximum(highest, 1e-300))
        purse = self.rule.begin(beta, slopes.worth, self.wealth)
        aversion = prices - purse.beta[:, None] * slopes.slope
        return Holding(bundle, jnp.maximum(aversion, 0.1 * prices), purse)

    def entered(self, state: Holding, prices: Array, mu: Array) -> Holding:
        """Returns the state: nothing is bounded."""
        return state

    def floor(self, state: Holding) -> Array:
        """Returns `max_i β g + z/10` where nothing bends."""
        slopes = slopes_of(self.family, state.bundle)
        if slopes.bend is not None:
            return jnp.zeros(state.bundle.shape[1])
        least = state.purse.beta[:, None] * slopes.slope + 2 * RESET * state.aversion
        return jnp.max(least, axis=0)

    def look(self, state: Holding, prices: Array, settled: bool = False) -> HoldingSeen:
        """Returns slopes and the pieces of `(diag(z/x) − β ∇²v)⁻¹`."""
        slopes, beta = slopes_of(self.family, state.bundle), state.purse.beta[:, None]
        off, ease = None, None
        if slopes.bend is None:
            stiff = 1 / state.aversion
        else:
            stiff = 1 / (state.aversion + beta * slopes.bend * state.bundle)
            ease = stiff * state.aversion
        if slopes.bend is not None or not settled:
            off = prices - beta * slopes.slope - state.aversion
        lean = stiff * slopes.slope * state.bundle
        give = jnp.sum(lean * slopes.slope, axis=1)
        stay = jnp.ones_like(give)
        if slopes.pull is not None:
            # 1 − β·pull·a loses its digits; for degree 1 it is Σ g x (z/x) / (D v).
            stay = jnp.sum(lean * state.aversion, axis=1) / slopes.worth
        kappa = self.rule.equation(state.purse, slopes.worth, self.wealth, 0.0, None).kappa
        return HoldingSeen(slopes, ease, stiff, lean, give, stay, off, kappa)

    def bundles(self, state: Holding, seen: HoldingSeen) -> Array:
        """Returns x."""
        return state.bundle

    def worth(self, state: Holding, seen: HoldingSeen) -> Array:
        """Returns v(x)."""
        return seen.slopes.worth

    def response(self, state: Holding, seen: HoldingSeen) -> Response:
        """Returns `K = D⁻¹ − ω h hᵀ` with `ω = (κ − β pull) / (s + κ a)`."""
        return Response(
            jnp.sum(seen.stiff * state.bundle, axis=0), seen.lean, self._omega(state, seen)
        )

    def _omega(self, state: Holding, seen: HoldingSeen) -> Array:
        spread = seen.stay + seen.kappa * seen.give
        if seen.slopes.pull is None:
            return seen.kappa / spread
        return (seen.kappa - state.purse.beta * seen.slopes.pull) / spread

    def constant(
        self, state: Holding, seen: HoldingSeen, mu: Any, second: Holding | None
    ) -> tuple[Array, Any]:
        """Returns `Σ_i K (ρ + g t)` with `ρ = µ/x − p + β g`."""
        pair = None if second is None else (second.bundle, second.aversion)
        short = shortfall(mu, lambda: 1 / state.bundle / state.aversion, pair)
        drawn = short if seen.ease is None else seen.ease * short
        if seen.off is not None:
            drawn = drawn - seen.stiff * seen.off
        purse = None if second is None else second.purse
        equation = self.rule.equation(state.purse, seen.slopes.worth, self.wealth, mu, purse)
        push = equation.kappa * equation.target / (seen.stay + equation.kappa * seen.give)
        along = summed(drawn, 1, seen.slopes.slope, state.bundle)
        push = push - self._omega(state, seen) * along
        total = summed(drawn, 0, state.bundle) + push @ seen.lean
        return total, (drawn, push, along, short, equation)

    def follow(self, state: Holding, seen: HoldingSeen, kept: Any, step: Array) -> Holding:
        """Returns dx / x, dz / z and the purse's direction.

        `dβ = κ (t − g·dx)` loses its digits where κ is large; solved for dβ first, it does not.
        """
        drawn, push, along, short, equation = kept
        across = seen.lean @ step
        push = push + self._omega(state, seen) * across
        bundle = drawn + seen.stiff * (seen.slopes.slope * push[:, None] - step)
        change = equation.kappa * (seen.stay * equation.target - along + across)
        change = change / (seen.stay + equation.kappa * seen.give)
        return Holding(bundle, short - bundle, self.rule.follow(state.purse, equation, change))

    def settle(self, state: Holding, prices: Array) -> Holding:
        """Returns the state with z read off its definition wherever that is well inside.

        Slopes of a CES rise without end towards 0, faster than any linear step foresees. Where
        slopes stand still a step misses nothing but rounding, and that is always inside.
        """
        slopes = slopes_of(self.family, state.bundle)
        exact = prices - state.purse.beta[:, None] * slopes.slope
        inside = exact > RESET * state.aversion
        return state._replace(aversion=jnp.where(inside, exact, state.aversion))

    def mirror(self) -> Holding:
        """Returns a direction whose second order takes back every product."""
        return Holding(BACK, SAME, KEPT)

    def products(self, state: Holding) -> tuple[Array, ...]:
        """Returns x z and the purse's."""
        return (state.bundle * state.aversion, *self.rule.products(state.purse))

    def misses(self, state: Holding, seen: HoldingSeen, prices: Array) -> Array:
        """Returns the largest miss of `z = p − β g` and of the rule."""
        purse = jnp.max(self.rule.misses(state.purse, seen.slopes.worth, self.wealth))
        return purse if seen.off is None else jnp.maximum(jnp.max(jnp.abs(seen.off)), purse)
