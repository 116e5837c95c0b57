"""The primal-dual interior point method for markets, in the space of prices."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as linalg
from jaxtyping import Array, ArrayLike, Float, Int

from catallax.clearing.equilibrium._blocks import Block, shortfall
from catallax.clearing.equilibrium._newton import factored, solved, summed_matrix
from catallax.clearing.equilibrium._payment import BACK, SAME

TO_BOUNDARY = 0.998
"""How far along a direction that would leave the positive orthant a step goes."""

CENTRING_LEAST = 1e-6
"""The smallest share of the gap that a corrector aims at."""

ASTRAY, SHORTER, TIMES = 1e-3, 0.7, 8
"""No product falls below this share of their mean: a step that would do so is made shorter by this
factor, at most so many times."""

BEHIND = 0.03
"""The gap stays above this share of what the equalities miss."""

FLOOR = 0.2
"""The gap stays above this share of the tolerance."""

WARM_GAP = 0.02
"""An iterate with at least this gap is far enough inside for another market to start from."""
KEPT_GAP = 0.03
"""From a point of another market the first step aims no lower, and leaves one of this market."""


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
    """What an iterate misses.

    Attributes:
        gap: The sum of all products, relative.
        goods: `[m]`, by how much more is held or left over than there is.
        equality: The largest miss of an equality, that among them.
        excess: The most that an agent pays beyond worth or wealth, as a share of its money.
    """

    gap: Float[Array, ""]
    goods: Float[Array, "m"]
    equality: Float[Array, ""]
    excess: Float[Array, ""]


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
    blocks: tuple[Block, ...],
    start: Iterate,
    total: Float[Array, ""],
    tol: float,
    steps: int,
    first_gap: ArrayLike = 0.0,
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
        first_gap: The least that the first step aims at, relative.

    Returns:
        The `Progress` at the end.

    Source: Mehrotra (1992); Chen, Ye and Zhang, "A note on equilibrium pricing as convex
    optimization" (2007), for the programme.
    """
    start = entered(blocks, start)

    def going(progress: Progress) -> Array:
        return (worst(progress.missed) > tol) & (progress.steps < steps)

    def step(progress: Progress) -> Progress:
        least = jnp.where(progress.steps == 0, first_gap * total, 0.0)
        iterate = advanced(blocks, progress.iterate, progress.missed, tol, total, least)
        missed = missed_by(blocks, iterate, total, settled=True)
        inside = missed.gap > WARM_GAP
        warm = jax.tree.map(lambda new, old: jnp.where(inside, new, old), iterate, progress.warm)
        return Progress(iterate, missed, warm, progress.steps + 1)

    missed = missed_by(blocks, start, total, settled=True)
    begun = Progress(start, missed, start, jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(going, step, begun)


def entered(blocks: tuple[Block, ...], start: Iterate) -> Iterate:
    """Returns a start at prices high enough that linear equalities hold in it."""
    least = [block.floor(state) for block, state in zip(blocks, start.blocks, strict=True)]
    prices = jnp.maximum(start.prices, jnp.max(jnp.stack(least), axis=0))
    return _settled(blocks, start._replace(prices=prices))


def _settled(blocks: tuple[Block, ...], iterate: Iterate) -> Iterate:
    each = zip(blocks, iterate.blocks, strict=True)
    return iterate._replace(blocks=tuple(b.settle(state, iterate.prices) for b, state in each))


class Newton(NamedTuple):
    """The Newton system at an iterate: what directions are made of."""

    seen: tuple[Any, ...]
    solve: Callable[[Array], Array]
    goods: Float[Array, "m"]


def advanced(
    blocks: tuple[Block, ...],
    iterate: Iterate,
    missed: Missed,
    tol: float,
    total: Array,
    least: Array,
) -> Iterate:
    """Takes one predictor-corrector step, to no smaller a gap than the least in money.

    The corrector aims at a share of the gap that the predictor left, but never far below what
    the equalities miss: a gap that closes before goods are cleared strands the method. Below the
    tolerance no gap is asked for either, since a small one costs digits.
    """
    newton = _newton(blocks, iterate, missed.goods, _factoring, settled=True)
    gap, count = missed.gap * total, count_of(blocks, iterate)
    predictor = _direction(blocks, iterate, newton, 0.0, None)
    ahead = jnp.minimum(1.0, furthest(predictor))
    centring = jnp.clip((1 - ahead) ** 3, CENTRING_LEAST, 1.0)
    unmet = jnp.minimum(gap, BEHIND * missed.equality * total)
    enough = FLOOR * tol * total * jnp.minimum(1.0, missed.gap / missed.excess)
    target = jnp.max(jnp.stack([centring * gap, unmet, enough, least]))
    corrector = _direction(blocks, iterate, newton, target / count, predictor)
    # XLA would work out a plain minimum anew for every number that it is multiplied with.
    length = jnp.min(jnp.stack([jnp.ones(()), TO_BOUNDARY * furthest(corrector)]))
    length = _not_astray(blocks, iterate, corrector, length)
    return _settled(blocks, moved(iterate, corrector, length))


def _not_astray(
    blocks: tuple[Block, ...], iterate: Iterate, direction: Iterate, length: Array
) -> Array:
    """Returns a length after which no product is far below the others, if a few trials find one.

    A corrector that goes almost to the boundary is the wrong one at the next step if its predictor
    was short: what is bounded on both sides is thrown from one bound to the other, round and round.

    Source: Kojima, Mizuno and Yoshise (1989), for the wide neighbourhood of the central path;
    Cartis, "Some disadvantages of a Mehrotra-type primal-dual corrector interior point algorithm
    for linear programming" (2009), for what happens without.
    """

    def astray(tried: tuple[Array, Array]) -> Array:
        there = moved(iterate, direction, tried[0])
        mean = total_of(blocks, there) / count_of(blocks, there)
        return (_least_of(blocks, there) < ASTRAY * mean) & (tried[1] < TIMES)

    def shorter(tried: tuple[Array, Array]) -> tuple[Array, Array]:
        return SHORTER * tried[0], tried[1] + 1

    return jax.lax.while_loop(astray, shorter, (length, jnp.zeros((), jnp.int32)))[0]


def _least_of(blocks: tuple[Block, ...], iterate: Iterate) -> Array:
    """Returns the smallest complementarity product."""
    least = [jnp.min(iterate.prices * iterate.leftover)]
    for block, state in zip(blocks, iterate.blocks, strict=True):
        least.extend(jnp.min(part) for part in block.products(state) if part.size)
    return jnp.min(jnp.stack(least))


def polished(blocks: tuple[Block, ...], iterate: Iterate) -> Iterate:
    """Takes one whole step of Newton's method that keeps every complementarity product.

    Args:
        blocks: The agents.
        iterate: A solution, or near one.

    Returns:
        The iterate after; at a solution the same.
    """
    mirror = Iterate(BACK, SAME, tuple(block.mirror() for block in blocks))
    goods = missed_by(blocks, iterate, jnp.ones(())).goods
    newton = _newton(blocks, iterate, goods, _differentiable, settled=False)
    step = _direction(blocks, iterate, newton, 0.0, mirror)
    return moved(iterate, step, jnp.ones(()))


def _factoring(matrix: Array) -> Callable[[Array], Array]:
    return partial(solved, factored(matrix))


def _differentiable(matrix: Array) -> Callable[[Array], Array]:
    return partial(linalg.solve, matrix, assume_a="pos")


def _newton(
    blocks: tuple[Block, ...],
    iterate: Iterate,
    goods: Float[Array, "m"],
    solver: Callable[[Array], Callable[[Array], Array]],
    settled: bool,
) -> Newton:
    prices, states = iterate.prices, iterate.blocks
    seen = tuple(b.look(state, prices, settled) for b, state in zip(blocks, states, strict=True))
    each = list(zip(blocks, states, seen, strict=True))
    matrix = summed_matrix(
        iterate.leftover / prices, [block.response(state, known) for block, state, known in each]
    )
    return Newton(seen, solver(matrix), goods)


def _direction(
    blocks: tuple[Block, ...], iterate: Iterate, newton: Newton, mu: Any, second: Iterate | None
) -> Iterate:
    """Returns the direction towards products of µ, less the products of a second direction.

    A direction says by what share of itself every number moves.
    """
    prices, leftover, states = iterate
    later = (None,) * len(blocks) if second is None else second.blocks
    parts = [
        block.constant(state, known, mu, ahead)
        for block, state, known, ahead in zip(blocks, states, newton.seen, later, strict=True)
    ]
    pair = None if second is None else (second.prices, second.leftover)
    short = shortfall(mu, lambda: 1 / prices / leftover, pair)
    excess = newton.goods + leftover * short + sum(constant for constant, _ in parts)
    step = newton.solve(excess)
    moves = tuple(
        block.follow(state, known, kept, step)
        for block, state, known, (_, kept) in zip(blocks, states, newton.seen, parts, strict=True)
    )
    return Iterate(step / prices, short - step / prices, moves)


def total_of(blocks: tuple[Block, ...], iterate: Iterate) -> Float[Array, ""]:
    """Returns the sum of all complementarity products."""
    total = jnp.sum(iterate.prices * iterate.leftover)
    for block, state in zip(blocks, iterate.blocks, strict=True):
        total = total + jnp.sum(_of_each(block, state))
    return total


def count_of(blocks: tuple[Block, ...], iterate: Iterate) -> int:
    """Returns how many complementarity products there are."""
    each = zip(blocks, iterate.blocks, strict=True)
    own = sum(part.size for block, state in each for part in block.products(state))
    return iterate.prices.size + own


def _of_each(block: Block, state: Any) -> Float[Array, "n"]:
    """Returns `[n]`, the sum of each agent's products."""
    parts = [jnp.sum(p, axis=tuple(range(1, p.ndim))) for p in block.products(state)]
    return sum(parts, jnp.zeros_like(block.wealth))


def missed_by(
    blocks: tuple[Block, ...], iterate: Iterate, total: Array, settled: bool = False
) -> Missed:
    """Returns what an iterate misses; `settled` says that it is one of this method's own."""
    goods, misses, worth = iterate.leftover - 1, [], jnp.zeros_like(total)
    for block, state in zip(blocks, iterate.blocks, strict=True):
        seen = block.look(state, iterate.prices, settled)
        goods = goods + jnp.sum(block.bundles(state, seen), axis=0)
        misses.append(block.misses(state, seen, iterate.prices))
        if settled:
            worth = worth + jnp.sum(block.worth(state, seen))
    gap = total_of(blocks, iterate) / total
    equality = jnp.max(jnp.stack([jnp.max(jnp.abs(goods)), *misses]))
    excess = _excess(blocks, iterate, jnp.minimum(total, worth)) if settled else jnp.zeros_like(gap)
    return Missed(gap, goods, equality, excess)


def _excess(blocks: tuple[Block, ...], iterate: Iterate, stake: Array) -> Float[Array, ""]:
    """Returns the worst excess; the money at stake is what bundles are worth, not what was bid."""
    mean = stake / sum(block.wealth.shape[0] for block in blocks)
    worst = [
        jnp.max(_of_each(block, state) / block.rule.ruler(block.wealth, mean))
        for block, state in zip(blocks, iterate.blocks, strict=True)
    ]
    return jnp.max(jnp.stack(worst))


def worst(missed: Missed) -> Array:
    """Returns the largest of them."""
    return jnp.maximum(jnp.maximum(missed.gap, missed.equality), missed.excess)


def furthest(direction: Iterate) -> Float[Array, ""]:
    """Returns the longest step along a direction that leaves nothing below 0, at most 1/0.998."""
    alike: dict[tuple[int, ...], Array] = {}
    for leaf in jax.tree.leaves(direction):
        # Numbers of one shape are compared in one pass.
        alike[leaf.shape] = jnp.minimum(alike[leaf.shape], leaf) if leaf.shape in alike else leaf
    lowest = jnp.min(jnp.stack([jnp.min(leaf) for leaf in alike.values()]))
    return 1 / jnp.maximum(-lowest, TO_BOUNDARY)


def moved(iterate: Iterate, direction: Iterate, length: Array) -> Iterate:
    """Returns the iterate some way along a direction."""
    return jax.tree.map(lambda at, share: at * (1 + length * share), iterate, direction)
