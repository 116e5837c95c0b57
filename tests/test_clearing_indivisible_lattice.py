import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax.clearing.indivisible._lattice import NEVER, end_of
from whole_markets import lists

GAINS = st.one_of(st.integers(-6, 3), st.just(NEVER))


def fits(gains, prices):
    every = np.append(prices, 0)
    return bool((every - every[:, None] >= gains).all())


@given(lists((4, 4), GAINS))
def test_the_ends_are_the_least_and_the_greatest_that_fit(rows):
    gains = np.array(rows)
    gains[-1] = np.maximum(gains[-1], 0)
    gains[:-1, -1] = np.maximum(gains[:-1, -1], -6)
    np.fill_diagonal(gains, 0)
    all_fitting = [p for p in itertools.product(range(7), repeat=3) if fits(gains, p)]
    lowest, highest = end_of(gains, "lowest"), end_of(gains, "highest")
    if not all_fitting:
        assert lowest is None and highest is None
    else:
        assert lowest.prices.tolist() == np.min(all_fitting, axis=0).tolist()
        assert highest.prices.tolist() == np.max(all_fitting, axis=0).tolist()


@pytest.mark.parametrize("order", [1, -1])
def test_a_long_chain_takes_two_rounds(order):
    goods = 50
    gains = np.full((goods + 1, goods + 1), NEVER)
    gains[-1] = 0
    chain = np.arange(goods)[::order]
    gains[chain[:-1], chain[1:]] = 1
    gains[:-1, -1] = -99
    found = end_of(gains, "lowest")
    assert found.prices[chain].tolist() == list(range(goods))
    assert found.steps <= 3
