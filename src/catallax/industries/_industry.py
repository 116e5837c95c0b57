"""What there is to do with goods: who can make what of what, and who wants it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from catallax._errors import InvalidSetting
from catallax._goods import Inflow
from catallax.techniques import Technique
from catallax.techniques._amounts import require_between

from ._alike import Alike, frozen_alike, seen_as
from ._cycles import require_no_free_storage
from ._household import Household, Want


@dataclass(frozen=True)
class Producer:
    """Someone who can run a technique.

    Args:
        name: Who.
        technique: What it does with the goods that it owns.

    Example:
        >>> from catallax.techniques import Storage
        >>> Producer("barn", Storage("grain", 5.0)).technique.needs
        ('grain',)
    """

    name: str
    technique: Technique


@dataclass(frozen=True)
class Industry:
    """Goods, those who bring them, those who transform them, and those who use them up.

    A step: what comes in and what was made in the last step is divided among producers and
    households; households use theirs up, producers make of theirs what the next step begins with.
    What nobody takes, and what a technique does not keep, is gone.

    Args:
        goods: The names of all goods.
        inflows: What comes in every step.
        producers: Who can make goods of goods.
        households: Who uses goods up.
        discount: γ, above 0 and at most 1: what a credit a step later is worth.
        alike: Goods that nobody can tell apart, by the name under which they are seen and traded: a
            mapping or pairs. The others are seen as what they are.

    Raises:
        InvalidSetting: If a name is given twice or a good is unknown, an inflow is negative or not
            finite, or the discount is outside (0, 1].
        FreeStorage: If at a discount of 1 goods can go round in a circle without cost or loss.

    Example:
        >>> from catallax.industries import Inflow
        >>> from catallax.techniques import LinearActivity
        >>> saw = LinearActivity({"cedar": 2.0}, {"slats": 10.0}, capacity=3.0)
        >>> mill = Industry(
        ...     goods=("cedar", "slats"),
        ...     inflows=(Inflow("cedar", 5.0),),
        ...     producers=(Producer("mill", saw),),
        ...     households=(Household("fencer", (Want("slats", 0.5),)),),
        ...     discount=0.9,
        ... )
        >>> mill.coming_in
        (5.0, 0.0)

    Source: paper definition 2.2; Koopmans (1951), Activity analysis of production and allocation.
    """

    goods: tuple[str, ...]
    inflows: tuple[Inflow, ...]
    producers: tuple[Producer, ...]
    households: tuple[Household, ...]
    discount: float = 0.95
    alike: Mapping[str, Sequence[str]] | Alike = ()

    def __post_init__(self) -> None:
        """Freezes and checks the parts."""
        for name in ("goods", "inflows", "producers", "households"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        require_between("Industry", "discount", self.discount, 0.0, 1.0, open_low=True)
        _require_different("goods", self.goods)
        _require_different("producers", [one.name for one in self.producers])
        _require_different("households", [one.name for one in self.households])
        object.__setattr__(self, "alike", frozen_alike(self.alike, self.goods))
        _require_known(self)
        for one in self.inflows:
            owner = f"Inflow of {one.good!r} to {one.owner}"
            require_between(owner, "amount", one.amount, 0.0, math.inf)
        if self.discount == 1.0:
            require_no_free_storage([(one.name, one.technique) for one in self.producers])

    @property
    def coming_in(self) -> tuple[float, ...]:
        """Units of every good that come in in a step, all owners together."""
        return tuple(
            math.fsum(one.amount for one in self.inflows if one.good == good) for good in self.goods
        )

    @property
    def looks(self) -> tuple[str, ...]:
        """The names of all that is seen: each good, or what several look like."""
        return seen_as(self.goods, cast(Alike, self.alike))[0]

    @property
    def good_of(self) -> tuple[int, ...]:
        """For every good, the number among `looks` of what it is seen as."""
        return seen_as(self.goods, cast(Alike, self.alike))[1]

    @property
    def wants(self) -> tuple[Want, ...]:
        """The wants that households list, one after the other; a taste lists none."""
        return tuple(want for household in self.households for want in household.listed)


def _require_different(what: str, names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or not names:
        raise InvalidSetting(
            f"Industry was given the {what} {list(names)}.",
            f"A name stands for one of the {what}, and there is at least one."
            + (f" Given twice: {', '.join(twice)}." if twice else ""),
            f"Name the {what}, each differently.",
        )


def _require_known(industry: Industry) -> None:
    named = [(f"the inflow of {one.owner}", one.good) for one in industry.inflows]
    for producer in industry.producers:
        goods = (*producer.technique.needs, *producer.technique.makes)
        named += [(f"the producer {producer.name}", good) for good in goods]
    for household in industry.households:
        named += [(f"the household {household.name}", good) for good in household.goods]
    for who, good in named:
        if good not in industry.goods:
            raise InvalidSetting(
                f"Industry does not know the good {good!r} of {who}.",
                f"Its goods are {', '.join(industry.goods)}.",
                "Add it to goods, or correct its name.",
            )
