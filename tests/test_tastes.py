import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax import tastes
from catallax._errors import InvalidSetting
from catallax._types import exact
from catallax.clearing.equilibrium import valuations
from catallax.industries import Household, Sight, Taste, Want

GOODS = ("salt", "bread", "beer")
SIGHT = Sight(np.zeros(()), np.zeros(2), np.zeros(2))


def worth(taste, bundle, memory=None, sight=SIGHT):
    """Of one bundle of all goods."""
    with exact():
        values = taste.valuation(GOODS, taste.first() if memory is None else memory, sight)
        return float(values.worth(jnp.asarray([bundle]))[0])


def per_unit(parameters, sight, bundle):
    return jnp.sum(parameters * bundle)


def by_the_step(sight, bundle):
    return sight.step * jnp.log1p(bundle[1]) + sight.forecasts[0] * bundle[0]


amounts = st.floats(0.1, 9.0)


@given(amounts, amounts, amounts, st.sampled_from([0.3, 0.8, 2.5]))
def test_ces_is_its_formula(weight, bread, beer, substitution):
    taste = tastes.CES({"beer": 2.0, "bread": weight}, substitution, scale=3.0)
    power = 1 - 1 / substitution
    expected = 3.0 * (weight * bread**power + 2.0 * beer**power) ** (1 / power)
    assert worth(taste, [5.0, bread, beer]) == pytest.approx(expected)


@given(amounts, amounts)
def test_cobb_douglas_is_its_formula(bread, beer):
    taste = tastes.CobbDouglas({"bread": 0.25, "beer": 0.75}, scale=3.0)
    assert worth(taste, [5.0, bread, beer]) == pytest.approx(3.0 * bread**0.25 * beer**0.75)


def test_a_function_sees_the_step_the_prices_and_its_own_goods():
    taste = tastes.FunctionTaste(("beer", "bread"), by_the_step)
    sight = Sight(np.array(3.0), np.array([0.5, 9.0]), np.zeros(2))
    expected = 3.0 * np.log1p(4.0) + 0.5 * 2.0
    assert worth(taste, [7.0, 4.0, 2.0], sight=sight) == pytest.approx(expected)


def kalman(belief, bundle, error, noise, drift):
    """The filter in plain numbers, for a model that is linear."""
    theta, doubt = (np.array(part) for part in belief)
    gain = doubt @ bundle / (noise + bundle @ doubt @ bundle)
    theta = np.maximum(theta + gain * error, 0.0)
    doubt = (np.eye(len(theta)) - np.outer(gain, bundle)) @ doubt + drift * np.eye(len(theta))
    return theta, doubt


def test_learning_is_a_kalman_filter():
    taste = tastes.LearnedTaste(("bread", "beer"), per_unit, (5.0, 4.0), 9.0, 0.5, 0.01)
    draw = np.random.default_rng(0)
    with exact():
        belief, expected = taste.first(), (np.array([5.0, 4.0]), 9.0 * np.eye(2))
        for bundle in draw.exponential(size=(20, 2)):
            value = bundle @ [2.0, 3.0] + 0.1 * draw.standard_normal()
            error = value - bundle @ expected[0]
            belief = taste.learned(belief, SIGHT, jnp.asarray(bundle), jnp.asarray(value))
            expected = kalman(expected, bundle, error, 0.5, 0.01)
            for part, other in zip(belief, expected, strict=True):
                np.testing.assert_allclose(part, other, rtol=1e-9)
    np.testing.assert_allclose(expected[0], [2.0, 3.0], atol=0.5)


def test_what_was_never_had_stays_hoped_for():
    taste = tastes.LearnedTaste(("bread", "beer"), per_unit, (5.0, 4.0))
    with exact():
        belief = taste.first()
        for _ in range(9):
            bundle, value = jnp.asarray([2.0, 0.0]), jnp.asarray(2.0)
            belief = taste.learned(belief, SIGHT, bundle, value)
    np.testing.assert_allclose(belief.parameters, [1.0, 4.0], atol=1e-4)


def test_what_is_learnt_is_what_is_bid():
    taste = tastes.LearnedTaste(("beer",), per_unit, (5.0,))
    sight = Sight(np.zeros(()), np.zeros(1), np.zeros(1))
    with exact():
        belief = taste.first()._replace(parameters=jnp.asarray([1.5]))
    assert worth(taste, [9.0, 9.0, 2.0], belief, sight) == 3.0


def test_families_are_those_of_equilibrium():
    each = (
        (tastes.CES({"bread": 1.0}, 2.0), valuations.CES, True),
        (tastes.CobbDouglas({"bread": 1.0}), valuations.CobbDouglas, True),
        (tastes.FunctionTaste(("bread",), by_the_step), valuations.Concave, False),
        (tastes.LearnedTaste(("bread",), per_unit, (1.0,)), valuations.Concave, False),
    )
    for taste, family, homogeneous in each:
        assert isinstance(taste, Taste)
        one = Sight(np.zeros(()), np.zeros(1), np.zeros(1))
        values = jax.tree.map(np.asarray, taste.valuation(GOODS, taste.first(), one))
        assert isinstance(values, family)
        assert values.homogeneous is homogeneous


REFUSED = (
    (lambda: tastes.CES({"bread": 1.0}, 1.0), "divides by 0"),
    (lambda: tastes.CES({"bread": 1.0}, 0.0), "substitution"),
    (lambda: tastes.CES({"bread": -1.0}, 2.0), "weights of 'bread'"),
    (lambda: tastes.CES({"bread": 1.0}, 2.0, scale=0.0), "scale"),
    (lambda: tastes.CES((("bread", 1.0), ("bread", 2.0)), 2.0), "name a good twice"),
    (lambda: tastes.CobbDouglas({"bread": 0.5, "beer": 0.4}), "sum to 0.9"),
    (lambda: tastes.CobbDouglas({}), "sum to 0"),
    (lambda: tastes.FunctionTaste((), by_the_step), "each named once"),
    (lambda: tastes.LearnedTaste(("beer", "beer"), per_unit, (1.0,)), "each named once"),
    (lambda: tastes.LearnedTaste(("beer",), per_unit, (-1.0,)), r"parameters\[0\]"),
    (lambda: tastes.LearnedTaste(("beer",), per_unit, (1.0,), noise=0.0), "noise"),
    (lambda: tastes.LearnedTaste(("beer",), per_unit, (1.0,), drift=-1.0), "drift"),
    (lambda: Household("ann", 3.0), "wants=3.0"),
    (lambda: Household("ann", (Want("bread", 1.0),), beliefs="bread"), "beliefs='bread'"),
)


@pytest.mark.parametrize(("make", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_is_refused(make, says):
    with pytest.raises(InvalidSetting, match=says):
        make()


def test_a_household_knows_its_goods():
    beliefs = tastes.LearnedTaste(("beer", "bread"), per_unit, (1.0, 1.0))
    listed = Household("ann", [Want("bread", 2.0), Want("salt", 1.0)], beliefs)
    assert listed.goods == ("bread", "salt", "beer")
    assert (listed.taste, listed.bids_by) == (None, beliefs)
    known = Household("bob", tastes.CobbDouglas({"beer": 1.0}))
    assert (known.goods, known.listed) == (("beer",), ())
    assert known.taste is known.bids_by is known.wants
