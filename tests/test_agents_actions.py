"""Actions as numbers: enumerated, checked, drawn and bounded."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Text

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents import action_count, nth_action
from catallax.agents._actions import (
    action_options,
    as_action,
    blank_action,
    bounded,
    random_actions,
    where_action,
)

BOX = Box(np.array([-2.0, 0.0], np.float32), np.array([2.0, 1.0], np.float32))


@pytest.mark.parametrize(
    "nvec",
    [[2, 3], [4], [1, 5, 2], [2] * 10, [[2, 3], [1, 2]]],
    ids=lambda value: type(value).__name__,
)
def test_joint_actions_come_in_the_order_of_itertools_product(nvec):
    space = MultiDiscrete(nvec)
    flat = np.ravel(nvec).tolist()
    every = list(itertools.product(*(range(n) for n in flat)))
    assert action_count(space) == len(every)
    numbers = range(0, len(every), max(1, len(every) // 40))
    assert [tuple(nth_action(space, n).tolist()) for n in numbers] == [every[n] for n in numbers]
    assert nth_action(space, len(every)).tolist() == list(every[0])
    assert action_options(space).tolist() == flat


def test_discrete_actions_are_their_numbers_counting_round():
    space = Discrete(3, start=5)
    assert [int(nth_action(space, n)) for n in range(5)] == [0, 1, 2, 0, 1]
    assert nth_action(space, 1).dtype == jnp.int32
    assert (action_count(space), int(action_options(space))) == (3, 3)


@pytest.mark.parametrize(
    "space",
    [BOX, MultiBinary(3), MultiDiscrete([2] * 11), MultiDiscrete([2] * 64)],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_listed_is_named(space):
    with pytest.raises(UnsupportedSpace, match="cannot be given an agent each"):
        action_count(space)


@pytest.mark.parametrize(
    ("space", "action", "expected"),
    [
        (Discrete(3), 2, 2),
        (Discrete(3, start=5), np.int64(0), 0),
        (Discrete(3), 2.0, 2),
        (MultiDiscrete([2, 3]), (1, 2), [1, 2]),
        (MultiDiscrete([[2, 3]]), [[1, 2]], [1, 2]),
        (BOX, (-2, 0.5), [-2.0, 0.5]),
        (Box(-1.0, 1.0, (1,)), 0.5, [0.5]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_users_actions_take_the_librarys_form(space, action, expected):
    found = as_action(space, action)
    assert found.tolist() == expected
    assert (found.shape, found.dtype) == (blank_action(space).shape, blank_action(space).dtype)


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (Discrete(3), 3),
        (Discrete(3), -1),
        (Discrete(3), 1.5),
        (Discrete(3), (0, 1)),
        (Discrete(3), "left"),
        (Discrete(3), None),
        (Discrete(3), float("nan")),
        (Discrete(3), 2**40),
        (MultiDiscrete([2, 3]), (2, 0)),
        (MultiDiscrete([2, 3]), (0, 0, 0)),
        (BOX, (0.0, 1.5)),
        (BOX, (0.0,)),
        (BOX, "left"),
        (BOX, None),
        (BOX, (float("nan"), 0.0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_action_is_refused_in_words(space, action):
    with pytest.raises(InvalidSetting, match="is not an action of"):
        as_action(space, action)


def test_a_bound_that_float32_rounds_is_still_an_action():
    assert as_action(Box(0, 0.1, (1,), np.float64), 0.1).tolist() == [np.float32(0.1)]


def test_blank_actions_exist_for_three_kinds_of_space_only():
    assert (blank_action(Discrete(2)).shape, blank_action(Discrete(2)).dtype) == ((), np.int32)
    assert blank_action(Box(-1.0, 1.0, (2, 3))).shape == (6,)
    for space in (MultiBinary(2), Text(3)):
        with pytest.raises(UnsupportedSpace, match="No agent can act in"):
            blank_action(space)


@pytest.mark.parametrize("n", [2, 3, 7])
def test_random_actions_are_uniform(n):
    luck = jnp.asarray((np.arange(70_000) + 0.5) / 70_000, jnp.float32)[:, None]
    counts = np.bincount(np.asarray(random_actions(Discrete(n), luck)), minlength=n)
    assert len(counts) == n and np.abs(counts - 70_000 / n).max() <= 2


def test_random_actions_stay_inside_at_both_ends_of_the_draw():
    ends = jnp.asarray([[0.0, 0.0], [np.nextafter(np.float32(1), np.float32(0))] * 2])
    assert random_actions(MultiDiscrete([2, 3]), ends).tolist() == [[0, 0], [1, 2]]
    drawn = np.asarray(random_actions(BOX, ends))
    assert BOX.contains(drawn[0]) and BOX.contains(drawn[1])
    assert drawn[0].tolist() == [-2.0, 0.0] and drawn[1].tolist() == pytest.approx([2.0, 1.0])
    halves = jnp.full((1, 2), 0.5, jnp.float32)
    assert random_actions(BOX, halves).tolist() == [[0.0, 0.5]]


def test_random_actions_of_small_integer_boxes_do_not_overflow():
    luck = jnp.asarray([[0.9]], jnp.float32)
    assert random_actions(Box(-100, 100, (1,), np.int8), luck).tolist()[0] == pytest.approx([80.0])


def test_only_box_actions_are_clipped():
    far = jnp.asarray([[-9.0, 9.0]], jnp.float32)
    assert bounded(BOX, far).tolist() == [[-2.0, 1.0]]
    assert bounded(Discrete(2), jnp.asarray([1])).tolist() == [1]


def test_where_action_chooses_a_world_at_a_time():
    mask = jnp.asarray([True, False])
    flat = where_action(mask, jnp.asarray([1, 2]), jnp.asarray([3, 4]))
    wide = where_action(mask, jnp.ones((2, 3)), jnp.zeros((2, 3)))
    assert flat.tolist() == [1, 4] and wide.tolist() == [[1] * 3, [0] * 3]
