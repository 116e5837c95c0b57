"""Encoders against plain NumPy and plain Python."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text
from hypothesis import given
from hypothesis import strategies as st

import catallax as cx
from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents._encoders import (
    absorb,
    as_vector,
    centre_and_half,
    cosine,
    encoder_state,
    no_statistics,
    pack_bits,
    standardise,
)

KEY = jax.random.key(3)
PLANE = Box(np.array([-2.0, 0.0], np.float32), np.array([4.0, 1.0], np.float32))
ENDLESS = Box(np.array([-np.inf, -1.0], np.float32), np.array([np.inf, 1.0], np.float32))


def started(encoder, space):
    return encoder_state(encoder, KEY, space)


# --- statistics


@given(st.lists(st.sampled_from([1, 2, 9, 40]), min_size=1, max_size=5), st.integers(0, 2**16))
def test_statistics_merged_chunk_by_chunk_are_those_of_all_data(sizes, seed):
    draw = np.random.default_rng(seed)
    chunks = [draw.normal(3.0, 5.0, (size, 2)).astype(np.float32) for size in sizes]
    statistics = no_statistics(2)
    for chunk in chunks:
        statistics = absorb(statistics, jnp.asarray(chunk))
    whole = np.concatenate(chunks)
    assert int(statistics[0]) == len(whole)
    np.testing.assert_allclose(statistics.mean, whole.mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(statistics.variance, whole.var(axis=0), rtol=1e-3, atol=1e-4)


def test_statistics_of_nothing_leave_observations_as_they_are():
    vector = jnp.asarray([0.5, -3.0], jnp.float32)
    np.testing.assert_allclose(standardise(no_statistics(2), vector), vector, rtol=1e-5)


def test_what_is_standardised_is_bounded_also_where_nothing_varies():
    rows = np.array([[1.0, 7.0], [3.0, 7.0]], np.float32)
    statistics = absorb(no_statistics(2), jnp.asarray(rows))
    np.testing.assert_allclose(standardise(statistics, rows[1]), [1.0, 0.0], atol=1e-4)
    far = standardise(statistics, jnp.asarray([1e6, -1e6], jnp.float32))
    assert far.tolist() == [5, -5]


# --- the observation itself


def test_an_index_becomes_one_hot_and_a_vector_stays():
    assert as_vector(4, jnp.int32(2)).tolist() == [0, 0, 1, 0]
    assert as_vector(2, jnp.asarray([5.0, 6.0])).tolist() == [5, 6]


def test_raw_learns_its_scale_only_where_asked():
    seen = jnp.asarray(np.random.default_rng(0).normal(9, 2, (8, 4, 2)), jnp.float32)
    for normalise in (False, True):
        encoder = cx.Raw(normalise=normalise)
        state = encoder.update(started(encoder, PLANE), seen)
        senses = np.asarray(jax.vmap(encoder.encode, (None, 0))(state, seen.reshape(-1, 2)))
        moved = abs(senses.mean()) < 1e-4 and abs(senses.std() - 1) < 1e-3
        assert moved == normalise


def test_raw_counts_the_entries_of_any_space():
    spaces = (PLANE, Discrete(7), MultiDiscrete([2, 3]), MultiBinary(6))
    assert [cx.Raw().size(space) for space in spaces] == [2, 7, 5, 6]
    assert cx.Raw().size(Dict({"a": Discrete(3), "b": PLANE})) == 5


# --- Fourier


def test_the_cosine_is_the_cosine():
    angles = np.linspace(-40, 40, 100_001, dtype=np.float32)
    found = np.asarray(cosine(jnp.asarray(angles)))
    np.testing.assert_allclose(found, np.cos(angles.astype(np.float64)), atol=4e-6)
    near = np.abs(angles) < math.pi
    np.testing.assert_allclose(found[near], np.cos(angles[near].astype(np.float64)), atol=4e-7)
    assert np.abs(found).max() <= 1 + 1e-6
    assert not np.isfinite(cosine(jnp.asarray([np.inf, np.nan]))).any()


def test_fourier_features_are_cosines_of_scaled_projections():
    encoder = cx.Fourier(features=16, bandwidth=2.0)
    state = started(encoder, PLANE)
    frequencies, phases = jax.random.split(KEY)
    gauss = np.asarray(jax.random.normal(frequencies, (2, 16), jnp.float32)) / 2.0
    phase = np.asarray(jax.random.uniform(phases, (16,), jnp.float32, 0, 2 * np.pi))
    seen = np.array([3.0, 0.2], np.float32)
    scaled = (seen - [1.0, 0.5]) / [3.0, 0.5]
    expected = math.sqrt(2 / 16) * np.cos(scaled @ gauss + phase)
    np.testing.assert_allclose(encoder.encode(state, seen), expected, atol=1e-4)


def test_fourier_features_span_the_gaussian_kernel():
    encoder = cx.Fourier(features=20_000)
    state = started(encoder, Box(-1.0, 1.0, (2,)))
    one, other = jnp.asarray([0.1, -0.3], jnp.float32), jnp.asarray([0.6, 0.4], jnp.float32)
    inner = encoder.encode(state, one) @ encoder.encode(state, other)
    kernel = math.exp(-float(jnp.sum((one - other) ** 2)) / 2)
    assert float(inner) == pytest.approx(kernel, abs=0.03)


def test_fourier_takes_its_scale_from_what_it_saw_where_asked():
    encoder, chunk = cx.Fourier(features=8, normalise=True), np.random.default_rng(0)
    chunk = chunk.normal([9, -3], [2, 5], (5, 4, 2)).astype(np.float32)
    state = encoder.update(started(encoder, PLANE), jnp.asarray(chunk))
    rows, seen = chunk.reshape(-1, 2), chunk[1, 2]
    scaled = np.clip((seen - rows.mean(axis=0)) / rows.std(axis=0), -5, 5)
    angles = scaled @ np.asarray(state["projection"]) + np.asarray(state["phase"])
    expected = math.sqrt(2 / 8) * np.cos(angles)
    np.testing.assert_allclose(encoder.encode(state, jnp.asarray(seen)), expected, atol=1e-4)
    plain = cx.Fourier(features=8)
    still = plain.init(KEY, PLANE)
    assert plain.update(still, jnp.asarray(chunk)) is still


def test_fourier_scales_may_be_given_and_are_one_where_there_are_no_bounds():
    centre, half = centre_and_half(ENDLESS, None)
    assert (centre.tolist(), half.tolist()) == ([0, 0], [1, 1])
    assert centre_and_half(PLANE, None)[1].tolist() == [3.0, 0.5]
    assert centre_and_half(PLANE, (9.0, 2.0))[1].tolist() == [9.0, 2.0]
    assert centre_and_half(Discrete(3), None)[1].tolist() == [1, 1, 1]
    cx.Fourier(features=4, scales=(1.0, 2.0)).init(KEY, PLANE)


@pytest.mark.parametrize("scales", [(1.0,), (1.0, 0.0), (1.0, -1.0), (-1.0, -2.0)])
def test_fourier_needs_one_positive_scale_a_dimension(scales):
    with pytest.raises(InvalidSetting, match="scale"):
        centre_and_half(PLANE, scales)


def test_a_dimension_without_extent_is_not_divided_by_nothing():
    flat = Box(np.array([2.0, 0.0], np.float32), np.array([2.0, 1.0], np.float32))
    state = started(cx.Fourier(features=4), flat)
    assert np.isfinite(cx.Fourier(features=4).encode(state, jnp.asarray([2.0, 0.5]))).all()


def test_fourier_bounds_of_small_integers_do_not_overflow():
    assert centre_and_half(Box(-100, 100, (1,), np.int8), None)[1].tolist() == [100.0]
    assert centre_and_half(Box(10, 250, (1,), np.uint8), None)[0].tolist() == [130.0]


@pytest.mark.parametrize("wrong", [{"features": 0}, {"bandwidth": 0.0}, {"bandwidth": -1.0}])
def test_fourier_settings_are_checked(wrong):
    with pytest.raises(InvalidSetting, match="Fourier"):
        cx.Fourier(**wrong)


# --- tiles


def active_tiles(tilings, bins, low, high, seen):
    """Counts tiles one by one: the cell of each shifted grid, with cells in row-major order."""
    numbers = []
    for tiling in range(tilings):
        number = 0
        for axis in reversed(range(len(low))):
            width = (high[axis] - low[axis]) / bins
            shift = (tiling * (2 * axis + 1) / tilings) % 1.0
            cell = math.floor((seen[axis] - low[axis]) / width + shift)
            number = number * (bins + 1) + min(max(cell, 0), bins)
        numbers.append(number + tiling * (bins + 1) ** len(low))
    return numbers


POINTS = st.lists(st.integers(-300, 700).map(lambda n: (n + 0.5) / 100), min_size=2, max_size=2)


@given(POINTS, st.sampled_from([1, 3, 4]), st.sampled_from([1, 2, 7]))
def test_tiles_are_those_of_the_oracle_also_outside_the_bounds(seen, tilings, bins):
    encoder = cx.Tiles(tilings=tilings, bins=bins)
    low, high = [-2.0, 0.0], [4.0, 1.0]
    state = encoder.init(KEY, PLANE)
    found = np.asarray(encoder.encode(state, jnp.asarray(seen, jnp.float32)))
    expected = active_tiles(tilings, bins, low, high, seen)
    # A point on a line between two tiles may fall on either side in float32.
    places = [
        (x - lo) / (hi - lo) * bins + (t * (2 * d + 1) / tilings) % 1
        for t in range(tilings)
        for d, (x, lo, hi) in enumerate(zip(seen, low, high, strict=True))
    ]
    if min(abs(place - round(place)) for place in places) > 1e-4:
        assert found.tolist() == expected
    assert found.dtype == np.int32 and 0 <= found.min() and found.max() < encoder.size(PLANE)


def test_a_bid_on_tiles_is_their_weights_times_a_vector_of_norm_1():
    encoder = cx.Tiles(tilings=2, bins=2)
    state, weights = encoder.init(KEY, PLANE), np.arange(18.0, dtype=np.float32)
    senses = encoder.encode(state, jnp.asarray([-2.0, 0.0], jnp.float32))
    assert senses.tolist() == [0, 9]
    assert float(encoder.dot(jnp.asarray(weights), senses)) == pytest.approx(9 / math.sqrt(2))


def test_bounds_may_be_given_for_endless_spaces():
    encoder = cx.Tiles(tilings=1, bins=4, bounds=((-1.0, 1.0), (0.0, 4.0)))
    state = started(encoder, ENDLESS)
    assert encoder.encode(state, jnp.asarray([0.1, 3.5], jnp.float32)).tolist() == [2 + 3 * 5]


@pytest.mark.parametrize(
    ("encoder", "space"),
    [
        (cx.Tiles(), ENDLESS),
        (cx.Tiles(), Discrete(4)),
        (cx.Tiles(bounds=((0.0, 1.0),) * 3), Discrete(3)),
        (cx.Tiles(bounds=((0.0, 1.0),)), PLANE),
        (cx.Tiles(bounds=()), PLANE),
        (cx.Tiles(bounds=((1.0, 0.0), (0.0, 1.0))), PLANE),
        (cx.Tiles(), Box(0.0, 1.0, (9,))),
        (cx.Index(), PLANE),
        (cx.Bits(), PLANE),
        (cx.Raw(), Text(4)),
        (cx.Fourier(), Text(4)),
        (cx.Bits(), MultiDiscrete([2, 2])),
    ],
    ids=lambda x: type(x).__name__,
)
def test_an_encoder_names_the_space_that_it_cannot_read(encoder, space):
    with pytest.raises(UnsupportedSpace) as caught:
        encoder.supports(space)
    assert caught.value.remedy


@pytest.mark.parametrize("wrong", [{"tilings": 0}, {"bins": 0}])
def test_tiles_settings_are_checked(wrong):
    with pytest.raises(InvalidSetting, match="Tiles"):
        cx.Tiles(**wrong)


# --- tables and bits


def test_a_table_is_read_at_its_index():
    encoder = cx.Index()
    senses = encoder.encode(started(encoder, Discrete(3)), jnp.int32(2))
    assert float(encoder.dot(jnp.asarray([5.0, 6.0, 7.0]), senses)) == 7.0
    assert encoder.size(Discrete(3)) == 3


SIZES = st.sampled_from([1, 5, 31, 32, 33, 64, 65, 70])


@given(SIZES.flatmap(lambda size: st.lists(st.booleans(), min_size=size, max_size=size)))
def test_packed_bits_are_the_digits_of_a_whole_number(bits):
    words = np.asarray(pack_bits(jnp.asarray(bits))).tolist()
    number = sum(1 << place for place, bit in enumerate(bits) if bit)
    assert sum(word << (32 * index) for index, word in enumerate(words)) == number
    assert len(words) == -(-len(bits) // 32) and all(0 <= word < 2**32 for word in words)


def test_bits_of_an_index_are_its_binary_digits():
    encoder = cx.Bits()
    sizes = {1: 1, 2: 1, 3: 2, 8: 3, 9: 4, 2**31: 31}
    assert {n: encoder.size(Discrete(n)) for n in sizes} == sizes
    assert encoder.encode({}, jnp.int32(6)).tolist() == [6]
    assert encoder.encode({}, jnp.asarray([0.0, 1.0, 1.0])).tolist() == [6]


def test_weights_on_bits_are_added_where_a_bit_is_1():
    weights = jnp.asarray(2.0 ** np.arange(40), jnp.float32)
    for place in (0, 31, 32, 39):
        senses = cx.Bits().encode({}, jnp.zeros(40).at[place].set(1.0))
        assert float(cx.Bits().dot(weights, senses)) == 2.0**place


# --- what all share


ENCODERS = [cx.Raw(), cx.Raw(normalise=True), cx.Fourier(features=8), cx.Tiles(tilings=2)]


@pytest.mark.parametrize(
    "encoder",
    [*ENCODERS, cx.Fourier(features=8, normalise=True)],
    ids=lambda value: type(value).__name__,
)
def test_dot_takes_as_many_weights_as_size_says_and_update_keeps_the_form(encoder):
    state = started(encoder, PLANE)
    chunk = jnp.ones((3, 2, 2), jnp.float32)
    after = encoder.update(state, chunk)
    before_form, after_form = (
        jax.tree.map(lambda x: (x.shape, x.dtype), tree) for tree in (state, after)
    )
    assert before_form == after_form
    senses = encoder.encode(after, chunk[0, 0])
    value = encoder.dot(jnp.ones(encoder.size(PLANE), jnp.float32), senses)
    assert value.shape == () and value.dtype == jnp.float32


@pytest.mark.parametrize(
    "encoder", [*ENCODERS, cx.Index(), cx.Bits()], ids=lambda value: type(value).__name__
)
def test_an_encoder_is_a_value(encoder):
    same = type(encoder)(**vars(encoder))
    assert encoder == same and hash(encoder) == hash(same)
    others = itertools.chain(ENCODERS, [cx.Index(), cx.Bits()])
    assert sum(encoder == other for other in others) == 1
