"""Following a homotopy with all agents, and in between with those near indifference."""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._answers import Sums, asked, together
from catallax.clearing.equilibrium._course import SHARE, Course, Plan, Terms, quote_of
from catallax.clearing.equilibrium._homotopy import advanced

CROWD, FEWER = 1024, 16
"""Of so many agents and more, one in `SHARE` is asked most of the time: those near indifference.

Of four times as many of these, one in sixteen.
"""

ROOM = 15.0
"""An agent further than this many ε from indifference does what it does: e⁻¹⁵ is 3e-7."""

VISIT = 60
"""Steps that are taken at once among agents near indifference, at most."""


class Crowd(NamedTuple):
    """Some of the agents, and what the others do, which does not change for now."""

    values: Float[Array, "n m"]
    wealth: Float[Array, "n"]
    rest: Sums


def settled(
    crowd: Crowd,
    course: Course,
    terms: Terms,
    plan: Plan,
    bound: tuple[Array, Array] | None = None,
) -> Course:
    """Follows a course until it is done, or the steps run out, or ε reaches the floor.

    Where agents are many, most are far from indifference. After every step with all of them, those
    near it are followed alone for as long as nobody else would change its mind.

    Args:
        crowd: The agents.
        course: Where to start.
        terms: What there is.
        plan: The rule and the limits.
        bound: Log-prices `[m]`, and how far an agent outside the crowd is from indifference there.

    Returns:
        The last `Course`.
    """
    count = crowd.wealth.size

    def goes_on(course: Course) -> Array:
        more = ~course.done & (course.steps < plan.steps) & (course.eps > terms.floor)
        return more if bound is None else more & holds(course, bound)

    def step(course: Course) -> Course:
        own, soft = _asked(crowd, course, terms, plan)
        after = advanced(course, together(own, crowd.rest), terms)
        if count * SHARE < CROWD * plan.share:
            return after
        top, rows = jax.lax.top_k(soft, count // plan.share + 1)
        edge = course.base + course.logs, distance(top[-1], course.eps)

        def visit(after: Course) -> Course:
            near = Crowd(crowd.values[rows[:-1]], crowd.wealth[rows[:-1]], crowd.rest)
            return visited(near, own, course, after, terms, plan, edge)

        worthwhile = ~after.done & holds(after, edge)
        return jax.lax.cond(worthwhile, visit, lambda after: after, after)

    return jax.lax.while_loop(goes_on, step, course)


def visited(
    near: Crowd,
    everyone: Sums,
    course: Course,
    after: Course,
    terms: Terms,
    plan: Plan,
    edge: tuple[Array, Array],
) -> Course:
    """Follows a course among agents near indifference, while the others do what they do.

    Args:
        near: Them, with those outside the crowd that they are part of.
        everyone: The sums over that crowd.
        course: Where `everyone` was asked.
        after: Where to go on from.
        terms: What there is.
        plan: Of the crowd.
        edge: See `holds`.

    Returns:
        The last `Course`, not done: everybody must be asked again. It counts no steps.
    """
    theirs, _ = _asked(near, course, terms, plan)
    near = near._replace(rest=together(near.rest, still(everyone, theirs)))
    stricter, fewer = terms_of_visit(terms), plan_of_visit(plan)
    first = after._replace(steps=jnp.zeros_like(after.steps))
    last = settled(near, first, stricter, fewer, edge)
    return last._replace(done=jnp.zeros_like(last.done), steps=after.steps)


def still(everyone: Sums, near: Sums) -> Sums:
    """Returns what agents who are not near indifference do: they spend, and nothing moves it.

    What they lose is left out: it goes to 0, as they stand ever more ε from indifference.
    """
    none = jax.tree.map(jnp.zeros_like, near)
    return none._replace(spent=everyone.spent - near.spent, stake=everyone.stake - near.stake)


def terms_of_visit(terms: Terms) -> Terms:
    """Returns terms that leave something for the others to lose."""
    return terms._replace(tol=0.8 * terms.tol)


def plan_of_visit(plan: Plan) -> Plan:
    """Returns how those near indifference are followed."""
    return replace(plan, steps=VISIT, share=FEWER)


def holds(course: Course, edge: tuple[Array, Array]) -> Array:
    """Returns whether agents so far from indifference at a centre are still sure what to do."""
    centre, far = edge
    return 2 * jnp.max(jnp.abs(course.base + course.logs - centre)) + ROOM * course.eps < far


def distance(soft: Array, eps: Array) -> Array:
    """Returns how far from indifference an agent of some softness is, in logs; see `softness`."""
    return -eps * jnp.log(jnp.maximum(soft, 1e-38))


def _asked(crowd: Crowd, course: Course, terms: Terms, plan: Plan) -> tuple[Sums, Array]:
    quote = quote_of(course, terms, plan.work)
    return asked(crowd.values, crowd.wealth, quote, plan.money, jnp.dtype(plan.work))
