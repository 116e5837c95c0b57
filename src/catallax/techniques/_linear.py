"""Techniques in fixed proportions, and storage as one of them."""

import math
from dataclasses import dataclass

import jax

from catallax._errors import InvalidSetting

from ._amounts import Amounts, GivenAmounts, require_between
from ._level import ByAmounts, ByLevel, numbers_of


@dataclass(frozen=True)
class LinearActivity(ByAmounts):
    """Makes goods in fixed proportions of goods in fixed proportions.

    With several inputs it is what is known as a Leontief technique. Its level is the largest for
    which every input is enough, and no more than its capacity.

    Args:
        inputs: How much of each good a unit of its level takes; a mapping or pairs.
        outputs: How much of each good a unit of its level makes.
        capacity: The largest level in a step.
        unit_cost: Credits for a unit of its level, 0 or more.

    Raises:
        InvalidSetting: If an amount is not positive and finite, a good is named twice, nothing is
            made, or it needs nothing and has no capacity.

    Example:
        >>> import jax.numpy as jnp
        >>> saw = LinearActivity({"cedar": 2.0, "labour": 1.0}, {"slats": 10.0}, capacity=4.0)
        >>> saw.produce(jnp.array([6.0, 5.0]))
        Array([30.], dtype=float32)

    Source: Koopmans (1951), Activity analysis of production and allocation, chapter 3; Leontief
    (1941), The structure of American economy.
    """

    inputs: GivenAmounts
    outputs: GivenAmounts
    capacity: float = math.inf
    unit_cost: float = 0.0

    def __post_init__(self) -> None:
        """Checks the settings and freezes the amounts."""
        self.freeze_amounts()
        require_between(
            "LinearActivity", "capacity", self.capacity, 0.0, math.inf, may_be_infinite=True
        )
        require_between("LinearActivity", "unit_cost", self.unit_cost, 0.0, math.inf)
        if not self.outputs:
            raise InvalidSetting(
                "LinearActivity was given no outputs.",
                "A technique that makes nothing has nothing to sell.",
                "Name what it makes; goods that nobody buys are disposed of at a price of 0.",
            )
        if not self.inputs and math.isinf(self.capacity):
            raise InvalidSetting(
                f"LinearActivity makes {self.makes} of nothing, without a capacity.",
                "It would make goods without end.",
                "Give it an input or a finite capacity.",
            )

    def uncapped(self, bundle: jax.Array) -> jax.Array:
        """Returns the level that each input is enough for."""
        return bundle / numbers_of(self.amounts_needed, bundle)


@dataclass(frozen=True)
class Storage(ByLevel):
    """Keeps a good for a step, for a fee and never more than there is room for.

    It is the only way for a good to outlive a step. It bids what the good will fetch tomorrow, and
    not what it fetched: an implicit bid at the last price is a ratchet on that price.

    Args:
        good: The good that it keeps.
        capacity: Units that there is room for; finite.
        unit_cost: Credits for a unit and a step, 0 or more.
        keeps: The share that is there after a step, above 0 and at most 1.

    Raises:
        InvalidSetting: If a setting is outside its range.

    Example:
        >>> import jax.numpy as jnp
        >>> Storage("grain", capacity=10.0, keeps=0.9).produce(jnp.array([20.0]))
        Array([9.], dtype=float32)

    Source: Williams and Wright (1991), Storage and commodity markets, chapter 2.
    """

    good: str
    capacity: float
    unit_cost: float = 0.0
    keeps: float = 1.0

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_between("Storage", "capacity", self.capacity, 0.0, math.inf)
        require_between("Storage", "unit_cost", self.unit_cost, 0.0, math.inf)
        require_between("Storage", "keeps", self.keeps, 0.0, 1.0, open_low=True)

    @property
    def amounts_needed(self) -> Amounts:
        """One unit of the good."""
        return ((self.good, 1.0),)

    @property
    def amounts_made(self) -> Amounts:
        """What is left of one unit."""
        return ((self.good, self.keeps),)

    def uncapped(self, bundle: jax.Array) -> jax.Array:
        """Returns the stock itself."""
        return bundle
