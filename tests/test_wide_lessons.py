"""What producers learn of grades that they do not see: from hope, by what they made, to hope."""

import numpy as np
import pytest

from catallax._errors import InvalidSetting
from catallax._types import exact
from catallax.techniques import GradedActivity
from catallax.wide import Experience
from catallax.wide._lessons import first_lessons, learned
from catallax.wide._makers import Made, makers_of
from small_blends import ORE, PRODUCERS, Producer, plough

SHIFT = GradedActivity(
    {ORE: 1.0, ("sound tools", "weak tools"): 2.0},
    {
        "rich ore": {"iron": 1.0, "ploughs": 0.5},
        "poor ore": {"iron": 3.0},
        "weak tools": {"sound tools": 0.25, "weak tools": 1.0, "iron": 2.0},
    },
    4.0,
)
MAKERS = makers_of(plough((Producer("shift", SHIFT), *PRODUCERS)))[0]
MEMORY, HOPE = 0.5, 0.125


def made(levels, rows):
    """What five producers made."""
    outputs = np.zeros((5, 7))
    for row, amounts in rows.items():
        outputs[row] = amounts
    return Made(outputs, np.zeros(5), np.asarray(levels, float))


def first():
    with exact():
        return first_lessons(MAKERS, 5, HOPE)


def after(lessons, *steps):
    """Lessons after some steps."""
    with exact():
        for step in steps:
            lessons = learned(MAKERS, lessons, step, (MEMORY, HOPE))
        return lessons


def per_level(lessons):
    with exact():
        return np.asarray(lessons.per_level)


def test_before_anything_is_made_all_is_hoped_to_be_of_the_best():
    # Of iron there is most with poor ore and weak tools, of ploughs with rich ore: hope has both.
    np.testing.assert_allclose(per_level(first())[0], [0, 0, 3 + 2, 0.25 + 1, 0.5])
    np.testing.assert_allclose(per_level(first())[1], [0, 0, 1, 0, 0])  # smelt
    assert not per_level(first())[2].any()  # forge knows what it makes


def test_lessons_are_slow_sums_of_what_was_made_over_those_of_levels():
    smelted = made([0, 2.0, 1.0, 0, 0], {1: [0, 0, 0, 0.9, 0, 0, 0], 2: [0, 0, 0, 0, 7, 7, 0]})
    again = made([0, 4.0, 1.0, 0, 0], {1: [0, 0, 0, 3.0, 0, 0, 0]})
    lessons = after(first(), smelted, again)
    # In capacities of 4, with an eighth of hope for 1 a level in every step and before the first.
    tried, came = 0.125, 0.125
    for level, iron in ((2.0, 0.9), (4.0, 3.0)):
        tried = 0.5 * tried + 0.5 * (level / 4 + 0.125)
        came = 0.5 * came + 0.5 * (iron / 4 + 0.125)
    assert float(lessons.tried[1]) == pytest.approx(tried)
    assert per_level(lessons)[1, 2] == pytest.approx(came / tried)
    assert not np.asarray(lessons.made[2]).any()


def test_who_makes_nothing_for_long_hopes_again():
    poor, idle = made([0, 4.0, 0, 0, 0], {1: [0, 0, 0, 0.4, 0, 0, 0]}), made([0] * 5, {})
    learnt = after(first(), *[poor] * 30)
    assert per_level(learnt)[1, 2] == pytest.approx((0.1 + 0.125) / 1.125)
    assert per_level(after(learnt, *[idle] * 30))[1, 2] == pytest.approx(1.0, abs=1e-6)


def test_grades_that_look_alike_teach_the_same():
    tools = [made([4.0, 0, 0, 0, 0], {0: [0, 0, 0, 0, *two, 0]}) for two in ((3, 1), (0, 4))]
    one, two = (per_level(after(first(), step)) for step in tools)
    np.testing.assert_array_equal(one, two)


def test_who_has_no_capacity_learns_nothing():
    closed = GradedActivity({ORE: 1.0}, {"rich ore": {"iron": 1.0}}, 0.0)
    makers = makers_of(plough((Producer("closed", closed),)))[0]
    with exact():
        lessons = first_lessons(makers, 1, HOPE)
        nothing = Made(np.zeros((1, 7)), np.zeros(1), np.zeros(1))
        lessons = learned(makers, lessons, nothing, (MEMORY, HOPE))
    np.testing.assert_allclose(per_level(lessons), [[0, 0, 1, 0, 0]])


@pytest.mark.parametrize("given", [{"memory": 1.0}, {"memory": -0.1}, {"hope": 0.0}, {"hope": 1.5}])
def test_experience_out_of_range_is_refused(given):
    with pytest.raises(InvalidSetting, match="Experience was given"):
        Experience(**given)
