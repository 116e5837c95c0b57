"""`WeightedWelfare`: budgets with values that are not of degree 1, attempted."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from catallax.clearing.equilibrium._attempt import Course, Effort, attempted
from catallax.clearing.equilibrium._interior import Iterate, interior_point
from catallax.clearing.equilibrium._interior_method import InteriorPoint, is_convex
from catallax.clearing.equilibrium._interior_start import Scaled, scaled_market
from catallax.clearing.equilibrium._market import Market, Rules, together
from catallax.clearing.equilibrium._method import Found, Method, require_steps
from catallax.clearing.equilibrium._payment import RULES
from catallax.clearing.equilibrium._scaling import in_shares, times
from catallax.clearing.equilibrium._spending import Spending, counted
from catallax.clearing.equilibrium.valuations import Mixed

NEAR = 0.1
"""How far along the path of the convex programme the first two attempts begin; the next two begin
where its gap is the square of this, and so on."""

NEARING = 60
"""The most steps to get there."""

SMALL = 0.1
"""Every second attempt begins with so much of equal shares."""

PARTS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001)
"""Of an equal share: one of them is not beyond satiation."""

SHARE = 0.02
"""An attempt ends at this share of the tolerance."""


@dataclass(frozen=True)
class WeightedWelfare:
    """Weights of welfare and prices at once, for budgets on any concave values: an attempt.

    An equilibrium with budgets maximises `Σ_b β_b α_b(ω_b)` for weights β in (0, 1] at which
    everybody can pay: `p·ω_b ≤ w_b`, with money left over only where β is 1. Newton's method looks
    for prices, bundles and weights together. For values of degree 1 that is a convex programme;
    for others an equilibrium can be hard to find (with all money spent the problem is
    PPAD-complete already for piecewise linear values), and there may be several. What is found is
    certified or it is not; there is nothing in between.

    Args:
        steps: The most it takes, over all attempts; a new attempt is not begun beyond them.

    Raises:
        InvalidSetting: If steps is below 1.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Logarithmic(np.array([[3.0, 1.0], [1.0, 3.0]]), 1.0)
        >>> eq = cx.equilibrium(values, np.ones(2), np.array([0.5, 0.5]), money="budget")
        >>> eq.method, eq.result.name, eq.prices.round(4).tolist()
        ('WeightedWelfare', 'CERTIFIED', [0.5, 0.5])

    Source: Negishi (1960) for weights; Chen and Teng, "Spending is not easier than trading"
        (2009), and Vazirani and Yannakakis (2011) for how hard it is.
    """

    steps: int = 400

    def __post_init__(self) -> None:
        require_steps(self.steps)

    def serves(self, market: Market) -> str | None:
        """Returns why it cannot solve such a market, or None."""
        if not {"budget", "fisher"}.isdisjoint(market.rules):
            return None
        return "Without budgets the market is a convex programme, which needs no attempts."

    def find(self, market: Market, tol: float, start: Any = None) -> Found:
        """Returns the best it found; see `Method`. It has no use for a start."""
        scaled = _in_own_units(market)
        blocks: Any = tuple(map(counted, scaled.blocks, market.rules))

        def opening(attempt: Array) -> tuple[Iterate, Array]:
            return _opening(scaled, blocks, attempt)

        course = Course(blocks, scaled.total, SHARE * tol)
        effort = attempted(course, opening, self.steps)
        return in_units(scaled._replace(blocks=blocks), effort)


def _in_own_units(market: Market) -> Scaled:
    """Returns a scaled market; where all is spent, what one could have is worth one's money.

    Equal shares are no ruler here: beyond satiation they may be worth less than nothing.
    """
    if "fisher" not in market.rules:
        return scaled_market(market)
    ends = np.cumsum([family.agents for family in market.families])[:-1]
    parts = jnp.split(market.wealth, ends)
    families = [in_shares(family, market.supply) for family in market.families]
    share = 1.0 / market.wealth.shape[0]
    paid = [
        times(family, wealth / _reached(family, share)) if rule == "fisher" else family
        for family, wealth, rule in zip(families, parts, market.rules, strict=True)
    ]
    money = together("budget" if rule == "fisher" else rule for rule in market.rules)
    alike = Market(Mixed(tuple(paid)), jnp.ones_like(market.supply), market.wealth, money)
    scaled = scaled_market(alike)
    blocks: Any = zip(scaled.blocks, market.rules, strict=True)
    blocks = tuple(block._replace(rule=RULES[rule]) for block, rule in blocks)
    return scaled._replace(blocks=blocks, supply=market.supply)


def _reached(family: Any, share: float) -> Array:
    """Returns the most that an equal share is worth, or a part of it."""
    whole = jnp.full((family.agents, family.goods), share)
    best = jnp.max(jnp.stack([family.worth(whole * part) for part in PARTS]), axis=0)
    return jnp.where(best > 0, best, 1.0)


def default_method(valuations: Any, money: Rules) -> Method:
    """Returns the method for a kind of market: `InteriorPoint` wherever a programme is convex.

    It asks nothing about sizes or numbers, so that markets may be traced, or stacked in a batch.

    Args:
        valuations: One of `catallax.valuations`.
        money: What money means, as a `Market` keeps it.

    Returns:
        `InteriorPoint()`, or `WeightedWelfare()`.
    """
    none: Any = None
    convex = is_convex(Market(valuations, none, none, money))
    return InteriorPoint() if convex else WeightedWelfare()


def _opening(scaled: Scaled, blocks: tuple[Any, ...], attempt: Array) -> tuple[Iterate, Array]:
    """Returns a point on the central path of a convex programme nearby, and the steps to it.

    `max Σ_b w_b log α_b` with money left over is convex for every concave α. At its optimum
    `β α_b = w_b`, so that nobody pays more than it has, `p·ω_b = β ∇α_b·ω_b ≤ β α_b`; for values
    of degree 1 it is the market itself.
    """
    agents = sum(block.wealth.shape[0] for block in scaled.blocks)
    share = jnp.where(attempt % 2 == 0, 1.0, SMALL) / agents
    states = tuple(block.begin(scaled.prices, share) for block in scaled.blocks)
    first = Iterate(scaled.prices, jnp.full_like(scaled.prices, 0.1), states)
    near: Any = NEAR ** (1 + attempt // 2)
    progress = interior_point(scaled.blocks, first, scaled.total, near, NEARING)
    iterate = progress.iterate
    opened = tuple(
        block.opened(state, iterate.prices) if isinstance(block, Spending) else state
        for block, state in zip(blocks, iterate.blocks, strict=True)
    )
    return iterate._replace(blocks=opened), progress.steps


def in_units(scaled: Scaled, effort: Effort) -> Found:
    """Returns the best iterate in the units of the market.

    Args:
        scaled: The market in its own units.
        effort: What was attempted.

    Returns:
        The `Found`.
    """
    iterate, bundles, spending = effort.best, [], []
    for block, state in zip(scaled.blocks, iterate.blocks, strict=True):
        bundles.append(block.bundles(state, block.look(state, iterate.prices)))
        spending.append(state.purse.beta)
    return Found(
        prices=iterate.prices * scaled.unit / scaled.supply,
        bundles=jnp.concatenate(bundles) * scaled.supply,
        spending=jnp.concatenate(spending),
        steps=effort.steps,
    )
