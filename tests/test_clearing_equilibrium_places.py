"""Agents who look at the few goods that they want find what they would find among all goods."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._types import exact
from catallax._xla import compiled
from catallax.clearing.equilibrium._border import market_of as checked
from catallax.clearing.equilibrium._interior_start import start_in
from catallax.clearing.equilibrium._places import Everything, Places, places_of
from catallax.clearing.equilibrium.valuations import (
    BoundedLeontief,
    Linear,
    Mixed,
    PiecewiseLinear,
    PiecewiseQuadratic,
)

GOODS = 12
SUPPLY = np.linspace(1.0, 3.0, GOODS)


def few_of(rng, agents, each):
    """Which goods agents want: so many, drawn."""
    draws = [rng.choice(GOODS, each, replace=False) for _ in range(agents)]
    return np.stack([np.isin(np.arange(GOODS), draw) for draw in draws])


def market_of(seed, each=3):
    """Makers and households, who want so many goods of twelve."""
    rng = np.random.default_rng(seed)
    needs = rng.uniform(0.1, 0.5, (20, GOODS)) * few_of(rng, 20, each)
    makers = BoundedLeontief(needs, rng.uniform(2, 6, 20), rng.uniform(0, 1, 20), np.full(20, 2.0))
    slopes = rng.uniform([1.2, 0.5], [2, 1], (10, GOODS, 2))
    wanted = few_of(rng, 10, each)[:, :, None]
    wants = PiecewiseQuadratic(
        slopes * wanted, np.full((10, GOODS, 2), 0.1) * wanted, rng.uniform(0.2, 1, (10, GOODS, 2))
    )
    return Mixed((makers, wants)), rng.uniform(1.5, 9, 30)


@pytest.mark.parametrize("question", ["of", "summed", "times", "mixed", "squared", "response"])
def test_a_few_goods_add_up_to_what_all_goods_do(question):
    rng = np.random.default_rng(0)
    places = np.stack([rng.choice(GOODS, 3, replace=False) for _ in range(5)])
    with exact():
        few, every = Places(GOODS, jnp.asarray(places)), Everything(GOODS)
        table, prices, weights = (jnp.asarray(rng.uniform(1, 2, s)) for s in ((5, 3), GOODS, 5))
        wide = few.spread(table)
        assert np.asarray(few.cut(wide)).tolist() == np.asarray(table).tolist()
        asked = {
            "of": lambda sight, cells: jnp.sum(sight.of(prices) * cells, axis=1),
            "summed": lambda sight, cells: sight.summed(cells),
            "times": lambda sight, cells: sight.times(cells, prices),
            "mixed": lambda sight, cells: sight.mixed(weights, cells),
            "squared": lambda sight, cells: sight.squared(weights, cells),
            "response": lambda sight, cells: matrix_of(sight.response(prices, cells, weights)),
        }[question]
        assert np.asarray(asked(few, table)) == pytest.approx(np.asarray(asked(every, wide)))


def matrix_of(response):
    whole = jnp.diag(response.diagonal) - (response.columns.T * response.weights) @ response.columns
    return whole if response.matrix is None else whole + response.matrix


FIND = compiled(lambda market: cx.InteriorPoint().find(market, 1e-9))


def with_places(market):
    return dataclasses.replace(market, places=tuple(map(places_of, market.families)))


@pytest.mark.parametrize("money", ["none", "cap"])
@pytest.mark.parametrize("seed", range(3))
def test_few_goods_lead_to_the_equilibrium_of_all_goods(seed, money):
    values, wealth = market_of(seed)
    market = checked(values, SUPPLY, wealth, money)
    few = with_places(market)
    assert [places.shape for places in few.places] == [(20, 3), (10, 3)]
    with exact():
        found, wide = FIND(few), FIND(market)
        assert np.asarray(found.prices) == pytest.approx(np.asarray(wide.prices), abs=1e-6)
        bundles = np.asarray(found.bundles)
    assert bundles == pytest.approx(np.asarray(wide.bundles), abs=1e-4)
    seen = cx.certify(values, SUPPLY, wealth, found.prices, bundles, money=money)
    assert seen.violation <= 1e-8


def test_wanted_goods_are_listed_first():
    slopes = np.zeros((2, 6, 2))
    slopes[0, 4], slopes[0, 1], slopes[1, 3] = (2.0, 1.0), (1.0, 0.0), (1.0, 0.5)
    slopes[1, 5] = 1.0
    widths = np.ones((2, 6, 2))
    widths[1, 5] = 0.0  # there is none of it to want
    family = PiecewiseLinear(slopes, widths)
    assert places_of(family).tolist() == [[1, 4], [3, 0]]
    needs = (slopes[:, :, 0] > 0) * widths[:, :, 0]
    assert places_of(BoundedLeontief(needs, np.ones(2))).tolist() == [[1, 4], [3, 0]]


def test_whoever_goes_leaves_as_many_places_as_there_were():
    needs = np.zeros((3, 12))
    needs[0, :5], needs[1:, 5:7] = 1.0, 1.0
    whole = BoundedLeontief(needs, np.ones(3))
    left = dataclasses.replace(whole, needs=np.where([[False], [True], [True]], needs, 0.0))
    assert places_of(whole).shape == places_of(left, whole).shape == (3, 6)
    assert places_of(left, whole)[1].tolist() == [5, 6, 0, 1, 2, 3]
    assert places_of(left).shape == (3, 2)


def test_nothing_is_listed_where_somebody_wants_much_or_where_it_would_not_help():
    rng = np.random.default_rng(1)
    much = few_of(rng, 3, 2) | (np.arange(3) == 0)[:, None]
    assert places_of(BoundedLeontief(much * 1.0, np.ones(3))) is None
    assert places_of(Linear(few_of(rng, 3, 2) * 1.0)) is None


def test_a_start_from_more_goods_each_is_left_aside():
    (values, wealth), (others, _) = market_of(5), market_of(6, each=4)
    three, four = (with_places(checked(of, SUPPLY, wealth, "none")) for of in (values, others))
    with exact():
        warm = FIND(three).warm
        assert start_in(three, warm).known
        assert not start_in(four, warm).known
    first = cx.equilibrium(values, SUPPLY, wealth, money="none")
    again = cx.equilibrium(others, SUPPLY, wealth, money="none", start=first.warm)
    alone = cx.equilibrium(others, SUPPLY, wealth, money="none")
    assert np.array_equal(again.prices, alone.prices)
