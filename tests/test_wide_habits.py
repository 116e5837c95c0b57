"""What producers are used to, against the rule in plain Python."""

import math

import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catallax._types import exact
from catallax.wide._habits import Habits, first_habits, first_waits, kept_up, waited

MEMORY, EASE, BRAKE, LEAST = 0.75, 0.5, 4.0, 0.125
RULE = (MEMORY, EASE, BRAKE, LEAST)
LEVELS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])


def plain(levels):
    """Where a producer has been, its course and its grip after some levels, from nothing."""
    scale, course, grip = 0.0, 0.0, 1.0
    for level in levels:
        after = MEMORY * scale + (1 - MEMORY) * level
        moved = after - scale
        if moved * course > 0:
            grip = max(EASE * grip, LEAST)
        elif moved * course < 0:
            grip = min(BRAKE * grip, 1.0)
        scale, course = after, moved
    return scale, course, grip


def lived(levels, enters=None, curved=()):
    """The habits of producers after rows of levels."""
    levels = np.asarray(levels, float)
    with exact():
        habits = first_habits(levels.shape[1], np.array(curved, int))
        for step, row in enumerate(levels):
            new = np.zeros(row.size, bool) if enters is None else np.asarray(enters[step])
            expected = jnp.where(jnp.isnan(habits.scales), 0.0, row + 1)
            habits = kept_up(habits, jnp.asarray(row), expected, jnp.asarray(new), RULE)
    return Habits(*map(np.asarray, habits))


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=12))
def test_grips_loosen_on_course_and_tighten_at_turns(rows):
    habits = lived(rows)
    for row, levels in enumerate(zip(*rows, strict=True)):
        found = habits.scales[row], habits.courses[row], habits.grips[row]
        assert found == plain(levels)
        assert habits.reached[row] == max(levels)
        assert habits.brought[row] == max(levels) + 1


def test_who_goes_on_is_ever_less_slow_and_who_turns_is_slow_at_once():
    assert lived([[1.0]] * 3).grips == [0.25]
    assert lived([[1.0]] * 9).grips == [LEAST]
    assert lived([[1.0]] * 3 + [[0.0]]).grips == [1.0]


def test_who_has_no_level_has_no_habits():
    habits = lived([[math.nan, 1.0]] * 3, curved=[0])
    assert math.isnan(habits.scales[0])
    assert (habits.courses[0], habits.grips[0]) == (0.0, 1.0)
    assert (habits.reached[0], habits.brought[0]) == (0.0, 0.0)


def test_who_enters_begins_anew():
    rows = [[1.0, 1.0]] * 4
    habits = lived(rows, enters=[[False, False]] * 3 + [[True, False]])
    assert [one[0] for one in habits] == [0.0, 0.0, 1.0, 0.0, 0.0]
    assert [one[1] for one in habits] == [one[1] for one in lived(rows)]


def patience(surprises):
    """The patience of one good's market after surprises."""
    with exact():
        waits = first_waits(1)
        for surprise in surprises:
            waits = waited(waits, jnp.asarray([surprise]), (EASE, BRAKE, LEAST))
    return float(waits.shares[0])


@given(st.lists(st.sampled_from([-1.0, -0.25, 0.0, 0.5, 2.0]), max_size=12))
def test_who_waits_in_vain_waits_less(surprises):
    share, before = 1.0, 0.0
    for surprise in surprises:
        if surprise * before > 0:
            share = max(EASE * share, LEAST)
        elif surprise * before < 0:
            share = min(BRAKE * share, 1.0)
        before = surprise
    assert patience(surprises) == share


def test_patience_comes_back_when_a_price_changes_sides():
    assert patience([0.1] * 9) == LEAST
    assert patience([0.1] * 9 + [-0.1]) == BRAKE * LEAST
