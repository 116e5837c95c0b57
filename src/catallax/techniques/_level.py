"""What techniques with a level share: outputs and costs in proportion to it."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ._amounts import Amounts


class ByLevel:
    """A technique that runs at one level and makes so much of each good for a unit of it."""

    inputs: Amounts
    outputs: Amounts
    capacity: float
    unit_cost: float

    @property
    def needs(self) -> tuple[str, ...]:
        """The goods it takes."""
        return tuple(good for good, _ in self.inputs)

    @property
    def makes(self) -> tuple[str, ...]:
        """The goods it makes."""
        return tuple(good for good, _ in self.outputs)

    def uncapped(self, bundle: jax.Array) -> jax.Array:
        """Returns the level that a bundle is enough for, float32 [any number of reasons]."""
        raise TypeError(f"{type(self).__name__} does not say what a bundle is enough for")

    def level(self, bundle: jax.Array) -> jax.Array:
        """Returns the level at which it runs on a bundle, a float32 scalar.

        Where several reasons bind at once the slope is shared evenly among them.
        """
        capacity = jnp.full((1,), self.capacity, bundle.dtype)
        return jnp.min(jnp.concatenate([self.uncapped(bundle), capacity]))

    def produce(self, bundle: jax.Array) -> jax.Array:
        """Returns what it makes of a bundle, float32 [makes]."""
        return self.level(bundle) * amounts_of(self.outputs, bundle)

    def cost(self, bundle: jax.Array) -> jax.Array:
        """Returns the credits that it costs to run on a bundle."""
        return self.level(bundle) * jnp.asarray(self.unit_cost, bundle.dtype)


def amounts_of(pairs: Sequence[tuple[str, float]], like: jax.Array) -> jax.Array:
    """Returns the numbers of some amounts, in the precision of another array."""
    return jnp.asarray([amount for _, amount in pairs], like.dtype)
