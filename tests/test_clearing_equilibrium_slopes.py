"""Slopes, costs and units of families, against jax.grad and against their own definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium import valuations
from catallax.clearing.equilibrium._costs import costs_of
from catallax.clearing.equilibrium._scaling import in_shares, times
from catallax.clearing.equilibrium._slopes import slopes_of

RANDOM = np.random.default_rng(1)
WEIGHTS = RANDOM.uniform(0.3, 1.5, (4, 3))
SHARES = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)
WIDTHS = RANDOM.uniform(0.2, 1.0, (4, 3, 2))

BY_QUANTITY = {
    "linear": valuations.Linear(WEIGHTS),
    "ces": valuations.CES(WEIGHTS, np.array([0.1, 0.5, 0.9, 0.99]), 1.7),
    "quadratic": valuations.Quadratic(WEIGHTS, WEIGHTS / 3),
    "logarithmic": valuations.Logarithmic(WEIGHTS, np.array([0.5, 1.0, 2.0])),
}
BY_COST = {
    "leontief": valuations.Leontief(WEIGHTS, 0.6),
    "cobb-douglas": valuations.CobbDouglas(SHARES, np.array([1.0, 2.0, 3.0, 0.5])),
    "ces": valuations.CES(WEIGHTS, np.array([-0.1, -1.0, -5.0, -30.0]), 1.7),
}
OTHERS = {
    "pieces": valuations.PiecewiseLinear(np.stack([WEIGHTS, WEIGHTS / 2], axis=2), WIDTHS),
    "coupled": valuations.CoupledQuadratic(WEIGHTS, np.stack(4 * [np.eye(3)])),
    "concave": valuations.Concave(lambda a, x: jnp.log1p(jnp.sum(a * x)), WEIGHTS, goods=3),
}
EVERY = {**BY_QUANTITY, **{f"{name} by cost": f for name, f in BY_COST.items()}, **OTHERS}


@pytest.mark.parametrize("name", BY_QUANTITY)
def test_slopes_and_bends_are_the_derivatives(name):
    family, bundle = BY_QUANTITY[name], RANDOM.uniform(0.2, 1.0, (4, 3))
    with exact():
        seen = slopes_of(family, jnp.asarray(bundle))
        np.testing.assert_allclose(seen.worth, family.worth(jnp.asarray(bundle)))
        slope = jax.grad(lambda goods: jnp.sum(family.worth(goods)))(jnp.asarray(bundle))
        np.testing.assert_allclose(seen.slope, slope, rtol=1e-9)
        curvature = -jax.hessian(lambda goods: jnp.sum(family.worth(goods)))(jnp.asarray(bundle))
        for agent in range(4):
            bend = jnp.zeros((3, 3)) if seen.bend is None else jnp.diag(seen.bend[agent])
            if seen.pull is not None:
                outer = jnp.outer(seen.slope[agent], seen.slope[agent])
                bend = bend - seen.pull[agent] * outer
            np.testing.assert_allclose(bend, curvature[agent, :, agent], atol=1e-8)


@pytest.mark.parametrize("name", BY_COST)
def test_recipes_are_the_cheapest_way_to_a_worth_of_one(name):
    family, prices = BY_COST[name], jnp.asarray(RANDOM.uniform(0.5, 2.0, 3), jnp.float32)
    with exact():
        prices = jnp.asarray(np.asarray(prices, np.float64))
        costs = costs_of(family, prices)
        np.testing.assert_allclose(family.worth(costs.recipe), 1.0, rtol=1e-9)
        np.testing.assert_allclose(costs.recipe @ prices, costs.unit, rtol=1e-9)
        np.testing.assert_allclose(costs.recipe, jax.jacobian(family.unit_cost)(prices), rtol=1e-8)
        bend = jax.jacobian(jax.jacobian(family.unit_cost))(prices)
        for agent in range(4):
            recipe, unit = costs.recipe[agent], costs.unit[agent]
            expected = jnp.outer(recipe, recipe) / unit - jnp.diag(recipe / prices)
            np.testing.assert_allclose(costs.sigma[agent] * expected, bend[agent], atol=1e-8)


@pytest.mark.parametrize("name", EVERY)
def test_shares_and_units_do_not_change_what_a_bundle_is_worth(name):
    family, shares = EVERY[name], RANDOM.uniform(0.2, 0.6, (4, 3))
    supply, factor = np.array([0.5, 2.0, 7.0]), np.array([1.0, 2.0, 0.1, 5.0])
    with exact():
        there = times(in_shares(family, jnp.asarray(supply)), jnp.asarray(factor))
        here = family.worth(jnp.asarray(shares * supply)) * factor
        np.testing.assert_allclose(there.worth(jnp.asarray(shares)), here, rtol=1e-9)


def test_what_has_another_form_is_refused():
    with pytest.raises(TypeError, match="Leontief"):
        slopes_of(BY_COST["leontief"], jnp.ones((4, 3)))
    with pytest.raises(TypeError, match="Linear"):
        costs_of(BY_QUANTITY["linear"], jnp.ones(3))
