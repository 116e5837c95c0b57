"""Households that have tastes in place of lists of wants: what they bid, and what they learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float64, Int

from catallax._types import exact
from catallax.industries import Household, Sight, Taste

Owned = tuple[tuple[int, Taste], ...]
"""Numbers of households, each with a taste."""


@dataclass(frozen=True)
class Tastes:
    """The tastes of H households; a value, so that the step is compiled for it.

    Attributes:
        goods: The names of the m goods, as they are seen.
        valued: Whom nature pays by a taste.
        bids: Who bids by a taste.
        groups: Which of `bids` are of one family of valuations, place by place.
    """

    goods: tuple[str, ...]
    valued: Owned
    bids: Owned
    groups: tuple[tuple[int, ...], ...]

    @property
    def rows(self) -> list[int]:
        """Which households bid by a taste, family by family, as in `believed`."""
        return [self.bids[place][0] for group in self.groups for place in group]


@lru_cache(maxsize=256)
def _places(taste: Taste, goods: tuple[str, ...]) -> Int[np.ndarray, "k"]:
    """Returns where the goods of a taste stand among all; every step asks for it."""
    return np.array([goods.index(good) for good in taste.goods])


class View(NamedTuple):
    """What everybody can see of a step, of all m goods; each taste looks at its own."""

    step: Any
    forecasts: Float64[Any, "m"]
    offered: Float64[Any, "m"]

    def of(self, taste: Taste, goods: tuple[str, ...]) -> Sight:
        """Returns what the owner of a taste looks at."""
        places = _places(taste, goods)
        return Sight(self.step * 1.0, self.forecasts[places], self.offered[places])


def tastes_of(households: Sequence[Household], goods: Sequence[str]) -> Tastes:
    """Returns the tastes of households.

    Args:
        households: H of them.
        goods: The names of the m goods, as they are seen.

    Returns:
        A value.
    """
    known = tuple(goods)
    valued = tuple((row, one.taste) for row, one in enumerate(households) if one.taste is not None)
    bids = tuple((row, taste) for row, one in enumerate(households) if (taste := one.bids_by))
    nothing = np.zeros(len(known))
    view, groups = View(np.zeros(()), nothing, nothing), {}
    for place, memory in enumerate(first_memories(bids)):
        family = _family(_valuation(bids[place][1], known, memory, view))
        groups.setdefault(family, []).append(place)
    return Tastes(known, valued, bids, tuple(map(tuple, groups.values())))


def is_homogeneous(taste: Taste, goods: tuple[str, ...]) -> bool:
    """Returns whether twice the bundle is always worth twice as much to who bids by a taste."""
    nothing = np.zeros(len(goods))
    view = View(np.zeros(()), nothing, nothing)
    return bool(_valuation(taste, goods, taste.first(), view).homogeneous)


def first_memories(bids: Owned) -> tuple[Any, ...]:
    """Returns what those who bid by a taste remember before they bought anything."""
    with exact():
        return tuple(jax.tree.map(jnp.asarray, taste.first()) for _, taste in bids)


def memories_after(before: Tastes, memories: tuple[Any, ...], after: Tastes) -> tuple[Any, ...]:
    """Returns memories for other tastes: who bids by the same taste as before forgets nothing."""
    kept = dict(zip(before.bids, memories, strict=True))
    return tuple(
        kept.get(one, first)
        for one, first in zip(after.bids, first_memories(after.bids), strict=True)
    )


def believed(tastes: Tastes, memories: tuple[Any, ...], view: View) -> list[Any]:
    """Returns what those who bid by a taste bid, a family of valuations for each of `groups`.

    Args:
        tastes: Theirs.
        memories: What each remembers, as arrays on the host.
        view: What there is to see.
    """
    families = []
    for group in tastes.groups:
        each = [
            _valuation(tastes.bids[place][1], tastes.goods, memories[place], view)
            for place in group
        ]
        families.append(jax.tree.map(lambda *own: np.concatenate(own), *each))
    return families


def worths_of(tastes: Tastes, view: View, bundles: Float64[Array, "H m"]) -> Float64[Array, "H"]:
    """Returns what bundles are worth to those whom nature pays by a taste; 0 for the others.

    Args:
        tastes: Theirs.
        view: What there was to see.
        bundles: float64 `[H, m]`, what they used up.

    Returns:
        float64 `[H]`, credits.
    """
    worths = jnp.zeros(bundles.shape[0])
    for row, taste in tastes.valued:
        values = _valuation(taste, tastes.goods, taste.first(), view)
        worths = worths.at[row].set(values.worth(bundles[row : row + 1])[0])
    return worths


def remembered(
    tastes: Tastes,
    memories: tuple[Any, ...],
    view: View,
    bundles: Float64[Array, "H m"],
    worths: Float64[Array, "H"],
) -> tuple[Any, ...]:
    """Returns what is remembered after bundles turned out to be worth so many credits.

    Args:
        tastes: Of those who bid by one.
        memories: What each remembers.
        view: What there was to see.
        bundles: float64 `[H, m]`, what households used up.
        worths: float64 `[H]`, credits.

    Returns:
        A memory for each of `Tastes.bids`.
    """
    after = []
    for (row, taste), memory in zip(tastes.bids, memories, strict=True):
        own, sight = _places(taste, tastes.goods), view.of(taste, tastes.goods)
        after.append(taste.learned(memory, sight, bundles[row, own], worths[row]))
    return tuple(after)


def _valuation(taste: Taste, goods: tuple[str, ...], memory: Any, view: View) -> Any:
    return taste.valuation(goods, memory, view.of(taste, goods))


def _family(values: Any) -> Any:
    """Returns what valuations must share to be put into one table."""
    leaves, kind = jax.tree.flatten(values)
    return kind, tuple(np.shape(leaf)[1:] for leaf in leaves)
