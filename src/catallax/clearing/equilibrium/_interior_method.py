"""`InteriorPoint`: the interior point method as a value, from a market to what it found."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from catallax.clearing.equilibrium._interior import (
    KEPT_GAP,
    Iterate,
    Progress,
    interior_point,
    polished,
)
from catallax.clearing.equilibrium._interior_start import (
    Scaled,
    Start,
    beginning,
    first_point,
    scaled_market,
)
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._method import Found, require_steps

INNER = 0.05
"""The method stops at this share of the tolerance, so that its certificate is within it."""


@dataclass(frozen=True)
class InteriorPoint:
    """Newton's method along the central path: few steps, each one system as large as the goods.

    It serves every convex market: all families with `"none"` and `"cap"`, families of degree 1
    with `"budget"` and `"fisher"`, each family by its own rule.

    Args:
        steps: The most it takes.

    Raises:
        InvalidSetting: If steps is below 1.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Leontief(np.array([[1.0, 2.0], [2.0, 1.0]]))
        >>> method = cx.InteriorPoint(steps=50)
        >>> eq = cx.equilibrium(values, np.ones(2), np.ones(2), money="fisher", method=method)
        >>> eq.prices.round(4).tolist()
        [1.0, 1.0]

    Source: Mehrotra (1992); Nesterov and Nemirovskii (1994); Chen, Ye and Zhang (2007).
    """

    steps: int = 100

    def __post_init__(self) -> None:
        require_steps(self.steps)

    def serves(self, market: Market) -> str | None:
        """Returns why it cannot solve such a market, or None."""
        if is_convex(market):
            return None
        return "With a budget the programme is convex only for valuations of degree 1."

    def find(self, market: Market, tol: float, start: Any = None) -> Found:
        """Returns the best it found, differentiable in the market; see `Method`."""
        if isinstance(start, Iterate):
            start = Start(jnp.asarray(True), start)
        return _searched(market, start, self.steps, tol)


def is_convex(market: Market) -> bool:
    """Returns whether a market is a convex programme: families with a budget are of degree 1."""
    each = zip(market.families, market.rules, strict=True)
    return all(rule in ("none", "cap") or family.homogeneous for family, rule in each)


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _searched(market: Market, start: Start | None, steps: int, tol: float) -> Found:
    scaled, progress = _run(market, start, steps, tol)
    return _found(scaled, progress)


@_searched.defjvp
def _differentiated(steps: int, tol: float, primals: Any, tangents: Any) -> tuple[Found, Found]:
    """The implicit function theorem, in the form of one step of Newton's method.

    At a solution a step moves nothing, whatever it starts from; so its derivative in the market,
    taken at the solution, is the solution's own.
    """
    market, start = primals
    scaled, progress = _run(market, start, steps, tol)

    def outputs(market: Market) -> tuple[Array, Array, Array]:
        scaled = scaled_market(market)
        iterate = polished(scaled.blocks, progress.iterate)
        found = _found(scaled, progress._replace(iterate=iterate))
        return found.prices, found.bundles, found.spending

    _, (prices, bundles, spending) = jax.jvp(outputs, (market,), (tangents[0],))
    found = _found(scaled, progress)
    still = jax.tree.map(_no_tangent, found)
    return found, still._replace(prices=prices, bundles=bundles, spending=spending)


def _run(market: Market, start: Start | None, steps: int, tol: float) -> tuple[Scaled, Progress]:
    scaled, near = scaled_market(market), INNER * tol
    if start is None:
        return scaled, interior_point(scaled.blocks, beginning(scaled), scaled.total, near, steps)
    first, least = first_point(scaled, start), jnp.where(start.known, KEPT_GAP, 0.0)
    return scaled, interior_point(scaled.blocks, first, scaled.total, near, steps, least)


def _no_tangent(leaf: Array) -> Any:
    if jnp.issubdtype(leaf.dtype, jnp.inexact):
        return jnp.zeros_like(leaf)
    return jnp.zeros(leaf.shape, jax.dtypes.float0)


def _found(scaled: Scaled, progress: Progress) -> Found:
    """Returns an iterate in the units of the market."""
    iterate, bundles, spending = progress.iterate, [], []
    each = zip(scaled.blocks, iterate.blocks, scaled.utils, strict=True)
    for block, state, util in each:
        bundles.append(block.bundles(state, block.look(state, iterate.prices)))
        spending.append(state.purse.beta * util)
    return Found(
        prices=iterate.prices * scaled.unit / scaled.supply,
        bundles=jnp.concatenate(bundles) * scaled.supply,
        spending=jnp.concatenate(spending),
        steps=progress.steps,
        warm=progress.warm,
    )
