"""Who could not have what it wants, since it looks like something else."""

from catallax._errors import InvalidSetting
from catallax.techniques import GradedActivity

from ._industry import Industry, Producer


def require_told_apart(industry: Industry) -> None:
    """Raises unless everybody takes goods as they are seen: one alone, or all that look alike.

    Args:
        industry: The industry.

    Raises:
        InvalidSetting: If a household wants or a producer takes one of several goods that look
            alike, or a `GradedActivity` takes some of them, or more than them.
    """
    parts = [
        {good for good, seen in zip(industry.goods, industry.good_of, strict=True) if seen == look}
        for look in range(len(industry.looks))
    ]
    single = {good for part in parts if len(part) == 1 for good in part}
    for one in industry.households:
        for good in one.goods:
            if good not in single:
                raise _unseen(f"The household {one.name} wants {good!r}")
    for one in industry.producers:
        _require_of(one, single, parts)


def _require_of(producer: Producer, single: set[str], parts: list[set[str]]) -> None:
    technique = producer.technique
    if not isinstance(technique, GradedActivity):
        for good in technique.needs:
            if good not in single:
                raise _unseen(f"The producer {producer.name} takes {good!r}")
        return
    for grades, _ in technique.slots:
        if set(grades) not in parts:
            raise InvalidSetting(
                f"The producer {producer.name} takes {' or '.join(map(repr, grades))} alike.",
                "They are not all of the goods that look like them, or are told apart.",
                "Name them in alike of the industry, and no others; or let planner.in_full_sight "
                "tell them apart.",
            )


def _unseen(what: str) -> InvalidSetting:
    return InvalidSetting(
        f"{what}, which looks like something else.",
        "Only the total of goods that look alike is seen.",
        "Let a GradedActivity that takes all of its grades make of it what is seen.",
    )
