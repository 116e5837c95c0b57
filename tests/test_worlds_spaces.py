"""Observations and actions keep their meaning on the way between Gymnasium and arrays."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import BadObservation, InvalidSetting, UnsupportedSpace
from catallax.worlds import (
    action_size,
    decode_actions,
    encode_observation,
    encode_observations,
    observation_size,
    require_action_space,
    require_observation_space,
)
from catallax.worlds._spaces import encode_traced

Space = gymnasium.Space[Any]
SMALL = st.integers(1, 4)
SHAPES = st.lists(st.integers(1, 3), min_size=0, max_size=3).map(tuple)
LEAVES: st.SearchStrategy[Space] = st.one_of(
    st.builds(lambda n, start: spaces.Discrete(n, start=start), SMALL, st.integers(-3, 3)),
    st.builds(lambda shape: spaces.Box(-2.0, 3.0, shape, np.float64), SHAPES),
    st.builds(lambda shape: spaces.Box(0, 255, shape, np.uint8), SHAPES),
    st.builds(
        lambda nvec: spaces.MultiDiscrete(nvec, start=[1] * len(nvec)),
        st.lists(SMALL, min_size=1, max_size=3),
    ),
    st.just(spaces.MultiDiscrete([[2, 3], [4, 1]])),
    st.builds(spaces.MultiBinary, SMALL),
)
SPACES: st.SearchStrategy[Space] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(spaces.Tuple),
        st.dictionaries(st.text("abcz", min_size=1), inner, min_size=1, max_size=3).map(
            spaces.Dict
        ),
    ),
    max_leaves=5,
)
UNSUPPORTED: list[Space] = [
    spaces.Text(4),
    spaces.Graph(spaces.Box(0, 1, (2,)), None),
    spaces.Sequence(spaces.Discrete(2)),
    spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]),
]


def expected(space: Space, value: Any) -> np.ndarray:
    if isinstance(space, spaces.Discrete):
        return np.int32(value - space.start)
    return np.asarray(spaces.flatten(space, value), np.float32)


@given(space=SPACES, seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=80)
def test_single_batched_and_traced_encodings_equal_gymnasiums(space: Space, seed: int) -> None:
    space.seed(seed)
    values = [space.sample() for _ in range(3)]
    right = [expected(space, value) for value in values]
    single = [encode_observation(space, value) for value in values]
    batch = concatenate(space, values, create_empty_array(space, n=3))
    for found in (single, encode_observations(space, batch)):
        for mine, theirs in zip(found, right, strict=True):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(encode_traced(space, values[0]), right[0])
    if not isinstance(space, spaces.Discrete):
        assert observation_size(space) == len(right[0])


@given(
    space=st.one_of(
        st.builds(lambda n, start: spaces.Discrete(n, start=start), SMALL, st.integers(-3, 3)),
        st.just(spaces.MultiDiscrete([[2, 3], [4, 1]], start=[[1, 0], [5, 2]])),
        st.builds(lambda shape: spaces.Box(-1.0, 1.0, shape, np.float32), SHAPES),
    ),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=60)
def test_decoded_actions_belong_to_the_vector_space(space: Space, seed: int) -> None:
    random = np.random.default_rng(seed)
    if isinstance(space, spaces.Box):
        given_actions: np.ndarray = random.normal(0, 2, (5, action_size(space)))
    elif isinstance(space, spaces.Discrete):
        given_actions = random.integers(0, space.n, 5)
    else:
        assert isinstance(space, spaces.MultiDiscrete)
        given_actions = random.integers(0, space.nvec.ravel(), (5, 4))
    decoded = decode_actions(space, given_actions)
    assert batch_space(space, 5).contains(decoded)
    assert all(space.contains(decoded[i, ...]) for i in range(5)) or space.shape == ()


def test_discrete_start_is_taken_off_and_put_back() -> None:
    space = spaces.Discrete(4, start=10)
    assert encode_observations(space, np.array([10, 13])).tolist() == [0, 3]
    assert decode_actions(space, np.array([0, 3], np.int32)).tolist() == [10, 13]
    assert observation_size(space) == 4
    assert action_size(space) == 1


@pytest.mark.parametrize("space", UNSUPPORTED, ids=lambda space: type(space).__name__)
def test_spaces_without_a_fixed_form_are_refused_by_name(space: Space) -> None:
    name = type(space).__name__
    nested = spaces.Dict({"fine": spaces.Discrete(2), "bad": spaces.Tuple([space])})
    for bad in (space, nested):
        for function in (require_observation_space, observation_size):
            with pytest.raises(UnsupportedSpace, match=name):
                function(bad)
        with pytest.raises(UnsupportedSpace, match=name):
            encode_observation(bad, None)
        with pytest.raises(UnsupportedSpace):
            require_action_space(bad)


def test_action_spaces_that_are_not_supported_are_refused() -> None:
    for space in (spaces.MultiBinary(3), spaces.Dict({"a": spaces.Discrete(2)})):
        with pytest.raises(UnsupportedSpace, match="wrappers"):
            decode_actions(space, np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("space", "actions"),
    [
        (spaces.Discrete(2), np.array([2])),
        (spaces.Discrete(2), np.array([-1])),
        (spaces.Discrete(2), np.array([0.5])),
        (spaces.Discrete(2), np.array([[0]])),
        (spaces.MultiDiscrete([2, 3]), np.array([[0, 3]])),
        (spaces.MultiDiscrete([2, 3]), np.array([[0]])),
        (spaces.MultiDiscrete([2, 3]), np.array([0, 1])),
        (spaces.Box(-1, 1, (2,)), np.array([[0.0, np.nan]])),
        (spaces.Box(-1, 1, (2,)), np.array([[0.0]])),
    ],
)
def test_impossible_actions_are_refused(space: Space, actions: np.ndarray) -> None:
    with pytest.raises(InvalidSetting, match="Actions for"):
        decode_actions(space, actions)


@pytest.mark.parametrize(
    ("space", "value"),
    [
        (spaces.Discrete(3), 3),
        (spaces.Discrete(3), -1),
        (spaces.Discrete(3), 1.5),
        (spaces.Tuple([spaces.Discrete(3)]), (7,)),
        (spaces.MultiDiscrete([2, 2]), np.array([0, 2])),
        (spaces.Box(0, 1, (2,)), np.zeros(3)),
    ],
)
def test_observations_outside_their_space_are_refused(space: Space, value: Any) -> None:
    with pytest.raises(BadObservation):
        encode_observation(space, value)
