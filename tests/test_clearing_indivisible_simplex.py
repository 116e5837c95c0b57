from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from catallax.clearing.indivisible._simplex import Column, solve
from whole_markets import lists


def programme(columns, costs):
    """Offers, at any prices, the first column that brings more than its entries cost."""

    def better(prices, parts):
        for label, (entries, cost) in enumerate(zip(columns, costs, strict=True)):
            if parts * cost > sum(int(p) * e for p, e in zip(prices, entries, strict=True)):
                return Column(label, np.array(entries), cost)
        return None

    return better


@given(
    lists((5, 3), st.integers(-2, 3)),
    lists((5,), st.integers(-3, 6)),
    lists((3,), st.integers(0, 4)),
)
def test_the_optimum_is_proven_in_fractions(columns, costs, limits):
    """Both sides are feasible and worth the same, which HiGHS finds too."""
    solved = solve(limits, programme(columns, costs))
    reference = linprog(-np.array(costs), np.array(columns).T, limits, method="highs")
    assert solved.bounded is (reference.status == 0)
    if not solved.bounded:
        return
    prices = [Fraction(int(price), solved.parts) for price in solved.prices]
    assert all(price >= 0 for price in prices)
    for entries, cost in zip(columns, costs, strict=True):
        assert sum(p * e for p, e in zip(prices, entries, strict=True)) >= cost
    used = [sum(y * columns[k][row] for k, y in solved.portions.items()) for row in range(3)]
    assert all(u <= limit for u, limit in zip(used, limits, strict=True))
    assert all(y > 0 for y in solved.portions.values())
    worth = sum(y * costs[k] for k, y in solved.portions.items())
    assert worth == sum(p * limit for p, limit in zip(prices, limits, strict=True))
    assert float(worth) == pytest.approx(-reference.fun, abs=1e-9)


def test_of_several_prices_the_lowest_first_one_is_taken():
    solved = solve([1, 1], programme([(1, 1)], [5]))
    assert (solved.prices.tolist(), solved.parts) == ([0, 5], 1)


def test_numbers_do_not_end_at_64_bits():
    large = 2**70
    solved = solve([large, 1], programme([(1, 0), (3, 1)], [large, 5 * large]))
    assert solved.portions == {0: large - 3, 1: 1}
    assert [price // solved.parts for price in solved.prices.tolist()] == [large, 2 * large]


def test_without_rows_anything_worth_having_is_without_end():
    assert solve([], programme([()], [0])).bounded
    assert not solve([], programme([()], [1])).bounded
