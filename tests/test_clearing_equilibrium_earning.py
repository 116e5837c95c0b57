"""Incomes that prices move: the Newton equations that they add, each checked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._earning import Earning, bought_with
from catallax.clearing.equilibrium._interior_start import block_of
from catallax.clearing.equilibrium._payment import RULES

PRICES = np.array([0.5, 1.0, 1.5])
STEP = np.array([0.02, -0.01, 0.03])
MU, LEVY = 0.01, 2.0
OWNED = np.array([[0.2, 0.3, 0.5], [0.8, 0.7, 0.5]])
FAMILIES = {
    "linear": cv.Linear(np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0]])),
    "ces": cv.CES(np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0]]), np.array([0.5, 0.25])),
    "complements": cv.CES(np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0]]), np.array([-1.0, -2.0])),
    "cobb": cv.CobbDouglas(np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]])),
    "leontief": cv.Leontief(np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0]])),
}


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_direction_spends_the_income_that_new_prices_bring(kind):
    with exact():
        inner = block_of(FAMILIES[kind], jnp.ones(2), RULES["fisher"])
        block = Earning(inner, jnp.asarray(OWNED), jnp.asarray(LEVY))
        p, dp = jnp.asarray(PRICES), jnp.asarray(STEP)
        state = block.begin(p, 0.4)
        seen = block.look(state, p)
        total, kept = block.constant(state, seen, MU, None)
        shares = block.follow(state, seen, kept, dp)
        way = jax.tree.map(jnp.multiply, state, shares)
        beta, change = np.asarray(state.purse.beta), np.asarray(way.purse.beta)
        if hasattr(state, "bundle"):
            worth, slope = np.asarray(seen.inner.slopes.worth), seen.inner.slopes.slope
            gain = np.sum(np.asarray(slope * way.bundle), axis=1)
        else:
            worth, gain = np.asarray(state.amount), np.asarray(way.amount)
        income = OWNED @ PRICES
        # v + dv = w/β − w dβ/β² + dw/β, with dw = e·dp less the levy
        due = income / beta - income * change / beta**2
        due = due + (OWNED @ STEP - LEVY * MU * income) / beta
        assert worth + gain == pytest.approx(due, abs=1e-12)
        response = block.response(state, seen)
        columns, weights = np.asarray(response.columns), np.asarray(response.weights)
        matrix = np.diag(np.asarray(response.diagonal)) + np.asarray(response.matrix)
        matrix = matrix - (columns * weights[:, None]).T @ columns
        tiny = 1e-6
        there = type(state)(*(_moved(a, b, tiny) for a, b in zip(state, way, strict=True)))
        moves = (_held(block, there, p + tiny * dp) - _held(block, state, p)) / tiny
        assert moves == pytest.approx(np.asarray(total) - matrix @ STEP, rel=1e-4, abs=1e-6)


def _held(block, state, prices):
    return np.sum(np.asarray(block.bundles(state, block.look(state, prices))), axis=0)


def _moved(at, way, length):
    if isinstance(at, tuple):
        return type(at)(*(_moved(a, b, length) for a, b in zip(at, way, strict=True)))
    return at + length * way


def test_misses_are_those_of_a_fisher_market_at_these_incomes():
    with exact():
        inner = block_of(FAMILIES["cobb"], jnp.ones(2), RULES["fisher"])
        block = Earning(inner, jnp.asarray(OWNED), jnp.asarray(LEVY))
        p = jnp.asarray(PRICES)
        state = block.begin(p, 0.4)
        fixed = inner._replace(wealth=jnp.asarray(OWNED @ PRICES))
        meant = fixed.misses(state, fixed.look(state, p), p)
        assert float(block.misses(state, block.look(state, p), p)) == float(meant)


def test_a_block_of_another_kind_buys_nothing():
    with pytest.raises(TypeError, match="str"):
        bought_with("block", None, None)
