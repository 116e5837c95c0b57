"""Which goods agents want, where each of them wants few: the passes over all others are saved."""

from functools import singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from catallax.clearing.equilibrium._blocks import Response
from catallax.clearing.equilibrium._padding import bucket
from catallax.clearing.equilibrium.valuations import (
    BoundedLeontief,
    PiecewiseLinear,
    PiecewiseQuadratic,
)

SPARSE = 2
"""Goods are looked up where nobody wants more than one in so many of them."""


class Everything(NamedTuple):
    """Agents who look at all goods.

    Args:
        goods: How many there are.
    """

    goods: int

    def of(self, by_good: Float[Array, "m"]) -> Float[Array, "1 m"]:
        """Returns what each agent sees of numbers by good."""
        return by_good[None]

    def summed(self, amounts: Float[Array, "n m"]) -> Float[Array, "m"]:
        """Returns sums over agents."""
        return jnp.sum(amounts, axis=0)

    def spread(self, amounts: Float[Array, "n m"]) -> Float[Array, "n m"]:
        """Returns amounts of all goods."""
        return amounts

    def times(self, table: Float[Array, "n m"], by_good: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns the sums, over goods, of each row of a table times numbers by good."""
        return table @ by_good

    def mixed(self, amounts: Float[Array, "n"], table: Float[Array, "n m"]) -> Float[Array, "m"]:
        """Returns the sum of the rows of a table, each times an amount."""
        return amounts @ table

    def squared(self, weights: Float[Array, "n"], table: Float[Array, "n m"]) -> Array:
        """Returns `Σ_i ω_i c_i c_iᵀ` of the rows c of a table, `[m, m]`."""
        # A product of matrices is twice as fast if it need not transpose the first as it goes.
        return jax.lax.optimization_barrier((table * weights[:, None]).T) @ table

    def response(
        self, diagonal: Float[Array, "m"], columns: Float[Array, "n m"], weights: Float[Array, "n"]
    ) -> Response:
        """Returns `diag(diagonal) − Σ_i ω_i c_i c_iᵀ`."""
        return Response(diagonal, columns, weights)

    def cut(self, table: Float[Array, "n m ..."]) -> Float[Array, "n m ..."]:
        """Returns what a table says of the goods that each agent looks at."""
        return table


class Places(NamedTuple):
    """Agents who look at a few goods each.

    Args:
        goods: How many there are.
        places: `[n, w]`, which of them; a good that is listed twice is two goods to the agent.
    """

    goods: int
    places: Int[Array, "n w"]

    def of(self, by_good: Float[Array, "m"]) -> Float[Array, "n w"]:
        """Returns what each agent sees of numbers by good."""
        return by_good[self.places]

    def summed(self, amounts: Float[Array, "n w"]) -> Float[Array, "m"]:
        """Returns sums over agents."""
        return jnp.zeros(self.goods).at[self.places].add(amounts)

    def spread(self, amounts: Float[Array, "n w"]) -> Float[Array, "n m"]:
        """Returns amounts of all goods."""
        rows = jnp.arange(amounts.shape[0])[:, None]
        return jnp.zeros((amounts.shape[0], self.goods)).at[rows, self.places].add(amounts)

    def times(self, table: Float[Array, "n w"], by_good: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns the sums, over goods, of each row of a table times numbers by good."""
        return jnp.sum(table * self.of(by_good), axis=1)

    def mixed(self, amounts: Float[Array, "n"], table: Float[Array, "n w"]) -> Float[Array, "m"]:
        """Returns the sum of the rows of a table, each times an amount."""
        return self.summed(amounts[:, None] * table)

    def squared(self, weights: Float[Array, "n"], table: Float[Array, "n w"]) -> Array:
        """Returns `Σ_i ω_i c_i c_iᵀ` of the rows c of a table, `[m, m]`."""
        pairs = weights[:, None, None] * table[:, :, None] * table[:, None, :]
        rows, columns = self.places[:, :, None], self.places[:, None, :]
        return jnp.zeros((self.goods, self.goods)).at[rows, columns].add(pairs)

    def response(
        self, diagonal: Float[Array, "m"], columns: Float[Array, "n w"], weights: Float[Array, "n"]
    ) -> Response:
        """Returns `diag(diagonal) − Σ_i ω_i c_i c_iᵀ`."""
        nobody = jnp.zeros((0, self.goods)), jnp.zeros(0)
        return Response(diagonal, *nobody, -self.squared(weights, columns))

    def cut(self, table: Float[Array, "n m ..."]) -> Float[Array, "n w ..."]:
        """Returns what a table says of the goods that each agent looks at."""
        places = self.places.reshape(*self.places.shape, *[1] * (table.ndim - 2))
        return jnp.take_along_axis(table, places, axis=1)


Sight = Everything | Places


def sight_of(goods: int, places: Int[Array, "n w"] | None) -> Sight:
    """Returns what agents look at: at everything, unless it is known that they want few goods."""
    return Everything(goods) if places is None else Places(goods, places)


def places_of(family: Any, whole: Any = None) -> Int[np.ndarray, "n w"] | None:
    """Returns which goods each agent wants, if they are few and the family is one that gains.

    Agents who want fewer than others are given goods that they do not want.

    Args:
        family: In NumPy.
        whole: The family before some of it was left aside, so that it keeps its w; None for itself.

    Returns:
        int32 `[n, w]`, or None.
    """
    wanted, most = _wanted(family), _wanted(family if whole is None else whole)
    if wanted is None or most is None:
        return None
    width = bucket(int(most.sum(axis=1).max(initial=0)))
    if SPARSE * width > wanted.shape[1]:
        return None
    places = np.empty((wanted.shape[0], width), np.int32)
    usual = wanted.sum(axis=1) == width
    places[usual] = np.nonzero(wanted[usual])[1].reshape(-1, width)
    # Sorting puts what is wanted first, but takes its time.
    places[~usual] = np.argsort(~wanted[~usual], axis=1, kind="stable")[:, :width]
    return places


@singledispatch
def _wanted(family: Any) -> Bool[np.ndarray, "n m"] | None:
    return None


@_wanted.register(PiecewiseLinear)
@_wanted.register(PiecewiseQuadratic)
def _(family: Any) -> np.ndarray:
    return np.any((np.asarray(family.slopes) > 0) & (np.asarray(family.widths) > 0), axis=2)


@_wanted.register
def _(family: BoundedLeontief) -> np.ndarray:
    return np.asarray(family.needs) > 0
