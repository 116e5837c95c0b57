"""Padding to a few sizes, so that markets of any size share compiled programs.

Added agents want an added good and nothing else: a market beside the market, which touches no
price of it.
"""

import dataclasses
from functools import singledispatch
from typing import Any

import numpy as np

from catallax.clearing.equilibrium._market import Market
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

PADDED = (
    Linear,
    CES,
    CobbDouglas,
    Leontief,
    Quadratic,
    Logarithmic,
    PiecewiseLinear,
    PiecewiseQuadratic,
    BoundedLeontief,
)
"""Families that can be padded; others are compiled for the size that they have."""

FINE = 32
"""Sizes from this one come in quarters of a power of two, smaller ones in halves."""


def bucket(size: int) -> int:
    """Returns the least of 2, 3, 4, 6, 8, …, 32, 40, 48, 56, 64, 80, … that holds a size.

    Where markets are small compiling costs most, where they are large what is added does.

    Example:
        >>> [bucket(size) for size in (1, 5, 9, 100)]
        [2, 6, 12, 112]
    """
    if size <= 2:
        return 2
    power = 1 << (size - 1).bit_length() - 1
    share = power // (4 if power >= FINE else 2)
    return power + -(-(size - power) // share) * share


def padded(market: Market) -> Market:
    """Returns a market of a size from `bucket`, in which the given one is the first part.

    Args:
        market: In NumPy arrays.

    Returns:
        The padded market; families that cannot be padded leave it as it is.
    """
    if not all(isinstance(family, PADDED) for family in market.families):
        return market
    goods = bucket(market.supply.size + 1)
    sizes = [bucket(family.agents) for family in market.families]
    extra_goods = goods - market.supply.size
    parts, wealth, first = [], [], 0
    for family, size in zip(market.families, sizes, strict=True):
        parts.append(_padded(family, size - family.agents, extra_goods))
        own = market.wealth[first : first + family.agents]
        wealth.append(np.concatenate([own, np.full(size - family.agents, own.mean())]))
        first += family.agents
    valuations = parts[0] if len(parts) == 1 else Mixed(tuple(parts))
    supply: Any = np.concatenate([market.supply, np.full(extra_goods, market.supply.mean())])
    together: Any = np.concatenate(wealth)
    return Market(valuations, supply, together, market.money)


def rows_of(market: Market) -> np.ndarray:
    """Returns which rows of the padded market are the given one's agents."""
    if not all(isinstance(family, PADDED) for family in market.families):
        return np.arange(market.wealth.size)
    rows, first = [], 0
    for family in market.families:
        rows.append(first + np.arange(family.agents))
        first += bucket(family.agents)
    return np.concatenate(rows)


@singledispatch
def _padded(family: Any, agents: int, goods: int) -> Any:
    raise TypeError(type(family).__name__)


@_padded.register
def _(family: Linear, agents: int, goods: int) -> Linear:
    return Linear(_grown(family.values, agents, goods, _typical(family.values)))


@_padded.register
def _(family: CES, agents: int, goods: int) -> CES:
    weights = np.asarray(family.weights, np.float64)
    rho = np.broadcast_to(np.asarray(family.rho, np.float64), (family.agents,))
    scale = np.broadcast_to(np.asarray(family.scale, np.float64), (family.agents,))
    # Worth what the others' goods are worth: a dearer market beside would cost this one digits.
    of_each = scale * weights.sum(axis=1) ** (1 / rho) / family.goods
    return dataclasses.replace(
        family,
        weights=_grown(weights, agents, goods, 1.0),
        rho=np.concatenate([rho, np.full(agents, rho[0])]),
        scale=np.concatenate([scale, np.full(agents, _typical(of_each))]),
    )


@_padded.register
def _(family: CobbDouglas, agents: int, goods: int) -> CobbDouglas:
    shares = _grown(family.shares, agents, goods, 1.0)
    return CobbDouglas(shares, _more(family.scale, family.agents, agents))


@_padded.register
def _(family: Leontief, agents: int, goods: int) -> Leontief:
    needs = _grown(family.needs, agents, goods, _typical(family.needs))
    return Leontief(needs, _more(family.scale, family.agents, agents))


@_padded.register
def _(family: Quadratic, agents: int, goods: int) -> Quadratic:
    curvatures = np.broadcast_to(family.curvatures, np.shape(family.slopes))
    slopes = _grown(family.slopes, agents, goods, _typical(family.slopes))
    return Quadratic(slopes, _grown(curvatures, agents, goods, _typical(curvatures)))


@_padded.register
def _(family: Logarithmic, agents: int, goods: int) -> Logarithmic:
    shape = (family.agents, family.goods)
    offsets = np.broadcast_to(np.asarray(family.offsets, np.float64), shape)
    scales = _grown(family.scales, agents, goods, _typical(family.scales))
    edges = ((0, agents), (0, goods))
    return Logarithmic(scales, np.pad(offsets, edges, constant_values=_typical(offsets)))


@_padded.register
def _(family: PiecewiseLinear, agents: int, goods: int) -> PiecewiseLinear:
    slopes = np.asarray(family.slopes, np.float64)
    widths = np.broadcast_to(np.asarray(family.widths, np.float64), slopes.shape)
    pieces = bucket(slopes.shape[2])
    more = ((0, 0), (0, 0), (0, pieces - slopes.shape[2]))
    slopes, widths = np.pad(slopes, more), np.pad(widths, more)
    edges = ((0, agents), (0, goods), (0, 0))
    grown = np.pad(slopes, edges)
    grown[family.agents :, family.goods, :] = _typical(slopes)
    return PiecewiseLinear(grown, np.pad(widths, edges, constant_values=np.inf))


@_padded.register
def _(family: PiecewiseQuadratic, agents: int, goods: int) -> PiecewiseQuadratic:
    straight = _padded(PiecewiseLinear(family.slopes, family.widths), agents, goods)
    slopes = np.shape(family.slopes)
    curvatures = np.broadcast_to(np.asarray(family.curvatures, np.float64), slopes)
    edges = [(0, new - old) for new, old in zip(straight.slopes.shape, slopes, strict=True)]
    return PiecewiseQuadratic(straight.slopes, np.pad(curvatures, edges), straight.widths)


@_padded.register
def _(family: BoundedLeontief, agents: int, goods: int) -> BoundedLeontief:
    slopes, own = np.asarray(family.slopes, np.float64), family.agents
    curvatures = np.broadcast_to(np.asarray(family.curvatures, np.float64), (own,))
    bounds = np.broadcast_to(np.asarray(family.bounds, np.float64), (own,))
    needs = _grown(family.needs, agents, goods, _typical(family.needs))
    more = (0, agents)
    return BoundedLeontief(
        needs,
        np.pad(slopes, more, constant_values=_typical(slopes)),
        np.pad(curvatures, more),
        np.pad(bounds, more, constant_values=np.inf),
    )


def _grown(values: Any, agents: int, goods: int, own: float) -> np.ndarray:
    """Adds goods that nobody wants, and agents who want the first of them."""
    own_agents, own_goods = np.shape(values)
    grown = np.zeros((own_agents + agents, own_goods + goods))
    grown[:own_agents, :own_goods] = values
    grown[own_agents:, own_goods] = own
    return grown


def _typical(values: Any) -> float:
    values = np.asarray(values, np.float64)
    usable = np.isfinite(values) & (values > 0)
    count = np.count_nonzero(usable)
    return float(np.sum(values, where=usable)) / count if count else 1.0


def _more(scale: Any, agents: int, extra: int) -> np.ndarray:
    own = np.broadcast_to(np.asarray(scale, np.float64), (agents,))
    return np.concatenate([own, np.full(extra, own.mean())])
