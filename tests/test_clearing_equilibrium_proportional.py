"""Proportional response: each step as the formula says, conserved money and goods, its end."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import catallax as cx
from catallax._errors import InvalidSetting, NotConverged
from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._proportional import (
    LEAST,
    ProportionalResponse,
    Purses,
    responded,
)

AGENTS, GOODS = 4, 3
RANDOM = np.random.default_rng(6)
WEIGHTS = RANDOM.uniform(0.2, 2, (AGENTS, GOODS))
SHARES = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)
RHO = np.array([0.3, 0.5, 0.6, 0.8])
SUPPLY, WEALTH = np.array([1.0, 2.0, 0.7]), np.array([0.3, 0.5, 0.2, 0.4])
FAMILIES = {
    "linear": cv.Linear(WEIGHTS),
    "ces": cv.CES(WEIGHTS, RHO, 1.5),
    "cobb-douglas": cv.CobbDouglas(SHARES, 3.0),
    "mixed": cv.Mixed((cv.Linear(WEIGHTS[:2]), cv.CES(WEIGHTS[2:], 0.5))),
}


@partial(jax.jit, static_argnames="money")
def respond(values, supply, wealth, purses, money):
    return responded(Market(values, supply, wealth, money), purses)


def stepped(values, supply, wealth, bids, kept, money):
    with exact():
        purses = Purses(jnp.asarray(bids), jnp.asarray(kept))
        arrays = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (values, supply, wealth))
        return jax.tree.map(np.asarray, respond(*arrays, purses, money))


def gains_of(name, x):
    """What each good contributes to worth: x times the slope of the textbook formula."""
    if name == "linear":
        return WEIGHTS * x
    if name == "cobb-douglas":
        return SHARES * 3 * np.prod(x**SHARES, axis=1, keepdims=True)
    rho = RHO[:, None]
    powers = WEIGHTS * x**rho
    return 1.5 * powers * powers.sum(axis=1, keepdims=True) ** (1 / rho - 1)


@pytest.mark.parametrize("money", ["budget", "fisher"])
@pytest.mark.parametrize("name", ["linear", "ces", "cobb-douglas"])
def test_a_step_is_the_formula(name, money):
    parts = np.random.default_rng(1).dirichlet(np.ones(GOODS + 1), AGENTS) * WEALTH[:, None]
    bids, kept = parts[:, :GOODS], parts[:, GOODS] * (money == "budget")
    found = stepped(FAMILIES[name], SUPPLY, WEALTH, bids, kept, money)
    x = bids / (bids.sum(axis=0) / SUPPLY)
    gains = gains_of(name, x)
    utility = gains.sum(axis=1) + kept
    assert found.bids == pytest.approx(WEALTH[:, None] * gains / utility[:, None], rel=1e-13)
    assert found.kept == pytest.approx(WEALTH * kept / utility, rel=1e-13)


@settings(max_examples=60)
@given(
    parts=hnp.arrays(np.float64, (AGENTS, GOODS + 1), elements=st.floats(1e-3, 1)),
    wealth=hnp.arrays(np.float64, AGENTS, elements=st.sampled_from([0.0, 1e-6, 0.5, 3.0, 1e6])),
    supply=hnp.arrays(np.float64, GOODS, elements=st.floats(0.01, 100)),
    money=st.sampled_from(["budget", "fisher"]),
    name=st.sampled_from(sorted(FAMILIES)),
)
def test_money_is_conserved_step_after_step(parts, wealth, supply, money, name):
    if money == "fisher":
        parts[:, GOODS] = 0
    purses = parts / parts.sum(axis=1, keepdims=True) * wealth[:, None]
    bids, kept = purses[:, :GOODS], purses[:, GOODS]
    for _ in range(3):
        bids, kept = stepped(FAMILIES[name], supply, wealth, bids, kept, money)
        assert np.all(bids >= 0) and np.all(kept >= 0)
        assert bids.sum(axis=1) + kept == pytest.approx(wealth, rel=1e-12)
    if money == "fisher":
        assert np.all(kept == 0)


def test_a_bid_that_nearly_died_can_come_back():
    bids = np.full((AGENTS, GOODS), 1e-200)
    bids[:, 0] = WEALTH
    found = stepped(FAMILIES["linear"], SUPPLY, WEALTH, bids, 0 * WEALTH, "fisher")
    assert np.all(found.bids >= LEAST * WEALTH[:, None])


@pytest.mark.parametrize("money", ["budget", "fisher"])
@pytest.mark.parametrize("name", FAMILIES)
def test_it_ends_in_the_equilibrium_where_the_interior_point_method_does(name, money):
    arguments = FAMILIES[name], SUPPLY, WEALTH
    found = cx.equilibrium(*arguments, money=money, tol=1e-5, method=ProportionalResponse())
    assert found.method == "ProportionalResponse" and found.certificate.violation <= 1e-5
    if name in ("linear", "mixed"):
        other = cx.equilibrium(*arguments, money=money, method=cx.InteriorPoint())
        assert found.prices == pytest.approx(other.prices, rel=1e-2)
    # Goods clear and nobody overspends, not only within the tolerance.
    assert found.bundles.sum(axis=0) == pytest.approx(SUPPLY, rel=1e-12)
    assert np.all(found.bundles @ found.prices <= WEALTH * (1 + 1e-12))


def test_who_is_rich_keeps_money():
    found = cx.equilibrium(
        FAMILIES["linear"], SUPPLY, 99 * WEALTH, money="budget", method=ProportionalResponse()
    )
    assert found.prices == pytest.approx(WEIGHTS.max(axis=0), rel=1e-3)


def test_a_warm_start_goes_on_from_where_the_last_one_ended():
    arguments = FAMILIES["linear"], SUPPLY, WEALTH
    options = {"money": "fisher", "tol": 1e-4, "method": ProportionalResponse()}
    cold = cx.equilibrium(*arguments, **options)
    again = cx.equilibrium(*arguments, **options, start=cold.warm)
    assert int(again.steps) <= int(cold.steps) / 2


def test_steps_that_run_out_are_reported():
    arguments = FAMILIES["linear"], SUPPLY, WEALTH
    few = ProportionalResponse(steps=7)
    found = cx.equilibrium(*arguments, money="fisher", tol=1e-9, method=few, throw=False)
    assert int(found.steps) == 7 and found.result is cx.Result.NOT_CONVERGED
    with pytest.raises(NotConverged, match="ProportionalResponse stopped after 7"):
        cx.equilibrium(*arguments, money="fisher", tol=1e-9, method=few)


def test_other_markets_are_refused_in_a_sentence():
    def reason(values, money):
        return ProportionalResponse().serves(Market(values, SUPPLY, WEALTH, money))

    assert reason(FAMILIES["mixed"], "budget") is None
    assert '"cap"' in reason(FAMILIES["linear"], "cap")
    assert "overshoot" in reason(cv.CES(WEIGHTS, -1.0), "fisher")
    assert "Leontief" in reason(cv.Leontief(WEIGHTS), "fisher")
    with pytest.raises(InvalidSetting, match="steps=0"):
        ProportionalResponse(steps=0)


def test_derivatives_of_the_way_are_refused():
    def price(wealth):
        return (
            ProportionalResponse()
            .find(Market(FAMILIES["linear"], SUPPLY, wealth, "fisher"), 0.1)
            .prices[0]
        )

    with exact(), pytest.raises(InvalidSetting, match="ProportionalResponse was asked"):
        jax.eval_shape(jax.jacfwd(price), jnp.asarray(WEALTH))
