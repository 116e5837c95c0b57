"""Who reads what: the copies of non-rival goods, one for each reader."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from catallax._errors import InvalidSetting
from catallax.techniques import GradedActivity

from ._industry import Industry

Copies: TypeAlias = Mapping[str, Mapping[str, str]]
"""Of every non-rival good that somebody reads, the name of each reader's copy."""


def copies_of(industry: Industry, goods: Sequence[str]) -> Copies:
    """Returns the copies of non-rival goods, by good and reader.

    Args:
        industry: The industry.
        goods: The names of its non-rival goods.

    Returns:
        The names of the copies; a good that nobody reads has none.

    Raises:
        InvalidSetting: If a good is unknown, named twice or looks like another, or a
            `GradedActivity` takes or makes it, or the name of a copy is that of another good.
    """
    _require_named_once(industry, goods)
    _require_told_apart(industry, goods)
    read = [(one.name, set(one.goods)) for one in industry.households]
    read += [(one.name, set(one.technique.needs)) for one in industry.producers]
    copies = {
        good: [(name, f"{good} for {name}") for name, needed in read if good in needed]
        for good in goods
    }
    _require_new([name for good in industry.goods for name in _names(copies.get(good), good)])
    return {good: dict(pairs) for good, pairs in copies.items() if pairs}


def each_of(copies: Copies, good: str) -> tuple[str, ...]:
    """Returns the names of all that stands for a good: its copies, or the good itself."""
    return _names(tuple(copies.get(good, {}).items()), good)


def _names(pairs: Sequence[tuple[str, str]] | None, good: str) -> tuple[str, ...]:
    return tuple(name for _, name in pairs) if pairs else (good,)


def _require_named_once(industry: Industry, goods: Sequence[str]) -> None:
    for good, count in Counter(goods).items():
        if count > 1 or good not in industry.goods:
            raise InvalidSetting(
                f"non_rival was given the goods {list(goods)}, "
                + (f"{good!r} twice." if count > 1 else f"and does not know {good!r}."),
                f"A good is non-rival or not; those of the industry are "
                f"{', '.join(industry.goods)}.",
                f'Name some of its goods, each once, such as ("{industry.goods[0]}",).',
            )


def _require_told_apart(industry: Industry, goods: Sequence[str]) -> None:
    seen = dict(zip(industry.goods, industry.good_of, strict=True))
    looks = Counter(industry.good_of)
    graded = [one for one in industry.producers if isinstance(one.technique, GradedActivity)]
    for good in goods:
        by = [one.name for one in graded if good in (*one.technique.needs, *one.technique.makes)]
        if by or looks[seen[good]] > 1:
            raise InvalidSetting(
                f"non_rival was given {good!r}, which "
                + (f"{by[0]} takes or makes by grades." if by else "looks like another good."),
                "Each reader has a copy of its own, and a copy looks like nothing else.",
                "Make it rival; or let planner.in_full_sight tell grades apart first.",
            )


def _require_new(names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise InvalidSetting(
                f"non_rival would give two goods the name {name!r}.",
                'A copy is called "good for reader"; no other good, and no copy of another '
                "reader, may be called so.",
                "Rename the good, or one of the two readers.",
            )
