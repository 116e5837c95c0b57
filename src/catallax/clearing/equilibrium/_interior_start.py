"""Where the interior point method starts: a market in its own units, and a point inside."""

import dataclasses
from functools import lru_cache, singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from catallax.clearing.equilibrium._blocks import Block
from catallax.clearing.equilibrium._curved import Curved
from catallax.clearing.equilibrium._interior import Iterate, count_of, total_of
from catallax.clearing.equilibrium._levels import Levels
from catallax.clearing.equilibrium._market import Market, Money
from catallax.clearing.equilibrium._payment import RULES, Rule
from catallax.clearing.equilibrium._pieces import Pieces
from catallax.clearing.equilibrium._places import sight_of
from catallax.clearing.equilibrium._quantities import Quantities
from catallax.clearing.equilibrium._recipes import Recipes
from catallax.clearing.equilibrium._scaling import in_shares, times
from catallax.clearing.equilibrium._slopes import slopes_of
from catallax.clearing.equilibrium.valuations import (
    CES,
    BoundedLeontief,
    CobbDouglas,
    Leontief,
    Linear,
    Logarithmic,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)

WIDEST_PIECE = 2.0
"""Nobody can hold more than all of a good: wider pieces are cut to twice that."""


class Scaled(NamedTuple):
    """A market in its own units.

    Attributes:
        blocks: The agents, by kind.
        prices: `[m]`, where to start.
        unit: Money that 1 stands for.
        total: Money against which the gap is measured, in units.
        supply: `[m]`, quantities that a share of 1 stands for.
        utils: Of each block `[n]`, in what the worth of its agents is counted: 1, or in a Fisher
            market money by `_paid`.
    """

    blocks: tuple[Block, ...]
    prices: Float[Array, "m"]
    unit: Float[Array, ""]
    total: Float[Array, ""]
    supply: Float[Array, "m"]
    utils: tuple[Float[Array, "n"], ...]


def scaled_market(market: Market) -> Scaled:
    """Returns a market in units in which prices are about 1.

    Args:
        market: With supply above 0.

    Returns:
        The `Scaled` market.
    """
    share = 1.0 / market.wealth.shape[0]
    families = [in_shares(family, market.supply) for family in market.families]
    parts = jnp.split(market.wealth, _ends(families)[:-1])
    utils = tuple(
        _paid(family, wealth, share) if rule == "fisher" else jnp.ones_like(wealth)
        for family, wealth, rule in zip(families, parts, market.rules, strict=True)
    )
    families = list(map(times, families, utils))
    bids = [highest_bids(family, share) for family in families]
    prices, total = _first_prices(market, bids, parts)
    unit = jax.lax.stop_gradient(jnp.mean(prices))
    blocks = tuple(
        block_of(
            times(family, jnp.full(family.agents, 1 / unit)), wealth / unit, RULES[rule], places
        )
        for family, wealth, rule, places in zip(
            families, parts, market.rules, market.seen, strict=True
        )
    )
    return Scaled(blocks, prices / unit, unit, total / unit, market.supply, utils)


def beginning(scaled: Scaled) -> Iterate:
    """Returns a point strictly inside: equal shares, a tenth left over."""
    n_agents = sum(block.wealth.shape[0] for block in scaled.blocks)
    states = tuple(block.begin(scaled.prices, 1.0 / n_agents) for block in scaled.blocks)
    return Iterate(scaled.prices, jnp.full_like(scaled.prices, 0.1), states)


def entered(scaled: Scaled, start: Iterate) -> Iterate:
    """Returns a point of a similar market, inside the bounds of this one.

    Source: Yildirim and Wright, "Warm-start strategies in interior-point methods for linear
    programming" (2002), for how a point is moved inside before it is started from.
    """
    mu = total_of(scaled.blocks, start) / count_of(scaled.blocks, start)
    pairs = zip(scaled.blocks, start.blocks, strict=True)
    states = tuple(block.entered(state, start.prices, mu) for block, state in pairs)
    return start._replace(blocks=states)


class Start(NamedTuple):
    """A point to start from, if there is one: as data, so that one program serves both.

    Attributes:
        known: bool scalar, whether the point is one.
        point: It, or ones.
    """

    known: Bool[Any, ""]
    point: Iterate


def start_in(market: Market, point: Any) -> Start:
    """Returns where to start in a market.

    Args:
        market: In arrays.
        point: `Found.warm` of a similar market, or None; that of a market of other kinds of agents
            or another size is left aside.

    Returns:
        The `Start`.
    """
    leaves, structure = jax.tree.flatten(market)
    blank = _blank(structure, tuple((leaf.shape, jnp.result_type(leaf)) for leaf in leaves))
    known = isinstance(point, Iterate) and _shapes_of(point) == _shapes_of(blank)
    return Start(np.asarray(known), point if known else blank)


def first_point(scaled: Scaled, start: Start) -> Iterate:
    """Returns the point given, inside the bounds of this market, or one that is inside any."""
    pairs = entered(scaled, start.point), beginning(scaled)
    return jax.tree.map(lambda given, other: jnp.where(start.known, given, other), *pairs)


def _shapes_of(tree: Any) -> tuple[Any, list[tuple[int, ...]]]:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [leaf.shape for leaf in leaves]


@lru_cache(maxsize=64)
def _blank(structure: Any, shapes: Any) -> Iterate:
    """Returns a point of ones; to ask for its shapes costs more than a step of the method."""
    leaves = [jax.ShapeDtypeStruct(*shape) for shape in shapes]
    market = jax.tree.unflatten(structure, leaves)
    first = jax.eval_shape(lambda given: beginning(scaled_market(given)), market)
    return jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), first)


def _ends(families: list[Any]) -> list[int]:
    ends = []
    for family in families:
        ends.append(family.agents + (ends[-1] if ends else 0))
    return ends


def _paid(family: Any, wealth: Array, share: float) -> Array:
    """In a Fisher market utility has no unit: an equal share is made to be worth one's money."""
    worth = family.worth(jnp.full((family.agents, family.goods), share))
    return jax.lax.stop_gradient(wealth / worth)


def _first_prices(market: Market, bids: list[Array], parts: list[Array]) -> tuple[Array, Array]:
    """Returns what all would pay at first, and what is at stake: the sums over rules."""
    if not isinstance(market.money, tuple):
        return _first_of(market.money, bids, jnp.sum(market.wealth))
    offers = []
    for money in dict.fromkeys(market.rules):
        mine = [i for i, rule in enumerate(market.rules) if rule == money]
        wealth = jnp.sum(jnp.concatenate([parts[i] for i in mine]))
        offers.append(_first_of(money, [bids[i] for i in mine], wealth))
    prices, total = zip(*offers, strict=True)
    return jnp.sum(jnp.stack(prices), axis=0), jnp.sum(jnp.stack(total))


def _first_of(money: Money, bids: list[Array], wealth: Array) -> tuple[Array, Array]:
    """Returns the same of those under one rule."""
    highest = jnp.maximum(jnp.max(jnp.stack(bids), axis=0), 0.0)
    wanted = highest > 0
    count = jnp.maximum(jnp.sum(wanted), 1)
    even = wealth / count
    if money == "none":
        prices, total = 1.1 * highest, jnp.sum(highest)
    elif money == "fisher":
        prices, total = jnp.where(wanted, even, 0.0), wealth
    else:
        prices, total = jnp.minimum(highest, even), jnp.minimum(wealth, jnp.sum(highest))
    # A good that nobody wants starts near 0, where it will end.
    return jnp.maximum(prices, 1e-3 * jnp.sum(prices) / count), total


@singledispatch
def highest_bids(family: Any, share: float) -> Float[Array, "m"]:
    """Returns about what the keenest agent would pay for all of each good.

    Args:
        family: In shares.
        share: The share of each good that everybody holds.

    Returns:
        `[m]`, money.
    """
    bundle = jnp.full((family.agents, family.goods), share)
    slopes = jax.grad(lambda goods: jnp.sum(family.worth(goods)))(bundle)
    return jnp.max(slopes, axis=0)


@highest_bids.register(Linear)
@highest_bids.register(CES)
@highest_bids.register(Quadratic)
@highest_bids.register(Logarithmic)
def _(family: Any, share: float) -> Array:
    if _in_recipes(family):
        return _highest_by_cost(family)
    bundle = jnp.full((family.agents, family.goods), share)
    return jnp.max(slopes_of(family, bundle).slope, axis=0)


@highest_bids.register(CobbDouglas)
@highest_bids.register(Leontief)
def _(family: Any, share: float) -> Array:
    return _highest_by_cost(family)


@highest_bids.register(PiecewiseLinear)
@highest_bids.register(PiecewiseQuadratic)
def _(family: Any, share: float) -> Array:
    return jnp.max(jnp.asarray(family.slopes), axis=(0, 2))


@highest_bids.register
def _(family: BoundedLeontief, share: float) -> Array:
    wanted = jnp.any(jnp.asarray(family.needs) > 0, axis=0)
    bids = family.slopes / jnp.sum(jnp.asarray(family.needs), axis=1)
    return jnp.where(wanted, jnp.max(bids), 0.0)


def _highest_by_cost(family: Any) -> Array:
    """Returns equal prices at which no agent would buy."""
    unit = family.unit_cost(jnp.ones(family.goods))
    wanted = jnp.any(_coefficients(family) > 0, axis=0)
    return jnp.where(wanted, jnp.max(1 / unit), 0.0)


def _coefficients(family: Any) -> Array:
    fields = {CES: "weights", CobbDouglas: "shares", Leontief: "needs"}
    return jnp.asarray(getattr(family, fields[type(family)]))


def _in_recipes(family: Any) -> bool:
    return isinstance(family, CobbDouglas | Leontief) or (
        isinstance(family, CES) and not family.substitutes
    )


def block_of(
    family: Any,
    wealth: Float[Array, "n"],
    rule: Rule,
    places: Int[Array, "n w"] | None = None,
) -> Block:
    """Returns the kind of block that serves a family.

    Args:
        family: In shares and units of money.
        wealth: `[n]`, units of money.
        rule: What money means.
        places: From `places_of`, or None.

    Returns:
        The `Block`.
    """
    sight = sight_of(family.goods, places)
    if _in_recipes(family):
        return Recipes(family, wealth, rule)
    if isinstance(family, Linear | CES | Quadratic | Logarithmic):
        return Quantities(family, wealth, rule)
    if isinstance(family, PiecewiseLinear | PiecewiseQuadratic):
        shape = jnp.shape(family.slopes)
        family = jax.tree.map(lambda table: sight.cut(jnp.broadcast_to(table, shape)), family)
        usable = family.widths > 0
        widths = jnp.where(usable, jnp.minimum(family.widths, WIDEST_PIECE), 1.0)
        slopes = jnp.where(usable, family.slopes, 0.0)
        bent = isinstance(family, PiecewiseQuadratic)
        curvatures = jnp.where(usable, family.curvatures, 0.0) if bent else None
        return Pieces(sight, slopes, curvatures, widths, wealth, rule)
    if isinstance(family, BoundedLeontief):
        near = _within_reach(family)
        near = dataclasses.replace(near, needs=sight.cut(jnp.asarray(near.needs)))
        return Levels(sight, near, wealth, rule)
    return Curved(family, wealth, rule)


def _within_reach(family: BoundedLeontief) -> BoundedLeontief:
    widest = WIDEST_PIECE / jnp.max(jnp.asarray(family.needs), axis=1)
    bounds = jnp.minimum(jnp.broadcast_to(family.most, widest.shape), widest)
    curvatures = jnp.broadcast_to(jnp.asarray(family.curvatures), widest.shape)
    return BoundedLeontief(jnp.asarray(family.needs), family.slopes, curvatures, bounds)
