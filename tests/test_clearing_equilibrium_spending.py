"""Budgets counted at prices: the Newton equations that they add, each checked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._interior_start import block_of
from catallax.clearing.equilibrium._payment import RULES, Purse
from catallax.clearing.equilibrium._spending import (
    Ahead,
    Spending,
    bought_for,
    by_good,
    counted,
)

N, M = 3, 4
PRICES = np.array([0.5, 1.0, 1.5, 0.8])
STEP = np.array([0.02, -0.01, 0.03, 0.005])
MU = 0.01


def family_of(kind, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.uniform(0.5, 2, (N, M))
    if kind == "log":
        return cv.Logarithmic(a, rng.uniform(0.5, 2, (N, M)))
    if kind == "quadratic":
        return cv.Quadratic(a, rng.uniform(0.1, 1, (N, M)))
    if kind == "pieces":
        slopes = np.stack([a, 0.5 * a], axis=2)
        return cv.PiecewiseLinear(slopes, rng.uniform(0.2, 1, (N, M, 2)))
    half = rng.uniform(0, 1, (N, M, M))
    return cv.CoupledQuadratic(a, np.einsum("ijk,ilk->ijl", half, half) / M)


def block_for(kind, money):
    family = family_of(kind)
    wealth = jnp.asarray([0.5, 1.0, 2.0])
    return counted(block_of(family, wealth, RULES[money]), money)


def begun(block, money, share):
    """Where a search begins: the block's own start under the rule for values of degree 1."""
    p = jnp.asarray(PRICES)
    return block.opened(block.inner._replace(rule=RULES[money]).begin(p, share), p)


def absolute(state, direction):
    """A direction in the units of what moves; it comes in shares of that."""
    return jax.tree.map(jnp.multiply, state, direction)


@pytest.mark.parametrize("money", ["budget", "fisher"])
@pytest.mark.parametrize("kind", ["log", "quadratic", "pieces", "coupled"])
def test_a_direction_solves_the_linear_equations_of_money(kind, money):
    with exact():
        block, p = block_for(kind, money), jnp.asarray(PRICES)
        state = begun(block, money, 0.2)
        seen = block.look(state, p)
        total, kept = block.constant(state, seen, MU, None)
        way = absolute(state, block.follow(state, seen, kept, jnp.asarray(STEP)))
        x = np.asarray(block.bundles(state, seen))
        dx = np.asarray(by_good(way.filled if kind == "pieces" else way.bundle))
        idle, purse = np.asarray(state.purse.idle), way.purse
        # p·dx + x·dp + dδ = w − p·x − δ
        paid = dx @ PRICES + x @ STEP + np.asarray(purse.idle)
        assert paid == pytest.approx(np.asarray(block.wealth) - x @ PRICES - idle, abs=1e-12)
        if money == "budget":
            # δ dη + η dδ = µ − η δ and dη = −dβ
            eta = np.asarray(state.purse.eta)
            change = idle * np.asarray(purse.eta) + eta * np.asarray(purse.idle)
            assert change == pytest.approx(MU - eta * idle, abs=1e-12)
            assert np.asarray(purse.eta) == pytest.approx(-np.asarray(purse.beta))
        # bundles move by constant − K dp
        response = block.response(state, seen)
        matrix = np.diag(np.asarray(response.diagonal)) + np.asarray(response.matrix)
        moves = np.asarray(total) - matrix @ STEP
        assert dx.sum(axis=0) == pytest.approx(moves, abs=1e-12)


def test_a_predictor_takes_what_prices_and_bundles_do_together_off_the_budget():
    with exact():
        block, p = block_for("log", "budget"), jnp.asarray(PRICES)
        state = begun(block, "budget", 0.2)
        seen = block.look(state, p)
        _, kept = block.constant(state, seen, 0.0, None)
        first = block.follow(state, seen, kept, jnp.asarray(STEP))
        _, kept = block.constant(state, seen, MU, Ahead(first, jnp.asarray(STEP)))
        way = absolute(state, block.follow(state, seen, kept, jnp.asarray(STEP)))
        x, own = np.asarray(state.bundle), np.asarray(absolute(state, first).bundle)
        paid = np.asarray(way.bundle) @ PRICES + x @ STEP + np.asarray(way.purse.idle)
        due = np.asarray(block.wealth) - x @ PRICES - np.asarray(state.purse.idle)
        assert paid == pytest.approx(due - own @ STEP, abs=1e-12)


def test_a_weight_that_falls_stays_above_nothing_and_one_that_rises_goes_all_the_way():
    with exact():
        block = block_for("log", "budget")
        state = begun(block, "budget", 0.2)
        state = state._replace(purse=Purse(*(jnp.full(N, v) for v in (0.4, 0.6, 1.0, 1.0))))
        way = state._replace(purse=state.purse._replace(beta=jnp.asarray([-10.0, 0.25, -0.01])))
        ahead = state._replace(purse=state.purse._replace(eta=jnp.asarray([4.6, 0.5, 0.604])))
        after = block.bent(state, ahead, jnp.asarray(1.0), way).purse
        beta = np.asarray(after.beta)
        assert beta == pytest.approx([0.4 * np.exp(-1), 0.5, 0.4 * np.exp(-0.01)])
        assert np.asarray(after.eta) == pytest.approx(1 - beta)
        assert np.asarray(block.hindered(way).purse.beta).tolist() == [0.0, 0.25, 0.0]


def test_where_all_is_spent_it_is_the_price_of_money_that_moves_in_steps():
    with exact():
        block = block_for("log", "fisher")
        state = begun(block, "fisher", 0.2)
        state = state._replace(purse=state.purse._replace(beta=jnp.full(N, 4.0)))
        way = state._replace(purse=state.purse._replace(beta=jnp.asarray([0.5, -1.0, 0.0])))
        after = block.bent(state, state, jnp.asarray(1.0), way).purse
        # 1/β is 1/4; dβ = 2 takes 2/16 off it, dβ = −4 adds 4/16
        assert np.asarray(after.beta) == pytest.approx([8.0, 2.0, 4.0])
        assert np.asarray(block.hindered(way).purse.beta).tolist() == [-0.5, 0.0, 0.0]


@pytest.mark.parametrize("money", ["budget", "fisher"])
def test_a_search_opens_with_the_money_left_over_that_is_left_over(money):
    with exact():
        block = block_for("log", money)
        for share in (0.05, 10.0):
            purse = begun(block, money, share).purse
            wealth = np.asarray(block.wealth)
            meant = np.maximum(wealth - share * PRICES.sum(), 0.05 * wealth)
            assert np.asarray(purse.idle) == pytest.approx(meant)
            beta = np.asarray(purse.beta)
            room = 1 - beta if money == "budget" else np.ones(N)
            assert np.asarray(purse.eta) == pytest.approx(room)


def test_values_of_degree_one_keep_their_blocks():
    wealth = jnp.ones(N)
    for family in (cv.Linear(np.ones((N, M))), cv.Leontief(np.ones((N, M)))):
        block = block_of(family, wealth, RULES["budget"])
        assert counted(block, "budget") is block
    assert isinstance(block_for("log", "budget"), Spending)


def test_a_block_of_another_kind_has_no_shrinking():
    with pytest.raises(TypeError, match="str"):
        bought_for("block", None, None, PRICES)
