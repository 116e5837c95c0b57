"""Ticks and credits, and the two precisions."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._types import (
    NOBODY,
    TICKS_MAX,
    TICKS_PER_CREDIT,
    credits_of,
    exact,
    floats,
    ticks_of,
)


@pytest.mark.parametrize(
    ("credits", "ticks"),
    [
        (0, 0),
        (1, 10**6),
        (1.5, 1_500_000),
        (0.29, 290_000),
        (2e-6, 2),
        (-2e-6, -2),
        (1.0000009, 1_000_000),
        (-1.5, -1_500_000),
        ("0.0000019", 1),
        ("-0.0000001", -1),
        (Fraction(1, 3), 333_333),
        (Fraction(-1, 3), -333_334),
        (np.float32(0.5), 500_000),
        (np.float64(0.25), 250_000),
        (np.int64(3), 3_000_000),
        (10**20, 10**26),
    ],
)
def test_credits_become_whole_ticks_rounded_down(credits, ticks):
    assert ticks_of(credits) == ticks
    assert type(ticks_of(credits)) is int


@given(credits=st.floats(-1e6, 1e6))
def test_any_amount_is_rounded_down_as_it_is_written(credits):
    """0.29 as a person types it is 290000 ticks; as a binary fraction it would be one short."""
    assert ticks_of(credits) == math.floor(Fraction(repr(credits)) * TICKS_PER_CREDIT)


@given(ticks=st.integers(-TICKS_MAX, TICKS_MAX))
def test_ticks_survive_the_way_through_credits(ticks):
    assert round(credits_of(ticks) * TICKS_PER_CREDIT) == ticks
    assert ticks_of(Fraction(ticks, TICKS_PER_CREDIT)) == ticks


def test_credits_are_for_reading():
    assert credits_of(1_500_000) == 1.5
    assert isinstance(credits_of(np.int64(3)), float)
    many = credits_of(np.array([1, -2_000_000]))
    assert many.dtype == np.float64
    assert many.tolist() == [1e-6, -2.0]


def test_money_has_its_own_precision_and_leaves_the_users_alone():
    before = jax.config.jax_enable_x64
    with exact():
        assert jnp.asarray(2**40 + 4).dtype == jnp.int64
        assert int(jnp.asarray(2**40 + 4) + 1) == 2**40 + 5
        with floats():
            assert jnp.arange(3).dtype == jnp.int32
            assert jnp.asarray(0.5).dtype == jnp.float32
        assert jnp.asarray(2**40).dtype == jnp.int64
    assert jax.config.jax_enable_x64 == before


def test_the_largest_price_leaves_room():
    """A price times a discount's numerator, and 2²² payments, stay within 63 bits."""
    assert TICKS_MAX * (2**20 - 1) < 2**63
    assert TICKS_MAX * 2**22 < 2**63
    assert NOBODY < 0
