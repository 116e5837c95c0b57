"""Agents whose wealth is what their goods are worth: prices move it."""

from functools import singledispatch
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import Response
from catallax.clearing.equilibrium._payment import AllSpent, Equation, Purse
from catallax.clearing.equilibrium._quantities import Quantities
from catallax.clearing.equilibrium._recipes import Recipes


class Promised(AllSpent):
    """All of an income is spent that is about to change: `β v(x) = w + dw`.

    Args:
        more: `[n]`, dw.
    """

    def __init__(self, more: Array) -> None:
        self.more = more

    def equation(self, purse: Purse, worth: Array, wealth: Array, mu: Any, second: Any) -> Equation:
        """Returns the equation of `v(x) = (w + dw) / β`."""
        plain = super().equation(purse, worth, wealth, mu, second)
        return plain._replace(target=plain.target + self.more / purse.beta)


class EarningSeen(NamedTuple):
    """What is known of agents who earn.

    Attributes:
        inner: What the inner block knows.
        gain: `[n, m]`, how bundles answer income, `∂x/∂w`.
        income: `[n]`, `p·e`.
    """

    inner: Any
    gain: Float[Array, "n m"]
    income: Float[Array, "n"]


class Earning(NamedTuple):
    """Agents of another block, who own goods and have no other money.

    On the central path a good in use costs a little more than it is worth, and a free one a little
    more than nothing. All of it together is taken from incomes in proportion, or nothing would
    clear: `w = (1 − k µ / T) p·e` with k the number of products and T the value of all goods.

    Args:
        inner: `Quantities` or `Recipes`, of values of degree 1.
        endowment: `[n, m]`, e, in shares of supply.
        levy: k / T.
    """

    inner: Any
    endowment: Float[Array, "n m"]
    levy: Float[Array, ""]

    @property
    def wealth(self) -> Array:
        """Something of the right shape: incomes follow from prices."""
        return self.inner.wealth

    def begin(self, prices: Array, share: Any) -> Any:
        """Returns where the inner block begins."""
        return self._at(prices).begin(prices, share)

    def look(self, state: Any, prices: Array, settled: bool = False) -> EarningSeen:
        """Returns how bundles answer prices and incomes."""
        here = self._at(prices)
        seen = here.look(state, prices)
        return EarningSeen(seen, bought_with(here, state, seen), here.wealth)

    def bundles(self, state: Any, seen: EarningSeen) -> Array:
        """Returns what everyone holds."""
        return self.inner.bundles(state, seen.inner)

    def response(self, state: Any, seen: EarningSeen) -> Response:
        """Returns `K − Σ_i (∂x_i/∂w_i) e_iᵀ`, which is not symmetric."""
        alone = self.inner.response(state, seen.inner)
        return alone._replace(matrix=-seen.gain.T @ self.endowment)

    def constant(self, state: Any, seen: EarningSeen, mu: Any, second: Any) -> tuple[Array, Any]:
        """Returns how bundles move at `dp = 0`, after the levy."""
        levied = -self.levy * mu * seen.income
        total, _ = self._with(seen, levied).constant(state, seen.inner, mu, second)
        return total, (levied, mu, second)

    def follow(self, state: Any, seen: EarningSeen, kept: Any, step: Float[Array, "m"]) -> Any:
        """Returns the direction of the state, at the incomes that new prices bring."""
        levied, mu, second = kept
        block = self._with(seen, levied + self.endowment @ step)
        _, inner = block.constant(state, seen.inner, mu, second)
        return block.follow(state, seen.inner, inner, step)

    def settle(self, state: Any, prices: Array) -> Any:
        """Returns the state with multipliers read off their definitions."""
        return self.inner.settle(state, prices)

    def products(self, state: Any) -> tuple[Array, ...]:
        """Returns the inner products."""
        return self.inner.products(state)

    def misses(self, state: Any, seen: EarningSeen, prices: Array) -> Array:
        """Returns the largest miss of an equality, the levy included."""
        return self._at(prices).misses(state, seen.inner, prices)

    def _at(self, prices: Array) -> Any:
        return self.inner._replace(wealth=self.endowment @ prices, rule=AllSpent())

    def _with(self, seen: EarningSeen, more: Array) -> Any:
        return self.inner._replace(wealth=seen.income, rule=Promised(more))


@singledispatch
def bought_with(inner: Any, state: Any, seen: Any) -> Float[Array, "n m"]:
    """Returns `∂x/∂w`, what one more of income buys at the same prices.

    Args:
        inner: A block of values of degree 1.
        state: Its state.
        seen: What it knows of that.

    Returns:
        `[n, m]`.

    Raises:
        TypeError: For a block of another kind.
    """
    raise TypeError(type(inner).__name__)


@bought_with.register
def _(inner: Quantities, state: Any, seen: Any) -> Array:
    push = seen.kappa / (seen.stay + seen.kappa * seen.give)
    return seen.lean * (push / state.purse.beta)[:, None]


@bought_with.register
def _(inner: Recipes, state: Any, seen: Any) -> Array:
    equation = inner.rule.equation(state.purse, state.amount, inner.wealth, 0.0, None)
    return seen.costs.recipe * (seen.theta * equation.kappa / state.purse.beta)[:, None]
