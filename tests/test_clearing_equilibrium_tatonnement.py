"""Tatonnement: each step as the formula says, where it ends, and where it does not."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import catallax as cx
from catallax._errors import InvalidMarket, InvalidSetting
from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._tatonnement import Tatonnement, tatonnement_path

AGENTS, GOODS = 4, 3
RANDOM = np.random.default_rng(7)
WEIGHTS = RANDOM.uniform(0.2, 2, (AGENTS, GOODS))
SHARES = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)
RHO = np.array([0.3, 0.5, 0.6, 0.4])
SUPPLY, WEALTH = np.array([1.0, 2.0, 0.7]), np.array([0.3, 0.5, 0.2, 0.4])
MARKETS = {
    "ces": (cv.CES(WEIGHTS, RHO), "fisher"),
    "cobb-douglas": (cv.CobbDouglas(SHARES), "fisher"),
    "mixed": (cv.Mixed((cv.CobbDouglas(SHARES[:2]), cv.CES(WEIGHTS[2:], 0.5))), "fisher"),
    "logarithmic": (cv.Logarithmic(WEIGHTS, 1.0), "none"),
    "quadratic": (cv.Quadratic(2 * WEIGHTS, 2 * WEIGHTS[:, ::-1]), "none"),
}


def wanted(name, p, wealth=WEALTH):
    """Demand at prices by the formulas of textbooks."""
    if name == "ces":
        sigma = 1 / (1 - RHO[:, None])
        parts = WEIGHTS**sigma * p ** (1 - sigma)
        return parts / parts.sum(axis=1, keepdims=True) * wealth[:, None] / p
    if name == "cobb-douglas":
        return SHARES * wealth[:, None] / p
    if name == "logarithmic":
        return np.maximum(WEIGHTS / p - 1, 0)
    return np.maximum(2 * WEIGHTS - p, 0) / (2 * WEIGHTS[:, ::-1])


@settings(max_examples=12)
@given(
    name=st.sampled_from(["ces", "cobb-douglas", "logarithmic", "quadratic"]),
    start=hnp.arrays(np.float64, GOODS, elements=st.floats(0.01, 10)),
)
def test_every_step_is_the_formula(name, start):
    """Prices rise by no more than e^η, however much is wanted, and never to 0 or below."""
    values, money = MARKETS[name]
    path = tatonnement_path(values, SUPPLY, WEALTH, money=money, rate=0.3, steps=4, start=start)
    assert path.shape == (5, GOODS) and path[0] == pytest.approx(start)
    for before, after in pairwise(path):
        excess = (wanted(name, before).sum(axis=0) - SUPPLY) / SUPPLY
        assert after == pytest.approx(before * np.exp(0.3 * np.minimum(excess, 1)), rel=1e-12)
        assert np.all(after > 0) and np.all(after <= before * np.exp(0.3) * (1 + 1e-12))


@pytest.mark.parametrize("name", MARKETS)
def test_it_ends_in_the_equilibrium_where_the_interior_point_method_does(name):
    values, money = MARKETS[name]
    rate = 0.3 if money == "fisher" else 0.1
    found = cx.equilibrium(values, SUPPLY, WEALTH, money=money, method=Tatonnement(rate))
    assert found.method == "Tatonnement" and found.certificate.violation <= 1e-6
    if name in ("mixed", "quadratic"):
        other = cx.equilibrium(values, SUPPLY, WEALTH, money=money, method=cx.InteriorPoint())
        assert found.prices == pytest.approx(other.prices, rel=1e-4)


def test_a_warm_start_takes_fewer_steps():
    values, money = MARKETS["ces"]
    options = {"money": money, "method": Tatonnement()}
    cold = cx.equilibrium(values, SUPPLY, WEALTH, **options)
    again = cx.equilibrium(values, SUPPLY, WEALTH, **options, start=cold.warm)
    assert int(again.steps) == 0 < int(cold.steps)


def test_prices_settle_where_steps_are_small_and_swing_where_they_are_large():
    """Cobb-Douglas demand is spending over price: what is off by log ε is off by (1 − η) ε next."""
    values, _ = MARKETS["cobb-douglas"]
    prices = WEALTH @ SHARES / SUPPLY

    def off(rate):
        path = tatonnement_path(
            values, SUPPLY, WEALTH, money="fisher", rate=rate, steps=60, start=1.01 * prices
        )
        return np.abs(np.log(path / prices)).max(axis=1)

    assert off(0.5)[10] == pytest.approx(off(0.5)[0] / 2**10, rel=0.02)
    assert off(2.5)[-1] > 0.1


def test_what_starts_at_no_given_price_starts_where_all_money_buys_all_goods():
    values, money = MARKETS["ces"]
    path = tatonnement_path(values, SUPPLY, WEALTH, money=money, steps=1)
    assert path[0] == pytest.approx(np.full(GOODS, WEALTH.sum() / SUPPLY.sum()))
    values, money = MARKETS["quadratic"]
    assert tatonnement_path(values, SUPPLY, money=money, steps=1)[0].tolist() == [1.0] * GOODS


# --- what it does not do


def test_other_markets_are_refused_in_a_sentence():
    def reason(values, money):
        return Tatonnement().serves(Market(values, SUPPLY, WEALTH, money))

    linear = cv.Linear(WEIGHTS)
    assert "Linear" in reason(linear, "fisher") and "Linear" in reason(linear, "none")
    assert "complements" in reason(cv.CES(WEIGHTS, -1.0), "fisher")
    assert '"budget"' in reason(MARKETS["ces"][0], "budget")
    with pytest.raises(InvalidSetting, match="money='budget'"):
        tatonnement_path(MARKETS["ces"][0], SUPPLY, WEALTH, money="budget")


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"rate": 0.0}, InvalidSetting, "rate=0.0"),
        ({"rate": float("inf")}, InvalidSetting, "rate=inf"),
        ({"steps": 0}, InvalidSetting, "steps=0"),
        ({"supply": np.array([1.0, 0.0, 1.0])}, InvalidMarket, "supply"),
        ({"start": np.zeros(GOODS)}, InvalidMarket, "start"),
    ],
)
def test_bad_input_is_named(changed, error, said):
    given = {"supply": SUPPLY, "money": "fisher", **changed}
    with pytest.raises(error, match=said):
        tatonnement_path(MARKETS["ces"][0], wealth=WEALTH, **given)


def test_derivatives_of_the_way_are_refused():
    values, money = MARKETS["ces"]

    def price(wealth):
        return Tatonnement().find(Market(values, SUPPLY, wealth, money), 0.1).prices[0]

    with exact(), pytest.raises(InvalidSetting, match="Tatonnement was asked"):
        jax.eval_shape(jax.jacfwd(price), jnp.asarray(WEALTH))
