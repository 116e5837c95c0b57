"""Where a homotopy in the smoothing ε is: log-prices, ε, and what is asked for."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from catallax.clearing.equilibrium._answers import Quote
from catallax.clearing.equilibrium._market import Money

COLD, WARM = 0.3, 0.003
"""Where ε starts without and with prices to start from."""

SHARE = 4
"""Of how many agents one is asked most of the time."""


class Terms(NamedTuple):
    """What there is, and what is asked for.

    Attributes:
        supply: `[m]`, s.
        priced: bool `[m]`, whether there is any of it and somebody with money wants it.
        agents: How many agents there are.
        tol: What may be lost, as a share of all money that is of use, and the largest payment
            beyond worth.
        floor: The least ε of interest.
    """

    supply: Float[Array, "m"]
    priced: Bool[Array, "m"]
    agents: Float[Array, ""]
    tol: Float[Array, ""]
    floor: Float[Array, ""] | float = 0.0


class Fork(NamedTuple):
    """Where ε last shrank: ahead of it solutions are `q(κ ε) ≈ base + logs + (κ − 1) tangent`."""

    logs: Float[Array, "m"]
    tangent: Float[Array, "m"]
    eps: Float[Array, ""]
    factor: Float[Array, ""]


class Course(NamedTuple):
    """Where the homotopy is.

    Attributes:
        base: `[m]`, round log-prices.
        logs: `[m]`, `q − base`. Near the end it alone moves: it is small, and keeps digits that q
            has not.
        eps: ε.
        odds: 1/κ − 1 for the factor κ by which ε shrinks next.
        pace: By how much steps are held back.
        reach: By how many ε the last step wanted to move prices.
        shrunk: Whether ε has just shrunk.
        fork: Where it did so last; κ = 1 if it never did.
        lost: What was lost there, as a share.
        order: The exponent by which losses fall with ε.
        done: Whether the tolerance is reached.
        steps: How many were taken.
    """

    base: Float[Array, "m"]
    logs: Float[Array, "m"]
    eps: Float[Array, ""]
    odds: Float[Array, ""]
    pace: Float[Array, ""]
    reach: Float[Array, ""]
    shrunk: Bool[Array, ""]
    fork: Fork
    lost: Float[Array, ""]
    order: Float[Array, ""]
    done: Bool[Array, ""]
    steps: Int[Array, ""]


@dataclass(frozen=True)
class Plan:
    """What stays the same along a course.

    Attributes:
        money: "budget" or "fisher".
        steps: The most that are taken with the whole crowd.
        work: The name of the type of powers.
        share: Of how many agents one is near indifference.
    """

    money: Money
    steps: int
    work: str = "float64"
    share: int = SHARE


def course_at(logs: Float[Array, "m"], eps: Any) -> Course:
    """Returns the course at some log-prices `[m]` and ε."""
    one = jnp.ones(())
    none = jnp.zeros_like(logs)
    return Course(
        base=logs,
        logs=none,
        eps=eps * one,
        odds=1.5 * one,
        pace=one,
        reach=jnp.inf * one,
        shrunk=jnp.zeros((), bool),
        fork=Fork(none, none, one, one),
        lost=jnp.zeros(()),
        order=one,
        done=jnp.zeros((), bool),
        steps=jnp.zeros((), jnp.int32),
    )


def beginning(
    spent: Float[Array, "m"], most: Float[Array, "m"], terms: Terms, money: Money
) -> Course:
    """Returns where to start without a previous solution.

    Args:
        spent: `[m]`, `Σ_i B_i v_ij / Σ_k v_ik`, as if everybody bid in proportion to value.
        most: `[m]`, the highest value of each good.
        terms: What there is.
        money: The rule; nobody pays more than worth with a budget.

    Returns:
        The first `Course`.
    """
    prices = spent / jnp.where(terms.priced, terms.supply, 1.0)
    if money == "budget":
        prices = jnp.minimum(prices, most / 2)
    return course_at(jnp.log(jnp.where(terms.priced, prices, 1.0)), COLD)


def quote_of(course: Course, terms: Terms, work: str) -> Quote:
    """Returns what agents are told of prices, for powers of a type."""
    if work == "float32":
        return Quote(_rates(course.base + course.logs, terms), None, course.eps)
    return Quote(_rates(course.base, terms), course.logs, course.eps)


def _rates(logs: Array, terms: Terms) -> Array:
    return jnp.where(terms.priced, jnp.exp(-logs), 0.0)


def chosen(condition: Array, one: Any, other: Any) -> Any:
    """Returns one of two trees of arrays."""
    return jax.tree.map(lambda one, other: jnp.where(condition, one, other), one, other)
