"""Circles in which goods could be kept for ever at no cost."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from catallax._errors import FreeStorage
from catallax.techniques import Storage, Technique


def require_no_free_storage(producers: Sequence[tuple[str, Technique]]) -> None:
    """Raises FreeStorage if goods can go round a circle of techniques without cost or loss.

    Without a discount such a circle has no unique price: a good is worth tomorrow what it is worth
    today, whatever that is. A technique breaks the circle if its level costs something, or if it is
    storage that loses a share; whether others lose anything on the way round is not looked at.

    Args:
        producers: Names and techniques.

    Raises:
        FreeStorage: With the goods of a circle.
    """
    before: TopologicalSorter[str] = TopologicalSorter()
    for _, technique in producers:
        if not _costs(technique):
            for good in technique.makes:
                before.add(good, *technique.needs)
    try:
        before.prepare()
    except CycleError as circle:
        raise FreeStorage(
            f"Goods can go round at no cost: {' → '.join(circle.args[1])}.",
            "At a discount of 1 what can be kept for nothing has no price of its own.",
            "Give a discount below 1, or one of the techniques a unit_cost above 0.",
        ) from None


def _costs(technique: Technique) -> bool:
    lossy = isinstance(technique, Storage) and technique.keeps < 1
    return lossy or getattr(technique, "unit_cost", 0.0) > 0
