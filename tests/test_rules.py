"""The rules that are plain values: what they mean, and what they refuse."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

from catallax._errors import InvalidSetting
from catallax._rules import (
    Consumer,
    DefaultAction,
    Hard,
    RandomAction,
    Refinanced,
    Rent,
    Stop,
    check_credits,
    world_reward,
)
from catallax._types import TICKS_MAX, ticks_of

NOT_FINITE = (math.nan, math.inf, -math.inf)
TOO_MUCH = 2 * TICKS_MAX / 10**6
BAD = [
    (kind, name, value)
    for kind, name in (
        (Hard, "endowment"),
        (Refinanced, "endowment"),
        (Refinanced, "floor"),
        (Consumer, "budget"),
        (Consumer, "stipend"),
    )
    for value in (*NOT_FINITE, -1.0, -1e-9, TOO_MUCH)
] + [(Rent, "rate", value) for value in (*NOT_FINITE, -0.001, 1.0, 1.5, 1e-9, 1 - 1e-9)]


@pytest.mark.parametrize(("kind", "name", "value"), BAD)
def test_a_bad_setting_is_refused_by_name(kind, name, value):
    with pytest.raises(InvalidSetting) as refusal:
        kind(**{name: value})
    assert f"{name}={value}" in refusal.value.what
    assert refusal.value.why.endswith(".")
    assert refusal.value.remedy.startswith("Give ")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (kind, name, value)
        for kind, name in (
            (Hard, "endowment"),
            (Refinanced, "endowment"),
            (Consumer, "budget"),
            (Consumer, "stipend"),
        )
        for value in (0, 0.0, 1e-6, 10, np.float32(0.5), Fraction(1, 3), TICKS_MAX / 10**6)
    ],
)
def test_a_good_setting_is_kept_as_given_and_can_be_booked(kind, name, value):
    kept = getattr(kind(**{name: value}), name)
    assert kept == value
    assert 0 <= ticks_of(kept) <= TICKS_MAX


def test_a_floor_lies_within_the_endowment():
    assert Refinanced(endowment=10.0, floor=10.0).floor == 10.0
    with pytest.raises(InvalidSetting, match=r"floor=11.0 above endowment=10.0") as refusal:
        Refinanced(endowment=10.0, floor=11.0)
    assert refusal.value.remedy == "Give a floor of at most the endowment."


@pytest.mark.parametrize(
    ("rate", "fraction"),
    [
        (0, Fraction(0)),
        (0.1, Fraction(1, 10)),
        (1e-6, Fraction(1, 10**6)),
        (0.999999, Fraction(999_999, 10**6)),
        (1 / 3, Fraction(1, 3)),
    ],
)
def test_a_rent_is_the_fraction_that_was_meant(rate, fraction):
    assert Rent(rate).fraction == fraction


def test_defaults_are_those_of_the_design():
    assert (Hard().endowment, Refinanced().endowment, Refinanced().floor) == (None, None, None)
    assert Rent().rate == 0
    assert DefaultAction().action == 0
    assert Consumer().wants is world_reward


def test_rules_are_values():
    """Equal rules are equal and hash alike, so that they share a compiled program."""
    pairs = [
        (Hard(1.0), Hard(1.0), Hard(2.0)),
        (Refinanced(2.0, 1.0), Refinanced(2.0, 1.0), Refinanced(2.0)),
        (Rent(0.1), Rent(0.1), Rent()),
        (DefaultAction(1), DefaultAction(1), DefaultAction((1.0,))),
        (Consumer(budget=1.0), Consumer(budget=1.0), Consumer()),
        (Stop(), Stop(), RandomAction()),
    ]
    for one, same, other in pairs:
        assert one == same and hash(one) == hash(same)
        assert one != other
    with pytest.raises(dataclasses.FrozenInstanceError):
        Rent(0.1).rate = 0.2


def test_the_worlds_reward_is_passed_on():
    assert world_reward("anything", -1.5) == -1.5


@pytest.mark.parametrize("value", [None, 0, 5])
def test_an_amount_in_range_passes(value):
    check_credits("amount", value, 0)
