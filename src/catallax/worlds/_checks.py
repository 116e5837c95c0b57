"""Checks that the worlds share."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from catallax._errors import BadObservation, BadReward, InvalidSetting


def require_time_limit(owner: str, limit: int | None) -> None:
    """Raises InvalidSetting unless the limit is a positive whole number of ticks, or None."""
    whole = isinstance(limit, int) and not isinstance(limit, bool)
    if limit is not None and not (whole and limit >= 1):
        raise InvalidSetting(
            f"{owner} was given time_limit={limit!r}.",
            "An episode lasts a positive whole number of ticks.",
            "Give an integer of at least 1, or None for no limit.",
        )


def require_count(owner: str, name: str, value: int, least: int) -> None:
    """Raises InvalidSetting unless a setting is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidSetting(
            f"{owner} was given {name}={value!r}.",
            f"It must be an integer of at least {least}.",
            f"Give {name}={least} or more.",
        )


def require_finite_setting(owner: str, name: str, value: float) -> None:
    """Raises InvalidSetting unless a setting is a finite number."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidSetting(
            f"{owner} was given {name}={value!r}.",
            "It must be a finite number.",
            f"Give a finite {name}.",
        )


def require_length(what: str, values: Sequence[Any] | np.ndarray, count: int) -> None:
    """Raises InvalidSetting unless there is one value for each of `count` worlds."""
    if len(values) != count:
        raise InvalidSetting(
            f"{len(values)} {what} were given for {count} worlds.",
            f"Each world needs exactly one of the {what}.",
            f"Give {count} {what}.",
        )


def require_finite_observations(name: str, observations: np.ndarray) -> None:
    """Raises BadObservation naming the first world whose observation is not finite."""
    finite = np.isfinite(observations)
    if finite.all():
        return
    place = np.argwhere(~finite)[0]
    raise BadObservation(
        f"World {place[0]} of {name} observed {observations[tuple(place)]}"
        f" at entry {place[1:].tolist()}.",
        "An agent cannot bid on a number that is not finite.",
        "Correct the world, or clip its observations with a Gymnasium wrapper.",
    )


def require_finite_rewards(name: str, rewards: np.ndarray) -> None:
    """Raises BadReward naming the first world whose reward is not finite."""
    finite = np.isfinite(rewards)
    if finite.all():
        return
    world = int(np.argmin(finite))
    raise BadReward(
        f"World {world} of {name} paid a reward of {rewards[world]}.",
        "A reward that is not finite cannot be entered in the ledger.",
        "Correct the world, or clip its rewards with a Gymnasium wrapper.",
    )


def full_mask(which: np.ndarray | None, count: int) -> np.ndarray:
    """Returns a mask bool [W], all set if none is given; raises InvalidSetting if not W long."""
    mask = np.ones(count, bool) if which is None else np.asarray(which, bool)
    require_length("entries of the mask", mask, count)
    return mask
