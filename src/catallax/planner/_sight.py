"""The industry of somebody who tells apart what looks alike."""

from dataclasses import replace
from itertools import product

from catallax.industries import Industry, Inflow, Producer
from catallax.techniques import GradedActivity, LinearActivity


def in_full_sight(industry: Industry) -> Industry:
    """Returns an industry with the same possibilities for those who see every grade.

    A technique that takes any grade becomes one in fixed proportions for every choice of grades. A
    good that comes in in every step, the room for it, shares its capacity out among them. Any
    mixture of grades is a sum of such choices, so that nothing is lost and nothing is gained.

    Args:
        industry: Any industry.

    Returns:
        One whose goods are all seen, for `steady_state`, `horizon` or a market.

    Example:
        >>> from catallax.industries import blends
        >>> seen = in_full_sight(blends(0))
        >>> seen.alike, len(seen.producers), seen.goods[-1]
        ((), 22, 'room for assemble by robot')

    Source: paper section 2.2, "when the setup is an MDP, Ω = S"; Koopmans (1951), Activity analysis
    of production and allocation, chapter 3.
    """
    rooms, producers = [], []
    for one in industry.producers:
        if isinstance(one.technique, GradedActivity):
            room = f"room for {one.name}"
            rooms.append(Inflow(room, one.technique.capacity, one.name))
            producers += _choices(one.name, one.technique, room)
        else:
            producers.append(one)
    return replace(
        industry,
        goods=(*industry.goods, *(room.good for room in rooms)),
        inflows=(*industry.inflows, *rooms),
        producers=tuple(producers),
        alike=(),
    )


def _choices(name: str, technique: GradedActivity, room: str) -> list[Producer]:
    """Returns a producer for every choice of a grade for every input that makes something."""
    yields, found = dict(technique.yields), []
    for choice in product(*(grades for grades, _ in technique.slots)):
        made: dict[str, float] = {}
        for grade in choice:
            for good, amount in yields.get(grade, ()):
                made[good] = made.get(good, 0.0) + amount
        if made:
            amounts = (amount for _, amount in technique.slots)
            inputs = dict(zip(choice, amounts, strict=True)) | {room: 1.0}
            activity = LinearActivity(inputs, made, unit_cost=technique.unit_cost)
            found.append(Producer(f"{name}, {' and '.join(choice)}", activity))
    return found
