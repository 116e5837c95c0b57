"""Newton's method on log-prices, while smoothing falls to what the tolerance allows."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from catallax.clearing.equilibrium._answers import Sums, asked, nothing, together
from catallax.clearing.equilibrium._market import Money

CROWD = 1024
"""With fewer agents than this all are asked at every step."""

SHARE = 4
"""Else one in so many is asked most of the time: those near indifference."""

ROOM = 15.0
"""An agent further than this many ε from indifference does what it does: e⁻¹⁵ is 3e-7."""

VISIT = 60
"""Steps that are taken at once among agents near indifference, at most."""

CLOSE = 1.5
"""A step that moves prices by fewer ε than this is taken in full, and ε shrinks with it."""

FAR = 8.0
"""One that would move them by more says that ε is too small here."""

COLD, WARM = 0.3, 0.003
"""Where ε starts without and with prices to start from."""


class Crowd(NamedTuple):
    """Some of the agents, and what the others do, which does not change for now."""

    values: Float[Array, "n m"]
    wealth: Float[Array, "n"]
    rest: Sums


class Goods(NamedTuple):
    """What there is: supply, whether a good has a price at all, and what all money is."""

    supply: Float[Array, "m"]
    priced: Bool[Array, "m"]
    money: Float[Array, ""]
    agents: Float[Array, ""]


class Fork(NamedTuple):
    """Where ε last shrank, and by what factor: from there a shorter way can be gone."""

    logs: Float[Array, "m"]
    tangent: Float[Array, "m"]
    eps: Float[Array, ""]
    factor: Float[Array, ""]


class Course(NamedTuple):
    """Where the homotopy is.

    Attributes:
        logs: `[m]`, q, log-prices.
        eps: ε.
        odds: 1/κ − 1 for the factor κ by which ε shrinks next.
        pace: By how much steps are held back.
        reach: By how many ε the last step wanted to move prices.
        shrunk: Whether ε has just shrunk.
        last: ε and what was lost, when it last shrank.
        order: The exponent by which losses fall with ε.
        done: Whether the tolerance is reached.
        steps: How many were taken.
    """

    logs: Float[Array, "m"]
    eps: Float[Array, ""]
    odds: Float[Array, ""]
    pace: Float[Array, ""]
    reach: Float[Array, ""]
    shrunk: Bool[Array, ""]
    back: Fork
    last: Float[Array, "2"]
    order: Float[Array, ""]
    done: Bool[Array, ""]
    steps: Int[Array, ""]


def beginning(valued: Sums, most: Float[Array, "m"], goods: Goods, money: Money) -> Course:
    """Returns where to start without a previous solution.

    Args:
        valued: Of all agents in a Fisher market at equal prices with ε = 1: `P_j = Σ_i B_i v_ij / Σ_k v_ik`.
        most: `[m]`, the highest value of each good.
        goods: What there is.
        money: The rule.

    Returns:
        The first `Course`.
    """
    prices = valued.spent / jnp.where(goods.priced, goods.supply, 1.0)
    if money == "budget":
        prices = jnp.minimum(prices, most / 2)
    return course_at(jnp.log(jnp.where(goods.priced, prices, 1.0)), COLD)


def course_at(logs: Float[Array, "m"], eps: Any) -> Course:
    """Returns the course at some log-prices and ε."""
    one = jnp.ones(())
    return Course(
        logs=logs,
        eps=eps * one,
        odds=1.5 * one,
        pace=one,
        reach=jnp.inf * one,
        shrunk=jnp.zeros((), bool),
        back=Fork(logs, jnp.zeros_like(logs), one, one),
        last=jnp.zeros(2),
        order=one,
        done=jnp.zeros((), bool),
        steps=jnp.zeros((), jnp.int32),
    )


def advanced(course: Course, sums: Sums, goods: Goods, tol: Array) -> Course:
    """Takes a step of Newton's method, and shrinks ε where prices are close to what ε asks for.

    The dual is `F(q) = Σ_j s_j e^(q_j) + ε Σ_i B_i Ψ(u_i)` with `Ψ' = φ`, convex; its gradient is
    excess supply, and `S = diag(s e^q) + L / ε` its second derivative, L the Laplacian of `pull`
    and `ripple`. ε shrinks along the tangent `dq/dε = S⁻¹ ∂P/∂ε` of its solutions.

    Args:
        course: Where it is.
        sums: Of all agents there.
        goods: What there is.
        tol: What may be lost of all money, and the largest payment beyond worth.

    Returns:
        The next `Course`, or the same one, done.
    """
    eps, asks = course.eps, goods.supply * jnp.exp(course.logs)
    newton, tangent, off = _directions(course, sums, goods, asks)
    stake = jnp.maximum(sums.stake, 1e-300)
    excess = jnp.maximum(sums.excess, sums.excess_money * goods.agents / stake)
    lost = sums.lost / stake
    missed = jnp.maximum(lost, excess)
    done = missed + 2 * off <= tol
    reach = (jnp.max(newton, initial=0.0) - jnp.min(newton, initial=0.0)) / eps
    reach = jnp.where(jnp.isfinite(reach), reach, 2 * FAR)

    odds, pace = _habits(course, reach)
    close, far = reach < CLOSE, reach > FAR
    shrinks = close & (missed > tol / 2) & (eps > tol / 1000)
    returns = far & course.shrunk & (course.back.factor < 0.9)
    grows = far & (course.back.factor == 1)
    order = _order(course, lost)
    aim = (0.4 * tol / jnp.maximum(missed, 1e-300)) ** (1 / order)
    factor = jnp.clip(jnp.maximum(1 / (1 + odds), aim), 0.0, 0.95)
    ahead = Fork(course.logs + newton, tangent * eps, eps, factor)
    again = course.back._replace(factor=jnp.sqrt(course.back.factor))
    back = _chosen(returns, again, _chosen(shrinks, ahead, course.back))
    held = jnp.where(close, 1.0, jnp.log1p(reach) / jnp.maximum(reach, 1e-300)) * pace
    shrunk = shrinks | returns
    moved = Course(
        logs=jnp.where(
            shrunk, back.logs + back.tangent * (back.factor - 1), course.logs + held * newton
        ),
        eps=jnp.where(
            shrunk,
            back.eps * back.factor,
            jnp.where(grows, jnp.minimum(4 * eps, jnp.maximum(eps, COLD)), eps),
        ),
        odds=jnp.where(returns, 1 / back.factor - 1, odds),
        pace=pace,
        reach=reach,
        shrunk=shrunk,
        back=back,
        last=jnp.where(shrinks, jnp.stack([eps, lost]), course.last),
        order=order,
        done=done,
        steps=course.steps + 1,
    )
    stayed = course._replace(done=done, steps=course.steps + 1)
    return _chosen(done | ~jnp.all(jnp.isfinite(moved.logs)), stayed, moved)


def _chosen(condition: Array, one: Any, other: Any) -> Any:
    return jax.tree.map(lambda one, other: jnp.where(condition, one, other), one, other)


def _directions(
    course: Course, sums: Sums, goods: Goods, asks: Array
) -> tuple[Array, Array, Array]:
    """Returns Newton's direction, the tangent in ε, and by how much prices miss, in logs."""
    pull = sums.pull * (1 - jnp.eye(asks.size))
    matrix = jnp.diag(asks + (jnp.sum(pull, axis=1) + sums.ripple) / course.eps) - pull / course.eps
    # A good without a price has a row of its own, and stays where it is.
    both = goods.priced[:, None] & goods.priced
    matrix = jnp.where(both, matrix, jnp.eye(asks.size))
    scale = jax.lax.rsqrt(jnp.maximum(jnp.diag(matrix), 1e-300))
    factor = jax.scipy.linalg.cho_factor(matrix * scale[:, None] * scale, lower=True)
    sides = jnp.where(goods.priced, jnp.stack([sums.spent - asks, sums.drift]), 0.0) * scale
    newton, tangent = jax.scipy.linalg.cho_solve(factor, sides.T).T * scale
    ratio = jnp.log(jnp.maximum(sums.spent, 1e-300)) - jnp.log(jnp.maximum(asks, 1e-300))
    return newton, tangent, jnp.max(jnp.where(goods.priced, jnp.abs(ratio), 0.0), initial=0.0)


def _habits(course: Course, reach: Array) -> tuple[Array, Array]:
    """Returns how boldly to shrink and to step, by how far the last step was off."""
    bolder = jnp.clip(jnp.sqrt(1 / jnp.maximum(reach, 1e-9)), 0.25, 4.0)
    odds = jnp.where(course.shrunk, jnp.clip(course.odds * bolder, 0.05, 1e3), course.odds)
    slower = jnp.where(reach > course.reach, course.pace / 2, course.pace * 2)
    return odds, jnp.where(course.shrunk, 1.0, jnp.clip(slower, 0.05, 1.0))


def _order(course: Course, lost: Array) -> Array:
    """Returns the exponent of ε in what is lost: 1 where agents are few, 2 where they are many."""
    eps, before = course.last
    usable = (course.eps < 0.99 * eps) & (lost > 0) & (before > 0)
    ratio = jnp.where(usable, lost / jnp.where(usable, before, 1.0), 1.0)
    slope = jnp.log(ratio) / jnp.log(jnp.where(usable, course.eps / eps, 0.5))
    return jnp.where(usable, jnp.clip(slope, 1.0, 2.0), course.order)


def settled(
    crowd: Crowd,
    course: Course,
    goods: Goods,
    money: Money,
    tol: float,
    steps: int,
    floor: float = 0.0,
    work: Any = jnp.float64,
    bound: tuple[Array, Array] | None = None,
) -> Course:
    """Follows the course until it is done, or the steps run out, or ε reaches the floor.

    Where agents are many, most are far from indifference. After every step with all of them, those
    near it are followed alone for as long as nobody else would change its mind.

    Args:
        crowd: The agents.
        course: Where to start.
        goods: What there is.
        money: The rule.
        tol: See `advanced`.
        steps: The most that are taken with the whole crowd.
        floor: The least ε of interest.
        work: The type of powers.
        bound: Log-prices `[m]`, and how far an agent outside the crowd is from indifference there.

    Returns:
        The last `Course`.
    """
    count = crowd.wealth.size

    def goes_on(course: Course) -> Array:
        more = ~course.done & (course.steps < steps) & (course.eps > floor)
        return more if bound is None else more & _holds(course, bound)

    def step(course: Course) -> Course:
        own, soft = asked(crowd.values, crowd.wealth, course, goods, money, work)
        after = advanced(course, together(own, crowd.rest), goods, jnp.asarray(tol))
        if count < CROWD:
            return after
        top, rows = jax.lax.top_k(soft, count // SHARE + 1)
        distance = -course.eps * jnp.log(jnp.maximum(top[-1], 1e-38))
        edge = course.logs, distance

        def visit(after: Course) -> Course:
            near = Crowd(crowd.values[rows[:-1]], crowd.wealth[rows[:-1]], crowd.rest)
            theirs, _ = asked(near.values, near.wealth, course, goods, money, work)
            near = near._replace(rest=together(crowd.rest, _still(own, theirs)))
            first = after._replace(steps=jnp.zeros_like(after.steps))
            end = settled(near, first, goods, money, 0.8 * tol, VISIT, floor, work, edge)
            return end._replace(done=jnp.zeros_like(end.done), steps=after.steps)

        worthwhile = ~after.done & _holds(after, edge)
        return jax.lax.cond(worthwhile, visit, lambda after: after, after)

    return jax.lax.while_loop(goes_on, step, course)


def _holds(course: Course, edge: tuple[Array, Array]) -> Array:
    centre, distance = edge
    return 2 * jnp.max(jnp.abs(course.logs - centre)) + ROOM * course.eps < distance


def _still(everyone: Sums, near: Sums) -> Sums:
    """Returns what those who are not near do: they spend, and nothing of it moves."""
    none = nothing(everyone.spent.size)
    return none._replace(spent=everyone.spent - near.spent, stake=everyone.stake - near.stake)
