"""The directions of the interior point method solve the equations that they are made for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from catallax._types import exact
from catallax.clearing.equilibrium import valuations
from catallax.clearing.equilibrium._curved import Curved
from catallax.clearing.equilibrium._interior import (
    TO_BOUNDARY,
    Iterate,
    _direction,
    _factoring,
    _newton,
    furthest,
    interior_point,
    missed_by,
    moved,
    polished,
    total_of,
    worst,
)
from catallax.clearing.equilibrium._interior_start import beginning, block_of, scaled_market
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._payment import RULES
from catallax.clearing.equilibrium._pieces import Pieces
from catallax.clearing.equilibrium._quantities import Quantities
from catallax.clearing.equilibrium._recipes import Recipes

AGENTS, GOODS, MU = 3, 2, 0.05
RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.uniform(0.5, 1.5, (AGENTS, GOODS))
SQUARES = np.einsum("ijk,ilk->ijl", *2 * [RANDOM.normal(size=(AGENTS, GOODS, GOODS))])

FAMILIES = {
    "linear": valuations.Linear(WEIGHTS),
    "substitutes": valuations.CES(WEIGHTS, 0.5, 1.3),
    "complements": valuations.CES(WEIGHTS, -2.0, 0.7),
    "cobb-douglas": valuations.CobbDouglas(WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True), 2.0),
    "leontief": valuations.Leontief(WEIGHTS),
    "quadratic": valuations.Quadratic(WEIGHTS, WEIGHTS),
    "logarithmic": valuations.Logarithmic(WEIGHTS, 0.5),
    "pieces": valuations.PiecewiseLinear(
        np.stack([WEIGHTS, WEIGHTS / 2], axis=2), np.full((AGENTS, GOODS, 2), 0.4)
    ),
    "coupled": valuations.CoupledQuadratic(WEIGHTS, SQUARES),
}
# Every kind of block under every rule that it serves; families of one kind share its equations.
CELLS = [(name, "cap") for name in FAMILIES]
CELLS += [("linear", "none"), ("substitutes", "fisher"), ("linear", "budget")]
CELLS += [("leontief", "none"), ("complements", "fisher"), ("cobb-douglas", "budget")]
CELLS += [("pieces", "none"), ("coupled", "none")]


def purse_residuals(money, purse, worth, wealth, mu):
    """What each part of a purse must satisfy, one equation a part; unused parts stay at 1."""
    beta, eta, idle, excess = purse
    if money == "none":
        return [beta - 1, eta - 1, idle - 1, excess - 1]
    if money == "fisher":
        return [worth - wealth / beta, eta - 1, idle - 1, excess - 1]
    if money == "budget":
        return [worth + idle - wealth / beta, beta + eta - 1, eta * idle - mu, excess - 1]
    sides = [beta * excess - mu, eta * idle - mu]
    return [worth - wealth - excess + idle, beta + eta - 1, *sides]


def absolute(iterate, direction):
    """A direction in the units of what moves; it comes in shares of that."""
    return jax.tree.map(lambda at, share: at * share, iterate, direction)


def newton_of(blocks, iterate):
    """The Newton system at a point, with what goods miss there."""
    return _newton(
        blocks, iterate, missed_by(blocks, iterate, 1.0).goods, _factoring, settled=False
    )


def residuals(block, money, iterate, mu):
    """All equations of the central path at a point, worth and slopes by jax.grad."""
    prices, leftover, (state,) = iterate
    if isinstance(block, Recipes):
        cost = block.family.unit_cost
        recipe = jax.jacobian(cost)(prices)
        bundles, worth = state.amount[:, None] * recipe, state.amount
        own = [cost(prices) - state.purse.beta - state.loss, state.amount * state.loss - mu]
    elif isinstance(block, Pieces):
        bundles = jnp.sum(state.filled, axis=2)
        worth = jnp.sum(block.slopes * state.filled, axis=(1, 2))
        cost = prices[:, None] + state.pressure - state.purse.beta[:, None, None] * block.slopes
        own = [
            cost - state.aversion,
            state.filled + state.room - block.widths,
            state.filled * state.aversion - mu,
            state.room * state.pressure - mu,
        ]
    else:
        bundles, worth = state.bundle, block.family.worth(state.bundle)
        slope = jax.grad(lambda goods: jnp.sum(block.family.worth(goods)))(state.bundle)
        cost = prices - state.purse.beta[:, None] * slope
        own = [cost - state.aversion, state.bundle * state.aversion - mu]
    money_parts = purse_residuals(money, state.purse, worth, block.wealth, mu)
    market = [jnp.sum(bundles, axis=0) + leftover - 1, prices * leftover - mu]
    return jnp.concatenate([jnp.ravel(part) for part in (*market, *own, *money_parts)])


def somewhere(name, money):
    """A block, and a point inside that satisfies none of the nonlinear equations."""
    wealth = jnp.asarray(RANDOM.uniform(0.5, 1.5, AGENTS))
    block = block_of(FAMILIES[name], wealth, RULES[money])
    prices = jnp.asarray(RANDOM.uniform(1.0, 2.0, GOODS))
    state = block.begin(prices, 0.3)
    iterate = Iterate(prices, jnp.asarray(RANDOM.uniform(0.1, 0.3, GOODS)), (state,))
    # Leave linear equalities as they are: a room is what a width leaves, η is 1 − β.
    loose = ("bundle", "aversion", "amount", "loss")
    fields = {
        field: getattr(state, field) * RANDOM.uniform(0.8, 1.2, getattr(state, field).shape)
        for field in loose
        if hasattr(state, field)
    }
    return block, iterate._replace(blocks=(state._replace(**fields),))


@pytest.mark.parametrize(("name", "money"), CELLS)
def test_a_direction_solves_the_linearised_equations(name, money):
    with exact():
        block, iterate = somewhere(name, money)
        flat, unravel = ravel_pytree(iterate)

        def system(point):
            return residuals(block, money, unravel(point), MU)

        @jax.jit
        def both_sides():
            newton = newton_of((block,), iterate)
            step = absolute(iterate, _direction((block,), iterate, newton, MU, None))
            return jax.jvp(system, (flat,), (ravel_pytree(step)[0],))

        value, change = both_sides()
        assert value.size == flat.size
        np.testing.assert_allclose(change, -value, atol=1e-9)


@pytest.mark.parametrize(("name", "money"), [("linear", "budget"), ("pieces", "cap")])
def test_a_corrector_makes_up_for_the_products_of_the_predictor(name, money):
    with exact():
        block, iterate = somewhere(name, money)
        newton = newton_of((block,), iterate)
        first = _direction((block,), iterate, newton, 0.0, None)
        second = _direction((block,), iterate, newton, MU, first)
        first, second = (absolute(iterate, direction) for direction in (first, second))
        at, predicted, step = (tree.blocks[0] for tree in (iterate, first, second))
        quantity = "filled" if name == "pieces" else "bundle"
        pairs = [tuple(getattr(part, quantity) for part in (at, predicted, step))]
        pairs.append(tuple(part.aversion for part in (at, predicted, step)))
        (x, dx, ex), (z, dz, ez) = pairs
        np.testing.assert_allclose(x * z + dx * dz + x * ez + z * ex, MU, atol=1e-9)


def test_a_direction_of_several_blocks_is_that_of_the_sum():
    with exact():
        wealth = jnp.asarray(RANDOM.uniform(0.5, 1.5, AGENTS))
        rule, whole = RULES["budget"], FAMILIES["linear"]
        halves = valuations.Linear(WEIGHTS[:1]), valuations.Linear(WEIGHTS[1:])
        prices, left = jnp.asarray([1.5, 2.0]), jnp.asarray([0.1, 0.2])
        one = Quantities(whole, wealth, rule)
        two = Quantities(halves[0], wealth[:1], rule), Quantities(halves[1], wealth[1:], rule)
        together = Iterate(prices, left, (one.begin(prices, 0.3),))
        apart = Iterate(prices, left, tuple(block.begin(prices, 0.3) for block in two))
        joint = _direction((one,), together, newton_of((one,), together), MU, None)
        split = _direction(two, apart, newton_of(two, apart), MU, None)
        np.testing.assert_allclose(split.prices, joint.prices, atol=1e-10)


def test_an_unknown_function_and_its_family_take_the_same_direction():
    with exact():
        wealth = jnp.asarray(RANDOM.uniform(0.5, 1.5, AGENTS))
        prices, left = jnp.asarray([1.5, 2.0]), jnp.asarray([0.1, 0.2])
        steps = []
        for kind in (Quantities, Curved):
            block = kind(FAMILIES["quadratic"], wealth, RULES["cap"])
            iterate = Iterate(prices, left, (block.begin(prices, 0.3),))
            newton = newton_of((block,), iterate)
            steps.append(_direction((block,), iterate, newton, MU, None).prices)
        np.testing.assert_allclose(*steps, atol=1e-9)


def solved(name, money):
    market = Market(FAMILIES[name], jnp.ones(GOODS), jnp.full(AGENTS, 0.4), money)
    scaled = scaled_market(market)
    return scaled, interior_point(scaled.blocks, beginning(scaled), scaled.total, 1e-9, 100)


@pytest.mark.parametrize(("name", "money"), [("substitutes", "fisher"), ("pieces", "none")])
def test_at_a_solution_a_whole_step_moves_nothing(name, money):
    with exact():
        scaled, progress = solved(name, money)
        assert worst(progress.missed) <= 1e-9
        after = polished(scaled.blocks, progress.iterate)
        np.testing.assert_allclose(after.prices, progress.iterate.prices, atol=1e-7)
        before, kept = (total_of(scaled.blocks, point) for point in (progress.iterate, after))
        np.testing.assert_allclose(kept, before, rtol=1e-3)


def test_every_number_stays_positive_and_the_warm_point_is_far_inside():
    with exact():
        scaled, progress = solved("linear", "budget")
        for iterate in (progress.iterate, progress.warm):
            assert min(float(jnp.min(leaf)) for leaf in jax.tree.leaves(iterate)) > 0
        gap = missed_by(scaled.blocks, progress.warm, scaled.total).gap
        assert gap > 0.02 > missed_by(scaled.blocks, progress.iterate, scaled.total).gap


def test_the_longest_step_ends_at_the_boundary():
    with exact():
        iterate = Iterate(jnp.asarray([1.0, 2.0]), jnp.asarray([1.0, 1.0]), ())
        direction = Iterate(jnp.asarray([-2.0, 0.5]), jnp.asarray([1.0, -4.0]), ())
        length = furthest(direction)
        assert float(length) == 0.25
        assert float(jnp.min(moved(iterate, direction, length).leftover)) == 0.0
        assert float(furthest(iterate)) == pytest.approx(1 / TO_BOUNDARY)


def test_the_steps_that_it_may_take_are_a_bound():
    with exact():
        market = Market(FAMILIES["linear"], jnp.ones(GOODS), jnp.full(AGENTS, 0.4), "budget")
        scaled = scaled_market(market)
        progress = interior_point(scaled.blocks, beginning(scaled), scaled.total, 1e-9, 2)
        assert int(progress.steps) == 2
        assert worst(progress.missed) > 1e-9
