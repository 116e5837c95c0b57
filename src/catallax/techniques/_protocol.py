"""The shape of a technique: a bundle of what it needs becomes a bundle of what it makes."""

from typing import Protocol, runtime_checkable

import jax


@runtime_checkable
class Technique(Protocol):
    """A way to make goods of goods; a frozen, hashable value, so that it can be compiled.

    What it takes in it uses up: an input that is left over is not given back, for goods that
    survive a step by themselves would be storage without a capacity and a cost.

    Example:
        >>> from catallax.techniques import LinearActivity
        >>> isinstance(LinearActivity({"ore": 2.0}, {"iron": 1.0}), Technique)
        True

    Source: Koopmans (1951), Activity analysis of production and allocation, chapter 3.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """The goods it takes, in the order in which `produce` is given them."""
        ...

    @property
    def makes(self) -> tuple[str, ...]:
        """The goods it makes, in the order in which `produce` returns them."""
        ...

    @property
    def capacity(self) -> float:
        """The most it does in a step, in units of its own level; may be infinite."""
        ...

    def produce(self, bundle: jax.Array) -> jax.Array:
        """Returns what is made, float32 [makes], of what is owned, float32 [needs].

        JAX can differentiate it; it is concave if the market is to find an equilibrium.
        """
        ...

    def cost(self, bundle: jax.Array) -> jax.Array:
        """Returns what running it on this bundle costs in credits, a float32 scalar."""
        ...
