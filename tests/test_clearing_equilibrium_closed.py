"""Formulas against the interior point method, a root of each good's demand, and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import brentq

import catallax as cx
from catallax._errors import InvalidSetting
from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._closed import ClosedForm
from catallax.clearing.equilibrium._market import Market

AGENTS, GOODS = 4, 3
RANDOM = np.random.default_rng(5)
WEIGHTS = RANDOM.uniform(0.2, 2, (AGENTS, GOODS))
FALLING = np.sort(RANDOM.uniform(0.2, 2, (AGENTS, GOODS, 2)))[..., ::-1]
SUPPLY, WEALTH = np.array([1.0, 2.0, 0.7]), np.array([0.3, 0.5, 0.2, 0.4])
SHARES = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)

STRICT = {
    "quadratic": cv.Quadratic(2 * WEIGHTS, 3 * WEIGHTS[:, ::-1]),
    "logarithmic": cv.Logarithmic(WEIGHTS, np.array([0.5, 1.0, 2.0])),
}
SEPARABLE = {
    **STRICT,
    "linear": cv.Linear(WEIGHTS),
    "pieces": cv.PiecewiseLinear(FALLING, np.full(FALLING.shape, 0.4)),
    "mixed": cv.Mixed((cv.Linear(WEIGHTS[:2] / 3), cv.Logarithmic(WEIGHTS[:2], 1.0))),
}
WHOLE = {
    "linear": cv.Linear(WEIGHTS[:1]),
    "substitutes": cv.CES(WEIGHTS[:1], 0.5),
    "complements": cv.CES(WEIGHTS[:1], -1.0, 3.0),
    "cobb-douglas": cv.CobbDouglas(SHARES[:1], 3.0),
    "leontief": cv.Leontief(WEIGHTS[:1]),
}


def solved(values, supply=SUPPLY, wealth=WEALTH, money="none", method=ClosedForm(), tol=1e-9):
    wealth = wealth[: values.agents]
    return cx.equilibrium(values, supply, wealth, money=money, method=method, tol=tol)


@pytest.mark.parametrize("name", SEPARABLE)
def test_values_that_add_up_are_certified_good_by_good(name):
    found = solved(SEPARABLE[name])
    assert found.method == "ClosedForm" and found.certificate.violation < 1e-13
    assert np.all(found.bundles >= 0)
    assert found.bundles.sum(axis=0) == pytest.approx(SUPPLY, rel=1e-14)


@pytest.mark.parametrize("name", STRICT)
def test_the_interior_point_method_finds_the_same_where_that_is_unique(name):
    found, other = solved(STRICT[name]), solved(STRICT[name], method=cx.InteriorPoint())
    assert found.prices == pytest.approx(other.prices, rel=1e-7)
    assert found.bundles == pytest.approx(other.bundles, abs=1e-6)


def test_a_root_of_demand_is_the_price():
    slopes, curves = 2 * WEIGHTS, 3 * WEIGHTS[:, ::-1]
    for good, price in enumerate(solved(STRICT["quadratic"]).prices):

        def excess(p, good=good):
            return np.sum(np.maximum(slopes[:, good] - p, 0) / curves[:, good]) - SUPPLY[good]

        root = brentq(excess, 0, 9, xtol=1e-15) if excess(0) > 0 else 0.0
        assert price == pytest.approx(root, abs=1e-14)


def test_what_more_than_everybody_wants_is_free_and_left_over():
    found = solved(STRICT["quadratic"], supply=np.array([1.0, 99.0, 0.7]))
    assert found.prices[1] == 0 and found.certificate.leftover[1] > 90


@settings(max_examples=40)
@given(
    values=hnp.arrays(np.float64, (AGENTS, GOODS), elements=st.sampled_from([0.0, 0.5, 1.0, 3.0])),
    supply=hnp.arrays(np.float64, GOODS, elements=st.floats(0.1, 1e3)),
)
def test_linear_goods_cost_their_highest_value_and_are_all_given_out(values, supply):
    values[0] = np.maximum(values[0], 0.5)  # reduction takes out goods that nobody wants
    found = solved(cv.Linear(values), supply)
    assert found.prices.tolist() == values.max(axis=0).tolist()
    assert found.bundles.sum(axis=0) == pytest.approx(supply, rel=1e-14)
    assert np.all(found.bundles >= 0) and np.all(found.bundles[values < values.max(axis=0)] == 0)


@settings(max_examples=25)
@given(
    widths=hnp.arrays(np.float64, (AGENTS, GOODS, 2), elements=st.sampled_from([0.0, 0.3, 1.0])),
    supply=hnp.arrays(np.float64, GOODS, elements=st.floats(0.1, 5)),
)
def test_any_steps_of_demand_are_certified(widths, supply):
    values = cv.PiecewiseLinear(FALLING.round(1), widths)
    assert solved(values, supply).certificate.violation < 1e-13


def test_cobb_douglas_prices_are_shares_of_money():
    found = solved(cv.CobbDouglas(SHARES), money="fisher")
    assert found.prices == pytest.approx(WEALTH @ SHARES / SUPPLY, rel=1e-15)
    assert found.bundles == pytest.approx(SHARES * WEALTH[:, None] / found.prices, rel=1e-14)
    other = solved(cv.CobbDouglas(SHARES), money="fisher", method=cx.InteriorPoint())
    assert found.prices == pytest.approx(other.prices, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "money"),
    [(name, "budget") for name in WHOLE]
    + [("substitutes", "none"), ("linear", "cap"), ("complements", "cap"), ("leontief", "fisher")],
)
@pytest.mark.parametrize("rich", [0.3, 30.0])
def test_an_agent_alone_gets_everything(name, money, rich):
    wealth = np.array([rich])
    found = solved(WHOLE[name], wealth=wealth, money=money)
    assert found.certificate.violation < 1e-12
    worth = float(WHOLE[name].worth(jnp.asarray(SUPPLY[None], jnp.float32))[0])
    if money == "fisher" or (money == "budget" and worth > rich):
        assert found.prices @ SUPPLY == pytest.approx(rich, rel=1e-12)
    elif money == "cap" and worth > rich:
        assert found.all_caps_met and np.all(found.prices == 0)
    else:
        assert found.prices @ SUPPLY == pytest.approx(worth, rel=1e-5)


# --- what it does not do


@pytest.mark.parametrize(
    ("values", "money"),
    [
        (cv.Linear(WEIGHTS), "budget"),
        (cv.CES(WEIGHTS, 0.5), "none"),
        (cv.CES(WEIGHTS, 0.5), "fisher"),
        (cv.Logarithmic(WEIGHTS[:1], 1.0), "budget"),
        (cv.Mixed((cv.CobbDouglas(SHARES), cv.Linear(WEIGHTS))), "fisher"),
    ],
)
def test_other_markets_are_refused(values, money):
    market = Market(values, jnp.ones(GOODS), jnp.ones(values.agents), money)
    assert "Only three kinds" in ClosedForm().serves(market)
    with pytest.raises(InvalidSetting, match="Only three kinds"):
        cx.equilibrium(values, SUPPLY, np.ones(values.agents), money=money, method=ClosedForm())


def test_halving_refuses_derivatives_and_formulas_have_them():
    def price(values, money):
        ones = jnp.ones(GOODS), jnp.ones(AGENTS)
        return ClosedForm().find(Market(values, *ones, money), 1e-6).prices[0]

    with exact():
        with pytest.raises(InvalidSetting, match="ClosedForm was asked for a derivative"):
            jax.eval_shape(jax.grad(lambda v: price(cv.Linear(v), "none")), jnp.asarray(WEIGHTS))
        slopes = jax.grad(lambda a: price(cv.CobbDouglas(a), "fisher"))(jnp.asarray(SHARES))
        assert np.array_equal(slopes, [[1, 0, 0]] * AGENTS)
