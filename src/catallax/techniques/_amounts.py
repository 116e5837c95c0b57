"""Amounts by good, as techniques keep them: tuples of pairs, checked once."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from catallax._errors import InvalidSetting

Amounts: TypeAlias = tuple[tuple[str, float], ...]
"""Pairs of a good and a positive number."""

GivenAmounts: TypeAlias = Mapping[str, float] | Amounts
"""What a user may write for amounts; it is kept as a tuple of pairs."""


def frozen_amounts(owner: str, name: str, given: GivenAmounts) -> Amounts:
    """Returns amounts as a tuple of pairs; raises unless goods differ and amounts are positive."""
    pairs = tuple(given.items() if isinstance(given, Mapping) else given)
    goods = [good for good, _ in pairs]
    if len(set(goods)) < len(goods):
        raise InvalidSetting(
            f"{owner} was given {name} that name a good twice: {goods}.",
            "There is one number for each good.",
            "Add those of one good together.",
        )
    for good, amount in pairs:
        require_between(owner, f"{name} of {good!r}", amount, 0.0, math.inf, open_low=True)
    return tuple((good, float(amount)) for good, amount in pairs)


def require_between(
    owner: str,
    name: str,
    value: float,
    low: float,
    high: float,
    *,
    open_low: bool = False,
    may_be_infinite: bool = False,
) -> None:
    """Raises InvalidSetting unless a number lies in [low, high], or in (low, high]."""
    real = isinstance(value, (int, float)) and (may_be_infinite or math.isfinite(value))
    if not real or not low <= value <= high or (open_low and value == low):
        bracket = "(" if open_low else "["
        raise InvalidSetting(
            f"{owner} was given {name}={value!r}.",
            f"It must be a number in {bracket}{low:g}, {high:g}].",
            f"Give a number in that range{'' if may_be_infinite else ', and a finite one'}.",
        )


def unknown_good(good: str, goods: Sequence[str]) -> InvalidSetting:
    """Returns the error for a good that is not among the goods."""
    return InvalidSetting(
        f"A technique takes or makes {good!r}, which is not among the goods.",
        f"The goods are {', '.join(goods)}.",
        "Add the good, or correct its name.",
    )
