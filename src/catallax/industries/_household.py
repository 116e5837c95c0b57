"""Who uses goods up, and what they are worth to it: as a list of wants, or by a taste."""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Float64, Int64

from catallax._errors import InvalidSetting
from catallax.techniques._amounts import require_between


@dataclass(frozen=True)
class Want:
    """So much of a good that someone would have in a step, and what a unit is worth to it.

    Several wants for one good make a falling, piecewise linear demand.

    Args:
        good: The good.
        worth: Credits for a unit, above 0.
        most: Units a step beyond which more is worth nothing; may be infinite.

    Raises:
        InvalidSetting: If the worth is not positive and finite, or the most is negative.

    Example:
        >>> Want("pencils", worth=2.0, most=5.0).most
        5.0
    """

    good: str
    worth: float
    most: float = math.inf

    def __post_init__(self) -> None:
        """Checks the settings."""
        owner = f"Want of {self.good!r}"
        require_between(owner, "worth", self.worth, 0.0, math.inf, open_low=True)
        require_between(owner, "most", self.most, 0.0, math.inf, may_be_infinite=True)


class Sight(NamedTuple):
    """What a household sees before it bids, of the k goods of its taste, in their order.

    Attributes:
        step: int64 scalar, steps since genesis.
        forecasts: float64 `[k]`, p̂, credits that 1 of a good is expected to cost.
        offered: float64 `[k]`, how much of a good is there.

    Example:
        >>> import numpy as np
        >>> Sight(np.array(0.0), forecasts=np.array([2.0]), offered=np.array([5.0])).forecasts
        array([2.])
    """

    step: Int64[Array, ""]
    forecasts: Float64[Array, "k"]
    offered: Float64[Array, "k"]


@runtime_checkable
class Taste(Protocol):
    """What bundles are worth, as a species: what it knows, what it sees, and what it learns.

    A frozen, hashable value, so that it can be compiled; what changes is its memory, a pytree of
    float64 arrays that the market keeps. `catallax.tastes` has those that come with the library,
    and `catallax.checks.check_taste` checks one of yours.

    Example:
        >>> from catallax.tastes import CES
        >>> isinstance(CES({"bread": 1.0, "beer": 2.0}, substitution=0.5), Taste)
        True

    Source: paper Definition 2.2, `α_b : Ω → ℝ` over bundles.
    """

    @property
    def goods(self) -> tuple[str, ...]:
        """The goods that it values."""
        ...

    def first(self) -> Any:
        """Returns the memory of who has bought nothing yet; `()` for who learns nothing."""
        ...

    def valuation(self, goods: tuple[str, ...], memory: Any, sight: Sight) -> Any:
        """Returns what bundles `[goods]` of all the goods are worth: valuations of one agent.

        Memory and sight may be traced, and may change numbers only, never the family.
        """
        ...

    def learned(self, memory: Any, sight: Sight, bundle: Array, worth: Array) -> Any:
        """Returns the memory after a bundle, float64 `[k]`, turned out to be worth some credits."""
        ...


@dataclass(frozen=True)
class Household:
    """A consumer of goods: what it uses up, and what that is worth to it.

    Args:
        name: Who.
        wants: What a bundle is worth: the sum of its wants, or a taste.
        beliefs: A taste by which it bids, if it does not know its wants; nature pays by those, and
            the beliefs may learn from what it pays.

    Raises:
        InvalidSetting: If wants or beliefs are of another type, or beliefs value another good.

    Example:
        >>> Household("school", (Want("pencils", 2.0, 5.0), Want("pencils", 1.0))).wants[1].worth
        1.0
    """

    name: str
    wants: tuple[Want, ...] | Taste
    beliefs: Taste | None = None

    def __post_init__(self) -> None:
        """Freezes the wants and checks tastes."""
        if isinstance(self.wants, Iterable):
            object.__setattr__(self, "wants", tuple(self.wants))
        else:
            _require_value(self, "wants")
        if self.beliefs is not None:
            _require_value(self, "beliefs")

    @property
    def listed(self) -> tuple[Want, ...]:
        """Its wants, if it has a list of them; a taste lists none."""
        return self.wants if isinstance(self.wants, tuple) else ()

    @property
    def taste(self) -> Taste | None:
        """What bundles are worth to it, unless it has a list of wants."""
        return None if isinstance(self.wants, tuple) else self.wants

    @property
    def bids_by(self) -> Taste | None:
        """What it believes or knows bundles to be worth, unless it bids by its list of wants."""
        return self.beliefs or self.taste

    @property
    def goods(self) -> tuple[str, ...]:
        """The goods that it wants or believes that it wants, each once."""
        tastes = (self.taste, self.beliefs)
        valued = [good for taste in tastes if taste is not None for good in taste.goods]
        return tuple(dict.fromkeys([*(want.good for want in self.listed), *valued]))


def _require_value(household: Household, name: str) -> None:
    """Raises unless a taste can be compared, and so compiled."""
    taste = getattr(household, name)
    if not isinstance(taste, Taste) or not isinstance(taste, Hashable):
        raise InvalidSetting(
            f"Household {household.name!r} was given {name}={taste!r}.",
            "It wants what a list of Want says, or a taste: a frozen value with goods, first, "
            "valuation and learned.",
            "Give one of catallax.tastes, or check yours with checks.check_taste.",
        )


def require_listed(households: Sequence[Household], who: str) -> None:
    """Raises if a household has a taste in place of a list of wants.

    Args:
        households: Of an industry.
        who: Who can read lists only, to begin a sentence.

    Raises:
        InvalidSetting: If one has.
    """
    for one in households:
        if one.taste is not None:
            raise InvalidSetting(
                f"The household {one.name} wants what {one.taste} says.",
                f"{who} reads wants that are worth the same for every unit up to a most.",
                "Approximate the taste by several Want a good.",
            )
