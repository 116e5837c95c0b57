"""Whole shares: exact whatever the size, fair to one unit, and the same in any order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._shares import largest, portion, returned_to, shares_by, shares_of
from catallax._types import exact
from oracles.goods import shares, whole_weights

pytestmark = pytest.mark.usefixtures("strict_jax")

N = 4
sizes = st.integers(0, 7) | st.integers(0, 2**40)
weights = st.lists(sizes, min_size=N, max_size=N)
numbers = (
    st.integers(0, 5).map(float)
    | st.floats(0, 1e6, allow_subnormal=False)
    | st.sampled_from([1e-200, 1e200, 0.1, 0.3])
)

run_shares, run_by, run_back = jax.jit(shares_of), jax.jit(shares_by), jax.jit(returned_to)
run_portion, run_largest = jax.jit(portion), jax.jit(largest)


def split(total, *rows, by=run_shares, kind=jnp.int64):
    """Splits one total among one weight each."""
    with exact():
        table = jnp.asarray(rows, kind)[:, None]
        return by(jnp.asarray([total], jnp.int64), table)[:, 0].tolist()


def test_the_largest_remainders_get_what_is_left():
    """10 among 1, 3 and 3: 1.43, 4.29 and 4.29; the one left goes to slot 0."""
    assert split(10, 1, 3, 3) == [2, 4, 4]


def test_ties_go_to_the_lowest_slot():
    assert split(2, 1, 1, 1) == [1, 1, 0]
    assert split(3, 1, 3, 2) == [1, 1, 1]  # ½, 1½ and 1: the half goes to slot 0


def test_where_nobody_has_weight_nothing_is_given():
    assert split(5, 0, 0, 0) == [0, 0, 0]
    assert split(5, 0.0, -1.0, np.nan, np.inf, by=run_by, kind=jnp.float64) == [0, 0, 0, 0]


def test_one_with_weight_gets_all():
    assert split(2**40, 0, 7, 0) == [0, 2**40, 0]


@given(
    amount=st.integers(0, 2**50),
    whole=st.integers(1, 2**60),
    share=st.fractions(0, 1),
)
def test_a_portion_is_exact_where_products_do_not_fit(amount, whole, share):
    part = int(share * whole)
    with exact():
        found = run_portion(*(jnp.asarray(x, jnp.int64) for x in (amount, part, whole)))
    assert tuple(map(int, found)) == divmod(amount * part, whole)


def test_a_portion_is_exact_where_floats_are_not():
    """Large quotients next to a whole number, where a float is wrong by one or more."""
    rng = np.random.default_rng(2)
    amount = rng.integers(2**49, 2**50, 2000)
    whole = rng.integers(2**58, 2**60, 2000)
    part = whole - rng.integers(0, 2**12, 2000)
    with exact():
        quotient, rest = map(np.asarray, run_portion(amount, part, whole))
    columns = zip(amount.tolist(), part.tolist(), whole.tolist(), strict=True)
    expected = [divmod(a * p, w) for a, p, w in columns]
    assert list(zip(quotient.tolist(), rest.tolist(), strict=True)) == expected
    floats = (amount.astype(float) * part / whole).astype(np.int64)
    assert np.any(floats != quotient)


@given(total=sizes, weights=weights)
def test_shares_of_whole_weights_are_the_oracles(total, weights):
    assert split(total, *weights) == shares(total, weights)


@given(total=sizes, weights=st.lists(numbers, min_size=N, max_size=N))
def test_shares_by_any_weights_are_the_oracles(total, weights):
    found = split(total, *weights, by=run_by, kind=jnp.float64)
    assert found == shares(total, whole_weights(weights))
    assert sum(found) == (total if any(weights) else 0)


@given(total=sizes, weights=weights, order=st.permutations(range(N)))
def test_only_ties_know_the_order(total, weights, order):
    """Who has another weight than all others gets the same in any order, but for a tie."""
    found = split(total, *weights)
    turned = split(total, *(weights[i] for i in order))
    assert sorted(found) == sorted(turned) or len(set(weights)) < N
    exactly = [total * w % max(sum(weights), 1) for w in weights]
    for place, i in enumerate(order):
        if exactly.count(exactly[i]) == 1:
            assert turned[place] == found[i]


@given(offers=weights, share=st.fractions(0, 1))
def test_nobody_gets_back_more_than_it_offered(offers, share):
    leftover = int(sum(offers) * share)
    back = split(leftover, *offers, by=run_back)
    assert sum(back) == leftover
    assert all(0 <= b <= o for b, o in zip(back, offers, strict=True))


@given(
    keys=st.lists(st.integers(-1, 3) | st.integers(0, 2**60), min_size=N, max_size=N),
    count=st.integers(0, N),
)
def test_the_largest_are_marked(keys, count):
    ranked = sorted((i for i in range(N) if keys[i] >= 0), key=lambda i: (-keys[i], i))
    with exact():
        marked = run_largest(jnp.asarray(keys)[:, None], jnp.asarray([count], jnp.int64))
    assert np.flatnonzero(marked[:, 0]).tolist() == sorted(ranked[:count])


def test_goods_are_split_apart_and_worlds_by_vmap():
    totals, rows = [[5, 2], [0, 9]], [[[1, 1], [1, 0]], [[2, 3], [5, 4]]]
    with exact():
        found = jax.vmap(shares_of)(jnp.asarray(totals), jnp.asarray(rows)).tolist()
    for total, table, got in zip(totals, rows, found, strict=True):
        for j in range(2):
            assert [row[j] for row in got] == shares(total[j], [row[j] for row in table])


def test_many_agents_share_exactly():
    rng = np.random.default_rng(3)
    weights, total = rng.random((5000, 2)), np.array([2**40, 12_345])
    with exact():
        found = np.asarray(run_by(jnp.asarray(total), jnp.asarray(weights)))
    assert found.sum(axis=0).tolist() == total.tolist()
    assert np.abs(found - total * weights / weights.sum(axis=0)).max() < 1 + 1e-3
