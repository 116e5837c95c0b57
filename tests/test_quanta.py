"""Bundles in whole quanta: a quantum from what was wanted, within what there is and is payable."""

from fractions import Fraction
from math import floor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._quanta import MEANS_MAX, PAYMENT_MAX, payments_of, whole_bundles
from catallax._types import exact
from oracles.goods import cost, rounded

pytestmark = pytest.mark.usefixtures("strict_jax")

N, M = 4, 3
run = jax.jit(whole_bundles)

amounts = (
    st.integers(0, 6).map(float)
    | st.floats(0, 9)
    | st.floats(0, 2.0**38)
    | st.floats(1 - 1e-9, 1 + 1e-9)
)
wishes = st.lists(st.lists(amounts, min_size=M, max_size=M), min_size=N, max_size=N)
prices = st.lists(
    st.just(0.0) | st.floats(0, 5) | st.integers(0, 5).map(float) | st.floats(0, 2.0**40),
    min_size=M,
    max_size=M,
)
spare = st.integers(-5, 5)


def bought(wants, supply, price, means):
    """Whole bundles, as lists."""
    with exact():
        found = run(
            jnp.asarray(wants, jnp.float64),
            jnp.asarray(supply, jnp.int64),
            jnp.asarray(price, jnp.float64),
            jnp.asarray(means, jnp.int64),
        )
    return found.tolist()


def column(rows, j):
    return [row[j] for row in rows]


def test_what_is_left_goes_to_who_lost_most():
    """Three want 5⅓ quanta of 16 and one of them a hair more: it gets the sixteenth."""
    wants = [[16 / 3], [5.4], [16 / 3]]
    assert bought(wants, [16], [2.0], [100, 100, 100]) == [[5], [6], [5]]


def test_who_cannot_pay_for_one_more_is_passed_over():
    """At 2 ticks a quantum, 11 ticks pay for 5: the next in line gets the sixteenth."""
    wants = [[16 / 3], [5.4], [16 / 3]]
    assert bought(wants, [16], [2.0], [100, 11, 100]) == [[6], [5], [5]]


def test_the_dearest_good_is_handed_out_first():
    """Half a quantum of each, 10 ticks: the one at 10 is bought, and then not the one at 1."""
    assert bought([[0.5, 0.5]], [1, 1], [1.0, 10.0], [10]) == [[0, 1]]


def test_what_is_free_is_rounded_up_as_long_as_there_is_any():
    assert bought([[0.25], [1.25], [0.5]], [9], [0.0], [0, 0, 0]) == [[1], [2], [1]]
    assert bought([[0.25], [1.25], [0.5]], [2], [0.0], [0, 0, 0]) == [[0], [1], [1]]


def test_nobody_gets_what_it_did_not_want():
    assert bought([[0.0, 1.0], [0.75, 0.0]], [9, 9], [0.0, 0.0], [0, 0]) == [[0, 1], [1, 0]]


def test_where_too_much_is_wanted_all_are_cut_alike():
    """60 and 30 wanted of 30."""
    assert bought([[60.0], [30.0]], [30], [0.0], [0, 0]) == [[15], [15]]
    assert bought([[30.0], [15.0]], [30], [0.0], [0, 0]) == [[20], [10]]


def test_where_too_little_can_be_paid_the_bundle_is_cut():
    """10 of each at 1 and 3 ticks cost 40; 20 ticks pay for 5 of each."""
    assert bought([[10.0, 10.0]], [99, 99], [1.0, 3.0], [20]) == [[5, 5]]


def test_who_has_nothing_gets_what_is_free():
    assert bought([[3.0, 3.0]], [9, 9], [0.0, 1.0], [0]) == [[3, 0]]
    assert bought([[3.0, 3.0]], [9, 9], [0.0, 1.0], [-5]) == [[3, 0]]


def test_nobody_wants_or_nothing_is_there():
    assert bought([[0.0], [0.0]], [9], [1.0], [9, 9]) == [[0], [0]]
    assert bought([[5.0], [2.5]], [0], [1.0], [9, 9]) == [[0], [0]]


def test_a_price_that_nobody_can_pay_is_not_wrapped():
    assert bought([[2.0**40]], [2**40], [2.0**40], [2**60]) == [[2**10]]
    with exact():
        assert int(payments_of(jnp.int64(2**40), jnp.float64(1e300))) == PAYMENT_MAX > MEANS_MAX


@given(wants=wishes, price=prices, spares=st.lists(spare, min_size=N + M, max_size=N + M))
def test_bundles_that_fit_are_the_oracles(wants, price, spares):
    """Supply and means are set around what the whole quanta need, so that both just bind."""
    whole = [[floor(want) for want in row] for row in wants]
    supply = [sum(column(whole, j)) + max(spares[N + j], 0) for j in range(M)]
    # Nobody can want more than there is: the border cuts that.
    wants = [[min(w, float(s)) for w, s in zip(row, supply, strict=True)] for row in wants]
    spent = [sum(map(cost, row, price)) for row in whole]
    means = [max(due + spares[i], due) for i, due in enumerate(spent)]
    means = [min(mean, MEANS_MAX) for mean in means]
    if any(due > MEANS_MAX for due in spent):
        return
    assert bought(wants, supply, price, means) == rounded(wants, supply, price, means)


@given(
    wants=wishes,
    price=prices,
    supply=st.lists(st.integers(0, 9) | st.integers(0, 2**40), min_size=M, max_size=M),
    means=st.lists(st.integers(0, 30) | st.integers(0, 2**45), min_size=N, max_size=N),
)
def test_nobody_is_over_its_means_and_no_good_over_what_there_is(wants, price, supply, means):
    got = bought(wants, supply, price, means)
    for row, wish, mean in zip(got, wants, means, strict=True):
        assert sum(map(cost, row, price)) <= mean
        assert all(0 <= q < w + 1 for q, w in zip(row, wish, strict=True))
    assert all(sum(column(got, j)) <= supply[j] for j in range(M))


@given(wants=wishes, price=prices, spares=st.lists(spare, min_size=N + M, max_size=N + M))
def test_rounding_misses_by_less_than_a_quantum(wants, price, spares):
    supply = [floor(sum(column(wants, j))) + 1 + max(spares[N + j], 0) for j in range(M)]
    means = [floor(sum(p * w for p, w in zip(price, row, strict=True))) + 5 for row in wants]
    if max(means) > MEANS_MAX or max(supply) > 2**40:
        return
    got = bought(wants, supply, price, means)
    assert all(
        abs(q - w) < 1 for r, s in zip(got, wants, strict=True) for q, w in zip(r, s, strict=True)
    )


@given(wants=wishes, share=st.fractions(Fraction(1, 10), 1))
def test_a_cut_is_the_same_share_for_all(wants, share):
    """Of one good at no price everybody misses its share of what is wanted by a quantum."""
    whole = sum(floor(row[0]) for row in wants)
    supply = floor(whole * share)
    wanted = [min(row[0], float(supply)) for row in wants]
    got = column(bought([[w] for w in wanted], [supply], [0.0], [0] * N), 0)
    if sum(map(floor, wanted)) > supply:
        ratio = Fraction(supply) / sum(map(Fraction, wanted))
        for q, w in zip(got, wanted, strict=True):
            assert abs(q - w * ratio) < 1 + Fraction(1, 100)
        assert sum(got) == supply


@given(
    whole=st.lists(st.lists(st.integers(0, 9), min_size=M, max_size=M), min_size=N, max_size=N),
    parts=st.lists(st.permutations(range(N)), min_size=M, max_size=M),
    price=prices,
    spares=st.lists(st.integers(0, 9), min_size=N + M, max_size=N + M),
    order=st.permutations(range(N)),
)
def test_only_ties_know_the_order(whole, parts, price, spares, order):
    """Where no two lose the same part of a good, everybody gets the same in any order."""
    wants = [[w + parts[j][i] / 8 for j, w in enumerate(row)] for i, row in enumerate(whole)]
    supply = [sum(column(whole, j)) + spares[N + j] for j in range(M)]
    means = [sum(map(cost, row, price)) + spares[i] for i, row in enumerate(whole)]
    straight = bought(wants, supply, price, means)
    turned = bought([wants[i] for i in order], supply, price, [means[i] for i in order])
    assert turned == [straight[i] for i in order]


def test_many_markets_at_once():
    rng = np.random.default_rng(5)
    wants, means = rng.random((6, N, M)) * 9, rng.integers(0, 60, (6, N))
    supply, price = rng.integers(0, 20, (6, M)), rng.random((6, M)) * 4
    with exact():
        found = jax.vmap(whole_bundles)(*map(jnp.asarray, (wants, supply, price, means)))
    for k in range(6):
        assert found[k].tolist() == bought(wants[k], supply[k], price[k], means[k])
