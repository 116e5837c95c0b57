"""`equilibrium_streamed`: markets of a million agents, by passes over their values."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from catallax._errors import InvalidMarket, InvalidSetting, NotConverged
from catallax._types import exact
from catallax.clearing.equilibrium._answers import Sums, nothing
from catallax.clearing.equilibrium._course import (
    SHARE,
    WARM,
    Course,
    Plan,
    Terms,
    beginning,
    course_at,
)
from catallax.clearing.equilibrium._homotopy import advanced
from catallax.clearing.equilibrium._market import Money
from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.equilibrium._passes import answered, asked_all, gathered, surveyed
from catallax.clearing.equilibrium._smoothed import Prices, work_for
from catallax.clearing.equilibrium._streamed_outcome import StreamedEquilibrium, outcome_of
from catallax.clearing.equilibrium._table import Reader, Table, block_size
from catallax.clearing.equilibrium._visits import (
    VISIT,
    Crowd,
    distance,
    holds,
    plan_of_visit,
    settled,
    still,
    terms_of_visit,
)

HELD, COARSE = 2**17, 0.02
"""So many agents are held in memory: first a sample, which finds prices down to this ε, later
those near indifference."""

MARGIN = 0.8
"""The share of a tolerance that the search allows itself."""

TRIES = 4
"""How often an answer may miss its certificate and be refined."""


def equilibrium_streamed(
    values: ArrayLike | Reader,
    supply: ArrayLike,
    wealth: ArrayLike,
    *,
    money: Money,
    tol: float = 1e-6,
    block: int = 2**12,
    steps: int = 100,
    start: Prices | None = None,
    throw: bool = True,
) -> StreamedEquilibrium:
    """Finds the equilibrium of linear values by passes over the agents, a block at a time.

    The method of `Smoothed`, for a million agents and more: values stay where they are (in an
    array, in a file mapped into memory, or behind a function) in 32 or 64 bits, sums are in 64
    bits, bundles are sparse, and the certificate is that of what is returned. Memory is a few
    numbers an agent, and the rows of `2¹⁷` agents.

    Args:
        values: `[n, m]`, money a unit of each good (utility in a Fisher market), 0 or more; or a
            function from two numbers to the rows of the agents between them, which is called once
            a pass and always answers the same.
        supply: `[m]`, quantities, 0 or more.
        wealth: `[n]`, money, 0 or more.
        money: "budget" or "fisher".
        tol: The largest violation that counts as an equilibrium, relative.
        block: How many agents are read at once.
        steps: How often all agents are asked, at most.
        start: `warm` of a similar market, or None.
        throw: Whether to raise where the result is not certified; False hands it back.

    Returns:
        The `StreamedEquilibrium`.

    Raises:
        InvalidMarket: If a shape, a sign or a number is wrong.
        InvalidSetting: If tol, block, steps or money is out of range.
        NotConverged: If the steps ran out, and `throw` is set.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = np.random.default_rng(0).uniform(0, 1, (2000, 3)).astype(np.float32)
        >>> eq = cx.equilibrium_streamed(values, np.ones(3), np.full(2000, 1e-3), money="budget")
        >>> eq.result.name, float(eq.certificate.violation) <= 1e-6
        ('CERTIFIED', True)

    Source: see `Smoothed`.
    """
    _check_settings(money, tol, block, steps)
    table, supply = _tabled(values, supply, wealth, block)
    with exact():
        found = _searched(table, supply, money, tol, steps, start)
    if throw and found.result is not Result.CERTIFIED:
        raise NotConverged(
            f"All agents were asked {found.steps} times, with a violation of "
            f"{float(found.certificate.violation):.1e}.",
            f"The tolerance is {tol:.0e}.",
            "Give more steps or a larger tol; throw=False hands back what was found.",
        )
    return found


def _check_settings(money: str, tol: float, block: int, steps: int) -> None:
    if money not in ("budget", "fisher"):
        raise InvalidSetting(
            f"money={money!r} was given.",
            "This method follows money from agent to good.",
            'Choose "budget" or "fisher".',
        )
    if not 0 < tol < 1:
        raise InvalidSetting(
            f"tol={tol} was given.", "A tolerance is a small share.", "Give 1e-6, say."
        )
    for name, number in (("block", block), ("steps", steps)):
        if number < 1:
            raise InvalidSetting(
                f"{name}={number} was given.", "Nobody would ever be asked.", "Give 1 or more."
            )


def _tabled(values: Any, supply: Any, wealth: Any, block: int) -> tuple[Table, np.ndarray]:
    supply, wealth = np.asarray(supply, np.float64), np.asarray(wealth, np.float64)
    for name, numbers in (("supply", supply), ("wealth", wealth)):
        good = numbers.ndim == 1 and numbers.size and np.all(np.isfinite(numbers) & (numbers >= 0))
        if not good:
            raise InvalidMarket(
                f"{name} is not a list of finite numbers, 0 or more.",
                "It says how much there is, or who has how much.",
                f"Correct {name}.",
            )
    read = values if callable(values) else _reader(values, (wealth.size, supply.size))
    return Table(read, wealth, supply.size, block_size(wealth.size, block)), supply


def _reader(values: Any, shape: tuple[int, int]) -> Reader:
    whole = np.asanyarray(values)
    if whole.shape != shape:
        raise InvalidMarket(
            f"values has the shape {whole.shape}.",
            f"Wealth and supply are those of {shape[0]} agents and {shape[1]} goods.",
            "Give a row to an agent, and a column to a good.",
        )
    return lambda first, stop: whole[first:stop]


def _searched(
    table: Table, supply: np.ndarray, money: Money, tol: float, steps: int, start: Prices | None
) -> StreamedEquilibrium:
    survey = surveyed(table, supply)
    if not (survey.least >= 0 and np.isfinite(survey.highest)):
        raise InvalidMarket(
            f"values run from {survey.least} to {survey.highest}.",
            "What a good is worth is finite, and 0 or more.",
            "Look where the numbers come from.",
        )
    terms = Terms(
        jnp.asarray(supply),
        jnp.asarray((supply > 0) & (survey.most > 0)),
        jnp.float64(table.agents),
        jnp.float64(MARGIN * tol),
        jnp.float64(0.0),
    )
    plan = Plan(money, VISIT, work=work_for((table.agents, table.goods), tol))
    if start is None:
        course = beginning(jnp.asarray(survey.spent), jnp.asarray(survey.most), terms, money)
        if table.agents > SHARE * HELD:
            course = _sampled(table, course, terms, plan)
        elif table.agents > 2 * table.block:
            course = _looked_ahead(table, course, terms, plan)
    else:
        course = course_at(jnp.asarray(start.logs), WARM)

    found, tries = None, 0
    for step in range(1, steps + 1):
        sums, soft = asked_all(table, course, terms, plan)
        after = _advanced(course, sums, terms)
        if after.done:
            found = outcome_of(table, course, terms, plan, tol, step)
            tries += 1
            if found.result is Result.CERTIFIED or tries == TRIES:
                return found
            terms = terms._replace(tol=terms.tol / 2)
            after = _advanced(course, sums, terms)
        course = _visited(table, sums, soft, course, after, terms, plan)
    return found or outcome_of(table, course, terms, plan, tol, steps)


_advanced = jax.jit(advanced)
_settled = partial(jax.jit, static_argnames="plan")(settled)


def _sampled(table: Table, course: Course, terms: Terms, plan: Plan) -> Course:
    """Follows the course with some agents of every block, who stand for all, while ε is coarse."""
    values, wealth, few = _standing_in(table, terms, HELD)
    crowd = Crowd(values, wealth, nothing(table.goods))
    everywhere = course.base, jnp.float64(jnp.inf)
    last = _settled(crowd, course, few, plan_of_visit(plan), everywhere)
    return course_at(last.base + last.logs, jnp.minimum(last.eps, COARSE))


def _looked_ahead(table: Table, course: Course, terms: Terms, plan: Plan) -> Course:
    """Does the same with no more agents than a block has, in programs that are compiled anyway."""
    values, wealth, few = _standing_in(table, terms, table.block)
    for _ in range(plan.steps):
        if course.done or course.eps <= COARSE:
            break
        sums, _ = answered(values, wealth, course, few, plan)
        course = _advanced(course, sums, few)
    return course_at(course.base + course.logs, course.eps)


def _standing_in(table: Table, terms: Terms, size: int) -> tuple[Any, Any, Terms]:
    """Returns so many agents at most, who own what all do, and terms without what none wants."""
    some = np.arange(0, table.agents, -(-table.agents // size))
    values, wealth = gathered(table, some, size)
    wealth *= table.wealth.sum() / wealth.sum()
    wanted = np.any((values > 0) & (wealth > 0)[:, None], axis=0)
    few = terms._replace(
        priced=terms.priced & wanted,
        agents=jnp.float64(some.size),
        floor=jnp.float64(COARSE),
    )
    return values, wealth, few


def _visited(
    table: Table,
    sums: Sums,
    soft: Float[np.ndarray, "n"],
    course: Course,
    after: Course,
    terms: Terms,
    plan: Plan,
) -> Course:
    """Follows the course with the agents nearest to indifference; see `visited`."""
    count = min(table.agents // SHARE, HELD)
    if count == 0 or after.done:
        return after
    order = np.argpartition(soft, -count - 1)[-count - 1 :]
    edge = course.base + course.logs, distance(jnp.float64(soft[order[0]]), course.eps)
    if not holds(after, edge):
        return after
    near = np.sort(order[1:])
    values, wealth = gathered(table, near, block_size(count, HELD))
    theirs, _ = answered(values, wealth, course, terms, plan)
    crowd = Crowd(values, wealth, still(sums, theirs))
    stricter = terms_of_visit(terms)
    first = after._replace(steps=jnp.zeros_like(after.steps))
    last = _settled(crowd, first, stricter, plan_of_visit(plan), edge)
    return last._replace(done=jnp.zeros_like(last.done))
