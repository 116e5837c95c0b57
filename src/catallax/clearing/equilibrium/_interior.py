"""The primal-dual interior point method for markets, in the space of prices."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from catallax.clearing.equilibrium._blocks import Block
from catallax.clearing.equilibrium._newton import Factor, factored, solved

TO_BOUNDARY = 0.995
"""How far along a direction that would leave the positive orthant a step goes."""

CENTRING_LEAST = 1e-6
"""The smallest share of the gap that a corrector aims at."""

BEHIND = 0.1
"""The gap stays above this share of what the equalities miss."""

FLOOR = 0.2
"""The gap stays above this share of the tolerance."""

WARM_GAP = 0.02
"""An iterate with at least this gap is far enough inside for another market to start from."""


class Iterate(NamedTuple):
    """A point strictly inside: every number in it is positive.

    Attributes:
        prices: `[m]`.
        leftover: `[m]`, what nobody holds.
        blocks: The state of each block.
    """

    prices: Float[Array, "m"]
    leftover: Float[Array, "m"]
    blocks: tuple[Any, ...]


class Missed(NamedTuple):
    """What an iterate misses: the relative gap, and the largest miss of an equality."""

    gap: Float[Array, ""]
    equality: Float[Array, ""]


class Progress(NamedTuple):
    """Where the method is.

    Attributes:
        iterate: Where it is.
        missed: What that misses.
        warm: The last iterate that was far enough from the boundary to start from elsewhere.
        steps: How many it took.
    """

    iterate: Iterate
    missed: Missed
    warm: Iterate
    steps: Int[Array, ""]


def interior_point(
    blocks: tuple[Block, ...], start: Iterate, total: Float[Array, ""], tol: float, steps: int
) -> Progress:
    """Follows the central path from a start to a duality gap.

    Each step solves the Newton equations of all complementarity conditions twice on one
    factorisation: a predictor, and a corrector that is centred by what the predictor achieved.

    Args:
        blocks: The agents; goods come in shares of supply.
        start: A point strictly inside.
        total: Money against which the gap is measured.
        tol: The relative gap, and the miss of every equality, to reach.
        steps: The most steps.

    Returns:
        The `Progress` at the end.

    Source: Mehrotra (1992); Chen, Ye and Zhang, "A note on equilibrium pricing as convex
    optimization" (2007), for the programme.
    """

    def going(progress: Progress) -> Array:
        return (worst(progress.missed) > tol) & (progress.steps < steps)

    def step(progress: Progress) -> Progress:
        iterate = advanced(blocks, progress.iterate, progress.missed, tol, total)
        missed = missed_by(blocks, iterate, total)
        inside = missed.gap > WARM_GAP
        warm = jax.tree.map(lambda new, old: jnp.where(inside, new, old), iterate, progress.warm)
        return Progress(iterate, missed, warm, progress.steps + 1)

    begun = Progress(start, missed_by(blocks, start, total), start, jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(going, step, begun)


class Newton(NamedTuple):
    """A factored Newton system at an iterate: what directions are made of."""

    seen: tuple[Any, ...]
    factor: Factor
    held: Float[Array, "m"]


def advanced(
    blocks: tuple[Block, ...], iterate: Iterate, missed: Missed, tol: float, total: Array
) -> Iterate:
    """Takes one predictor-corrector step.

    The corrector aims at a share of the gap that the predictor left, but never far below what
    the equalities miss: a gap that closes before goods are cleared strands the method. Below the
    tolerance no gap is asked for either, since a small one costs digits.
    """
    newton = _newton(blocks, iterate)
    gap, count = total_of(blocks, iterate)
    predictor = _direction(blocks, iterate, newton, 0.0, None)
    ahead = moved(iterate, predictor, furthest(iterate, predictor))
    centring = jnp.clip((total_of(blocks, ahead)[0] / gap) ** 3, CENTRING_LEAST, 1.0)
    unmet = jnp.minimum(gap, BEHIND * missed.equality * total)
    target = jnp.maximum(jnp.maximum(centring * gap, unmet), FLOOR * tol * total)
    corrector = _direction(blocks, iterate, newton, target / count, predictor)
    length = jnp.minimum(1.0, TO_BOUNDARY * furthest(iterate, corrector))
    there = moved(iterate, corrector, length)
    settled = tuple(
        block.settle(state, there.prices) for block, state in zip(blocks, there.blocks, strict=True)
    )
    return there._replace(blocks=settled)


def polished(blocks: tuple[Block, ...], iterate: Iterate) -> Iterate:
    """Takes one whole step of Newton's method that keeps every complementarity product.

    Args:
        blocks: The agents.
        iterate: A solution, or near one.

    Returns:
        The iterate after; at a solution the same.
    """
    mirror = Iterate(
        -iterate.prices,
        iterate.leftover,
        tuple(b.mirror(state) for b, state in zip(blocks, iterate.blocks, strict=True)),
    )
    step = _direction(blocks, iterate, _newton(blocks, iterate), 0.0, mirror)
    return moved(iterate, step, jnp.ones(()))


def _newton(blocks: tuple[Block, ...], iterate: Iterate) -> Newton:
    prices, states = iterate.prices, iterate.blocks
    seen = tuple(block.look(state, prices) for block, state in zip(blocks, states, strict=True))
    each = list(zip(blocks, states, seen, strict=True))
    factor = factored(
        iterate.leftover / prices, [block.response(state, known) for block, state, known in each]
    )
    held = sum(
        (jnp.sum(block.bundles(state, known), axis=0) for block, state, known in each),
        jnp.zeros_like(prices),
    )
    return Newton(seen, factor, held)


def _direction(
    blocks: tuple[Block, ...], iterate: Iterate, newton: Newton, mu: Any, second: Iterate | None
) -> Iterate:
    """Returns the direction towards products of µ, less the products of a second direction."""
    prices, leftover, states = iterate
    later = (None,) * len(blocks) if second is None else second.blocks
    parts = [
        block.constant(state, known, mu, ahead)
        for block, state, known, ahead in zip(blocks, states, newton.seen, later, strict=True)
    ]
    force = (mu if second is None else mu - second.prices * second.leftover) / prices
    excess = newton.held - 1 + force + sum(constant for constant, _ in parts)
    step = solved(newton.factor, excess)
    moves = tuple(
        block.follow(state, known, kept, step)
        for block, state, known, (_, kept) in zip(blocks, states, newton.seen, parts, strict=True)
    )
    return Iterate(step, force - leftover * (1 + step / prices), moves)


def total_of(blocks: tuple[Block, ...], iterate: Iterate) -> tuple[Float[Array, ""], int]:
    """Returns the sum of all complementarity products, and how many there are."""
    products = [iterate.prices * iterate.leftover]
    for block, state in zip(blocks, iterate.blocks, strict=True):
        products.extend(block.products(state))
    return sum((jnp.sum(p) for p in products), jnp.zeros(())), sum(p.size for p in products)


def missed_by(blocks: tuple[Block, ...], iterate: Iterate, total: Array) -> Missed:
    """Returns the relative gap and the largest miss of an equality, whichever is more."""
    held, misses = iterate.leftover, []
    for block, state in zip(blocks, iterate.blocks, strict=True):
        seen = block.look(state, iterate.prices)
        held = held + jnp.sum(block.bundles(state, seen), axis=0)
        misses.append(block.misses(state, seen, iterate.prices))
    gap = total_of(blocks, iterate)[0] / total
    return Missed(gap, jnp.max(jnp.stack([jnp.max(jnp.abs(held - 1)), *misses])))


def worst(missed: Missed) -> Array:
    """Returns the larger of both."""
    return jnp.maximum(missed.gap, missed.equality)


def furthest(iterate: Iterate, direction: Iterate) -> Float[Array, ""]:
    """Returns the longest step along a direction that leaves nothing below 0, at most 1/0.995."""
    rates = jax.tree.map(lambda at, move: jnp.max(-move / at), iterate, direction)
    fastest = jnp.max(jnp.stack(jax.tree.leaves(rates)))
    return 1 / jnp.maximum(fastest, TO_BOUNDARY)


def moved(iterate: Iterate, direction: Iterate, length: Array) -> Iterate:
    """Returns the iterate some way along a direction."""
    return jax.tree.map(lambda at, move: at + length * move, iterate, direction)
