"""What techniques with a level share: outputs and costs in proportion to it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import jax
import jax.numpy as jnp

from ._amounts import Amounts, GivenAmounts, frozen_amounts


class ByLevel(ABC):
    """A technique that runs at one level and makes so much of each good for a unit of it."""

    capacity: float
    unit_cost: float

    @property
    @abstractmethod
    def amounts_needed(self) -> Amounts:
        """What a unit of its level takes (for a curve: its exponents or weights), by good."""

    @property
    @abstractmethod
    def amounts_made(self) -> Amounts:
        """What a unit of its level makes, by good."""

    @abstractmethod
    def uncapped(self, bundle: jax.Array) -> jax.Array:
        """Returns the level that a bundle is enough for, float32 [any number of reasons]."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The goods it takes."""
        return tuple(good for good, _ in self.amounts_needed)

    @property
    def makes(self) -> tuple[str, ...]:
        """The goods it makes."""
        return tuple(good for good, _ in self.amounts_made)

    def level(self, bundle: jax.Array) -> jax.Array:
        """Returns the level at which it runs on a bundle, a float32 scalar.

        Where several reasons bind at once the slope is shared evenly among them.
        """
        capacity = jnp.full((1,), self.capacity, bundle.dtype)
        return jnp.min(jnp.concatenate([self.uncapped(bundle), capacity]))

    def produce(self, bundle: jax.Array) -> jax.Array:
        """Returns what it makes of a bundle, float32 [makes]."""
        return self.level(bundle) * numbers_of(self.amounts_made, bundle)

    def cost(self, bundle: jax.Array) -> jax.Array:
        """Returns the credits that it costs to run on a bundle."""
        return self.level(bundle) * jnp.asarray(self.unit_cost, bundle.dtype)


class ByAmounts(ByLevel):
    """A technique that is told its inputs and outputs, by good."""

    inputs: GivenAmounts
    outputs: GivenAmounts

    @property
    def amounts_needed(self) -> Amounts:
        """The inputs as they were frozen."""
        return cast(Amounts, self.inputs)

    @property
    def amounts_made(self) -> Amounts:
        """The outputs as they were frozen."""
        return cast(Amounts, self.outputs)

    def freeze_amounts(self) -> None:
        """Checks inputs and outputs and turns them into tuples of pairs."""
        for name in ("inputs", "outputs"):
            amounts = frozen_amounts(type(self).__name__, name, getattr(self, name))
            object.__setattr__(self, name, amounts)


def numbers_of(pairs: Sequence[tuple[str, float]], like: jax.Array) -> jax.Array:
    """Returns the numbers of some amounts, in the precision of another array."""
    return jnp.asarray([amount for _, amount in pairs], like.dtype)
