"""A supply chain in which sound and faulty parts look the same, and mix."""

from typing import NamedTuple

import numpy as np

from catallax._goods import Inflow
from catallax.techniques import GradedActivity, LinearActivity

from ._household import Household, Want
from ._industry import Industry, Producer
from ._supply_chain import drawn_capacity, drawn_want

ALIKE = {
    "graphite": ("pure graphite", "flinty graphite"),
    "slats": ("sound slats", "warped slats"),
    "leads": ("sound leads", "brittle leads"),
}
LOOKS = "labour cedar graphite zinc lumber slats leads ferrules pencils".split()


class Way(NamedTuple):
    """Ranges from which a way of working is drawn.

    Attributes:
        material: What a unit of level takes of each material.
        labour: And of labour.
        faults: The share of what it makes that is faulty, where faults look like the rest.
        copes: What it makes of a faulty input, as a share of what it makes of a sound one.
    """

    material: tuple[float, float]
    labour: tuple[float, float]
    faults: tuple[float, float]
    copes: tuple[float, float]


WAYS = {
    "by hand": Way((0.7, 0.9), (1.0, 2.0), (0.02, 0.08), (0.7, 0.9)),
    "by machine": Way((1.0, 1.4), (0.2, 0.5), (0.15, 0.35), (0.3, 0.6)),
    "by robot": Way((1.3, 1.6), (0.02, 0.1), (0.15, 0.35), (0.1, 0.4)),
}


def blends(seed: int, discount: float = 0.95) -> Industry:
    """Draws a supply chain with hidden grades: only totals are seen.

    It is "I, Pencil" once more, with labour needed everywhere and short. Two mines bring graphite,
    pure and flinty; who slices lumber makes some warped slats among the sound ones, and who fires
    graphite some brittle leads, more of them of flinty graphite. Machines save labour, make more
    that is faulty, and cope worse with what is. None of that is seen before it is worked up: what
    looks alike has one price, and who buys it gets the average.

    Args:
        seed: Of all that is drawn.
        discount: γ of the industry.

    Returns:
        The industry: 12 goods, which look like 9, and 11 producers.

    Raises:
        InvalidSetting: If the discount is outside (0, 1].

    Example:
        >>> chain = blends(0)
        >>> chain.looks[2], chain.goods[2:4], len(chain.producers)
        ('graphite', ('pure graphite', 'flinty graphite'), 11)

    Source: Akerlof (1970), The market for "lemons"; Read (1958), I, Pencil: my family tree as told
    to Leonard E. Read.
    """
    draw = np.random.default_rng([14, seed])
    unit = {look: float(np.exp(draw.uniform(-1.0, 1.0))) for look in LOOKS}
    producers = (
        *_straight(draw, unit, "saw", "cedar", "lumber"),
        *_straight(draw, unit, "slice", "lumber", "slats"),
        *_fire(draw, unit),
        *_straight(draw, unit, "press", "zinc", "ferrules"),
        *_assemble(draw, unit),
    )
    return Industry(
        goods=tuple(grade for look in LOOKS for grade in ALIKE.get(look, (look,))),
        inflows=_inflows(draw, unit),
        producers=producers,
        households=_households(draw, unit),
        discount=discount,
        alike=ALIKE,
    )


def _inflows(draw: np.random.Generator, unit: dict[str, float]) -> tuple[Inflow, ...]:
    def inflow(good: str, look: str, low: float, high: float, owner: str) -> Inflow:
        return Inflow(good, float(draw.uniform(low, high)) * unit[look], owner)

    return (
        inflow("labour", "labour", 18.0, 26.0, "workers"),
        inflow("cedar", "cedar", 10.0, 16.0, "foresters"),
        inflow("pure graphite", "graphite", 5.0, 11.0, "old mine"),
        inflow("flinty graphite", "graphite", 3.0, 7.0, "new mine"),
        inflow("zinc", "zinc", 10.0, 16.0, "smelters"),
    )


def _amounts(
    draw: np.random.Generator, unit: dict[str, float], way: Way, materials: tuple[str, ...]
) -> dict[str | tuple[str, ...], float]:
    """Draws what a unit of level takes, of whatever looks like its materials."""
    taken = float(draw.uniform(*way.material))
    inputs: dict[str | tuple[str, ...], float] = {
        ALIKE.get(look, look): taken * float(draw.uniform(0.9, 1.1)) * unit[look]
        for look in materials
    }
    return inputs | {"labour": float(draw.uniform(*way.labour)) * unit["labour"]}


def _grades(look: str, amount: float, faulty: float) -> dict[str, float]:
    """Returns an amount of what looks the same, of which a share is faulty."""
    if look not in ALIKE:
        return {look: amount}
    sound, other = ALIKE[look]
    return {sound: amount * (1 - faulty), other: amount * faulty}


def _straight(
    draw: np.random.Generator, unit: dict[str, float], verb: str, material: str, made: str
) -> list[Producer]:
    """Draws who makes something of what it knows."""
    producers = []
    for name in ("by hand", "by machine"):
        way = WAYS[name]
        inputs = {str(k): v for k, v in _amounts(draw, unit, way, (material,)).items()}
        outputs = _grades(made, unit[made], float(draw.uniform(*way.faults)))
        technique = LinearActivity(inputs, outputs, drawn_capacity(draw, made))
        producers.append(Producer(f"{verb} {name}", technique))
    return producers


def _fire(draw: np.random.Generator, unit: dict[str, float]) -> list[Producer]:
    """Draws who fires graphite: flinty graphite makes fewer leads, and more brittle ones."""
    pure, flinty = ALIKE["graphite"]
    producers = []
    for name in ("by hand", "by machine"):
        way = WAYS[name]
        faults, copes = float(draw.uniform(*way.faults)), float(draw.uniform(*way.copes))
        worse = faults + float(draw.uniform(0.2, 0.4))
        outputs = {
            pure: _grades("leads", unit["leads"], faults),
            flinty: _grades("leads", unit["leads"] * copes, worse),
        }
        inputs = _amounts(draw, unit, way, ("graphite",))
        technique = GradedActivity(inputs, outputs, drawn_capacity(draw, "leads"))
        producers.append(Producer(f"fire {name}", technique))
    return producers


def _assemble(draw: np.random.Generator, unit: dict[str, float]) -> list[Producer]:
    """Draws who assembles pencils: three parts in five are lost with a slat, two with a lead."""
    producers = []
    for name, way in WAYS.items():
        outputs = {}
        for look, part in (("slats", 0.6), ("leads", 0.4)):
            sound, faulty = ALIKE[look]
            copes = float(draw.uniform(*way.copes))
            outputs[sound] = {"pencils": part * unit["pencils"]}
            outputs[faulty] = {"pencils": part * copes * unit["pencils"]}
        inputs = _amounts(draw, unit, way, ("slats", "leads", "ferrules"))
        technique = GradedActivity(inputs, outputs, drawn_capacity(draw, "pencils"))
        producers.append(Producer(f"assemble {name}", technique))
    return producers


def _households(draw: np.random.Generator, unit: dict[str, float]) -> tuple[Household, ...]:
    def want(good: str, low: float, high: float, share: float) -> Want:
        return drawn_want(draw, good, unit[good], (low, high), share)

    return (
        Household("school", (want("pencils", 9.0, 12.0, 0.4), want("pencils", 4.0, 6.0, 0.6))),
        Household("office", (want("pencils", 7.0, 10.0, 0.4),)),
        Household("builder", (want("lumber", 0.6, 1.4, 0.8),)),
        Household("brushmaker", (want("ferrules", 0.5, 2.5, 0.4),)),
    )
