"""Which goods look alike: what is told apart by nobody who only sees the total."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from catallax._errors import InvalidSetting

Alike: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Pairs of a name under which goods are seen, and the names of those goods."""


def frozen_alike(
    given: Mapping[str, Sequence[str]] | Sequence[tuple[str, Sequence[str]]],
    goods: Sequence[str],
) -> Alike:
    """Returns which goods look alike as a tuple of pairs.

    Args:
        given: By the name under which they are seen, the names of two goods or more.
        goods: The names of all goods.

    Returns:
        The pairs.

    Raises:
        InvalidSetting: If a good is unknown or looks like two things, only one good is named, or
            what is seen has the name of a good.
    """
    pairs = given.items() if isinstance(given, Mapping) else given
    alike = tuple((look, tuple(some)) for look, some in pairs)
    counts = Counter([*goods, *(look for look, _ in alike)])
    counts.update(good for _, some in alike for good in some)
    for look, some in alike:
        known = all(good in goods and counts[good] == 2 for good in some)
        if len(some) < 2 or not known or counts[look] > 1:
            raise _no_look(look, some, goods)
    return alike


def seen_as(goods: Sequence[str], alike: Alike) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Returns the names of all that is seen, and of every good as which of them it is seen."""
    look_of = {good: look for look, some in alike for good in some}
    looks = tuple(dict.fromkeys(look_of.get(good, good) for good in goods))
    return looks, tuple(looks.index(look_of.get(good, good)) for good in goods)


def _no_look(look: str, some: Sequence[str], goods: Sequence[str]) -> InvalidSetting:
    return InvalidSetting(
        f"Industry was given {', '.join(map(repr, some)) or 'nothing'} seen as {look!r}.",
        f"Two of its goods or more look alike, each like one thing, which has a name of its own; "
        f"its goods are {', '.join(goods)}.",
        'Give a mapping such as {"ore": ("rich ore", "poor ore")}.',
    )
