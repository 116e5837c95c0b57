"""A supply chain in which nobody knows how to make a pencil."""

import numpy as np

from catallax._goods import Inflow
from catallax.techniques import LinearActivity

from ._household import Household, Want
from ._industry import Industry, Producer

STAGES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("saw", ("cedar",), "lumber"),
    ("slice", ("lumber",), "slats"),
    ("fire", ("graphite",), "leads"),
    ("press", ("zinc",), "ferrules"),
    ("assemble", ("slats", "leads", "ferrules"), "pencils"),
)
RAW = {"labour": "workers", "cedar": "foresters", "graphite": "miners", "zinc": "smelters"}
GOODS = (*RAW, *(made for _, _, made in STAGES))
USUAL = {"cedar": 10.0, "lumber": 10.0, "slats": 8.0, "leads": 8.0, "ferrules": 8.0, "pencils": 6.0}
"""Flows around which capacities and wants are drawn."""


def supply_chain(seed: int, discount: float = 0.95) -> Industry:
    """Draws a supply chain: "I, Pencil", with two or three techniques for every stage.

    Labour is needed everywhere and short. By hand a stage takes more labour and less material than
    by machine, and which is better is for prices to say. Some intermediate goods are wanted for
    themselves: lumber for fences, leads for locks, ferrules for brushes. Some capacities bind,
    others do not. The unit in which each good is counted is drawn as well, so that a price of 1
    says nothing.

    Args:
        seed: Of all that is drawn.
        discount: γ of the industry.

    Returns:
        The industry: 9 goods, 4 of which come in, and 11 producers.

    Raises:
        InvalidSetting: If the discount is outside (0, 1].

    Example:
        >>> chain = supply_chain(0)
        >>> chain.goods[-1], len(chain.producers), chain.inflows[0].owner
        ('pencils', 11, 'workers')

    Source: Read (1958), I, Pencil: my family tree as told to Leonard E. Read; the form is that of
    Koopmans (1951), chapter 3.
    """
    draw = np.random.default_rng([4, seed])
    unit = {good: float(np.exp(draw.uniform(-1.0, 1.0))) for good in GOODS}
    return Industry(
        goods=GOODS,
        inflows=_inflows(draw, unit),
        producers=tuple(
            producer for stage in STAGES for producer in _producers(draw, unit, *stage)
        ),
        households=_households(draw, unit),
        discount=discount,
    )


def _inflows(draw: np.random.Generator, unit: dict[str, float]) -> tuple[Inflow, ...]:
    amounts = {good: draw.uniform(10.0, 16.0) for good in RAW}
    amounts["labour"] = draw.uniform(18.0, 26.0)
    return tuple(
        Inflow(good, float(amounts[good]) * unit[good], owner) for good, owner in RAW.items()
    )


def _producers(
    draw: np.random.Generator,
    unit: dict[str, float],
    verb: str,
    materials: tuple[str, ...],
    made: str,
) -> list[Producer]:
    ways = {"by hand": (1.0, draw.uniform(1.0, 2.0)), "by machine": (1.0, draw.uniform(0.2, 0.5))}
    ways["by hand"] = (draw.uniform(0.7, 0.9), ways["by hand"][1])
    ways["by machine"] = (draw.uniform(1.0, 1.4), ways["by machine"][1])
    if verb == "assemble":
        ways["by robot"] = (draw.uniform(1.3, 1.6), draw.uniform(0.02, 0.1))
    producers = []
    for way, (material, labour) in ways.items():
        inputs = {good: float(material * draw.uniform(0.9, 1.1)) * unit[good] for good in materials}
        inputs["labour"] = float(labour) * unit["labour"]
        capacity = drawn_capacity(draw, made)
        technique = LinearActivity(inputs, {made: unit[made]}, capacity)
        producers.append(Producer(f"{verb} {way}", technique))
    return producers


def drawn_capacity(draw: np.random.Generator, made: str) -> float:
    """Draws how many units of a good one technique can make in a step."""
    return float(USUAL[made] * draw.uniform(0.4, 1.3))


def drawn_want(
    draw: np.random.Generator, good: str, unit: float, worths: tuple[float, float], share: float
) -> Want:
    """Draws a want for a share of what is usually made of a good, whose unit has this measure."""
    worth = float(draw.uniform(*worths)) / unit
    return Want(good, worth, float(USUAL[good] * share * draw.uniform(0.7, 1.3)) * unit)


def _households(draw: np.random.Generator, unit: dict[str, float]) -> tuple[Household, ...]:
    def want(good: str, low: float, high: float, share: float) -> Want:
        return drawn_want(draw, good, unit[good], (low, high), share)

    return (
        Household("school", (want("pencils", 9.0, 12.0, 0.4), want("pencils", 4.0, 6.0, 0.6))),
        Household("office", (want("pencils", 7.0, 10.0, 0.4),)),
        Household("builder", (want("lumber", 0.6, 1.4, 0.8), want("slats", 1.0, 2.0, 0.3))),
        Household("locksmith", (want("leads", 0.5, 2.5, 0.4),)),
        Household("brushmaker", (want("ferrules", 0.5, 2.5, 0.4),)),
    )
