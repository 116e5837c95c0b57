"""Budgets with values that are not of degree 1: known equilibria, SciPy, and random markets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, root

from catallax._errors import InvalidSetting, NotConverged
from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._certificate import certificate_of
from catallax.clearing.equilibrium._interior_method import InteriorPoint
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.equilibrium._solve import equilibrium
from catallax.clearing.equilibrium._weighted import WeightedWelfare, default_method

GOODS = 4
TOL = 1e-6


def solve(market):
    found = WeightedWelfare().find(market, TOL)
    return found, certificate_of(market, found.prices, found.bundles)


PROGRAM = jax.jit(solve)


def solved(valuations, supply, wealth, money):
    with exact():
        market = Market(valuations, jnp.asarray(supply), jnp.asarray(wealth), money)
        return jax.tree.map(np.asarray, PROGRAM(market))


def everybody(seed):
    """Two agents of each kind, from starved to rich."""
    rng = np.random.default_rng(seed)
    a = [rng.uniform(0.1, 2, (2, GOODS)) for _ in range(5)]
    half = rng.uniform(0, 1, (2, GOODS, 2))
    families = (
        cv.Logarithmic(a[0], rng.uniform(0.2, 2, (2, GOODS))),
        cv.Quadratic(a[1], rng.uniform(0.2, 2, (2, GOODS))),
        cv.PiecewiseLinear(
            np.stack([a[2], 0.5 * a[2]], axis=2), rng.uniform(0.1, 1, (2, GOODS, 2))
        ),
        cv.CoupledQuadratic(a[3], np.einsum("ijk,ilk->ijl", half, half)),
        cv.Linear(a[4]),
    )
    theta = 10 ** rng.uniform(-1.5, 0.5)
    return cv.Mixed(families), rng.uniform(0.5, 2, GOODS), theta * rng.uniform(0.5, 1.5, 10)


@pytest.mark.parametrize("money", ["budget", "fisher"])
def test_random_markets_of_all_kinds_are_certified(money):
    for seed in range(40):
        found, certificate = solved(*everybody(seed), money)
        assert certificate.violation <= TOL, seed
        assert np.all(found.prices >= 0) and found.steps <= 60, seed


def test_money_is_left_over_only_at_a_weight_of_one_and_all_of_it_is_paid_below():
    binding = 0
    for seed in range(40):
        valuations, supply, wealth = everybody(seed)
        found, _ = solved(valuations, supply, wealth, "budget")
        idle = 1 - found.bundles @ found.prices / wealth
        assert np.all(idle >= -TOL), seed
        assert np.all(np.minimum(np.maximum(idle, 0), 1 - found.spending) <= 1e-3), seed
        binding += np.sum(found.spending < 0.9)
    assert binding > 50


def test_two_equal_agents_share_by_hand():
    # half a unit each is worth 3 / 1.5 at the margin; 1/4 of money each buys it at a price of 1/2
    values = cv.Logarithmic(np.full((2, 1), 3.0), 1.0)
    poor = equilibrium(values, [1.0], [0.25, 0.25], money="budget", tol=1e-8)
    assert poor.method == "WeightedWelfare" and poor.result is Result.CERTIFIED
    assert poor.prices == pytest.approx([0.5], rel=1e-6)
    assert poor.spending == pytest.approx([0.25, 0.25], rel=1e-5)
    rich = equilibrium(values, [1.0], [10.0, 10.0], money="budget", tol=1e-8)
    assert rich.prices == pytest.approx([2.0], rel=1e-6)
    assert rich.spending == pytest.approx([1.0, 1.0], rel=1e-5)
    # the poor agent pays what it has, the rich one what the margin is worth to it: p (1/4p) …
    mixed = equilibrium(values, [1.0], [0.25, 10.0], money="budget", tol=1e-8)
    p = brentq(lambda p: 0.25 / p + (3 / p - 1) - 1, 0.5, 3)
    assert mixed.prices == pytest.approx([p], rel=1e-6)


def test_who_wants_no_more_keeps_its_money():
    supply, wealth = np.ones(GOODS), np.full(10, 1.0)
    valuations, _, _ = everybody(0)
    a, q = np.full((2, GOODS), 1.0), np.full((2, GOODS), 40.0)
    parts = list(valuations.families)
    parts[1] = cv.Quadratic(a, q)  # a 40th of a unit is enough
    found, certificate = solved(cv.Mixed(tuple(parts)), supply, wealth, "fisher")
    assert certificate.violation <= TOL
    assert found.bundles[2:4] == pytest.approx(np.full((2, GOODS), 1 / 40), rel=1e-3)
    assert np.all(found.bundles[2:4] @ found.prices < 0.5 * wealth[2:4])


def log_demand(prices, scales, offsets, wealth):
    """`x_j = max(0, a_j / (t p_j) − c_j)`, with the least t ≥ 1 that can be paid."""

    def wanted(t):
        return np.maximum(scales / (t * prices) - offsets, 0)

    if prices @ wanted(1.0) <= wealth:
        return wanted(1.0)
    return wanted(brentq(lambda t: prices @ wanted(t) - wealth, 1.0, 1e6, xtol=1e-14))


def test_scipy_finds_the_same_prices_of_logarithmic_agents():
    rng = np.random.default_rng(3)
    scales, offsets = rng.uniform(0.5, 2, (2, 2)), rng.uniform(0.2, 0.6, (2, 2))
    for wealth in (np.array([0.3, 0.2]), np.array([0.4, 5.0])):
        eq = equilibrium(
            cv.Logarithmic(scales, offsets), np.ones(2), wealth, money="budget", tol=1e-9
        )

        def excess(logs, wealth=wealth):
            each = zip(scales, offsets, wealth, strict=True)
            return sum(log_demand(np.exp(logs), a, c, w) for a, c, w in each) - 1

        oracle = root(excess, np.log(eq.prices * [1.2, 0.9]), tol=1e-12)
        assert oracle.success
        assert eq.prices == pytest.approx(np.exp(oracle.x), rel=1e-6)


def test_a_straight_quadratic_is_the_linear_market_of_the_interior_point_method():
    rng = np.random.default_rng(0)
    a, wealth = rng.uniform(0.5, 2, (2, 2)), np.array([0.3, 0.7])
    straight = equilibrium(cv.Quadratic(a, np.zeros_like(a)), np.ones(2), wealth, money="budget")
    linear = equilibrium(cv.Linear(a), np.ones(2), wealth, money="budget")
    assert (straight.method, linear.method) == ("WeightedWelfare", "InteriorPoint")
    assert straight.prices == pytest.approx(linear.prices, rel=1e-6)


@given(st.integers(0, 10**6), st.floats(0.01, 100))
@settings(max_examples=15)
def test_the_unit_of_money_does_not_matter(seed, factor):
    valuations, supply, wealth = everybody(seed)
    one, before = solved(valuations, supply, wealth, "budget")
    changed = cv.Mixed(
        (
            cv.Logarithmic(valuations.families[0].scales * factor, valuations.families[0].offsets),
            *(type(f)(f.slopes * factor, f.curvatures * factor) for f in valuations.families[1:2]),
            cv.PiecewiseLinear(
                valuations.families[2].slopes * factor, valuations.families[2].widths
            ),
            *(type(f)(f.slopes * factor, f.curvatures * factor) for f in valuations.families[3:4]),
            cv.Linear(valuations.families[4].values * factor),
        )
    )
    other, after = solved(changed, supply, wealth * factor, "budget")
    assert before.violation <= TOL and after.violation <= TOL
    assert other.prices == pytest.approx(factor * one.prices, rel=1e-4, abs=1e-6 * factor)


def test_steps_that_run_out_are_said_to_have():
    values = cv.Logarithmic(np.array([[3.0, 1.0], [1.0, 2.0]]), 1.0)
    short = WeightedWelfare(steps=1)
    eq = equilibrium(values, np.ones(2), np.ones(2), money="budget", method=short, throw=False)
    assert eq.result is Result.NOT_CONVERGED and eq.certificate.violation > 1e-6
    with pytest.raises(NotConverged, match="WeightedWelfare stopped after"):
        equilibrium(values, np.ones(2), np.ones(2), money="budget", method=short)


def test_it_is_the_default_only_where_no_programme_is_convex():
    log, linear = cv.Logarithmic(np.ones((2, 2)), 1.0), cv.Linear(np.ones((2, 2)))
    for money in ("budget", "fisher"):
        assert default_method(log, money) == WeightedWelfare()
        assert default_method(linear, money) == InteriorPoint()
    for money in ("none", "cap"):
        assert default_method(log, money) == InteriorPoint()
    with pytest.raises(InvalidSetting, match="Without budgets"):
        equilibrium(log, np.ones(2), np.ones(2), money="cap", method=WeightedWelfare())
    with pytest.raises(InvalidSetting, match="steps=0"):
        WeightedWelfare(steps=0)
