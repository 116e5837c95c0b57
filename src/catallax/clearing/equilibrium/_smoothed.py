"""`Smoothed`: Newton's method on log-prices of a smoothed market, for many agents of few goods."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from catallax._errors import InvalidSetting
from catallax.clearing.equilibrium._market import Market, Money
from catallax.clearing.equilibrium._method import Found
from catallax.clearing.equilibrium.valuations import Linear

LEANING = 0.7
"""What an agent's goods must promise before it spends, in ε: log 2, money against two equals."""

BLOCK = 2048
"""Agents that are asked at once: what they answer fits in a core's cache."""

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
"""One that would move them by more says that ε is too small here: it grows again."""

EPS_COLD, EPS_WARM = 0.3, 0.003
"""Where ε starts without and with prices to start from."""

FINE = 1e-6
"""Weights in 32 bits are good for tolerances down to this one."""


class Sums(NamedTuple):
    """What agents do together at log-prices q and a smoothing ε: sums over agents.

    Attributes:
        spent: `[m]`, `P_j = Σ_i B_i w_ij`.
        pull: `[m, m]`, `Σ_i B_i (φ_i − φ'_i) π_ij π_ik`, how goods draw money from each other.
        ripple: `[m]`, `Σ_i B_i φ'_i π_ij`, how they draw it from what is not spent.
        drift: `[m]`, `∂P/∂ε`.
        lost: Money whose use is lost to smoothing.
        stake: Money that is of use, `Σ_i min(B_i, v_i(x_i))`.
        excess: The largest payment beyond worth, as a share of wealth.
        excess_money: The same, in money.
    """

    spent: Float[Array, "m"]
    pull: Float[Array, "m m"]
    ripple: Float[Array, "m"]
    drift: Float[Array, "m"]
    lost: Float[Array, ""]
    stake: Float[Array, ""]
    excess: Float[Array, ""]
    excess_money: Float[Array, ""]


class Answers(NamedTuple):
    """What each of some agents does: `w_ij = φ_i e_ij / Z_i`.

    Attributes:
        weights: `[n, m]`, e, 1 for the best good.
        tilts: `[n, m]`, `e log e`.
        total: `[n]`, Z.
        mean: `[n]`, `Σ_j π_ij log e_ij`.
        top: `[n]`, γ, the log of the best bang per buck.
        part: `[n]`, φ, the part of its money that an agent spends.
        slope: `[n]`, φ'.
        depth: `[n]`, u.
    """

    weights: Float[Array, "n m"]
    tilts: Float[Array, "n m"]
    total: Float[Array, "n"]
    mean: Float[Array, "n"]
    top: Float[Array, "n"]
    part: Float[Array, "n"]
    slope: Float[Array, "n"]
    depth: Float[Array, "n"]


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


# --- agents


def answers(
    values: Float[Array, "n m"], rates: Float[Array, "m"], eps: Array, money: Money, work: Any
) -> Answers:
    """Asks agents what they do at prices, smoothed by ε.

    Money goes to goods by `π_ij ∝ (v_ij / p_j)^(1/ε)`, and of it the part `φ(u_i)` is spent with
    `u_i = log Σ_j (v_ij / p_j)^(1/ε) − log 2` and `φ(u) = (1 − e^(−u))²` above 0, 0 below: nobody
    spends on goods that are worth less than they cost. In a Fisher market φ is 1.

    Args:
        values: `[n, m]`, v, in 32 or 64 bits.
        rates: `[m]`, 1/p, 0 for a good that has no price.
        eps: ε.
        money: "budget" or "fisher".
        work: The type in which powers are computed. Ratios are taken in 64 bits, relative to the
            best: nothing is lost near a tie, however small ε.

    Returns:
        Their `Answers`.
    """
    ratios = values.astype(rates.dtype) * rates
    best = jnp.max(ratios, axis=1)
    unit = 1 / jnp.where(best > 0, best, 1.0)
    below = jnp.log1p((ratios * unit[:, None] - 1).astype(work))
    logs = below / eps.astype(work)
    weights = jnp.exp(logs)
    tilts = jnp.where(weights > 0, weights * logs, 0)
    total = jnp.maximum(jnp.sum(weights, axis=1), 1e-30).astype(rates.dtype)
    mean = jnp.sum(tilts, axis=1).astype(rates.dtype) / total
    top = jnp.where(best > 0, jnp.log(jnp.where(best > 0, best, 1.0)), -jnp.inf)
    depth = jnp.where(best > 0, top / eps + jnp.log(total) - LEANING, -jnp.inf)
    if money == "fisher":
        part, slope = jnp.where(best > 0, 1.0, 0.0), jnp.zeros_like(top)
    else:
        held = jnp.exp(-jnp.maximum(depth, 0.0))
        part, slope = (1 - held) ** 2, 2 * held * (1 - held)
    return Answers(weights, tilts, total, mean, top, part, slope, depth)


def summed(said: Answers, wealth: Float[Array, "n"], eps: Array, money: Money) -> Sums:
    """Sums answers up.

    Args:
        said: The `Answers`.
        wealth: `[n]`, B.
        eps: ε.
        money: The rule.

    Returns:
        The `Sums`.
    """
    work = said.weights.dtype
    per = wealth / said.total
    spend = per * said.part
    outer = (per * (said.part - said.slope) / said.total).astype(work)
    top = jnp.where(said.top > -jnp.inf, said.top, 0.0)
    turn = per * (said.slope * (top / eps + said.mean) - said.part * said.mean)
    ripple = per * said.slope
    columns = jnp.stack([turn, ripple], axis=1).astype(work)
    turned, rippled = (columns.T @ said.weights).astype(eps.dtype)
    tilted = (spend.astype(work) @ said.tilts).astype(eps.dtype)
    bang = jnp.exp(top)
    below = -jnp.expm1(eps * said.mean)  # at most: the mean of logs is below the log of the mean
    if money == "fisher":
        lost, worth, over = below, jnp.ones_like(top), jnp.zeros_like(top)
    else:
        idle = jnp.maximum(1 - 1 / bang, 0.0)
        lost = said.part * below + (1 - said.part) * idle
        worth = jnp.minimum(said.part * bang * (1 - below), 1.0)
        over = said.part * jnp.maximum(-jnp.expm1(top + eps * said.mean), 0.0)
    over = jnp.where(wealth > 0, over, 0.0)
    return Sums(
        spent=jnp.sum(said.weights.astype(eps.dtype) * spend[:, None], axis=0),
        pull=jnp.dot((said.weights * outer[:, None]).T, said.weights).astype(eps.dtype),
        ripple=rippled,
        drift=-(tilted + turned) / eps,
        lost=jnp.sum(wealth * jnp.where(said.top > -jnp.inf, lost, 0.0)),
        stake=jnp.sum(wealth * jnp.where(said.top > -jnp.inf, worth, 0.0)),
        excess=jnp.max(over, initial=0.0),
        excess_money=jnp.max(wealth * over, initial=0.0),
    )


def softness(said: Answers, wealth: Float[Array, "n"], money: Money) -> Float[Array, "n"]:
    """Returns how near agents are to doing something else: about `e^(−d)` at a distance of d ε."""
    ties = -said.mean
    if money == "budget":
        margin = jnp.exp(-jnp.abs(said.depth))
        ties = jnp.where(said.depth < 0, margin, jnp.maximum(ties, margin))
    return jnp.where(wealth > 0, ties, 0.0)


def nothing(goods: int) -> Sums:
    """Returns the sums over nobody."""
    none, zero = jnp.zeros(goods), jnp.zeros(())
    return Sums(none, jnp.zeros((goods, goods)), none, none, zero, zero, zero, zero)


def together(one: Sums, other: Sums) -> Sums:
    """Returns the sums over two groups of agents."""
    added = jax.tree.map(jnp.add, one, other)
    return added._replace(
        excess=jnp.maximum(one.excess, other.excess),
        excess_money=jnp.maximum(one.excess_money, other.excess_money),
    )


def asked(
    values: Float[Array, "n m"],
    wealth: Float[Array, "n"],
    course: Course,
    goods: Goods,
    money: Money,
    work: Any,
) -> tuple[Sums, Float[Array, "n"]]:
    """Asks all agents, block after block.

    Args:
        values: `[n, m]`.
        wealth: `[n]`.
        course: At what log-prices and ε.
        goods: What there is.
        money: The rule.
        work: The type of powers.

    Returns:
        The `Sums`, and `[n]`, the softness of each.
    """
    rates = jnp.where(goods.priced, jnp.exp(-course.logs), 0.0)

    def block(values: Array, wealth: Array) -> tuple[Sums, Array]:
        said = answers(values, rates, course.eps, money, work)
        return summed(said, wealth, course.eps, money), softness(said, wealth, money)

    count, width = values.shape
    if count <= BLOCK:
        return block(values, wealth)
    blocks = -(-count // BLOCK)
    values = jnp.pad(values, ((0, blocks * BLOCK - count), (0, 0)))
    wealth = jnp.pad(wealth, (0, blocks * BLOCK - count))

    def step(sums: Sums, rows: tuple[Array, Array]) -> tuple[Sums, Array]:
        more, soft = block(*rows)
        return together(sums, more), soft

    rows = values.reshape(blocks, BLOCK, width), wealth.reshape(blocks, BLOCK)
    sums, soft = jax.lax.scan(step, nothing(width), rows)
    return sums, soft.reshape(-1)[:count]


# --- prices


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
    shrinks = close & (missed > tol / 2)
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
            jnp.where(grows, jnp.minimum(4 * eps, jnp.maximum(eps, EPS_COLD)), eps),
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


# --- the two together


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
    return none._replace(
        spent=everyone.spent - near.spent,
        lost=jnp.maximum(everyone.lost - near.lost, 0.0),
        stake=everyone.stake - near.stake,
    )


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
    return course_at(jnp.log(jnp.where(goods.priced, prices, 1.0)), EPS_COLD)


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
