"""The method that is taken where none is chosen, and what is tried after it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._errors import NotConverged
from catallax._types import exact
from catallax.clearing.equilibrium import _default
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._default import default_methods
from catallax.clearing.equilibrium._market import Market

CLOSED, INTERIOR, SMOOTHED = cx.ClosedForm(), cx.InteriorPoint(), cx.Smoothed()
WEIGHTED = cx.WeightedWelfare()
RANDOM = np.random.default_rng(9)
WEIGHTS = RANDOM.uniform(0.2, 2, (4, 3))
SUPPLY, WEALTH = np.array([1.0, 2.0, 0.7]), np.array([0.3, 0.5, 0.2, 0.4])


def methods(values, money, start=None):
    agents, goods = values.agents, values.goods
    return default_methods(Market(values, np.ones(goods), np.ones(agents), money), start)


def ones(agents, goods):
    return np.ones((agents, goods))


@pytest.mark.parametrize(
    ("values", "money", "expected"),
    [
        (cv.Linear(ones(5, 3)), "none", (CLOSED, INTERIOR)),
        (cv.Logarithmic(ones(5, 3), 1.0), "none", (CLOSED, INTERIOR)),
        (cv.CobbDouglas(ones(5, 3) / 3), "fisher", (CLOSED, INTERIOR)),
        (cv.CobbDouglas(ones(5, 3) / 3), "budget", (INTERIOR,)),
        (cv.CES(ones(5, 3), 0.5), "none", (INTERIOR,)),
        (cv.Leontief(ones(1, 3)), "cap", (CLOSED, INTERIOR)),
        (cv.Logarithmic(ones(5, 3), 1.0), "budget", (WEIGHTED,)),
        (cv.Logarithmic(ones(1, 3), 1.0), "budget", (WEIGHTED,)),
        (cv.Linear(ones(999, 3)), "budget", (INTERIOR,)),
        (cv.Linear(ones(1000, 3)), "budget", (SMOOTHED, INTERIOR)),
        (cv.Linear(ones(1000, 300)), "fisher", (INTERIOR,)),
        (cv.Linear(ones(1000, 3)), "cap", (INTERIOR,)),
        (cv.CES(ones(1000, 3), 0.5), "fisher", (INTERIOR,)),
        (
            cv.Mixed((cv.Linear(ones(800, 3)), cv.Linear(ones(200, 3)))),
            "fisher",
            (SMOOTHED, INTERIOR),
        ),
    ],
)
def test_the_first_method_is_the_fastest_that_serves(values, money, expected):
    assert methods(values, money) == expected
    market = Market(values, np.ones(values.goods), np.ones(values.agents), money)
    assert all(method.serves(market) is None for method in expected)


def test_what_is_too_large_for_the_interior_point_is_not_tried_with_it(monkeypatch):
    monkeypatch.setattr(_default, "HELD", 2999)
    assert methods(cv.Linear(ones(1000, 3)), "budget") == (SMOOTHED,)


def test_a_start_is_for_the_method_it_comes_from():
    values = cv.Linear(WEIGHTS)
    inner = cx.equilibrium(values, SUPPLY, WEALTH, money="none", method=INTERIOR)
    assert methods(values, "none", inner.warm) == (INTERIOR,)
    smooth = cx.equilibrium(values, SUPPLY, WEALTH, money="budget", method=SMOOTHED)
    assert methods(values, "budget", smooth.warm) == (SMOOTHED, INTERIOR)
    again = cx.equilibrium(values, SUPPLY, WEALTH, money="budget", start=smooth.warm)
    assert again.method == "Smoothed" and again.steps < smooth.steps
    assert again.prices == pytest.approx(smooth.prices, rel=1e-4)


def test_the_answer_says_which_method_gave_it():
    linear, cobb = cv.Linear(WEIGHTS), cv.CobbDouglas(WEIGHTS / WEIGHTS.sum(axis=1)[:, None])
    assert cx.equilibrium(linear, SUPPLY, money="none").method == "ClosedForm"
    assert cx.equilibrium(cobb, SUPPLY, WEALTH, money="fisher").method == "ClosedForm"
    assert cx.equilibrium(linear, SUPPLY, WEALTH, money="budget").method == "InteriorPoint"


def test_agents_added_by_padding_do_not_crowd_out_those_near_indifference():
    """Of 1536 agents 436 are added, more than the quarter that is followed between passes."""
    values, wealth = RANDOM.uniform(0.01, 1, (1100, 4)), RANDOM.lognormal(0, 0.5, 1100)
    found = cx.equilibrium(cv.Linear(values), np.ones(4), wealth / 500, money="budget")
    assert found.method == "Smoothed" and found.steps <= 15


@pytest.fixture
def hasty(monkeypatch):
    """Four agents are many, and smoothing gives up after a step."""
    monkeypatch.setattr(_default, "MANY", 4)
    monkeypatch.setattr(_default, "TO_A_GOOD", 1)
    monkeypatch.setattr(_default, "Smoothed", lambda: cx.Smoothed(steps=1))


def test_the_interior_point_tries_again_where_smoothing_misses(hasty):
    found = cx.equilibrium(cv.Linear(WEIGHTS), SUPPLY, WEALTH, money="budget")
    assert found.method == "InteriorPoint" and found.result is cx.Result.CERTIFIED
    # Of a method that was chosen nobody else makes up for the steps.
    chosen = cx.Smoothed(steps=1)
    with pytest.raises(NotConverged, match="Smoothed stopped after 1"):
        cx.equilibrium(cv.Linear(WEIGHTS), SUPPLY, WEALTH, money="budget", method=chosen)


def test_of_two_that_miss_the_nearer_is_handed_back(hasty, monkeypatch):
    arguments = {"valuations": cv.Linear(WEIGHTS), "supply": SUPPLY, "wealth": WEALTH}
    arguments |= {"money": "budget", "throw": False}
    alone = [
        cx.equilibrium(**arguments, method=method)
        for method in (cx.Smoothed(steps=1), cx.InteriorPoint(steps=1))
    ]
    monkeypatch.setattr(_default, "default_method", lambda *_: cx.InteriorPoint(steps=1))
    found = cx.equilibrium(**arguments)
    nearer = min(alone, key=lambda outcome: outcome.certificate.violation)
    assert found.result is cx.Result.NOT_CONVERGED
    assert found.method == nearer.method and np.array_equal(found.prices, nearer.prices)


# --- where markets are traced or stacked


def test_derivatives_do_not_meet_a_formula_that_has_none():
    """Of two quadratic agents who share a good: p = mean of slopes − curvature · supply / 2."""

    def price(slopes):
        values = cx.valuations.Quadratic(slopes, jnp.ones((2, 1)))
        return cx.equilibrium(values, jnp.ones(1), money="none", tol=1e-9).prices[0]

    with exact():
        slopes = jax.jit(jax.grad(price))(jnp.asarray([[3.0], [2.5]]))
    assert np.asarray(slopes) == pytest.approx(np.full((2, 1), 0.5), rel=1e-4)


def test_a_batch_takes_what_serves_its_kind_of_market():
    values = cx.valuations.Logarithmic(np.stack([WEIGHTS, 2 * WEIGHTS]), np.ones((2, 4, 3)))
    many = cx.equilibria(values, SUPPLY, WEALTH, money="budget")
    assert many.method == "WeightedWelfare" and (many.result == cx.Result.CERTIFIED).all()
    alone = cx.equilibrium(cv.Logarithmic(WEIGHTS, 1.0), SUPPLY, WEALTH, money="budget")
    assert many.prices[0] == pytest.approx(alone.prices, rel=1e-4)
