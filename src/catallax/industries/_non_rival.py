"""Non-rival goods, which many read at once: a copy, and a price, for every reader."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from catallax._errors import InvalidSetting
from catallax.techniques import (
    CESTechnique,
    CobbDouglasTechnique,
    LinearActivity,
    Storage,
    Technique,
)
from catallax.techniques._amounts import Amounts

from ._copies import Copies, copies_of, each_of
from ._household import Household, Sight, Taste
from ._industry import Industry, Producer


def non_rival(industry: Industry, goods: Sequence[str]) -> Industry:
    """Makes some goods of an industry non-rival: all who read one have the full amount of it.

    Of a rival good what readers have adds up to the stock, `Σ_r x_r ≤ s`; of a non-rival one each
    may have all, `x_r ≤ s` for every reader r. A reader is a producer that needs the good, or a
    household that wants it. In place of the good stand copies, "good for reader", in the order
    of households and then producers. Each reader takes its own copy; whoever makes the good makes
    as much of every copy, and an inflow brings as much of each to its owner. So a copy is a rival
    good with one possible buyer: it clears at what it is worth to that buyer, and the maker earns
    the sum `p = Σ_r p_r`. Nothing else of a market changes.

    A good that nobody reads stays as it is. What is made of a good that two read is made twice:
    two stores of one good each bring it to all. `Storage` of a good with other readers becomes a
    `LinearActivity`, and at a discount of 1 it has to cost something.

    Args:
        industry: The industry.
        goods: The names of its non-rival goods.

    Returns:
        The industry of the copies; in fixed proportions where the given one is.

    Raises:
        InvalidSetting: If a good is unknown, named twice or looks like another, a `GradedActivity`
            takes or makes it, or the name of a copy is that of another good.
        FreeStorage: If at a discount of 1 goods can go round in a circle without a cost.

    Example:
        >>> from catallax.industries import Household, Industry, Inflow, Producer, Want
        >>> from catallax.planner import steady_state
        >>> show = Industry(
        ...     goods=("labour", "broadcast"),
        ...     inflows=(Inflow("labour", 3.0),),
        ...     producers=(
        ...         Producer("studio", LinearActivity({"labour": 1.0}, {"broadcast": 1.0})),
        ...     ),
        ...     households=(
        ...         Household("alice", (Want("broadcast", 2.0),)),
        ...         Household("bob", (Want("broadcast", 1.0),)),
        ...     ),
        ...     discount=0.5,
        ... )
        >>> shared = non_rival(show, ("broadcast",))
        >>> shared.goods
        ('labour', 'broadcast for alice', 'broadcast for bob')
        >>> round(steady_state(show).value, 6), round(steady_state(shared).value, 6)
        (6.0, 9.0)

    Source: Lindahl (1919), Die Gerechtigkeit der Besteuerung, for a price for each reader;
    Samuelson (1954), The pure theory of public expenditure, for their sum; Arrow (1970), The
    organization of economic activity, for copies as goods with markets of their own.
    """
    copies = copies_of(industry, goods)
    return replace(
        industry,
        goods=tuple(name for good in industry.goods for name in each_of(copies, good)),
        inflows=tuple(
            replace(one, good=name)
            for one in industry.inflows
            for name in each_of(copies, one.good)
        ),
        producers=tuple(
            Producer(one.name, _of_copies(one.technique, one.name, copies))
            for one in industry.producers
        ),
        households=tuple(_wanting(one, copies) for one in industry.households),
    )


def summed_prices(industry: Industry, goods: Sequence[str], prices: np.ndarray) -> np.ndarray:
    """Adds up the prices of copies: what a unit of each good is worth to all its readers.

    `p_g = Σ_r p_gr` over the readers r of a non-rival good g; other prices stay. Leading axes may
    be steps, or examples: each has a sum of its own.

    Args:
        industry: The industry as it was given to `non_rival`, with m goods.
        goods: The names of its non-rival goods.
        prices: Of the goods of `non_rival(industry, goods)`, floats [..., m'], credits a unit.

    Returns:
        Prices of the goods of `industry`, of the same dtype, [..., m], credits a unit.

    Raises:
        InvalidSetting: If `non_rival` refuses the goods, or there is not one price for each copy.

    Example:
        >>> from catallax.industries import Household, Industry, Inflow, Producer, Want
        >>> readers = tuple(Household(name, (Want("news", 1.0),)) for name in ("ann", "bo"))
        >>> press = (Producer("press", LinearActivity({"ink": 1.0}, {"news": 1.0})),)
        >>> town = Industry(("ink", "news"), (Inflow("ink", 1.0),), press, readers)
        >>> summed_prices(town, ("news",), np.array([0.5, 2.0, 1.0])).tolist()
        [0.5, 3.0]

    Source: Samuelson (1954), The pure theory of public expenditure: at the best plan the sum of
    what a unit more is worth to every reader is what a unit more costs.
    """
    copies = copies_of(industry, goods)
    counts = [len(each_of(copies, good)) for good in industry.goods]
    given = np.asarray(prices)
    if given.shape[-1:] != (sum(counts),):
        raise InvalidSetting(
            f"summed_prices was given prices of shape {given.shape}.",
            f"The last axis is that of the {sum(counts)} goods of non_rival(industry, goods).",
            "Give the prices of a plan or a market of that industry.",
        )
    return np.add.reduceat(given, np.cumsum([0, *counts[:-1]]), axis=-1)


@dataclass(frozen=True)
class ForReaders:
    """A technique that takes its own copies of goods, and makes those of every reader.

    Args:
        technique: The technique on the goods themselves.
        needs: What stands for each good that it needs, in its order.
        makes: All that stands for the goods that it makes.
        places: Which of its outputs each of `makes` is.
    """

    technique: Technique
    needs: tuple[str, ...]
    makes: tuple[str, ...]
    places: tuple[int, ...]

    @property
    def capacity(self) -> float:
        """That of the technique."""
        return self.technique.capacity

    @property
    def unit_cost(self) -> float:
        """That of the technique, where it has one."""
        return getattr(self.technique, "unit_cost", 0.0)

    def produce(self, bundle: jax.Array) -> jax.Array:
        """Returns the full amount of every copy, [makes], of its own copies, [needs]."""
        return self.technique.produce(bundle)[jnp.asarray(self.places, jnp.int32)]

    def cost(self, bundle: jax.Array) -> jax.Array:
        """Returns the credits that it costs: once, whoever reads what it makes."""
        return self.technique.cost(bundle)


@dataclass(frozen=True)
class TasteOfCopies:
    """A taste for its reader's own copies of goods.

    Args:
        taste: For the goods themselves.
        goods: What stands for each of those, in its order.
    """

    taste: Taste
    goods: tuple[str, ...]

    def first(self) -> Any:
        """Returns the first memory of the taste."""
        return self.taste.first()

    def valuation(self, goods: tuple[str, ...], memory: Any, sight: Sight) -> Any:
        """Returns what bundles of all goods are worth, of which the reader has its copies."""
        original = dict(zip(self.goods, self.taste.goods, strict=True))
        return self.taste.valuation(tuple(original.get(g, g) for g in goods), memory, sight)

    def learned(self, memory: Any, sight: Sight, bundle: jax.Array, worth: jax.Array) -> Any:
        """Returns what the taste remembers."""
        return self.taste.learned(memory, sight, bundle, worth)


def _wanting(household: Household, copies: Copies) -> Household:
    own = partial(_own, copies, reader=household.name)
    listed = tuple(replace(want, good=own(want.good)) for want in household.listed)
    tastes = (
        taste and TasteOfCopies(taste, tuple(own(good) for good in taste.goods))
        for taste in (household.taste, household.beliefs)
    )
    taste, beliefs = tastes
    return replace(household, wants=taste or listed, beliefs=beliefs)


def _own(copies: Copies, good: str, reader: str) -> str:
    return copies[good][reader] if good in copies else good


def _of_copies(technique: Technique, reader: str, copies: Copies) -> Technique:
    """Returns a technique that takes its reader's copies and makes everybody's."""
    if not copies.keys() & {*technique.needs, *technique.makes}:
        return technique
    needs = tuple(_own(copies, good, reader) for good in technique.needs)
    if isinstance(technique, Storage):
        return _storage(technique, needs[0], each_of(copies, technique.good))
    if isinstance(technique, LinearActivity | CobbDouglasTechnique | CESTechnique):
        amounts = [amount for _, amount in technique.amounts_needed]
        inputs = tuple(zip(needs, amounts, strict=True))
        return replace(technique, inputs=inputs, outputs=_outputs(technique.amounts_made, copies))
    repeated = [
        (name, place)
        for place, good in enumerate(technique.makes)
        for name in each_of(copies, good)
    ]
    makes, places = tuple(name for name, _ in repeated), tuple(place for _, place in repeated)
    return ForReaders(technique, needs, makes, places)


def _outputs(made: Amounts, copies: Copies) -> Amounts:
    return tuple((name, amount) for good, amount in made for name in each_of(copies, good))


def _storage(storage: Storage, own: str, each: tuple[str, ...]) -> LinearActivity | Storage:
    if each == (own,):
        return replace(storage, good=own)
    outputs = {name: storage.keeps for name in each}
    return LinearActivity({own: 1.0}, outputs, storage.capacity, storage.unit_cost)
