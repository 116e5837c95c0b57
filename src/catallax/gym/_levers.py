"""What a central planner decides in an industry, lever by lever, and the numbers behind it."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int

from catallax.industries import Household, Industry, Want
from catallax.industries._household import require_listed
from catallax.techniques import Activities, LinearActivity, Storage, Technique, stack_activities


class Lever(NamedTuple):
    """One number that a planner decides in every step.

    Attributes:
        who: A producer or a household.
        good: What it gets of which good; None where it is the level of its technique.
        most: The most that it can do or use in a step; may be infinite.

    Example:
        >>> Lever("saw by hand", None, 4.0).most
        4.0
    """

    who: str
    good: str | None
    most: float


class Curve(NamedTuple):
    """A technique without fixed proportions.

    Attributes:
        technique: It.
        levers: `[n]`, which levers are its inputs, in the order of its needs.
        makes: `[k]`, the numbers of the goods that it makes.
    """

    technique: Technique
    levers: Int[np.ndarray, "n"]
    makes: Int[np.ndarray, "k"]


class Tables(NamedTuple):
    """An industry with k levers and m goods as a planner sees it.

    Attributes:
        levers: First the levels, then the inputs of curves, then what households get.
        takes: float64 `[k, m]`, what a unit of a lever takes.
        makes: float64 `[k, m]`, what it makes; 0 for inputs of curves, and for households.
        costs: float64 `[k]`, credits that a unit costs.
        most: float64 `[k]`.
        curves: The techniques without fixed proportions.
        slopes: float64 `[k, pieces]`, what a unit is worth, dearest first.
        begins: float64 `[k, pieces]`, the quantity at which a piece begins.
        widths: float64 `[k, pieces]`, how far it goes; 0 where there is none.
        inflow: float64 `[m]`.
    """

    levers: tuple[Lever, ...]
    takes: Float64[np.ndarray, "k m"]
    makes: Float64[np.ndarray, "k m"]
    costs: Float64[np.ndarray, "k"]
    most: Float64[np.ndarray, "k"]
    curves: tuple[Curve, ...]
    slopes: Float64[np.ndarray, "k pieces"]
    begins: Float64[np.ndarray, "k pieces"]
    widths: Float64[np.ndarray, "k pieces"]
    inflow: Float64[np.ndarray, "m"]


@lru_cache(maxsize=64)
def tables_of(industry: Industry) -> Tables:
    """Returns the levers of an industry, and what they do."""
    require_listed(industry.households, "One mind at the levers")
    place = {good: number for number, good in enumerate(industry.goods)}
    fixed = [one for one in industry.producers if _is_fixed(one.technique)]
    bent = [one for one in industry.producers if not _is_fixed(one.technique)]
    rows = stack_activities([one.technique for one in fixed], industry.goods, np.float64)
    wanted = _wanted(industry.households)
    levers = [Lever(one.name, None, float(one.technique.capacity)) for one in fixed]
    levers += [Lever(one.name, good, math.inf) for one in bent for good in one.technique.needs]
    levers += [Lever(*pair, sum(want.most for want in wants)) for pair, wants in wanted.items()]
    curves, first = [], len(fixed)
    for one in bent:
        own = np.arange(first, first + len(one.technique.needs), dtype=np.int32)
        made = np.array([place[good] for good in one.technique.makes], np.int32)
        curves.append(Curve(one.technique, own, made))
        first += own.size
    takes, makes, costs = _flows(rows, levers, place)
    pieces = _pieces(len(levers), list(wanted.values()))
    most = np.array([lever.most for lever in levers])
    inflow = np.array(industry.coming_in)
    return Tables(tuple(levers), takes, makes, costs, most, tuple(curves), *pieces, inflow)


def _is_fixed(technique: Technique) -> bool:
    return isinstance(technique, LinearActivity | Storage)


def _wanted(households: tuple[Household, ...]) -> dict[tuple[str, str], list[Want]]:
    """Returns the wants of a household for a good, the dearest first."""
    found: dict[tuple[str, str], list[Want]] = {}
    for household in households:
        for want in sorted(household.listed, key=lambda want: -want.worth):
            found.setdefault((household.name, want.good), []).append(want)
    return found


def _flows(
    rows: Activities, levers: list[Lever], place: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns what levers take, make and cost."""
    takes = np.zeros((len(levers), len(place)))
    makes, costs = np.zeros_like(takes), np.zeros(len(levers))
    fixed = len(rows.unit_cost)
    takes[:fixed], makes[:fixed], costs[:fixed] = rows.inputs, rows.outputs, rows.unit_cost
    for row, lever in enumerate(levers):
        if lever.good is not None:
            takes[row, place[lever.good]] = 1.0
    return takes, makes, costs


def _pieces(count: int, wanted: list[list[Want]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns slopes, beginnings and widths of what households, the last levers, want."""
    slopes = np.zeros((count, max(map(len, wanted), default=1)))
    begins, widths = np.zeros_like(slopes), np.zeros_like(slopes)
    for row, wants in enumerate(wanted, start=count - len(wanted)):
        ends = np.cumsum([want.most for want in wants])
        slopes[row, : len(wants)] = [want.worth for want in wants]
        widths[row, : len(wants)] = [want.most for want in wants]
        begins[row, 1 : len(wants)] = ends[:-1]
    return slopes, begins, widths
