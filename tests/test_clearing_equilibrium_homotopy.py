"""Newton's method along the path of ε: directions, steps, returns, visits to part of a crowd."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium import _homotopy as homotopy
from catallax.clearing.equilibrium._answers import asked, nothing
from catallax.clearing.equilibrium._course import (
    Fork,
    Plan,
    Terms,
    beginning,
    course_at,
    quote_of,
)
from catallax.clearing.equilibrium._homotopy import advanced, directions
from catallax.clearing.equilibrium._visits import CROWD, Crowd, holds, settled, still

GOODS = 4


def market(agents, seed=0, rich=1.0):
    random = np.random.default_rng(seed)
    values = random.lognormal(0, 1, (agents, GOODS))
    wealth = random.uniform(0.5, 1.5, agents) * rich * GOODS / agents
    return values, np.linspace(0.5, 2, GOODS), wealth


def terms_for(supply, wealth, tol=1e-6):
    there = jnp.asarray(supply), jnp.asarray(supply > 0)
    return Terms(*there, jnp.float64(wealth.size), jnp.float64(tol))


@pytest.fixture(autouse=True)
def in_64_bits():
    with exact():
        yield


@partial(jax.jit, static_argnames="money")
def sums_at(values, wealth, course, terms, money):
    quote = quote_of(course, terms, "float64")
    return asked(values, wealth, quote, money, jnp.dtype("float64"))[0]


advance = jax.jit(advanced)
settle = jax.jit(settled, static_argnames="plan")


def crowd_of(values, wealth):
    return Crowd(jnp.asarray(values), jnp.asarray(wealth), nothing(GOODS))


@pytest.mark.parametrize("money", ["budget", "fisher"])
def test_directions_solve_the_linearised_equations(money):
    """Excess supply and its derivatives are taken by finite differences."""
    values, supply, wealth = market(12)
    terms, logs = terms_for(supply, wealth), np.log([0.3, 0.5, 0.4, 0.6])

    def gradient(logs, eps):
        course = course_at(jnp.asarray(logs), eps)
        return supply * np.exp(logs) - np.asarray(
            sums_at(values, wealth, course, terms, money).spent
        )

    course, step = course_at(jnp.asarray(logs), 0.3), 1e-6
    newton, tangent = directions(course, sums_at(values, wealth, course, terms, money), terms)
    moves = step * np.eye(GOODS)
    second = [gradient(logs + e, 0.3) - gradient(logs - e, 0.3) for e in moves]
    second = np.stack(second, axis=1) / (2 * step)
    by_eps = (gradient(logs, 0.3 + step) - gradient(logs, 0.3 - step)) / (2 * step)
    assert np.allclose(newton, -np.linalg.solve(second, gradient(logs, 0.3)), atol=1e-6)
    assert np.allclose(tangent, -np.linalg.solve(second, by_eps), atol=1e-6)


def test_a_good_without_a_price_stays_where_it_is():
    values, supply, wealth = market(12)
    terms = terms_for(supply, wealth)._replace(priced=jnp.asarray([True, False, True, True]))
    course = course_at(jnp.zeros(GOODS), 0.3)
    sums = sums_at(values, wealth, course, terms, "fisher")
    newton, tangent = directions(course, sums, terms)
    assert sums.spent[1] == newton[1] == tangent[1] == 0 and np.all(np.isfinite(newton))
    assert float(quote_of(course, terms, "float32").rates[1]) == 0


@pytest.mark.parametrize("money", ["budget", "fisher"])
@pytest.mark.parametrize("tol", [1e-4, 1e-10])
def test_a_course_ends_where_the_tolerance_is_reached(money, tol):
    values, supply, wealth = market(12)
    terms = terms_for(supply, wealth, tol)
    first = beginning(jnp.full(GOODS, 0.4), jnp.asarray(values.max(axis=0)), terms, money)
    last = settle(crowd_of(values, wealth), first, terms, Plan(money, 200))
    sums = sums_at(values, wealth, last, terms, money)
    prices = np.asarray(sums.spent) / supply
    assert last.done and last.eps < first.eps
    assert np.allclose(np.log(prices), last.base + last.logs, atol=tol)
    assert sums.lost <= tol * sums.stake
    # There is nothing left to do, and what is done stays.
    again = advance(last, sums, terms)
    assert again.done and np.array_equal(again.logs, last.logs) and again.eps == last.eps


def test_steps_and_the_floor_end_a_course_early():
    values, supply, wealth = market(12)
    terms, crowd = terms_for(supply, wealth), crowd_of(values, wealth)
    first = course_at(jnp.zeros(GOODS), 0.3)
    short = settle(crowd, first, terms, Plan("fisher", 3))
    assert int(short.steps) == 3 and not short.done
    coarse = settle(crowd, first, terms._replace(floor=jnp.float64(0.05)), Plan("fisher", 200))
    assert not coarse.done and coarse.eps <= 0.05


def test_a_shrink_that_goes_too_far_is_taken_back_by_half():
    values, supply, wealth = market(12)
    terms, crowd = terms_for(supply, wealth), crowd_of(values, wealth)
    start = settle(
        crowd,
        course_at(jnp.zeros(GOODS), 0.3),
        terms._replace(floor=jnp.float64(0.1)),
        Plan("fisher", 200),
    )
    # From prices that solve one ε, shrink it ten thousandfold without following the tangent.
    fork = Fork(start.logs, jnp.zeros(GOODS), start.eps, jnp.float64(1e-4))
    bold = start._replace(eps=start.eps * 1e-4, shrunk=jnp.asarray(True), fork=fork)
    after = advance(bold, sums_at(values, wealth, bold, terms, "fisher"), terms)
    assert after.reach > homotopy.FAR
    assert float(after.eps) == pytest.approx(float(start.eps) * 1e-2)
    assert np.allclose(after.logs, start.logs) and after.shrunk


def test_without_a_fork_eps_grows_where_prices_are_far():
    values, supply, wealth = market(12)
    terms = terms_for(supply, wealth)
    far = course_at(jnp.asarray([3.0, -3.0, 0.0, 1.0]), 1e-3)
    after = advance(far, sums_at(values, wealth, far, terms, "fisher"), terms)
    assert float(after.eps) == pytest.approx(4e-3) and not after.shrunk


def test_a_step_that_is_no_number_is_not_taken():
    values, supply, wealth = market(12)
    terms, course = terms_for(supply, wealth), course_at(jnp.zeros(GOODS), 0.3)
    sums = sums_at(values, wealth, course, terms, "fisher")
    after = advance(course, sums._replace(spent=sums.spent * jnp.nan), terms)
    assert np.array_equal(after.logs, course.logs) and not after.done and after.steps == 1


def test_the_base_takes_over_what_is_far_from_it():
    course = course_at(jnp.ones(GOODS), 1e-9)._replace(logs=jnp.full(GOODS, 1e-3))
    new = homotopy._rebased(course)
    assert np.allclose(new.base, 1.001) and np.all(new.logs == 0)
    assert np.allclose(new.fork.logs, course.fork.logs - 1e-3)
    near = course._replace(logs=jnp.full(GOODS, 1e-8))
    assert np.array_equal(homotopy._rebased(near).logs, near.logs)


@pytest.mark.parametrize("money", ["budget", "fisher"])
def test_a_crowd_is_followed_by_a_part_of_it_with_the_same_end(money):
    """Far fewer steps ask everybody; prices are those of asking everybody always."""
    values, supply, wealth = market(CROWD + 200, rich=2.0)
    terms, crowd = terms_for(supply, wealth, 1e-8), crowd_of(values, wealth)
    first = course_at(jnp.zeros(GOODS), 0.3)
    plan = Plan(money, 200)
    parts = settle(crowd, first, terms, plan)
    whole = settle(crowd, first, terms, Plan(money, 200, share=10**9))
    assert parts.done and whole.done and parts.steps <= whole.steps / 2
    assert np.allclose(parts.base + parts.logs, whole.base + whole.logs, atol=1e-5)


def test_those_far_from_indifference_are_held_still():
    values, supply, wealth = market(12)
    terms, course = terms_for(supply, wealth), course_at(jnp.zeros(GOODS), 0.1)
    everyone = sums_at(values, wealth, course, terms, "budget")
    near = sums_at(values[:5], wealth[:5], course, terms, "budget")
    others = sums_at(values[5:], wealth[5:], course, terms, "budget")
    rest = still(everyone, near)
    assert np.allclose(rest.spent, others.spent) and np.allclose(rest.stake, others.stake)
    assert rest.lost == 0 and not np.any(rest.pull)


def test_prices_may_move_half_as_far_as_the_next_agent_is_from_indifference():
    edge = jnp.zeros(GOODS), jnp.float64(0.5)
    assert holds(course_at(jnp.full(GOODS, 0.2), 1e-3), edge)
    assert not holds(course_at(jnp.full(GOODS, 0.26), 1e-3), edge)
    assert not holds(course_at(jnp.zeros(GOODS), 0.05), edge)
