"""What is taken out of a market before it is solved, and put back afterwards.

Methods work strictly inside the positive orthant: every good must be there and be wanted, every
agent must have money and find something. What is not so is known in advance.
"""

import dataclasses
from functools import singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import register_dataclass
from jaxtyping import Array, Bool, Float

from catallax._types import exact
from catallax.clearing.equilibrium._market import Market, together, worth_of
from catallax.clearing.equilibrium.valuations import (
    CES,
    BoundedLeontief,
    CobbDouglas,
    Concave,
    CoupledQuadratic,
    Leontief,
    Linear,
    Logarithmic,
    Mixed,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)


class Reduction(NamedTuple):
    """The part of a market that is left to be solved.

    Attributes:
        market: What is left, or None if nobody is.
        agents: Which agents of the whole market are left, in the order of the part.
        goods: Which goods are left.
        in_place: Whether its families are those of the whole market, in their order.
    """

    market: Market | None
    agents: np.ndarray
    goods: np.ndarray
    in_place: bool = True

    def put_back(
        self, whole: Market, prices: Any, bundles: Any, spending: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns prices, bundles and β of the whole market.

        What was taken out has the price 0 (see `with_quotes` for goods that are missing), those
        taken out hold nothing, and the last of their money is worth 1, which they have left; 0
        in a Fisher market, where it is worth nothing, and under a cap of 0.

        Args:
            whole: The market.
            prices: Of the part.
            bundles: Of the part.
            spending: Of the part.

        Returns:
            `[m]`, `[n, m]` and `[n]`.
        """
        n, m = whole.wealth.size, whole.supply.size
        all_prices, all_bundles = np.zeros(m), np.zeros((n, m))
        useless = whole.under("fisher") | (whole.under("cap") & (whole.wealth <= 0))
        all_spending = np.where(useless, 0.0, 1.0)
        all_prices[self.goods] = prices
        all_bundles[np.ix_(self.agents, self.goods)] = bundles
        all_spending[self.agents] = spending
        return all_prices, all_bundles, all_spending


def reduced(whole: Market) -> Reduction | None:
    """Returns what is left of a market without what is idle, or None if nothing has to go.

    Out go goods of which there is none; agents who can have nothing: without money where it
    matters, with no worth for anything there is, or in need of a good that is missing; and goods
    that none of the others want. A CES with ρ of both signs is split in two families, since
    substitutes and complements are solved in different ways.

    Args:
        whole: In NumPy, checked.

    Returns:
        The `Reduction`, or None.
    """
    there: np.ndarray = np.asarray(whole.supply) > 0
    rich = whole.wealth > 0  # as are all to whom money is no limit: see `market_of`
    wants = [wanted(family, whole.supply) for family in whole.families]
    mixed = [isinstance(family, CES) and _of_both_signs(family) for family in whole.families]
    if not any(mixed) and there.all() and rich.all() and all(want.all() for want in wants):
        return None
    served = np.concatenate(
        [_served(f, want, there) for f, want in zip(whole.families, wants, strict=True)]
    )
    active = rich & served
    goods = there & np.any(np.concatenate(wants)[active], axis=0)
    if not any(mixed) and active.all() and goods.all():
        return None
    parts, rows, rules, first = [], [], [], 0
    for family, rule in zip(whole.families, whole.rules, strict=True):
        for own in _groups(family):
            own = own[active[first + own]]
            if own.size:
                parts.append(part_of(family, own, np.flatnonzero(goods)))
                rows.append(first + own)
                rules.append(rule)
        first += family.agents
    if not parts:
        return Reduction(None, np.zeros(0, int), np.zeros(0, int))
    agents = np.concatenate(rows)
    valuations = parts[0] if len(parts) == 1 else Mixed(tuple(parts))
    left = Market(valuations, whole.supply[goods], whole.wealth[agents], together(rules))
    return Reduction(left, agents, np.flatnonzero(goods), not any(mixed))


def _of_both_signs(family: CES) -> bool:
    signs = np.asarray(family.rho) > 0
    return bool(signs.any() and not signs.all())


def _groups(family: Any) -> list[np.ndarray]:
    """Returns the agents, in groups that can be solved in one way."""
    if not isinstance(family, CES):
        return [np.arange(family.agents)]
    above = np.broadcast_to(np.asarray(family.rho), (family.agents,)) > 0
    return [np.flatnonzero(above), np.flatnonzero(~above)]


def complements(family: Any) -> Bool[np.ndarray, "n"]:
    """Returns who gets nothing out of a bundle in which any wanted good is missing."""
    if isinstance(family, CES):
        return np.broadcast_to(np.asarray(family.rho) < 0, (family.agents,))
    return np.full(family.agents, isinstance(family, CobbDouglas | Leontief | BoundedLeontief))


def _served(family: Any, want: np.ndarray, there: np.ndarray) -> Bool[np.ndarray, "n"]:
    some = (there & want).any(axis=1)
    return np.where(complements(family), some & (there | ~want).all(axis=1), some)


# --- who wants what

TASTE = 1e-6
"""The share of all there is that shows whether an unknown function gains from it."""

FIRST = {
    Linear: "values",
    CES: "weights",
    CobbDouglas: "shares",
    Leontief: "needs",
    Quadratic: "slopes",
    Logarithmic: "scales",
}
"""The field that is 0 exactly where a good is not wanted."""


@singledispatch
def wanted(family: Any, supply: Float[np.ndarray, "m"]) -> Bool[np.ndarray, "n m"]:
    """Returns who has a use for which goods; of an unknown function, all goods or none.

    Args:
        family: In NumPy.
        supply: `[m]`, quantities.

    Returns:
        bool `[n, m]`.
    """
    shape = (family.agents, family.goods)
    # A little of everything: of all there is, some have more than they like.
    little = np.broadcast_to(TASTE * supply, shape)
    with exact():
        gains = np.asarray(worth_of(family, little)) - np.asarray(worth_of(family, 0 * little))
    return np.broadcast_to(gains[:, None] > 0, shape)


@wanted.register(Linear)
@wanted.register(CES)
@wanted.register(CobbDouglas)
@wanted.register(Leontief)
@wanted.register(Quadratic)
@wanted.register(Logarithmic)
def _(family: Any, supply: np.ndarray) -> np.ndarray:
    return np.asarray(getattr(family, FIRST[type(family)])) > 0


@wanted.register
def _(family: BoundedLeontief, supply: np.ndarray) -> np.ndarray:
    runs = (np.asarray(family.slopes) > 0) & (np.asarray(family.bounds) > 0)
    return (np.asarray(family.needs) > 0) & runs[:, None]


@wanted.register(PiecewiseLinear)
@wanted.register(PiecewiseQuadratic)
def _(family: Any, supply: np.ndarray) -> np.ndarray:
    return np.any((np.asarray(family.slopes) > 0) & (np.asarray(family.widths) > 0), axis=2)


@wanted.register
def _(family: CoupledQuadratic, supply: np.ndarray) -> np.ndarray:
    # A good may be wanted only for what it adds to the worth of another.
    return (np.asarray(family.slopes) > 0) | np.any(np.asarray(family.curvatures) < 0, axis=2)


# --- parts of families


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Narrowed:
    """A family that is asked about some of its goods; of the others there is nothing.

    Args:
        inner: The family.
        kept: Which of its goods.
    """

    inner: Any
    kept: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    @property
    def homogeneous(self) -> bool:
        """Whether the family is."""
        return self.inner.homogeneous

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.inner.agents

    @property
    def goods(self) -> int:
        """How many goods are left."""
        return len(self.kept)

    def worth(self, bundles: Float[Array, "n k"]) -> Float[Array, "n"]:
        """Returns `[agents]`, what each bundle is worth with nothing of the other goods."""
        nothing = jnp.zeros((bundles.shape[0], self.inner.goods))
        return self.inner.worth(nothing.at[:, jnp.asarray(self.kept)].set(bundles))

    def unit_cost(self, prices: Float[Array, "k"]) -> Float[Array, "n"]:
        """Returns `[agents]`, the least money for a worth of 1 without the other goods."""
        endless = jnp.full(self.inner.goods, jnp.inf)
        return self.inner.unit_cost(endless.at[jnp.asarray(self.kept)].set(prices))


@singledispatch
def part_of(family: Any, agents: np.ndarray, goods: np.ndarray) -> Any:
    """Returns some agents of a family, with some of the goods.

    Args:
        family: In NumPy.
        agents: Which, by number.
        goods: Which, by number; the agents want no other, or there is none of it.

    Returns:
        A family of the same kind, or a `Narrowed` one where functions are unknown.
    """
    few = jax.tree.map(lambda leaf: np.asarray(leaf)[agents], family)
    return few if goods.size == family.goods else Narrowed(few, tuple(goods.tolist()))


@part_of.register(Linear)
@part_of.register(CES)
@part_of.register(CobbDouglas)
@part_of.register(Leontief)
@part_of.register(Quadratic)
@part_of.register(Logarithmic)
@part_of.register(PiecewiseLinear)
@part_of.register(PiecewiseQuadratic)
@part_of.register(BoundedLeontief)
def _(family: Any, agents: np.ndarray, goods: np.ndarray) -> Any:
    cut = {}
    for one in dataclasses.fields(family):
        values = getattr(family, one.name)
        if np.ndim(values) >= 2:
            cut[one.name] = values[np.ix_(agents, goods)]
        elif np.ndim(values) == 1:
            cut[one.name] = values[agents]
    few = dataclasses.replace(family, **cut)
    if isinstance(few, CES):
        return dataclasses.replace(few, substitutes=bool(np.min(few.rho) > 0))
    return few


@part_of.register
def _(family: CoupledQuadratic, agents: np.ndarray, goods: np.ndarray) -> CoupledQuadratic:
    slopes, curvatures = np.asarray(family.slopes), np.asarray(family.curvatures)
    return CoupledQuadratic(slopes[np.ix_(agents, goods)], curvatures[np.ix_(agents, goods, goods)])


@part_of.register
def _(family: Concave, agents: np.ndarray, goods: np.ndarray) -> Any:
    few = jax.tree.map(lambda leaf: leaf[agents], family.parameters)
    few = dataclasses.replace(family, parameters=few)
    return few if goods.size == family.goods else Narrowed(few, tuple(goods.tolist()))
