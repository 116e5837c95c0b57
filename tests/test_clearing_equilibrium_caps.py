"""Caps that can all be met at once: prices of exactly 0 and the smallest bundles that meet them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

import catallax as cx
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._caps import caps_are_met, least_bundles
from catallax.clearing.equilibrium._market import Market

seeds = st.integers(0, 10**6)


def linear_market(values, supply, wealth):
    return Market(cv.Linear(np.asarray(values, float)), np.asarray(supply, float), wealth, "cap")


def feasible(seed, n, m, tight):
    """A market whose caps can all be met, with a share of `tight` of what some bundles give."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 1, (n, m)) * (rng.uniform(size=(n, m)) < 0.8)
    values[np.arange(n), rng.integers(0, m, n)] += 0.1
    supply = rng.lognormal(0, 1, m)
    given_out = rng.dirichlet(np.ones(n), m).T * supply
    return linear_market(values, supply, tight * np.sum(values * given_out, axis=1))


def by_lawson_and_hanson(market):
    """The least distance of a polyhedron `G y ≥ h` from 0, by non-negative least squares."""
    values = market.valuations.values * market.supply / market.wealth[:, None]
    n, m = values.shape
    caps, room = np.zeros((n, n, m)), np.zeros((m, n, m))
    caps[np.arange(n), np.arange(n)] = values
    room[np.arange(m), :, np.arange(m)] = -1
    rows = np.concatenate([caps.reshape(n, -1), room.reshape(m, -1), np.eye(n * m)])
    ends = np.concatenate([np.ones(n), -np.ones(m), np.zeros(n * m)])
    wide = np.vstack([rows.T, ends])
    target = np.eye(n * m + 1)[-1]
    missed = wide @ nnls(wide, target)[0] - target
    return (-missed[:-1] / missed[-1]).reshape(n, m) * market.supply


@given(seed=seeds, tight=st.sampled_from([0.1, 0.6, 0.95]))
def test_the_least_bundles_are_those_of_a_general_solver(seed, tight):
    market = feasible(seed, 3, 3, tight)
    shares = least_bundles(market) / market.supply
    meant = by_lawson_and_hanson(market) / market.supply
    assert shares == pytest.approx(meant, abs=1e-7)


@given(seed=seeds, tight=st.sampled_from([0.01, 0.5, 0.9, 0.99]))
def test_they_meet_every_cap_exactly_and_overdraw_nothing(seed, tight):
    market = feasible(seed, 40, 9, tight)
    bundles = least_bundles(market)
    worth = np.sum(market.valuations.values * bundles, axis=1)
    assert worth == pytest.approx(market.wealth, rel=1e-9)
    assert np.all(bundles >= 0)
    assert np.all(bundles.sum(axis=0) <= market.supply * (1 + 1e-9))


def test_they_are_known_by_hand():
    # One agent, values 3 and 4 a share, a cap of 5: y = 5 (3, 4) / 25.
    market = linear_market([[1.5, 4.0]], [2.0, 1.0], np.array([5.0]))
    assert least_bundles(market) == pytest.approx(np.array([[1.2, 0.8]]))
    # Two who want the first good most, of which there is too little: both turn to the second.
    market = linear_market([[1.0, 0.5], [1.0, 0.5]], [1.0, 1.0], np.array([0.7, 0.7]))
    assert least_bundles(market) == pytest.approx(np.array([[0.5, 0.4], [0.5, 0.4]]))


def test_other_families_keep_what_was_found():
    logs = Market(cv.Logarithmic(np.ones((2, 2)), np.ones((2, 2))), np.ones(2), np.ones(2), "cap")
    assert least_bundles(logs) is None


def test_caps_that_cannot_be_met_have_no_least_bundles():
    assert least_bundles(linear_market([[1.0]], [1.0], np.array([1.01]))) is None


def test_met_means_both_that_caps_are_met_and_that_nothing_is_dear():
    market = linear_market([[1.0]], [1.0], np.array([1.0]))
    assert caps_are_met(market, np.array([1e-7]), np.array([1 - 1e-7]), 1e-6)
    assert not caps_are_met(market, np.array([0.5]), np.array([1.0]), 1e-6)
    assert not caps_are_met(market, np.array([0.0]), np.array([0.9]), 1e-6)


# --- through the front door

VALUES = np.random.default_rng(0).uniform(0.5, 1, (6, 5))


def test_nothing_has_a_price_where_all_caps_can_be_met():
    found = cx.equilibrium(cv.Linear(VALUES), np.ones(5), np.full(6, 0.3), money="cap")
    assert found.all_caps_met
    assert found.result is cx.Result.CERTIFIED
    assert np.all(found.prices == 0)
    assert np.all(found.spending == 0)
    assert np.sum(VALUES * found.bundles, axis=1) == pytest.approx(0.3, rel=1e-9)
    market = linear_market(VALUES, np.ones(5), np.full(6, 0.3))
    assert found.bundles == pytest.approx(least_bundles(market))
    assert found.certificate.leftover == pytest.approx(1 - found.bundles.sum(axis=0))
    assert found.certificate.leftover.min() > 0.4


def test_prices_return_where_one_cap_cannot_be_met():
    found = cx.equilibrium(cv.Linear(VALUES), np.ones(5), np.full(6, 3.0), money="cap")
    assert not found.all_caps_met
    assert np.all(found.prices == pytest.approx(VALUES.max(axis=0), rel=1e-5))


def test_a_cap_gives_nothing_where_a_budget_takes_all():
    # One buyer, one good, worth 10 to somebody with 1: free under a cap, 1 with a budget.
    one = cv.Linear([[10.0]])
    assert cx.equilibrium(one, [1.0], [1.0], money="cap").prices == 0
    assert cx.equilibrium(one, [1.0], [1.0], money="budget").prices == pytest.approx(1, rel=1e-5)
