"""Idle agents and missing goods, left where they stand: a market keeps its size from step to step.

As in `_padding`, they become part of a market beside the market: idle agents want an added good
and nothing else, and nobody wants a good that was missing.
"""

import dataclasses
from functools import singledispatch
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool

from catallax._types import exact
from catallax.clearing.equilibrium._market import Market, worth_of
from catallax.clearing.equilibrium._scaling import times
from catallax.clearing.equilibrium.valuations import (
    CES,
    BoundedLeontief,
    CobbDouglas,
    Leontief,
    Linear,
    Logarithmic,
    Mixed,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)

TINY = 1e-300


def idled(
    grown: Market, agents: Bool[np.ndarray, "n"], goods: Bool[np.ndarray, "m"], beside: int
) -> Market:
    """Returns a market in which some agents and goods have nothing to do with the others.

    Args:
        grown: From `padded`.
        agents: bool `[n]`, who is there.
        goods: bool `[m]`, what is there.
        beside: The good that those who are not there want.

    Returns:
        A market of the same size.
    """
    ends = np.cumsum([family.agents for family in grown.families])[:-1]
    present = np.split(agents, ends)
    parts = [
        _idled(family, mine, goods, beside)
        for family, mine in zip(grown.families, present, strict=True)
    ]
    supply: Any = np.where(goods, grown.supply, np.mean(grown.supply, where=goods))
    if not all(mine.any() for mine in present):
        parts = _alike(parts, present, supply / agents.size, beside)
    valuations = parts[0] if len(parts) == 1 else Mixed(tuple(parts))
    wealth: Any = np.where(agents, grown.wealth, np.mean(grown.wealth, where=agents))
    return Market(valuations, supply, wealth, grown.money)


def _alike(
    parts: list[Any], present: list[np.ndarray], share: np.ndarray, beside: int
) -> list[Any]:
    """Makes the good beside worth as much to families without anybody as bundles are to others.

    A market beside that is far dearer or cheaper would cost this one its digits.
    """
    with exact():
        everything = [np.broadcast_to(share, (part.agents, share.size)) for part in parts]
        worths = [
            np.asarray(worth_of(part, bundles))[mine]
            for part, bundles, mine in zip(parts, everything, present, strict=True)
        ]
        usual = max(float(np.mean(np.concatenate(worths))), TINY)
        scaled = []
        for part, bundles, mine in zip(parts, everything, present, strict=True):
            only = np.where(np.arange(share.size) == beside, bundles, 0.0)
            own = np.asarray(worth_of(part, only))
            factor = np.ones(mine.size) if mine.any() else usual / own
            scaled.append(jax.tree.map(np.asarray, times(part, factor)))
    return scaled


@singledispatch
def _idled(family: Any, agents: np.ndarray, goods: np.ndarray, beside: int) -> Any:
    raise TypeError(type(family).__name__)


@_idled.register
def _(family: Linear, agents: np.ndarray, goods: np.ndarray, beside: int) -> Linear:
    return Linear(_cut(family.values, agents, goods, beside))


@_idled.register
def _(family: CES, agents: np.ndarray, goods: np.ndarray, beside: int) -> CES:
    return dataclasses.replace(family, weights=_cut(family.weights, agents, goods, beside, 1.0))


@_idled.register
def _(family: CobbDouglas, agents: np.ndarray, goods: np.ndarray, beside: int) -> CobbDouglas:
    return CobbDouglas(_cut(family.shares, agents, goods, beside, 1.0), family.scale)


@_idled.register
def _(family: Leontief, agents: np.ndarray, goods: np.ndarray, beside: int) -> Leontief:
    return Leontief(_cut(family.needs, agents, goods, beside), family.scale)


@_idled.register
def _(family: Quadratic, agents: np.ndarray, goods: np.ndarray, beside: int) -> Quadratic:
    slopes = _cut(family.slopes, agents, goods, beside)
    return Quadratic(slopes, _cut(family.curvatures, agents, goods, beside))


@_idled.register
def _(family: Logarithmic, agents: np.ndarray, goods: np.ndarray, beside: int) -> Logarithmic:
    return dataclasses.replace(family, scales=_cut(family.scales, agents, goods, beside))


@_idled.register
def _(family: PiecewiseLinear, agents: np.ndarray, goods: np.ndarray, beside: int) -> Any:
    slopes, widths = np.asarray(family.slopes), np.array(family.widths)
    cut = np.stack([_cut(one, agents, goods, beside) for one in np.moveaxis(slopes, 2, 0)], axis=2)
    widths[~agents, beside] = np.inf
    return PiecewiseLinear(cut, widths)


@_idled.register
def _(family: PiecewiseQuadratic, agents: np.ndarray, goods: np.ndarray, beside: int) -> Any:
    straight = _idled(PiecewiseLinear(family.slopes, family.widths), agents, goods, beside)
    there = agents[:, None, None] & goods[:, None]
    return PiecewiseQuadratic(
        straight.slopes, np.where(there, family.curvatures, 0.0), straight.widths
    )


@_idled.register
def _(family: BoundedLeontief, agents: np.ndarray, goods: np.ndarray, beside: int) -> Any:
    slopes = np.asarray(family.slopes)
    typical = np.mean(slopes, where=agents) if agents.any() else 1.0
    return BoundedLeontief(
        _cut(family.needs, agents, goods, beside),
        np.where(agents, slopes, typical),
        np.where(agents, family.curvatures, 0.0),
        np.where(agents, family.bounds, np.inf),
    )


def _cut(
    values: Any, agents: np.ndarray, goods: np.ndarray, beside: int, own: float | None = None
) -> np.ndarray:
    """Leaves what is there, and one value beside it to those who are not."""
    left = np.where(agents[:, None] & goods, values, 0.0)
    counted = left > 0
    typical = left.sum() / max(np.count_nonzero(counted), 1) if counted.any() else 1.0
    left[~agents, beside] = typical if own is None else own
    return left
