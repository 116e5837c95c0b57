"""Demand is what maximises utility at prices: better than anything else that is tried."""

import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._demand import bought, demanded, useful

AGENTS, GOODS = 4, 3
RANDOM = np.random.default_rng(1)
WEIGHTS = RANDOM.uniform(0.2, 2, (AGENTS, GOODS))
WEIGHTS[0, 0] = 0.0
SHARES = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)
FALLING = np.sort(RANDOM.uniform(0, 2, (AGENTS, GOODS, 3)))[..., ::-1]
PRICES = np.array([0.9, 0.4, 1.1])
MOST = np.array([3.0, 2.0, 4.0])
WEALTH = RANDOM.uniform(0.5, 2, AGENTS)

SEPARABLE = {
    "linear": cv.Linear(WEIGHTS),
    "quadratic": cv.Quadratic(WEIGHTS, WEIGHTS),
    "straight": cv.Quadratic(WEIGHTS, 0 * WEIGHTS),
    "logarithmic": cv.Logarithmic(WEIGHTS, np.array([0.5, 1.0, 2.0])),
    "pieces": cv.PiecewiseLinear(FALLING, np.full(FALLING.shape, 0.7)),
}
SPENDING = {
    "substitutes": cv.CES(WEIGHTS, 0.5),
    "complements": cv.CES(WEIGHTS, np.array([-1.0, -2.0, -0.5, -9.0])),
    "cobb-douglas": cv.CobbDouglas(SHARES),
}


@pytest.mark.parametrize("name", SEPARABLE)
def test_no_other_amounts_bring_more(name):
    family, random = SEPARABLE[name], np.random.default_rng(2)
    with exact():
        best = np.asarray(demanded(family, jnp.asarray(PRICES), jnp.asarray(MOST)))
        surplus = np.asarray(family.worth(best)) - best @ PRICES
        for _ in range(50):
            other = random.uniform(0, 1, best.shape) * MOST
            assert np.all(np.asarray(family.worth(other)) - other @ PRICES <= surplus + 1e-12)
    assert np.all((best >= 0) & (best <= MOST)) and np.any(best > 0)


@pytest.mark.parametrize("name", SEPARABLE)
def test_the_least_is_wanted_at_a_tie_and_nothing_of_what_is_worthless(name):
    with exact():
        high = demanded(SEPARABLE[name], jnp.full(GOODS, 1e9), jnp.asarray(MOST))
        free = demanded(SEPARABLE[name], jnp.zeros(GOODS), jnp.asarray(MOST))
        tie = demanded(cv.Linear([[1.0]]), jnp.ones(1), jnp.ones(1))
    assert np.all(np.asarray(high) == 0) and float(tie[0, 0]) == 0
    if name != "pieces":
        assert float(free[0, 0]) == 0


@pytest.mark.parametrize("name", SPENDING)
def test_money_is_all_spent_and_on_the_best(name):
    family, random = SPENDING[name], np.random.default_rng(3)
    with exact():
        found = np.asarray(bought(family, jnp.asarray(PRICES), jnp.asarray(WEALTH)))
        assert np.allclose(found @ PRICES, WEALTH, rtol=1e-13)
        reached = np.asarray(family.worth(found))
        assert np.allclose(reached * np.asarray(family.unit_cost(jnp.asarray(PRICES))), WEALTH)
        for _ in range(50):
            spent = random.dirichlet(np.ones(GOODS), AGENTS) * WEALTH[:, None]
            assert np.all(np.asarray(family.worth(spent / PRICES)) <= reached * (1 + 1e-12))


def test_a_price_of_0_of_what_nobody_uses_spoils_nothing():
    with exact():
        prices = jnp.asarray([0.0, 0.4, 1.1])
        for family in (cv.CES(WEIGHTS[:1], 0.5), cv.CobbDouglas(SHARES[:1])):
            found = np.asarray(bought(family, prices, jnp.ones(1)))
            assert found[0, 0] == 0 and found[0] @ np.asarray(prices) == pytest.approx(1)


def test_goods_without_weight_are_of_no_use():
    whole = (cv.Linear(WEIGHTS), cv.CES(WEIGHTS, 0.5), cv.CobbDouglas(SHARES), cv.Leontief(WEIGHTS))
    for family in whole:
        assert np.array_equal(useful(family), WEIGHTS > 0)


@pytest.mark.parametrize("ask", [useful, lambda f: demanded(f, 1, 1), lambda f: bought(f, 1, 1)])
def test_other_families_have_no_formula(ask):
    with pytest.raises(TypeError, match="Concave"):
        ask(cv.Concave(jnp.sum, np.ones((1, 2)), 2))
