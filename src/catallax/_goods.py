"""Goods: named, in whole quanta, with what keeping them costs; and who owns what comes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from catallax._errors import InvalidGood
from catallax._types import TICKS_MAX, TICKS_PER_CREDIT

QUANTA_MAX = 2**40
"""The most quanta of one good that may exist: room for fractions of them among 2**20 agents."""

ORIGINAL_OWNER = "original_owner"
"""Who owns what comes in, unless somebody is named."""

UNITS = (1e-12, 1e12)


@dataclass(frozen=True)
class Good:
    """One axis of a factored state: what can be owned, bought, used up and made.

    Args:
        name: What it is called.
        unit: How much of it one quantum is, the least that can be owned. The default is a
            millionth, as a tick is of a credit.
        depreciation: The share of a stock that is lost in a step, in [0, 1].
        carrying_cost: Credits that it costs to keep one of it (not one quantum) for a step.
        perishable: Whether what is left of it in a step goes to the account `disposal`.

    Raises:
        InvalidGood: If an argument is out of range, by its name.

    Example:
        >>> from catallax._goods import Good
        >>> Good("graphite", unit=0.5, depreciation=0.1).kept
        Fraction(9, 10)

    Source: paper Definition 2.2, where a state is a goods bundle.
    """

    name: str
    unit: float = 1e-6
    depreciation: float = 0.0
    carrying_cost: float = 0.0
    perishable: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InvalidGood(
                f"name={self.name!r} was given to a good.",
                "Goods are told apart by their names.",
                "Give a text that is not empty.",
            )
        self._check("unit", *UNITS, "A quantum is a certain amount, above 0.")
        self._check("depreciation", 0, 1, "It is the share of a stock that is lost in a step.")
        highest = TICKS_MAX / TICKS_PER_CREDIT
        self._check("carrying_cost", 0, highest, "It is an amount in credits, paid by the holder.")
        if not isinstance(self.perishable, bool):
            raise InvalidGood(
                f"perishable={self.perishable!r} was given to the good {self.name!r}.",
                "A good keeps or it does not.",
                "Give True or False; depreciation says how fast a good is lost that keeps.",
            )
        if self.depreciation > 0 and not 0 < self.lost:
            raise InvalidGood(
                f"depreciation={self.depreciation} was given to the good {self.name!r}.",
                "Depreciation is counted in millionths.",
                "Give 0, or a millionth or more.",
            )

    def _check(self, name: str, low: float, high: float, why: str) -> None:
        value = getattr(self, name)
        if not (_is_number(value) and low <= value <= high):
            raise InvalidGood(
                f"{name}={value!r} was given to the good {self.name!r}.",
                why,
                f"Give a number from {low:g} to {high:g}.",
            )

    @property
    def lost(self) -> Fraction:
        """The share that is lost in a step, with a denominator of at most a million."""
        return Fraction(self.depreciation).limit_denominator(10**6)

    @property
    def kept(self) -> Fraction:
        """The share that is kept in a step."""
        return 1 - self.lost


class GoodsTable(NamedTuple):
    """The numbers of m goods, as the functions of a step read them.

    Attributes:
        units: float64 `[m]`, how much one quantum is.
        kept: int64 `[2, m]`, numerators and denominators of the share kept in a step.
        carrying: float64 `[m]`, ticks that it costs to keep one quantum for a step.
        perishable: bool `[m]`.
    """

    units: Float64[np.ndarray, "m"]
    kept: Int64[np.ndarray, "2 m"]
    carrying: Float64[np.ndarray, "m"]
    perishable: Bool[np.ndarray, "m"]


def checked_goods(goods: Any) -> tuple[Good, ...]:
    """Returns goods as a tuple.

    Args:
        goods: One `Good` or more, in the order of the axes of a bundle.

    Returns:
        The same goods.

    Raises:
        InvalidGood: If there are none, one is not a `Good`, or two have one name.
    """
    goods = tuple(goods)
    for index, good in enumerate(goods):
        if not isinstance(good, Good):
            raise InvalidGood(
                f"goods[{index}] is {good!r}.", "A bundle is counted in goods.", "Give a Good."
            )
    names = [good.name for good in goods]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not goods:
        raise InvalidGood(
            f"goods has {f'two goods named {twice[0]!r}' if twice else 'no goods'}.",
            "Each axis of a bundle is a good with a name of its own.",
            "Give one Good or more, with different names.",
        )
    return goods


def table_of(goods: Sequence[Good]) -> GoodsTable:
    """Returns the numbers of goods, good by good."""
    return GoodsTable(
        units=np.array([good.unit for good in goods], np.float64),
        kept=np.array([good.kept.as_integer_ratio() for good in goods], np.int64).T,
        carrying=np.array([g.carrying_cost * g.unit * TICKS_PER_CREDIT for g in goods], np.float64),
        perishable=np.array([good.perishable for good in goods], bool),
    )


def quanta_of(amount: float, good: Good) -> int:
    """Returns the whole quanta in an amount of a good, as typed: 0.3 of a good in 0.1 is 3.

    Args:
        amount: How much, 0 or more.
        good: Of what.

    Returns:
        Quanta, rounded down.

    Raises:
        InvalidGood: If the amount is negative, not finite, or more than can be counted.
    """
    if not (_is_number(amount) and 0 <= amount / good.unit <= QUANTA_MAX):
        raise InvalidGood(
            f"amount={amount!r} of the good {good.name!r} was given.",
            f"Of a good there are from 0 to 2**40 quanta, here of {good.unit:g} each.",
            "Give a finite amount of 0 or more; a larger unit makes room for more.",
        )
    exactly = Fraction(repr(float(amount))) / Fraction(repr(float(good.unit)))
    return exactly.numerator // exactly.denominator


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


@dataclass(frozen=True)
class Inflow:
    """What comes into the world in a step, and who owns it: nothing comes in unowned.

    Args:
        good: Its name.
        amount: How much of it, 0 or more; whole quanta come in, and a rest does not.
        owner: The name of the account that sells it.

    Example:
        >>> from catallax._goods import Inflow
        >>> Inflow("graphite", 2.0).owner
        'original_owner'
    """

    good: str
    amount: float
    owner: str = ORIGINAL_OWNER


def arrivals_of(
    inflows: Sequence[Inflow], goods: Sequence[Good], owners: Sequence[str]
) -> Int64[np.ndarray, "n m"]:
    """Returns what comes in in a step, by owner and good.

    Args:
        inflows: Several may be of one good, or go to one owner.
        goods: m goods.
        owners: The names of the n holders, row by row.

    Returns:
        int64 `[n, m]`, quanta.

    Raises:
        InvalidGood: If a good or an owner is not there, or an amount is out of range.
    """
    named = {good.name: column for column, good in enumerate(goods)}
    rows = {name: row for row, name in enumerate(owners)}
    table = np.zeros((len(owners), len(goods)), np.int64)
    for inflow in inflows:
        for kind, name, known in (("good", inflow.good, named), ("owner", inflow.owner, rows)):
            if name not in known:
                raise InvalidGood(
                    f"An inflow has {kind}={name!r}.",
                    f"There is no {kind} of that name.",
                    f"Name one of {', '.join(map(repr, known))}.",
                )
        column = named[inflow.good]
        table[rows[inflow.owner], column] += quanta_of(inflow.amount, goods[column])
    return table
