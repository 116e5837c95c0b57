"""Padding adds a market beside the market: it changes nothing, and few programs serve all sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import catallax as cx
from catallax.clearing.equilibrium import _solve
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._border import market_of
from catallax.clearing.equilibrium._padding import bucket, padded, rows_of
from made_equilibria import worth_of

RULES = ("none", "cap", "budget", "fisher")
MAKERS = {
    "linear": cv.Linear,
    "substitutes": lambda v: cv.CES(v, 0.5),
    "complements": lambda v: cv.CES(v, -1.0, 2.0),
    "shares": lambda v: cv.CobbDouglas(v / v.sum(axis=1, keepdims=True)),
    "recipes": cv.Leontief,
    "quadratic": lambda v: cv.Quadratic(v, v),
    "logarithmic": lambda v: cv.Logarithmic(v, 2.0),
    "pieces": lambda v: cv.PiecewiseLinear(np.stack([v, v / 2, v / 4], 2), 1.0),
}


def market(kind, n, m, seed=0, money="budget"):
    rng = np.random.default_rng(seed)
    family = MAKERS[kind](rng.uniform(0.5, 1, (n, m)))
    return market_of(family, rng.uniform(0.5, 1, m), rng.uniform(0.5, 1, n), money)


@given(size=st.integers(1, 10**6))
def test_a_bucket_holds_a_size_and_is_at_most_half_as_large_again(size):
    found = bucket(size)
    assert size <= found <= max(2, 1.5 * size)
    assert bucket(found) == found
    halves = {2, *(2**k for k in range(30)), *(3 * 2**k for k in range(30))}
    quarters = {share * 2**k for share in (5, 7) for k in range(3, 30)}
    assert found in halves | quarters


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_added_wants_nothing_of_what_there_was_and_the_other_way_round(kind):
    small = market(kind, 5, 4)
    wide = padded(small)
    assert (wide.valuations.agents, wide.valuations.goods) == (6, 6)
    assert (wide.wealth.size, wide.supply.size) == (6, 6)
    bundles = np.random.default_rng(1).uniform(0.5, 1, (6, 6))
    worth = worth_of(wide.valuations, bundles)
    assert worth[:5] == pytest.approx(worth_of(small.valuations, bundles[:5, :4]))
    other = bundles.copy()
    other[:5, 4:] = other[5:, :4] = 0
    assert worth_of(wide.valuations, other) == pytest.approx(worth)
    assert worth[5] > 0


def test_rows_are_found_again_in_every_family():
    parts = (market("linear", 5, 4).valuations, market("recipes", 3, 4).valuations)
    both = market_of(cv.Mixed(parts), np.ones(4), np.arange(1.0, 9), "budget")
    wide = padded(both)
    assert rows_of(both).tolist() == [0, 1, 2, 3, 4, 6, 7, 8]
    assert wide.wealth[rows_of(both)].tolist() == both.wealth.tolist()


def test_families_that_cannot_be_padded_stay_as_they_are():
    coupled = cv.CoupledQuadratic(np.ones((5, 4)), np.zeros((5, 4, 4)))
    small = market_of(coupled, np.ones(4), np.ones(5), "none")
    assert padded(small) is small
    assert rows_of(small).tolist() == list(range(5))


@pytest.mark.parametrize("money", RULES)
def test_a_padded_market_has_the_same_equilibrium(monkeypatch, money):
    small = market("substitutes", 5, 4, money=money)
    wealth = {"none": None, "cap": 4 * small.wealth}.get(money, small.wealth)
    one = cx.equilibrium(small.valuations, small.supply, wealth, money=money, tol=1e-8)
    monkeypatch.setattr(_solve, "padded", lambda given: given)
    monkeypatch.setattr(_solve, "rows_of", lambda given: np.arange(given.wealth.size))
    other = cx.equilibrium(small.valuations, small.supply, wealth, money=money, tol=1e-8)
    assert one.prices.min() > 0.1  # under a cap too
    assert one.prices == pytest.approx(other.prices, rel=1e-6)
    assert one.bundles == pytest.approx(other.bundles, rel=1e-4, abs=1e-6)
    assert max(one.certificate.violation, other.certificate.violation) < 1e-8


def test_300_sizes_need_no_more_programs_than_there_are_buckets():
    before = _solve._searched.program()._cache_size()
    every = [(n, m) for n in range(13, 33) for m in range(12, 32)]
    sizes = [every[k] for k in np.random.default_rng(0).permutation(len(every))[:300]]
    method = cx.InteriorPoint(steps=99)  # so that no other test has compiled for it
    for seed, (n, m) in enumerate(sizes):
        given_market = market("linear", n, m, seed)
        found = cx.equilibrium(
            given_market.valuations,
            given_market.supply,
            given_market.wealth,
            money="budget",
            method=method,
        )
        assert found.prices.shape == (m,)
        assert found.bundles.shape == (n, m)
    buckets = {(bucket(n), bucket(m + 1)) for n, m in sizes}
    assert len(buckets) == 3 * 3
    assert _solve._searched.program()._cache_size() - before == len(buckets)
