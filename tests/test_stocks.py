"""Stocks: every quantum is held, disposed of, used up or not yet made; and nothing else happens."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._goods import QUANTA_MAX, Good, table_of
from catallax._stocks import (
    Moved,
    added,
    arrive,
    bequeath,
    consume,
    depreciate,
    dispose,
    drift,
    empty_stocks,
    nothing_moved,
    transform,
    unsound,
)
from catallax._types import exact
from oracles.goods import Store, kept

pytestmark = pytest.mark.usefixtures("strict_jax")

N, M = 3, 2
NOTHING = Moved(*(np.zeros(M, np.int64),) * 3)
quanta = st.integers(0, 9) | st.integers(0, 2**38)
table = st.lists(st.lists(quanta, min_size=M, max_size=M), min_size=N, max_size=N)
outcomes = st.floats(0, 20) | st.integers(0, 2**38).map(float) | st.just(5e-324)
making = st.lists(
    st.lists(st.lists(outcomes, min_size=M, max_size=M), min_size=N, max_size=N),
    min_size=1,
    max_size=5,
)

run_transform, run_depreciate, run_drift = map(jax.jit, (transform, depreciate, drift))


def held(rows):
    with exact():
        stocks = empty_stocks(len(rows), len(rows[0]))
        return arrive(stocks, jnp.asarray(rows, jnp.int64))[0]


def made(stocks, outcome):
    with exact():
        return run_transform(stocks, jnp.asarray(outcome, jnp.float64))


def drifts(before, after, moved):
    with exact():
        return run_drift(before, after, moved).tolist()


def test_what_comes_in_is_counted():
    with exact():
        before = held([[1, 0], [0, 0]])
        after, moved = arrive(before, jnp.asarray([[5, 0], [1, 2]], jnp.int64))
    assert after.holdings.tolist() == [[6, 0], [1, 2]]
    assert moved.inflow.tolist() == [6, 2]
    assert drifts(before, after, moved) == [0, 0]


@given(rows=table, millionths=st.integers(0, 10**6))
def test_kept_and_lost_add_up_to_what_was_held(rows, millionths):
    rates = Fraction(millionths, 10**6), Fraction(0)
    goods = Good("a", depreciation=millionths / 10**6), Good("b")
    before = held(rows)
    with exact():
        after, lost = run_depreciate(before, jnp.asarray(table_of(goods).kept))
    expected = [[kept(x, rate) for x, rate in zip(row, rates, strict=True)] for row in rows]
    assert after.holdings.tolist() == [[rest for rest, _ in row] for row in expected]
    assert lost.tolist() == [[gone for _, gone in row] for row in expected]
    assert after.disposal.tolist() == np.asarray(lost).sum(axis=0).tolist()
    assert drifts(before, after, NOTHING) == [0, 0]


def test_what_perishes_goes_to_disposal():
    with exact():
        before = held([[4, 7], [1, 1]])
        after = dispose(before, jnp.asarray([[4, 0], [1, 0]], jnp.int64))
        moved = nothing_moved(2)
    assert after.holdings.tolist() == [[0, 7], [0, 1]]
    assert after.disposal.tolist() == [5, 0]
    assert drifts(before, after, moved) == [0, 0]


def test_what_is_used_up_is_counted():
    with exact():
        before = held([[4, 7], [1, 1]])
        after, moved = consume(before, jnp.asarray([[4, 0], [0, 1]], jnp.int64))
    assert after.holdings.tolist() == [[0, 7], [1, 0]]
    assert moved.consumed.tolist() == [4, 1]
    assert drifts(before, after, moved) == [0, 0]


def test_a_quarter_a_step_is_a_quantum_every_four_steps():
    stocks, seen = held([[0]]), []
    for _ in range(8):
        stocks, moved, _ = made(stocks, np.asarray(stocks.holdings) + 1 / 4)
        seen.append(int(moved.produced[0]))
    assert seen == [0, 0, 0, 1, 0, 0, 0, 1]


def test_half_a_quantum_used_up_leaves_the_other_half_carried():
    """3 become 1½: 2 are used up, ½ is carried; when 1 becomes 1½, the halves make one."""
    stocks, moved, _ = made(held([[3]]), [[1.5]])
    assert (stocks.holdings.tolist(), stocks.carry.tolist()) == ([[1]], [[0.5]])
    assert (int(moved.produced[0]), int(moved.consumed[0])) == (0, 2)
    stocks, moved, _ = made(stocks, [[1.5]])
    assert (stocks.holdings.tolist(), stocks.carry.tolist()) == ([[2]], [[0.0]])
    assert (int(moved.produced[0]), int(moved.consumed[0])) == (1, 0)


def test_a_rest_that_rounds_to_one_is_a_quantum():
    """0.3 is carried; then 1 becomes 0.7, and 0.7 − 1 + 0.3 is a hair below 0 in floats."""
    stocks, *_ = made(held([[0]]), [[0.3]])
    with exact():
        stocks, _ = arrive(stocks, jnp.asarray([[1]], jnp.int64))
    assert 0.7 - 1 + 0.3 < 0
    stocks, moved, _ = made(stocks, [[0.7]])
    assert (stocks.holdings.tolist(), stocks.carry.tolist()) == ([[1]], [[0.0]])
    assert not np.any(np.array(moved))


@given(rows=table, made_first=table)
def test_production_that_does_nothing_does_nothing(rows, made_first):
    before, *_ = made(held(rows), np.array(made_first) / 7)
    after, moved, bad = made(before, before.holdings)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.any(bad)
    assert not np.any(np.array(moved))


@given(rows=table, steps=making)
def test_production_is_the_oracles(rows, steps):
    """Whole quanta are exact; what is carried is, up to what a float can tell of the outcome."""
    stocks, first = held(rows), held(rows)
    flows = [NOTHING]
    for outcome in steps:
        before = stocks
        stocks, moved, bad = made(before, outcome)
        assert not np.any(bad)
        flows.append(moved)
        carry = np.asarray(stocks.carry)
        assert np.all((carry >= 0) & (carry < 1))
        assert np.all(np.asarray(stocks.holdings) >= 0)
        for i in range(N):
            for j in range(M):
                store = Store()
                store.held = int(before.holdings[i, j])
                store.carried = Fraction(float(before.carry[i, j]))
                store.make(outcome[i][j])
                whole = Fraction(float(carry[i, j])) + int(stocks.holdings[i, j])
                assert abs(whole - store.held - store.carried) <= Fraction(2**38, 2**52)
    with exact():
        moved = added(*flows)
    assert drifts(first, stocks, moved) == [0, 0]


@pytest.mark.parametrize("wrong", [-1.0, -1e-300, np.nan, np.inf, -np.inf, 2.0**41])
def test_an_outcome_that_is_no_stock_changes_nothing_and_is_told(wrong):
    before = held([[4, 7], [1, 1]])
    after, moved, bad = made(before, [[4.0, wrong], [2.0, 1.0]])
    assert bad.tolist() == [[False, True], [False, False]]
    assert after.holdings.tolist() == [[4, 7], [2, 1]]
    assert moved.produced.tolist() == [1, 0]


def test_the_dead_leave_their_goods_and_not_what_never_existed():
    stocks, *_ = made(held([[4, 7], [1, 1], [2, 2]]), [[4.5, 7.25], [1.0, 1.0], [2.0, 2.0]])
    with exact():
        after = bequeath(stocks, jnp.asarray([True, False, True]), 1)
        moved = nothing_moved(2)
    assert after.holdings.tolist() == [[0, 0], [7, 10], [0, 0]]
    assert not np.any(np.asarray(after.carry))
    assert drifts(stocks, after, moved) == [0, 0]


def test_drift_is_found():
    with exact():
        before = held([[4, 7], [1, 1]])
        more = before._replace(holdings=before.holdings + jnp.asarray([[0, 1], [0, 0]]))
        less = before._replace(disposal=before.disposal - 1)
        moved = nothing_moved(2)
    assert drifts(before, more, moved) == [0, 1]
    assert drifts(before, less, moved) == [-1, -1]


def test_unsound_stocks_are_found():
    with exact():
        good = held([[4, 7], [0, 1]])
        assert unsound(good).tolist() == [False, False]
        broken = [
            good._replace(holdings=good.holdings.at[1, 0].set(-1)),
            good._replace(holdings=good.holdings.at[1, 0].set(QUANTA_MAX)),
            good._replace(disposal=good.disposal.at[0].set(-1)),
            good._replace(carry=good.carry.at[0, 0].set(1.0)),
            good._replace(carry=good.carry.at[0, 0].set(jnp.nan)),
        ]
        assert [unsound(stocks).tolist() for stocks in broken] == [[True, False]] * 5
