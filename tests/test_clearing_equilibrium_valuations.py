"""Families of valuations: worths by hand, degree 1, duality of worth and unit cost."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._types import exact
from catallax.clearing.equilibrium.valuations import (
    CES,
    CobbDouglas,
    Concave,
    CoupledQuadratic,
    Homogeneous,
    Leontief,
    Linear,
    Logarithmic,
    Mixed,
    PiecewiseLinear,
    Quadratic,
    Valuations,
)

BUNDLE = np.array([[2.0, 3.0]])
BY_HAND = [
    (Linear([[1.0, 10.0]]), 32.0),
    (CES([[1.0, 1.0]], -1.0), 1.2),
    (CES([[2.0, 0.0]], 0.5), 8.0),
    (CES([[1.0, 1.0]], 0.5, 3.0), 3 * (np.sqrt(2) + np.sqrt(3)) ** 2),
    (CobbDouglas([[0.5, 0.5]], 2.0), 2 * np.sqrt(6)),
    (Leontief([[4.0, 1.0]], 6.0), 3.0),
    (Leontief([[0.0, 1.0]]), 3.0),
    (Quadratic([[3.0, 1.0]], [[1.0, 0.0]]), 7.0),
    (Logarithmic([[2.0, 1.0]], [[1.0, 1.5]]), 3 * np.log(3)),
    (PiecewiseLinear([[[5.0, 1.0], [2.0, 2.0]]], [[[1.0, 9.0], [1.0, 1.0]]]), 10.0),
    (PiecewiseLinear([[[5.0], [2.0]]], [[[np.inf], [np.inf]]]), 16.0),
    (CoupledQuadratic([[3.0, 3.0]], [[[1.0, 1.0], [1.0, 1.0]]]), 2.5),
    (Concave(lambda a, x: a * jnp.sum(x), np.array([2.0]), goods=2), 10.0),
]


@pytest.mark.parametrize(("family", "worth"), BY_HAND, ids=lambda x: type(x).__name__)
def test_a_worth_worked_by_hand(family, worth):
    with exact():
        assert float(family.worth(jnp.asarray(BUNDLE))[0]) == pytest.approx(worth)
    assert isinstance(family, Valuations)
    assert (family.agents, family.goods) == (1, 2)


HOMOGENEOUS = {
    "linear": lambda a: Linear(a),
    "substitutes": lambda a: CES(a, 0.7),
    "complements": lambda a: CES(a, -3.0),
    "extreme complements": lambda a: CES(a, -80.0),
    "cobb-douglas": lambda a: CobbDouglas(a / a.sum(axis=1, keepdims=True)),
    "leontief": lambda a: Leontief(a),
}
NUMBERS = st.lists(st.floats(0.1, 10.0), min_size=9, max_size=9)


@pytest.mark.parametrize("name", HOMOGENEOUS)
@given(numbers=NUMBERS, factor=st.floats(0.1, 10.0))
def test_degree_one_and_no_bundle_cheaper_than_its_worth(name, numbers, factor):
    numbers = np.asarray(numbers).reshape(3, 3)
    family, bundle, prices = HOMOGENEOUS[name](numbers[:1]), numbers[1:2], numbers[2]
    assert isinstance(family, Homogeneous)
    with exact():
        worth = float(family.worth(jnp.asarray(bundle))[0])
        more = float(family.worth(jnp.asarray(bundle * factor))[0])
        unit = float(family.unit_cost(jnp.asarray(prices))[0])
    assert more == pytest.approx(worth * factor, rel=1e-9)
    assert bundle[0] @ prices >= unit * worth * (1 - 1e-9)


def test_the_kind_of_a_ces_is_read_off_rho_and_kept():
    assert CES([[1.0]], 0.5).substitutes is True
    assert CES([[1.0]], np.array([-0.5])).substitutes is False
    assert CES([[1.0]], -0.5, substitutes=True).substitutes is True


def test_mixed_families_answer_in_their_order():
    mixed = Mixed((Linear([[1.0, 2.0]]), Leontief([[1.0, 1.0], [2.0, 1.0]])))
    with exact():
        worth = mixed.worth(jnp.asarray([[1.0, 1.0], [2.0, 3.0], [2.0, 3.0]]))
        np.testing.assert_allclose(worth, [3.0, 2.0, 1.0])
        np.testing.assert_allclose(mixed.unit_cost(jnp.asarray([1.0, 4.0])), [1.0, 5.0, 6.0])
    assert (mixed.agents, mixed.goods, mixed.homogeneous) == (3, 2, True)
    assert not Mixed((Logarithmic([[1.0]], 1.0),)).homogeneous
