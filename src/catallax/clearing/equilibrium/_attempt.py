"""The interior point method without a convex programme: attempts, from several starts.

The Newton equation of the market is not symmetric and no welfare is maximised, so a step may lead
nowhere. An attempt that has come to a halt is given up, and another begins elsewhere.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as linalg
from jaxtyping import Array, Float, Int

from catallax.clearing.equilibrium._blocks import Response, shortfall
from catallax.clearing.equilibrium._interior import (
    Iterate,
    Missed,
    count_of,
    furthest,
    missed_by,
    moved,
    total_of,
    worst,
)
from catallax.clearing.equilibrium._spending import Ahead, Spending

TO_BOUNDARY = 0.995
"""How far along a direction that would leave the positive orthant a step goes."""

LEAST_CENTRING = (1e-6, 0.1)
"""The smallest share of the gap that a corrector aims at, in the first attempt and in others."""

FLOOR = 0.2
"""The gap stays above this share of the tolerance."""

SHORT = 0.1
"""Where a corrector can go no further than this, a plain centred direction is tried."""

HALTED = 1e-3
"""An attempt whose step is shorter than this is given up."""

PATIENCE = 60
"""An attempt that takes more steps than this is given up."""


class Effort(NamedTuple):
    """Where the attempts are.

    Attributes:
        iterate: Of the attempt that is under way.
        missed: What it misses.
        best: The iterate that missed least, of all attempts.
        least: What that misses, the larger of gap and equalities.
        attempt: Which attempt it is, from 0.
        since: The steps of this attempt; -1 where the next is to begin.
        steps: The steps of all.
    """

    iterate: Iterate
    missed: Missed
    best: Iterate
    least: Float[Array, ""]
    attempt: Int[Array, ""]
    since: Int[Array, ""]
    steps: Int[Array, ""]


class Course(NamedTuple):
    """What does not change from step to step.

    Args:
        blocks: The agents; goods come in shares of supply.
        total: Money against which the gap is measured.
        tol: The relative gap, and the miss of every equality, to reach.
        behind: The gap stays above this share of what the equalities miss.
        tied: What all prices must sum to, where nothing else says so; None where money does.
    """

    blocks: tuple[Any, ...]
    total: Float[Array, ""]
    tol: float
    behind: float = 0.1
    tied: Float[Array, ""] | None = None


def attempted(course: Course, opening: Callable[[Any], tuple[Iterate, Any]], steps: int) -> Effort:
    """Follows central paths from several starts until one ends in an equilibrium.

    Args:
        course: The market.
        opening: From the number of an attempt to a point strictly inside, and the steps it took
            to get there.
        steps: The most steps, of all attempts together.

    Returns:
        The `Effort` at the end.

    Source: Mehrotra (1992) for the steps; the rest is a heuristic.
    """

    def going(effort: Effort) -> Array:
        return (effort.least > course.tol) & (effort.steps < steps)

    def opened(effort: Effort) -> Effort:
        first, taken = opening(effort.attempt)
        missed = missed_by(course.blocks, first, course.total)
        steps, since = effort.steps + taken, jnp.zeros_like(effort.since)
        return effort._replace(iterate=first, missed=missed, since=since, steps=steps)

    def step(effort: Effort) -> Effort:
        effort = jax.lax.cond(effort.since < 0, opened, lambda same: same, effort)
        iterate, length = _advanced(course, effort.iterate, effort.missed, effort.attempt)
        missed = missed_by(course.blocks, iterate, course.total)
        better = worst(missed) < effort.least
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), iterate, effort.best)
        least = jnp.where(better, worst(missed), effort.least)
        halted = ~(length > HALTED) | ~jnp.isfinite(worst(missed)) | (effort.since >= PATIENCE)
        since = jnp.where(halted, -1, effort.since + 1)
        attempt = effort.attempt + halted
        return Effort(iterate, missed, best, least, attempt, since, effort.steps + 1)

    zero = jnp.zeros((), jnp.int32)
    nothing = jax.tree.map(lambda leaf: jnp.ones(leaf.shape), jax.eval_shape(opening, zero)[0])
    least = jnp.asarray(jnp.inf)
    unknown = Missed(least, jnp.full(nothing.prices.shape, jnp.inf), least, least)
    effort = Effort(nothing, unknown, nothing, least, zero, zero - 1, zero)
    return jax.lax.while_loop(going, step, effort)


class _Newton(NamedTuple):
    """A factored Newton system at an iterate, and how far goods are from being cleared."""

    seen: tuple[Any, ...]
    factor: Any
    excess: Float[Array, "m"]


def _advanced(
    course: Course, iterate: Iterate, missed: Missed, attempt: Array
) -> tuple[Iterate, Float[Array, ""]]:
    """Takes one predictor-corrector step, or one plain centred step if that leads further."""
    blocks, total = course.blocks, course.total
    newton = _newton(course, iterate)
    gap, count = total_of(blocks, iterate), count_of(blocks, iterate)
    predictor = _direction(course, iterate, newton, 0.0, None)
    ahead = moved(iterate, predictor, _room(blocks, predictor))
    least = jnp.where(attempt == 0, *LEAST_CENTRING)
    centring = jnp.clip((jnp.abs(total_of(blocks, ahead)) / gap) ** 3, least, 1.0)
    unmet = jnp.minimum(gap, course.behind * missed.equality * total)
    target = jnp.maximum(jnp.maximum(centring * gap, unmet), FLOOR * course.tol * total)
    corrector = _direction(course, iterate, newton, target / count, predictor)
    plain = _direction(course, iterate, newton, jnp.maximum(gap, target) / count, None)
    far, near = (jnp.minimum(1.0, TO_BOUNDARY * _room(blocks, d)) for d in (corrector, plain))
    short = (far < SHORT) & (near > far)
    chosen = jax.tree.map(lambda a, b: jnp.where(short, a, b), plain, corrector)
    length = jnp.where(short, near, far)
    return _landed(blocks, iterate, chosen, length), length


def _landed(blocks: Any, iterate: Iterate, direction: Iterate, length: Array) -> Iterate:
    there = moved(iterate, direction, length)
    states = []
    for block, old, new, way in zip(
        blocks, iterate.blocks, there.blocks, direction.blocks, strict=True
    ):
        after = block.bent(old, new, length, way) if isinstance(block, Spending) else new
        states.append(block.settle(after, there.prices))
    return there._replace(blocks=tuple(states))


def _room(blocks: Any, direction: Iterate) -> Float[Array, ""]:
    states = tuple(
        block.hindered(way) if isinstance(block, Spending) else way
        for block, way in zip(blocks, direction.blocks, strict=True)
    )
    return furthest(direction._replace(blocks=states))


def _newton(course: Course, iterate: Iterate) -> _Newton:
    prices = iterate.prices
    each = list(zip(course.blocks, iterate.blocks, strict=True))
    seen = tuple(block.look(state, prices) for block, state in each)
    known = [(block, state, one) for (block, state), one in zip(each, seen, strict=True)]
    slack = iterate.leftover / prices
    matrix = whole_matrix(slack, [block.response(state, one) for block, state, one in known])
    held = sum((jnp.sum(b.bundles(s, one), axis=0) for b, s, one in known), jnp.zeros_like(prices))
    excess = held - 1
    if course.tied is not None:
        weight = jnp.mean(jnp.diagonal(matrix)) / prices.shape[0]
        matrix = matrix + weight
        excess = excess + weight * (course.tied - jnp.sum(prices))
    return _Newton(seen, linalg.lu_factor(matrix), excess)


def whole_matrix(slack: Float[Array, "m"], responses: list[Response]) -> Float[Array, "m m"]:
    """Returns `diag(slack) + Σ K` over blocks, which need not be symmetric.

    Args:
        slack: `[m]`, 0 or more.
        responses: Of every block.

    Returns:
        `[m, m]`.
    """
    matrix = jnp.diag(slack)
    for one in responses:
        matrix = matrix + jnp.diag(one.diagonal)
        matrix = matrix - (one.columns * one.weights[:, None]).T @ one.columns
        if one.matrix is not None:
            matrix = matrix + one.matrix
    return matrix


def _direction(
    course: Course, iterate: Iterate, newton: _Newton, mu: Any, second: Iterate | None
) -> Iterate:
    """Returns the direction towards products of µ, less the products of a second direction."""
    prices, leftover, states = iterate
    parts = [
        block.constant(state, known, mu, ahead)
        for block, state, known, ahead in zip(
            course.blocks, states, newton.seen, _later(course.blocks, prices, second), strict=True
        )
    ]
    pair = None if second is None else (second.prices, second.leftover)
    short = shortfall(mu, lambda: 1 / prices / leftover, pair)
    excess = newton.excess + leftover * (1 + short) + sum(constant for constant, _ in parts)
    step = linalg.lu_solve(newton.factor, excess)
    moves = tuple(
        block.follow(state, known, kept, step)
        for block, state, known, (_, kept) in zip(
            course.blocks, states, newton.seen, parts, strict=True
        )
    )
    return Iterate(step / prices, short - step / prices, moves)


def _later(blocks: Any, prices: Array, second: Iterate | None) -> list[Any]:
    if second is None:
        return [None] * len(blocks)
    return [
        Ahead(state, prices * second.prices) if isinstance(block, Spending) else state
        for block, state in zip(blocks, second.blocks, strict=True)
    ]
