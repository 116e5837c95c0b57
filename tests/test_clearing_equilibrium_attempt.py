"""Attempts: what is given up, what is kept, and the matrix that need not be symmetric."""

import jax
import jax.numpy as jnp
import numpy as np

from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._attempt import Course, attempted, whole_matrix
from catallax.clearing.equilibrium._blocks import Response
from catallax.clearing.equilibrium._interior_start import beginning, scaled_market
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._spending import counted


def effort_of(steps, spoiled):
    """Two agents with logarithmic values and budgets; the first `spoiled` starts are no numbers."""

    def run(spoiled):
        values = cv.Logarithmic(jnp.asarray([[3.0, 1.0], [1.0, 3.0]]), jnp.ones((2, 2)))
        scaled = scaled_market(Market(values, jnp.ones(2), jnp.full(2, 0.5), "budget"))
        blocks = tuple(counted(block, "budget") for block in scaled.blocks)
        first = beginning(scaled)
        states = [b.opened(s, first.prices) for b, s in zip(blocks, first.blocks, strict=True)]
        first = first._replace(blocks=tuple(states))

        def opening(attempt):
            bad = jnp.where(attempt < spoiled, jnp.nan, 1.0)
            return first._replace(prices=first.prices * bad), 0

        return attempted(Course(blocks, scaled.total, 1e-8), opening, steps)

    with exact():
        program = jax.jit(run)
        return [jax.tree.map(np.asarray, program(jnp.asarray(each))) for each in spoiled]


def test_an_attempt_that_leads_nowhere_is_given_up_and_the_next_one_begins():
    straight, later = effort_of(60, (0, 2))
    assert straight.attempt == 0 and straight.least <= 1e-8
    assert later.attempt == 2 and later.least <= 1e-8
    # one step shows that a start is no number; later attempts are more cautious than the first
    assert straight.steps + 2 <= later.steps <= straight.steps + 12
    np.testing.assert_allclose(later.best.prices, straight.best.prices, rtol=1e-6)


def test_all_attempts_together_take_the_steps_that_were_given():
    (spoiled,) = effort_of(7, (100,))
    assert spoiled.steps == 7 and spoiled.attempt == 7
    assert not spoiled.least <= 1e-8


def test_the_matrix_is_the_sum_of_all_responses():
    rng = np.random.default_rng(0)
    slack, diagonal, columns = rng.uniform(size=3), rng.uniform(size=3), rng.uniform(size=(2, 3))
    weights, skew = rng.uniform(size=2), rng.uniform(size=(3, 3))
    with exact():
        responses = [
            Response(jnp.asarray(diagonal), jnp.asarray(columns), jnp.asarray(weights)),
            Response(jnp.zeros(3), jnp.zeros((0, 3)), jnp.zeros(0), jnp.asarray(skew)),
        ]
        found = np.asarray(whole_matrix(jnp.asarray(slack), responses))
    meant = np.diag(slack + diagonal) + skew
    for weight, column in zip(weights, columns, strict=True):
        meant = meant - weight * np.outer(column, column)
    np.testing.assert_allclose(found, meant, rtol=1e-12)
