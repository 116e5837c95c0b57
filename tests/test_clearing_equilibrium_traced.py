"""Equilibria under vmap, jit and grad, in the caller's precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._types import exact

RANDOM = np.random.default_rng(3)
VALUES = RANDOM.uniform(0.2, 1.0, (5, 4, 3))
SUPPLY, WEALTH = np.array([1.0, 2.0, 0.7]), np.array([0.3, 0.5, 0.2, 0.4])


def solve(values, supply=SUPPLY, wealth=WEALTH, money="budget"):
    return cx.equilibrium(cx.valuations.Linear(values), supply, wealth, money=money)


def test_vmap_gives_what_single_calls_give():
    many = jax.jit(jax.vmap(solve))(jnp.asarray(VALUES))
    assert many.prices.dtype == jnp.float32
    assert (np.asarray(many.result) == cx.Result.CERTIFIED).all()
    for values, prices, bundles in zip(VALUES, many.prices, many.bundles, strict=True):
        alone = solve(values)
        np.testing.assert_allclose(prices, alone.prices, rtol=1e-4)
        np.testing.assert_allclose(bundles.sum(axis=0), alone.bundles.sum(axis=0), rtol=1e-4)


def smooth(weights, supply, wealth):
    found = cx.equilibrium(cx.valuations.CES(weights, 0.5), supply, wealth, money="fisher")
    return found.prices @ jnp.asarray([1.0, -2.0, 0.5]) + found.bundles[0, 1]


def differences(function, argument, step):
    """Central differences, one number at a time."""
    flat = np.ravel(argument)
    out = np.empty_like(flat)
    for place in range(flat.size):
        moved = np.stack([flat, flat])
        moved[:, place] += (-step, step)
        below, above = (function(row.reshape(argument.shape)) for row in moved)
        out[place] = (above - below) / (2 * step)
    return out.reshape(argument.shape)


# Of all arguments at once: a program each.
FUNCTION = jax.jit(smooth)
GRADIENT = jax.jit(jax.grad(smooth, (0, 1, 2)))
FORWARD = jax.jit(jax.jacfwd(smooth, (0, 1, 2)))


@pytest.mark.parametrize("place", [0, 1, 2], ids=["valuations", "supply", "wealth"])
def test_derivatives_are_those_of_finite_differences(place):
    arguments = [VALUES[0], SUPPLY, WEALTH]
    with exact():

        def along(argument):
            return float(FUNCTION(*arguments[:place], argument, *arguments[place + 1 :]))

        expected = differences(along, arguments[place], 1e-4)
        gradient = GRADIENT(*map(jnp.asarray, arguments))[place]
        np.testing.assert_allclose(gradient, expected, atol=2e-5)
        forward = FORWARD(*map(jnp.asarray, arguments))[place]
        np.testing.assert_allclose(forward, gradient, atol=1e-9)


def test_a_caller_in_single_precision_gets_gradients_in_it():
    arguments = [jnp.asarray(part, jnp.float32) for part in (VALUES[0], SUPPLY, WEALTH)]
    single = GRADIENT(*arguments)[0]
    assert single.dtype == jnp.float32
    with exact():
        double = GRADIENT(*map(jnp.asarray, (VALUES[0], SUPPLY, WEALTH)))[0]
    np.testing.assert_allclose(single, double, atol=1e-4)


def test_linear_markets_have_the_derivatives_of_their_relaxation():
    with exact():

        def price(wealth):
            values = cx.valuations.Linear(jnp.asarray(VALUES[0]))
            return cx.equilibrium(values, SUPPLY, wealth, money="fisher", tol=1e-8).prices[1]

        gradient = jax.jit(jax.grad(price))(jnp.asarray(WEALTH))
        # Prices in a Fisher market scale with money: Euler's theorem for degree 1.
        np.testing.assert_allclose(
            gradient @ WEALTH, jax.jit(price)(jnp.asarray(WEALTH)), rtol=1e-4
        )
