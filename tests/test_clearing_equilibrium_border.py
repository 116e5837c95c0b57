"""What comes in becomes a market in 64 bits, or an error that names what is wrong with it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._errors import (
    InvalidMarket,
    InvalidSetting,
    NotConcave,
    NotConverged,
    UnboundedDemand,
)
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._border import floats, market_of

TWO = np.array([[1.0, 2.0], [2.0, 1.0]])
ONE = np.ones(2)
GOOD = {"valuations": cv.Linear(TWO), "supply": ONE, "wealth": ONE, "money": "budget"}


def spoiled(array, at, value):
    array = np.array(array, float)
    array[at] = value
    return array


# --- what is right


@pytest.mark.parametrize(
    "numbers", [np.float32, np.int64, jnp.asarray, np.ndarray.tolist, lambda a: a.astype(object)]
)
def test_any_numbers_become_64_bits(numbers):
    market = market_of(cv.Linear(numbers(TWO)), numbers(ONE), numbers(ONE), "cap")
    for array in (market.valuations.values, market.supply, market.wealth):
        assert type(array) is np.ndarray
        assert array.dtype == np.float64
    assert market.valuations.values.tolist() == TWO.tolist()
    assert market.money == "cap"


def test_one_number_stands_for_all():
    ces = market_of(cv.CES(TWO, 0.5, 2.0), ONE, ONE, "fisher").valuations
    assert (ces.rho.tolist(), ces.scale.tolist(), ces.substitutes) == ([0.5] * 2, [2.0] * 2, True)
    below = market_of(cv.CES(TWO, [-1, -2]), ONE, ONE, "fisher").valuations
    assert below.substitutes is False
    logs = market_of(cv.Logarithmic(TWO, [1, 2]), ONE, ONE, "none").valuations
    assert logs.offsets.tolist() == [[1, 2], [1, 2]]
    curved = market_of(cv.Quadratic(TWO, 0.5), ONE, ONE, "none").valuations
    assert curved.curvatures.tolist() == [[0.5, 0.5]] * 2


def test_families_of_families_are_families():
    inner = cv.Mixed((cv.Linear(TWO), cv.Leontief(TWO)))
    market = market_of(cv.Mixed((inner, cv.Linear(TWO))), ONE, np.ones(6), "budget")
    assert [type(family) for family in market.families] == [cv.Linear, cv.Leontief, cv.Linear]
    alone = market_of(cv.Mixed((cv.Linear(TWO),)), ONE, ONE, "budget")
    assert type(alone.valuations) is cv.Linear


def test_wealth_is_asked_for_only_where_it_matters():
    assert market_of(cv.Linear(TWO), ONE, None, "none").wealth.tolist() == [1, 1]
    assert market_of(cv.Linear(TWO), ONE, [5, 0], "none").wealth.tolist() == [1, 1]
    with pytest.raises(InvalidMarket, match=r"^wealth .* None"):
        market_of(cv.Linear(TWO), ONE, None, "cap")


def test_nothing_is_changed_for_the_caller():
    values, bits = TWO.copy(), jax.config.jax_enable_x64
    market_of(cv.Concave(lambda a, x: jnp.sum(jnp.sqrt(a * x)), values, 2), ONE, ONE, "none")
    assert values.tolist() == TWO.tolist()
    assert jax.config.jax_enable_x64 is bits


def test_what_is_traced_is_not_called_wrong():
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.jit(lambda array: floats("supply", array))(ONE)


# --- what is wrong


@pytest.mark.parametrize("name", ["supply", "wealth"])
@pytest.mark.parametrize(
    "bad", [np.nan, np.inf, -1e-9, "shape", "words", "complex", "ragged", "none"]
)
@pytest.mark.parametrize("money", ["none", "budget"])
def test_amounts_that_mean_nothing_are_named(name, bad, money):
    wrong = {
        "shape": np.ones(3),
        "words": ["1", "2"],
        "complex": ONE * 1j,
        "ragged": [[1], [1, 2]],
        "none": [1.0, None],
    }
    value = wrong[bad] if bad in wrong else [1.0, bad]
    with pytest.raises(InvalidMarket, match=rf"^{name}"):
        market_of(**(GOOD | {name: value, "money": money}))


@pytest.mark.parametrize("money", ["barter", None, ["cap"], 3])
def test_a_rule_that_is_none_is_named(money):
    with pytest.raises(InvalidMarket, match=r"^money=.*fisher"):
        market_of(**(GOOD | {"money": money}))


HALF = TWO / 3
PIECES, WIDTHS = np.ones((2, 2, 3)), np.ones((2, 2, 3))
CURVED = np.broadcast_to(np.eye(2), (2, 2, 2))
FIELDS = [
    (cv.Linear, {"values": TWO}, "values"),
    (cv.CES, {"weights": TWO, "rho": 0.5}, "weights"),
    (cv.CES, {"weights": TWO, "rho": 0.5 * ONE}, "rho"),
    (cv.CES, {"weights": TWO, "rho": 0.5, "scale": ONE}, "scale"),
    (cv.CobbDouglas, {"shares": HALF}, "shares"),
    (cv.CobbDouglas, {"shares": HALF, "scale": ONE}, "scale"),
    (cv.Leontief, {"needs": TWO}, "needs"),
    (cv.Leontief, {"needs": TWO, "scale": ONE}, "scale"),
    (cv.Quadratic, {"slopes": TWO, "curvatures": TWO}, "slopes"),
    (cv.Quadratic, {"slopes": TWO, "curvatures": TWO}, "curvatures"),
    (cv.Logarithmic, {"scales": TWO, "offsets": TWO}, "scales"),
    (cv.Logarithmic, {"scales": TWO, "offsets": TWO}, "offsets"),
    (cv.PiecewiseLinear, {"slopes": PIECES, "widths": WIDTHS}, "slopes"),
    (cv.PiecewiseLinear, {"slopes": PIECES, "widths": WIDTHS}, "widths"),
    (cv.CoupledQuadratic, {"slopes": TWO, "curvatures": CURVED}, "slopes"),
    (cv.CoupledQuadratic, {"slopes": TWO, "curvatures": CURVED}, "curvatures"),
]


@pytest.mark.parametrize(("family", "fields", "name"), FIELDS)
def test_every_field_of_a_family_is_looked_at(family, fields, name):
    market_of(family(**fields), ONE, ONE, "budget")
    last = (-1,) * np.ndim(fields[name])
    for bad in (np.nan, np.inf, -1.0):
        wrong = family(**(fields | {name: spoiled(fields[name], last, bad)}))
        if (name, bad) in {("widths", np.inf), ("rho", -1.0)}:
            market_of(wrong, ONE, ONE, "budget")
            continue
        with pytest.raises((InvalidMarket, NotConcave), match=rf"^valuations.*{name}"):
            market_of(wrong, ONE, ONE, "budget")
    with pytest.raises(InvalidMarket, match=rf"^valuations.*{name}"):
        market_of(family(**(fields | {name: "much"})), ONE, ONE, "budget")
    with pytest.raises(InvalidMarket, match=r"^valuations"):
        market_of(family(**(fields | {name: np.ones((2, 5, 5, 5))})), ONE, ONE, "budget")


@pytest.mark.parametrize("rho", [1.0, 1.5, 0.0, -np.inf, np.nan])
def test_a_power_that_is_none_is_refused(rho):
    with pytest.raises(InvalidMarket, match=r"^valuations.*rho\[1\]|^valuations holds NaN in rho"):
        market_of(cv.CES(TWO, [0.5, rho]), ONE, ONE, "fisher")


def test_shares_sum_to_1():
    market_of(cv.CobbDouglas(HALF * (1 + 1e-10)), ONE, ONE, "fisher")
    with pytest.raises(InvalidMarket, match=r"^valuations.shares\[1\] sum to 1.00000001"):
        market_of(cv.CobbDouglas(HALF * np.array([[1], [1 + 1e-8]])), ONE, ONE, "fisher")


def test_scales_are_above_0():
    for scale in (0.0, [1.0, -1.0]):
        with pytest.raises(InvalidMarket, match=r"^valuations.scale\[\d\].*above 0"):
            market_of(cv.Leontief(TWO, scale), ONE, ONE, "fisher")


def test_worth_out_of_nothing_is_unbounded():
    with pytest.raises(UnboundedDemand, match=r"^valuations.needs\[1\]"):
        market_of(cv.Leontief([[1.0, 0.0], [0.0, 0.0]]), ONE, ONE, "fisher")


def test_slopes_that_rise_are_not_concave():
    with pytest.raises(NotConcave, match=r"^valuations.slopes\[0, 1\] rise from 1.0 to 2.0"):
        market_of(cv.PiecewiseLinear([[[2.0, 1], [1, 2]]], 1.0), ONE, [1.0], "none")


def test_curvatures_below_0_are_not_concave():
    with pytest.raises(NotConcave, match=r"^valuations.curvatures\[0, 1\] is -0.1"):
        market_of(cv.Quadratic(TWO, [[0.0, -0.1], [0.0, 0.0]]), ONE, ONE, "none")
    saddle = np.array([np.eye(2), [[1.0, 2.0], [2.0, 1.0]]])
    with pytest.raises(NotConcave, match=r"^valuations.curvatures\[1\] has an eigenvalue of -1"):
        market_of(cv.CoupledQuadratic(TWO, saddle), ONE, ONE, "none")


def test_a_singular_curvature_is_concave_and_a_lopsided_one_is_none():
    low_rank = np.einsum("ij,ik->ijk", TWO, TWO)
    market_of(cv.CoupledQuadratic(TWO, 1e9 * low_rank), ONE, ONE, "none")
    market_of(cv.CoupledQuadratic(TWO, 0 * low_rank), ONE, ONE, "none")
    lopsided = low_rank + np.array([[0, 0.1], [0, 0]])
    with pytest.raises(InvalidMarket, match=r"^valuations.curvatures\[0\] is not symmetric"):
        market_of(cv.CoupledQuadratic(TWO, lopsided), ONE, ONE, "none")


@pytest.mark.parametrize(
    ("valuations", "says"),
    [
        (TWO, "valuations is a ndarray"),
        (cv.Mixed((cv.Linear(np.ones((1, 2))), cv.Linear(np.ones((1, 3))))), "families of"),
        (cv.Mixed(()), "valuations.families has the shape"),
        (cv.Mixed((cv.Linear(TWO), "more")), "valuations is a str"),
        (cv.Linear(ONE), r"valuations.values has the shape \(2,\)"),
        (cv.Linear(np.ones((0, 2))), r"valuations.values has the shape \(0, 2\)"),
        (cv.Concave("root", TWO, 2), "valuations.function is a str"),
        (cv.Concave(jnp.sum, TWO, 0), "valuations.goods is 0"),
        (cv.Concave(jnp.sum, (), 2), "valuations.parameters has the shapes"),
        (cv.Concave(jnp.sum, (TWO, np.ones(3)), 2), "valuations.parameters has the shapes"),
        (cv.Concave(jnp.sum, (3.0,), 2), "valuations.parameters has the shapes"),
        (cv.Concave(jnp.sum, spoiled(TWO, 0, np.nan), 2), "valuations holds NaN"),
    ],
)
def test_valuations_that_are_none_are_named(valuations, says):
    with pytest.raises(InvalidMarket, match=says):
        market_of(valuations, ONE, ONE, "none")


# --- through the front door


def test_an_exhausted_count_of_steps_is_an_error_or_a_result():
    values = cv.Linear(np.random.default_rng(0).uniform(0.1, 1, (6, 5)))
    hurried = {"wealth": np.ones(6), "money": "budget", "method": cx.InteriorPoint(steps=2)}
    with pytest.raises(NotConverged, match="after 2 steps"):
        cx.equilibrium(values, np.ones(5), **hurried)
    found = cx.equilibrium(values, np.ones(5), **hurried, throw=False)
    assert found.result is cx.Result.NOT_CONVERGED
    assert found.certificate.violation > 1e-6
    assert found.steps == 2
    with pytest.raises(InvalidSetting, match=r"^steps=0"):
        cx.InteriorPoint(steps=0)
    with pytest.raises(InvalidMarket, match=r"^supply"):
        cx.equilibrium(values, np.ones(4), **hurried, throw=False)
