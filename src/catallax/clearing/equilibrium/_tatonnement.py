"""`Tatonnement`: prices that rise where too much is wanted and fall where too little is."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from catallax._errors import InvalidMarket, InvalidSetting
from catallax._types import exact
from catallax.clearing.equilibrium._demand import bought, demanded
from catallax.clearing.equilibrium._market import Market, Money
from catallax.clearing.equilibrium._method import Found, require_steps, several_rules
from catallax.clearing.equilibrium._money import money_of
from catallax.clearing.equilibrium._opaque import opaque
from catallax.clearing.equilibrium.valuations import (
    CES,
    CobbDouglas,
    Logarithmic,
    Quadratic,
    Valuations,
)

MOST = 1.0
"""Excess demand that is more than this share of supply counts as this much."""


@dataclass(frozen=True)
class Tatonnement:
    """The price adjustment of the textbooks, `p_j ← p_j exp(η min((Σ_i x_ij(p) − s_j) / s_j, 1))`.

    It converges where goods are gross substitutes and η is small: up to about `1 − ρ` for CES
    values, less where demand is steep; with a larger η prices swing. It is here to be studied;
    other methods are faster. `tatonnement_path` returns all prices on the way.

    It serves CES with 0 < ρ < 1 and Cobb-Douglas where all is spent, and logarithmic and quadratic
    values without a limit on money. For linear values demand at a price is a set, and no price
    adjustment settles on it.

    Args:
        rate: η, above 0.
        steps: The most that are taken.

    Raises:
        InvalidSetting: If rate is not above 0, or steps is below 1.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.CES(np.array([[1.0, 2.0], [2.0, 1.0]]), rho=0.5)
        >>> eq = cx.equilibrium(values, np.ones(2), np.ones(2), money="fisher",
        ...                     method=cx.Tatonnement(rate=0.3))
        >>> eq.prices.round(5).tolist()
        [1.0, 1.0]

    Source: Walras (1874); Arrow, Block and Hurwicz (1959) for gross substitutes; Cole and
        Fleischer (2008) for the multiplicative form.
    """

    rate: float = 0.2
    steps: int = 5_000

    def __post_init__(self) -> None:
        if not 0 < self.rate < np.inf:
            raise InvalidSetting(
                f"rate={self.rate} was given.", "Prices follow excess demand.", "Give 0.2, say."
            )
        require_steps(self.steps)

    def serves(self, market: Market) -> str | None:
        """Returns why it cannot solve such a market, or None."""
        if reason := several_rules(market):
            return reason
        if market.money == "fisher":
            return next(filter(None, map(_unfit_to_spend, market.families)), None)
        if market.money == "none":
            return next(filter(None, map(_unfit_to_want, market.families)), None)
        return f'With "{market.money}" demand jumps where money is left over.'

    def find(self, market: Market, tol: float, start: Any = None) -> Found:
        """Returns the best it found; see `Method`. It starts from log-prices `[m]`."""
        first = _beginning(market) if start is None else start

        def goes_on(state: tuple[Array, Array]) -> Array:
            logs, steps = state
            return (steps < self.steps) & (_missed(market, logs) > tol / 2)

        def step(state: tuple[Array, Array]) -> tuple[Array, Array]:
            logs, steps = state
            return _adjusted(market, logs, self.rate), steps + 1

        logs, steps = jax.lax.while_loop(goes_on, step, (first, jnp.zeros((), jnp.int32)))
        prices = jnp.exp(logs)
        beta = (
            market.valuations.unit_cost(prices)
            if market.money == "fisher"
            else jnp.ones_like(market.wealth)
        )
        found = Found(prices, _demand(market, logs), beta, steps, logs)
        return opaque(type(self).__name__, found, market)


def tatonnement_path(
    valuations: Valuations,
    supply: ArrayLike,
    wealth: ArrayLike | None = None,
    *,
    money: Money,
    rate: float = 0.2,
    steps: int = 200,
    start: ArrayLike | None = None,
) -> Float[np.ndarray, "steps1 m"]:
    """Returns the prices of every step of `Tatonnement`, for study.

    Args:
        valuations: What bundles are worth to n agents.
        supply: `[m]`, quantities above 0.
        wealth: `[n]`, money; may be None with `money="none"`.
        money: "none" or "fisher".
        rate: η.
        steps: How many to take, whether or not prices have settled.
        start: `[m]`, prices above 0 to start from; None for those of `Tatonnement`.

    Returns:
        float64 `[steps + 1, m]`, the first prices and those after each step.

    Raises:
        InvalidSetting: If the method does not serve this market.
        InvalidMarket: If supply or start is not above 0.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.CobbDouglas(np.array([[0.5, 0.5], [0.2, 0.8]]))
        >>> path = cx.tatonnement_path(values, [1.0, 1.0], [1.0, 1.0], money="fisher", start=[1, 1])
        >>> path.shape, path[-1].round(6).tolist()
        ((201, 2), [0.7, 1.3])
    """
    method = Tatonnement(rate, steps)
    supply = np.asarray(supply, np.float64)
    owned = np.ones(valuations.agents) if wealth is None else np.asarray(wealth, np.float64)
    for name, numbers in (
        ("supply", supply),
        ("start", np.asarray(1.0 if start is None else start)),
    ):
        if not np.all(numbers > 0):
            raise InvalidMarket(
                f"{name} is not above 0.", "Excess demand is a share of supply.", f"Correct {name}."
            )
    rules = money_of(money, valuations)
    with exact():
        market = Market(valuations, jnp.asarray(supply), jnp.asarray(owned), rules)
        reason = method.serves(market)
        if reason is not None:
            raise InvalidSetting(f"money={money!r} was given.", reason, "Use another method.")
        first = _beginning(market) if start is None else jnp.log(jnp.asarray(start, jnp.float64))

        def step(logs: Array, _: None) -> tuple[Array, Array]:
            after = _adjusted(market, logs, rate)
            return after, after

        _, path = jax.lax.scan(step, first, None, length=steps)
        return np.exp(np.asarray(jnp.concatenate([first[None], path])))


def _unfit_to_spend(family: Any) -> str | None:
    if isinstance(family, CobbDouglas):
        return None
    if not isinstance(family, CES):
        return f"{type(family).__name__} values have no demand here that falls smoothly in prices."
    if family.substitutes:
        return None
    return "With ρ below 0 goods are complements, and prices may cycle."


def _unfit_to_want(family: Any) -> str | None:
    if isinstance(family, Logarithmic | Quadratic):
        return None
    return f"{type(family).__name__} values have no demand here that falls smoothly in prices."


def _beginning(market: Market) -> Float[Array, "m"]:
    """Returns the log-prices at which all money would buy all goods, or 0."""
    if market.money == "none":
        return jnp.zeros_like(market.supply)
    total = jnp.sum(market.supply)
    return jnp.full_like(market.supply, jnp.log(jnp.sum(market.wealth) / total))


def _demand(market: Market, logs: Array) -> Array:
    prices, parts, first = jnp.exp(logs), [], 0
    for family in market.families:
        if market.money == "fisher":
            wealth = market.wealth[first : first + family.agents]
            parts.append(bought(family, prices, wealth))
        else:
            parts.append(demanded(family, prices, jnp.full_like(prices, jnp.inf)))
        first += family.agents
    return jnp.concatenate(parts)


def _excess(market: Market, logs: Array) -> Array:
    supply = jnp.where(market.supply > 0, market.supply, 1.0)
    return (jnp.sum(_demand(market, logs), axis=0) - market.supply) / supply


def _adjusted(market: Market, logs: Array, rate: float) -> Array:
    return logs + rate * jnp.minimum(_excess(market, logs), MOST)


def _missed(market: Market, logs: Array) -> Array:
    """Returns the largest shortage of a good, or the value of what is left over of all."""
    bundles, values = _demand(market, logs), jnp.exp(logs) * market.supply
    excess = _excess(market, logs)
    total = jnp.sum(values)
    if market.money == "none":
        total = jnp.maximum(total, jnp.sum(market.valuations.worth(bundles)))
    left = jnp.sum(values * jnp.maximum(-excess, 0.0)) / total
    return jnp.maximum(jnp.max(excess), left)
