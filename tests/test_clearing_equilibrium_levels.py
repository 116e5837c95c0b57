"""Agents with bounded levels in fixed proportions, against a linear programme and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

import catallax as cx
from catallax._errors import InvalidMarket, NotConcave, UnboundedDemand
from catallax._types import exact
from catallax.clearing.equilibrium._border import market_of as checked
from catallax.clearing.equilibrium._solve import solved
from catallax.clearing.equilibrium.valuations import (
    BoundedLeontief,
    Linear,
    Mixed,
    PiecewiseLinear,
)

SUPPLY = np.array([3.0, 2.0, 1.0, 1.0])


def market_of(seed, curved=True):
    rng = np.random.default_rng(seed)
    needs = rng.uniform(0.5, 2, (6, 4)) * (rng.random((6, 4)) < 0.7)
    needs[:, 0] += 0.3
    bend = rng.uniform(0.1, 1, 6) * (rng.random(6) < 0.7) * curved
    makers = BoundedLeontief(needs, rng.uniform(2, 6, 6), bend, rng.uniform(0.3, 2, 6))
    slopes = np.sort(rng.uniform(0.5, 2, (3, 4, 2)), axis=2)[:, :, ::-1]
    wants = PiecewiseLinear(slopes, rng.uniform(0.2, 1, (3, 4, 2)))
    return Mixed((makers, wants)), rng.uniform(0.2, 3, 9)


def level_of(family, i, bundle):
    ratios = [x / a for x, a in zip(bundle, family.needs[i], strict=True) if a > 0]
    peak = family.slopes[i] / family.curvatures[i] if family.curvatures[i] else np.inf
    return min([*ratios, family.bounds[i], peak])


@given(st.integers(0, 999), st.lists(st.floats(0, 9), min_size=4, max_size=4))
def test_worth_is_that_of_the_level_that_a_bundle_is_enough_for(seed, bundle):
    family = market_of(seed)[0].families[0]
    told = np.asarray(family.worth(np.tile(bundle, (6, 1))))
    for i in range(6):
        z = level_of(family, i, bundle)
        assert told[i] == pytest.approx(family.slopes[i] * z - family.curvatures[i] * z**2 / 2)


@pytest.mark.parametrize("seed", range(5))
def test_without_bends_welfare_is_that_of_the_linear_programme(seed):
    valuations, _ = market_of(seed, curved=False)
    makers, wants = valuations.families
    eq = cx.equilibrium(valuations, SUPPLY, money="none", tol=1e-9)
    pieces = [(j, wants.slopes[i, j, k], wants.widths[i, j, k]) for i, j, k in np.ndindex(3, 4, 2)]
    rows = np.hstack([makers.needs.T, np.eye(4)[:, [j for j, _, _ in pieces]]])
    gains = [*makers.slopes, *(slope for _, slope, _ in pieces)]
    bounds = [(0, b) for b in (*makers.bounds, *(width for _, _, width in pieces))]
    best = linprog(-np.array(gains), A_ub=rows, b_ub=SUPPLY, bounds=bounds)
    welfare = float(np.sum(np.asarray(valuations.worth(eq.bundles))))
    assert welfare == pytest.approx(-best.fun, rel=1e-6)
    assert eq.prices == pytest.approx(-best.ineqlin.marginals, abs=1e-5)


@pytest.mark.parametrize("money", ["none", "cap", "budget"])
@pytest.mark.parametrize("seed", range(10, 14))
def test_every_rule_for_money_is_certified(seed, money):
    valuations, wealth = market_of(seed)
    eq = cx.equilibrium(valuations, SUPPLY, wealth, money=money, tol=1e-8)
    seen = cx.certify(valuations, SUPPLY, wealth, eq.prices, eq.bundles, money=money)
    assert seen.violation <= 1e-8
    if money == "budget":
        assert (eq.bundles @ eq.prices <= wealth * (1 + 1e-6)).all()


@pytest.mark.parametrize("price", [0.4, 0.5])
def test_a_level_is_not_thrown_from_one_bound_to_the_other(price):
    """A bending level that needs little, at a price that others make, from near a bound."""
    maker = BoundedLeontief([[1.0]], [1.0], [100.0], [0.01])
    valuations = Mixed((maker, Linear([[price], [price]])))
    market = checked(valuations, [1.0], None, "none")
    warm = solved(market, cx.InteriorPoint(), 1e-6).warm
    eq = solved(market, cx.InteriorPoint(), 1e-6, near_a_bound(warm, price))
    assert int(eq.steps) < 20
    assert eq.prices == pytest.approx([price], abs=1e-6)
    assert eq.bundles[0, 0] == pytest.approx(0.01 * (1 - price), rel=1e-3)


def near_a_bound(warm, price, share=0.998, pressure=0.3):
    """Returns a start in which the first level is a share of its bound."""
    with exact():
        maker = jax.tree.map(np.array, warm.blocks[0])
        bound = maker.level[0] + maker.room[0]
        maker.level[0], maker.room[0] = share * bound, (1 - share) * bound
        maker.pressure[0], maker.loss[0] = pressure, pressure + price + share - 1
        return warm._replace(blocks=(jax.tree.map(jnp.asarray, maker), *warm.blocks[1:]))


def test_what_is_short_by_a_level_is_regret():
    saw = BoundedLeontief([[2.0, 1.0]], [5.0], [1.0], [3.0])
    at = ([6.0, 6.0], None, [1.0, 1.0])
    best = cx.certify(saw, *at, [[4.0, 2.0]], money="none")
    less = cx.certify(saw, *at, [[2.0, 1.0]], money="none")
    assert best.regret[0] == pytest.approx(0, abs=1e-12)
    assert not less.local
    assert less.regret[0] > 0.1  # a second level gains 5 − 1.5 − 3 on top of 1.5


def test_a_missing_good_is_quoted_at_what_is_left_of_the_first_level():
    saw = BoundedLeontief([[2.0, 1.0]], [5.0], 1.0, 3.0)
    wood = PiecewiseLinear([[[1.5], [0.0]]], [[[9.0], [0.0]]])
    eq = cx.equilibrium(Mixed((saw, wood)), [4.0, 0.0], money="none")
    assert eq.prices == pytest.approx([1.5, 2.0], abs=1e-5)
    idle = BoundedLeontief([[2.0, 1.0]], [5.0], 1.0, 0.0)
    eq = cx.equilibrium(Mixed((idle, wood)), [4.0, 0.0], money="none")
    assert eq.prices == pytest.approx([1.5, 0.0], abs=1e-5)


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"needs": [[0.0, 0.0]]}, UnboundedDemand, "needs"),
        ({"needs": [[-1.0, 0.0]]}, InvalidMarket, "needs"),
        ({"slopes": [-1.0]}, InvalidMarket, "slopes"),
        ({"slopes": [1.0, 2.0]}, InvalidMarket, "slopes"),
        ({"curvatures": -1.0}, NotConcave, "curvatures"),
        ({"curvatures": np.inf}, InvalidMarket, "curvatures"),
        ({"bounds": -1.0}, InvalidMarket, "bounds"),
        ({"bounds": np.nan}, InvalidMarket, "bounds"),
    ],
)
def test_numbers_that_mean_nothing_are_refused_by_name(change, error, named):
    good = {"needs": [[2.0, 1.0]], "slopes": [5.0], "curvatures": 1.0, "bounds": 3.0}
    with pytest.raises(error, match=named):
        cx.equilibrium(BoundedLeontief(**good | change), [1.0, 1.0], money="none")
