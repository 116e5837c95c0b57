"""What agents perceive, against the same formulas in plain NumPy and plain Python."""

from fractions import Fraction
from math import floor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents import Bits, Encoder, Fourier, Index, Raw, Tiles
from catallax.agents._encoders import (
    Statistics,
    absorb,
    absorb_all,
    as_vector,
    centre_and_half,
    encoder_state,
    no_statistics,
    pack_bits,
    standardise,
)

KEY = jax.random.key(3)
PLANE = spaces.Box(np.float32([-1, 10]), np.float32([3, 20]))
HALF_OPEN = spaces.Box(np.float32([-2, -np.inf, 0]), np.float32([4, np.inf, np.inf]))
FLOATS = st.floats(-100, 100, width=32)


# --- vectors and running statistics


def test_an_index_becomes_one_hot_and_a_vector_stays(strict_jax):
    assert as_vector(4, jnp.int32(2)).tolist() == [0, 0, 1, 0]
    assert as_vector(4, jnp.int32(2)).dtype == jnp.float32
    vector = jnp.float32([1.5, -2])
    assert as_vector(2, vector) is vector


def rows_of(seed, count):
    draws = np.random.default_rng(seed)
    scale, shift = draws.uniform(0.1, 20, 3), draws.uniform(-20, 20, 3)
    return (draws.normal(size=(count, 3)) * scale + shift).astype(np.float32)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from([1, 2, 7, 40])), min_size=1))
def test_merged_statistics_are_those_of_all_data(batches):
    found, seen = no_statistics(3), []
    for seed, count in batches:
        seen.append(rows_of(seed, count))
        found = absorb(found, jnp.asarray(seen[-1]))
    together = np.concatenate(seen).astype(np.float64)
    assert int(found.seen) == len(together)
    np.testing.assert_allclose(found.mean, together.mean(0), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(found.variance, together.var(0), rtol=1e-3, atol=1e-3)


def test_statistics_of_a_chunk_run_over_time_and_worlds():
    chunk = rows_of(1, 12).reshape(3, 4, 3)
    found = absorb_all(no_statistics(3), jnp.asarray(chunk))
    assert int(found.seen) == 12
    np.testing.assert_allclose(found.mean, chunk.reshape(12, 3).mean(0), rtol=1e-5)
    symbols = jnp.int32([[0, 1], [1, 1]])
    np.testing.assert_allclose(absorb_all(no_statistics(3), symbols).mean, [0.25, 0.75, 0])


def test_standardised_is_distance_in_deviations_and_at_most_five(strict_jax):
    statistics = Statistics(jnp.float32(9), jnp.float32([1, 2, 0]), jnp.float32([4, 0.25, 1]))
    assert np.allclose(standardise(statistics, jnp.float32([4, 1, -0.5])), [1.5, -2, -0.5])
    assert standardise(statistics, jnp.float32([99, -99, 4.9])).tolist() == [
        5,
        -5,
        pytest.approx(4.9),
    ]


def test_before_any_data_observations_are_as_they_are():
    vector = jnp.float32([0.5, -4])
    np.testing.assert_allclose(standardise(no_statistics(2), vector), vector)


# --- Raw


def test_raw_is_the_observation_and_learns_nothing_unless_asked(strict_jax):
    raw, observation = Raw(), jnp.float32([7, 15])
    state = raw.init(KEY, PLANE)
    assert raw.encode(state, observation).tolist() == [7, 15]
    assert raw.update(state, jnp.ones((2, 2, 2))) is state
    assert raw.size(PLANE) == 2
    assert raw.size(spaces.Discrete(5)) == 5
    assert raw.encode(raw.init(KEY, spaces.Discrete(3)), jnp.int32(1)).tolist() == [0, 1, 0]
    assert float(raw.dot(jnp.float32([2, 10]), observation)) == 164


def test_raw_normalises_with_what_it_saw():
    raw, chunk = Raw(normalise=True), rows_of(5, 30)
    box = spaces.Box(-np.inf, np.inf, (3,))
    state = raw.update(raw.init(KEY, box), jnp.asarray(chunk.reshape(6, 5, 3)))
    expected = np.clip((chunk[7] - chunk.mean(0)) / chunk.std(0), -5, 5)
    np.testing.assert_allclose(raw.encode(state, jnp.asarray(chunk[7])), expected, atol=1e-4)


# --- Fourier


def fourier_by_hand(state, vector, features):
    angles = np.asarray(vector, np.float64) @ np.asarray(state["projection"], np.float64)
    return np.sqrt(2 / features) * np.cos(angles + np.asarray(state["phase"], np.float64))


def test_fourier_is_a_scaled_cosine_of_a_projection(strict_jax):
    fourier = Fourier(features=16, bandwidth=0.5)
    state, observation = fourier.init(KEY, PLANE), np.float32([0.3, 17])
    found = fourier.encode(state, jnp.asarray(observation))
    assert found.shape == (16,) == (fourier.size(PLANE),)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, fourier_by_hand(state, observation, 16), atol=1e-4)


@pytest.mark.parametrize(
    ("scales", "half"), [(None, [2, 5]), ((0.5, 4.0), [0.5, 4])], ids=["range", "given"]
)
def test_fourier_measures_from_the_centre_in_its_scales(scales, half):
    unit = Fourier(features=8, bandwidth=1.0, scales=scales)
    plain = unit.init(KEY, spaces.Box(-1, 1, (2,)) if scales is None else PLANE)
    state = unit.init(KEY, PLANE)
    frequencies = np.asarray(plain["projection"]) * np.reshape(
        [1, 1] if scales is None else scales, (2, 1)
    )
    observation, centre = np.float32([2.2, 11.5]), np.array([1, 15])
    angle = np.asarray(state["phase"]) + centre @ np.asarray(state["projection"])
    by_hand = np.cos((observation - centre) / half @ frequencies + angle) * np.sqrt(2 / 8)
    np.testing.assert_allclose(unit.encode(state, jnp.asarray(observation)), by_hand, atol=1e-4)
    assert np.all((angle > -1e-3) & (angle < 2 * np.pi + 1e-3))


def test_fourier_frequencies_have_the_deviation_of_the_bandwidth():
    box = spaces.Box(-1, 1, (2,))
    wide = np.asarray(Fourier(features=4000, bandwidth=4.0).init(KEY, box)["projection"])
    assert wide.std() == pytest.approx(0.25, rel=0.03)
    assert abs(wide.mean()) < 0.01


def test_fourier_inner_products_are_the_gaussian_kernel():
    fourier = Fourier(features=4000, bandwidth=0.7)
    box = spaces.Box(-1, 1, (2,))
    state, one, other = fourier.init(KEY, box), np.float32([0.1, -0.3]), np.float32([0.5, 0.2])
    inner = float(fourier.encode(state, one) @ fourier.encode(state, other))
    kernel = np.exp(-np.sum((one - other) ** 2) / (2 * 0.7**2))
    assert inner == pytest.approx(kernel, abs=0.05)


def test_fourier_normalises_in_place_of_the_range():
    fourier, chunk = Fourier(features=8, normalise=True), rows_of(8, 20)[:, :2]
    first = fourier.init(KEY, PLANE)
    state = fourier.update(first, jnp.asarray(chunk.reshape(4, 5, 2)))
    assert int(state["statistics"].seen) == 20
    np.testing.assert_array_equal(state["projection"], first["projection"])
    vector = np.clip((chunk[3] - chunk.mean(0)) / chunk.std(0), -5, 5)
    found = fourier.encode(state, jnp.asarray(chunk[3]))
    np.testing.assert_allclose(found, fourier_by_hand(state, vector, 8), atol=1e-4)
    assert np.all((first["phase"] >= 0) & (first["phase"] <= 2 * np.pi))
    still = Fourier(features=8)
    assert still.update(first, jnp.asarray(chunk[None])) is first


def test_unbounded_dimensions_have_centre_zero_and_scale_one():
    centre, half = centre_and_half(HALF_OPEN, None)
    assert (centre.tolist(), half.tolist()) == ([1, 0, 0], [3, 1, 1])
    centre, half = centre_and_half(spaces.Discrete(2), None)
    assert (centre.tolist(), half.tolist()) == ([0, 0], [1, 1])


@pytest.mark.parametrize("low, high, dtype", [(-100, 100, np.int8), (10, 250, np.uint8)])
def test_the_range_of_whole_numbers_does_not_overflow(low, high, dtype):
    centre, half = centre_and_half(spaces.Box(low, high, (1,), dtype), None)
    assert (centre[0], half[0]) == ((low + high) / 2, (high - low) / 2)


def test_a_dimension_that_cannot_vary_does_no_harm():
    box = spaces.Box(np.float32([0, 2]), np.float32([1, 2]))
    fourier = Fourier(features=4)
    found = fourier.encode(fourier.init(KEY, box), jnp.float32([0.5, 2]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("scales", [(1.0,), (1.0, 0.0), (-1.0, 2.0), (-1.0, -2.0)])
def test_scales_are_one_positive_number_a_dimension(scales):
    with pytest.raises(InvalidSetting, match="one positive number a dimension"):
        Fourier(scales=scales).init(KEY, PLANE)


@pytest.mark.parametrize("wrong", [{"features": 0}, {"bandwidth": 0.0}, {"bandwidth": -1.0}])
def test_fourier_refuses_by_name(wrong):
    with pytest.raises(InvalidSetting, match="Fourier was given"):
        Fourier(**wrong)


# --- Tiles


def tiles_by_hand(tilings, bins, box, observation):
    """A dictionary's worth of tiles: (tiling, cell, cell, ...), exact in fractions."""
    found = []
    for tiling in range(tilings):
        cells = []
        for d, value in enumerate(observation.tolist()):
            low, high = (Fraction(float(end[d])) for end in (box.low, box.high))
            place = (Fraction(value) - low) / (high - low) * bins
            shift = Fraction(tiling * (2 * d + 1), tilings) % 1
            cells.append(min(max(floor(place + shift), 0), bins))
        found.append((tiling, *cells))
    return found


@pytest.mark.parametrize(("tilings", "bins"), [(1, 3), (4, 4), (8, 2)])
def test_tiles_number_the_cells_of_shifted_grids(tilings, bins):
    tiles, box = Tiles(tilings=tilings, bins=bins), spaces.Box(-1, 3, (2,))
    state, numbers = tiles.init(KEY, box), {}
    encode = jax.jit(jax.vmap(tiles.encode, (None, 0)))
    # Eighths and powers of two are exact in floats; some of these are out of bounds.
    observations = np.random.default_rng(0).integers(-20, 36, (600, 2)).astype(np.float32) / 8
    for observation, senses in zip(
        observations, np.asarray(encode(state, observations)).tolist(), strict=True
    ):
        near_edge = bins == 3  # a third is not: the oracle is asked away from the edges only
        if near_edge and np.any((observation + 1) * 6 % 8 == 0):
            continue
        for cell, number in zip(
            tiles_by_hand(tilings, bins, box, observation), senses, strict=True
        ):
            assert numbers.setdefault(cell, number) == number
    assert len(set(numbers.values())) == len(numbers), "two tiles share an index"
    assert min(numbers.values()) >= 0
    assert max(numbers.values()) < tiles.size(box) == tilings * (bins + 1) ** 2


@settings(max_examples=100)
@given(st.tuples(FLOATS, FLOATS))
def test_tilings_never_share_an_index(place):
    tiles, box = Tiles(tilings=4, bins=3), spaces.Box(-1, 1, (2,))
    senses = np.asarray(tiles.encode(tiles.init(KEY, box), np.float32(place)))
    assert senses.dtype == np.int32
    assert (senses // 16).tolist() == [0, 1, 2, 3]


def test_near_observations_share_most_tiles_and_far_ones_none(strict_jax):
    tiles = Tiles(tilings=8, bins=4, bounds=((0.0, 1.0),))
    box = spaces.Box(-np.inf, np.inf, (1,))
    tiles.supports(box)
    state = tiles.init(KEY, box)
    here, near, far = (
        set(tiles.encode(state, jnp.float32([x])).tolist()) for x in (0.51, 0.53, 0.9)
    )
    assert len(here & near) >= 7
    assert not here & far


def test_tiles_sum_weights_over_the_root_of_the_tilings(strict_jax):
    weights = jnp.arange(10, dtype=jnp.float32)
    assert float(Tiles(tilings=4).dot(weights, jnp.int32([1, 2, 3, 8]))) == 7


@pytest.mark.parametrize(
    ("tiles", "space", "words"),
    [
        (Tiles(), spaces.Box(-np.inf, 1, (1,)), "finite lower and upper bound"),
        (Tiles(), spaces.Discrete(3), "cannot lay a grid"),
        (Tiles(bounds=((0.0, 1.0),)), PLANE, "one pair a dimension"),
        (Tiles(bounds=((0.0, 1.0), (1.0, 1.0))), PLANE, "cannot lay a grid"),
        (Tiles(bounds=()), PLANE, "one pair a dimension"),
        (Tiles(bounds=((0.0, 1.0),) * 3), spaces.Discrete(3), "cannot lay a grid"),
        (Tiles(), spaces.Box(0, 1, (9,)), "weights for"),
        (Index(), PLANE, "A table cannot hold"),
        (Bits(), PLANE, "They match bits"),
        (Raw(), spaces.Text(3), "no array of numbers"),
        (Fourier(), spaces.Text(3), "no array of numbers"),
    ],
    ids=str,
)
def test_encoders_refuse_spaces_and_say_why(tiles, space, words):
    with pytest.raises(UnsupportedSpace, match=words):
        tiles.supports(space)
    with pytest.raises(UnsupportedSpace):
        encoder_state(tiles, KEY, space)


@pytest.mark.parametrize("wrong", [{"tilings": 0}, {"bins": 0}])
def test_tiles_refuse_by_name(wrong):
    with pytest.raises(InvalidSetting, match="Tiles was given"):
        Tiles(**wrong)


# --- Index and Bits


def test_index_reads_a_table():
    index, space = Index(), spaces.Discrete(4, start=7)
    assert encoder_state(index, KEY, space) == {}
    assert index.size(space) == 4
    assert int(index.encode({}, jnp.int32(2))) == 2
    assert float(index.dot(jnp.float32([5, 6, 7, 8]), jnp.int32(2))) == 7


@settings(max_examples=50)
@given(st.sampled_from([1, 31, 32, 33, 64, 70]), st.integers(0, 2**70 - 1))
def test_bits_are_packed_as_an_integer_is(count, number):
    number %= 2**count
    bits = np.array([number >> place & 1 for place in range(count)])
    expected = [number >> start & (2**32 - 1) for start in range(0, count, 32)]
    assert pack_bits(jnp.asarray(bits, bool)).tolist() == expected
    found = Bits().encode({}, jnp.asarray(bits, jnp.float32))
    assert found.dtype == jnp.uint32
    assert found.tolist() == expected


@pytest.mark.parametrize(("count", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8)])
def test_a_symbol_has_the_bits_of_its_number(count, bits):
    encoder, space = Bits(), spaces.Discrete(count)
    encoder.supports(space)
    assert encoder.size(space) == bits
    assert encoder.encode({}, jnp.int32(count - 1)).tolist() == [count - 1]
    assert (count - 1) >> bits == 0


def test_bits_read_multibinary_of_any_shape():
    assert Bits().size(spaces.MultiBinary((2, 20))) == 40
    Bits().supports(spaces.MultiBinary((2, 20)))


@pytest.mark.parametrize("space", [spaces.MultiBinary(40), spaces.Discrete(6)], ids=str)
def test_weights_of_bits_are_one_a_bit(space):
    encoder: Encoder = Bits()
    count = encoder.size(space)
    symbol, vector = jnp.int32(5), jnp.asarray(np.arange(40) % 3 == 1, jnp.float32)
    senses = encoder.encode({}, symbol if isinstance(space, spaces.Discrete) else vector)
    weights = np.arange(1, count + 1, dtype=np.float32)
    ones = [0, 2] if isinstance(space, spaces.Discrete) else np.flatnonzero(vector)
    assert float(encoder.dot(jnp.asarray(weights), senses)) == weights[ones].sum()
