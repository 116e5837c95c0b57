"""Where the interior point method starts: from a point that fits, or from its own."""

import numpy as np
import pytest

import catallax as cx
from catallax.clearing.equilibrium import valuations as cv


def test_a_start_of_other_kinds_of_agents_is_left_aside():
    ones = np.ones(2)
    warm = cx.equilibrium(cv.Linear(np.eye(2) + 1), ones, ones, money="budget").warm
    recipes = cv.Leontief(np.eye(2) + 1)
    cold = cx.equilibrium(recipes, ones, ones, money="budget")
    found = cx.equilibrium(recipes, ones, ones, money="budget", start=warm)
    assert found.prices.tolist() == cold.prices.tolist()
    assert found.steps == cold.steps


@pytest.mark.parametrize("wealth", [[1.0, 0.5], [3.0, 50.0]])
def test_where_all_is_spent_a_price_is_beta_times_the_worth_of_a_little_more(wealth):
    """Each good is bought by whoever gets most for it: `p_j = β_i v_ij`."""
    values = np.array([[1.0, 2.0], [2.0, 1.0]])
    found = cx.equilibrium(
        cv.Linear(values), np.ones(2), wealth, money="fisher", method=cx.InteriorPoint(), tol=1e-9
    )
    bought = found.bundles > 1e-6
    assert found.spending[:, None] * values == pytest.approx(
        np.where(bought, found.prices, found.spending[:, None] * values), rel=1e-5
    )
    assert bought.any(axis=1).all()


def test_starts_do_not_grow_stale():
    """Each market hands on a point of its own, however little it differs from the last."""
    rng = np.random.default_rng(0)
    values, supply, wealth = rng.uniform(0.5, 1, (12, 5)), np.ones(5), rng.uniform(0.2, 1, 12)
    found, steps = None, []
    for _ in range(30):
        values = values * rng.uniform(1 - 1e-4, 1 + 1e-4, values.shape)
        start = None if found is None else found.warm
        found = cx.equilibrium(cv.Linear(values), supply, wealth, money="budget", start=start)
        steps.append(int(found.steps))
        if start is not None:
            assert not np.allclose(start.prices, found.warm.prices, rtol=1e-9)
    assert max(steps[15:]) <= max(steps[1:15]) + 2


def test_where_bounds_move_far_a_start_saves_steps():
    """It cost twice to five times the steps of a start from nothing."""
    rng = np.random.default_rng(11)
    slopes = -np.sort(-rng.uniform(0.5, 2, (30, 6, 2)), axis=2)
    wide = rng.uniform(0.1, 0.3, slopes.shape)
    narrow = np.where(rng.uniform(size=wide.shape) < 0.1, 1e-6 * wide, wide)
    supply, wealth = np.ones(6), rng.uniform(0.3, 1, 30)

    def found(widths, start=None):
        values = cv.PiecewiseLinear(slopes, widths)
        return cx.equilibrium(values, supply, wealth, money="cap", start=start)

    cold = {id(widths): found(widths) for widths in (wide, narrow)}
    for before, after in ((wide, narrow), (narrow, wide)):
        again = found(after, cold[id(before)].warm)
        assert again.steps < cold[id(after)].steps
        np.testing.assert_allclose(again.prices, cold[id(after)].prices, rtol=1e-5)
