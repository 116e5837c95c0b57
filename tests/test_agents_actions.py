"""Actions and their numbers: every action once, drawn evenly, refused where there is none."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents import action_count, nth_action
from catallax.agents._actions import (
    ENUMERATED_MAX,
    action_options,
    as_action,
    blank_action,
    bounded,
    random_actions,
    where_action,
)

BOX = spaces.Box(np.float32([-1, 10]), np.float32([1, 20]))
GRID = spaces.MultiDiscrete([3, 1, 4])
FOUR = spaces.Discrete(4, start=2)


@pytest.mark.parametrize("nvec", [[3], [2, 3], [3, 1, 4], [[2, 3], [1, 2]]], ids=str)
def test_joint_actions_are_each_listed_once(nvec, strict_jax):
    space = spaces.MultiDiscrete(nvec)
    digits = [range(n) for n in np.ravel(nvec)]
    count = action_count(space)
    listed = np.asarray(jax.vmap(lambda n: nth_action(space, n))(jnp.arange(count)))
    assert listed.dtype == np.int32
    assert list(map(tuple, listed.tolist())) == list(itertools.product(*digits))


def test_actions_of_a_discrete_space_count_from_zero_and_round():
    assert [int(nth_action(FOUR, n)) for n in range(6)] == [0, 1, 2, 3, 0, 1]
    assert nth_action(FOUR, 1).dtype == jnp.int32
    assert nth_action(GRID, 12 + 7).tolist() == nth_action(GRID, 7).tolist()


@pytest.mark.parametrize(
    "space",
    [
        BOX,
        spaces.MultiBinary(3),
        spaces.MultiDiscrete([ENUMERATED_MAX, 2]),
        spaces.MultiDiscrete([2] * 64),
        spaces.Text(3),
    ],
    ids=lambda space: str(space)[:40],
)
def test_what_cannot_be_listed_is_named(space):
    for ask in (action_count, lambda space: nth_action(space, 0)):
        with pytest.raises(UnsupportedSpace, match="cannot be given an agent each") as caught:
            ask(space)
        assert str(space) in caught.value.what


def test_the_most_actions_that_are_listed():
    assert action_count(spaces.MultiDiscrete([2] * 10)) == ENUMERATED_MAX == 1024
    assert action_count(FOUR) == 4


def test_options_are_of_the_shape_of_an_action():
    assert action_options(FOUR).tolist() == 4
    assert action_options(GRID).tolist() == [3, 1, 4]
    assert action_options(spaces.MultiDiscrete([[2, 3], [4, 5]])).tolist() == [2, 3, 4, 5]
    assert action_options(GRID).dtype == action_options(FOUR).dtype == jnp.int32


@pytest.mark.parametrize(
    ("space", "shape", "dtype"),
    [
        (FOUR, (), np.int32),
        (GRID, (3,), np.int32),
        (spaces.Box(0, 1, (2, 3)), (6,), np.float32),
        (spaces.Box(0, 1, ()), (1,), np.float32),
    ],
    ids=str,
)
def test_blank_actions_are_zeros_of_the_right_form(space, shape, dtype):
    blank = blank_action(space)
    assert (blank.shape, blank.dtype, blank.any()) == (shape, dtype, False)


@pytest.mark.parametrize("space", [spaces.MultiBinary(3), spaces.Text(3)], ids=str)
def test_agents_cannot_act_in_other_spaces(space):
    with pytest.raises(UnsupportedSpace, match="Discrete, MultiDiscrete or Box") as caught:
        blank_action(space)
    assert str(space) in caught.value.what


@pytest.mark.parametrize(
    ("space", "action", "found"),
    [
        (FOUR, 3, 3),
        (FOUR, np.int64(0), 0),
        (FOUR, 2.0, 2),
        (FOUR, [1], 1),
        (GRID, (2, 0, 3), [2, 0, 3]),
        (BOX, (0.5, 12), [0.5, 12]),
        (BOX, jnp.float32([-1, 20]), [-1, 20]),
        (spaces.Box(0, 1, (2, 2)), [[0, 1], [1, 0]], [0, 1, 1, 0]),
        (spaces.MultiDiscrete([[2], [3]]), [[1], [2]], [1, 2]),
    ],
    ids=str,
)
def test_actions_are_taken(space, action, found):
    taken = as_action(space, action)
    assert taken.tolist() == found
    assert (taken.shape, taken.dtype) == (blank_action(space).shape, blank_action(space).dtype)


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (FOUR, 4),
        (FOUR, -1),
        (FOUR, 1.5),
        (FOUR, 2**40),
        (FOUR, None),
        (FOUR, "left"),
        (FOUR, [0, 1]),
        (GRID, 1),
        (GRID, (2, 1, 3)),
        (GRID, (0, 0, -1)),
        (GRID, (0, 0)),
        (BOX, (0.5, 9)),
        (BOX, (0.5, float("nan"))),
        (BOX, (0.5, 12, 1)),
        (BOX, None),
    ],
    ids=str,
)
def test_impossible_actions_are_refused(space, action):
    with pytest.raises(InvalidSetting, match="is not an action of") as caught:
        as_action(space, action)
    assert str(space) in caught.value.what


def test_the_bounds_of_a_double_box_are_actions():
    space = spaces.Box(-0.1, 0.1, (1,), np.float64)
    assert as_action(space, 0.1).tolist() == [pytest.approx(0.1)]
    clipped = np.asarray(bounded(space, jnp.float32([[7], [-7]])))
    for action in clipped:
        assert as_action(space, action).tolist() == action.tolist()


def test_random_actions_cover_the_space_evenly(strict_jax):
    luck = (jnp.arange(12_000, dtype=jnp.float32) + 0.5) / 12_000
    drawn = random_actions(FOUR, luck[:, None])
    assert drawn.shape == (12_000,)
    assert np.bincount(drawn).tolist() == [3000] * 4
    joint = random_actions(GRID, jnp.stack([luck, luck, luck[::-1]], axis=1))
    assert joint.shape == (12_000, 3)
    assert [np.bincount(part).tolist() for part in joint.T] == [[4000] * 3, [12_000], [3000] * 4]


def test_random_actions_stay_inside_at_the_ends_of_luck():
    ends = jnp.float32([[0.0] * 3, [np.nextafter(np.float32(1), np.float32(0))] * 3, [1.0] * 3])
    assert random_actions(GRID, ends).tolist() == [[0, 0, 0], [2, 0, 3], [2, 0, 3]]
    assert random_actions(FOUR, ends[:, :1]).tolist() == [0, 3, 3]


def test_random_actions_of_a_box_run_from_low_to_high():
    luck = jnp.float32([[0, 1], [0.5, 0.5], [0.25, 0.75]])
    assert random_actions(BOX, luck).tolist() == [[-1, 20], [0, 15], [-0.5, 17.5]]
    assert random_actions(BOX, luck).dtype == jnp.float32
    small = spaces.Box(-100, 100, (1,), np.int8)
    assert random_actions(small, luck[1:, :1]).tolist() == [[0], [-50]]


def test_box_actions_are_clipped_and_others_left():
    actions = jnp.float32([[-3, 30], [0.5, 11], [2, 5]])
    assert bounded(BOX, actions).tolist() == [[-1, 20], [0.5, 11], [1, 10]]
    half = spaces.Box(np.float32([0, -np.inf]), np.float32([np.inf, 1]))
    assert bounded(half, actions).tolist() == [[0, 1], [0.5, 1], [2, 1]]
    numbers = jnp.int32([7, 8])
    assert bounded(FOUR, numbers) is numbers


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 2)], ids=str)
def test_where_action_picks_whole_actions(shape, strict_jax):
    chosen, other = jnp.ones(shape, jnp.int32), jnp.zeros(shape, jnp.int32)
    found = np.asarray(where_action(jnp.asarray([True, False, True]), chosen, other))
    assert found.shape == shape
    assert [set(world.ravel().tolist()) for world in found] == [{1}, {0}, {1}]
