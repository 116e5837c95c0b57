"""What a family of valuations must say about itself."""

from typing import ClassVar, Protocol, runtime_checkable

from jaxtyping import Array, Float


@runtime_checkable
class Valuations(Protocol):
    """What any bundle is worth to each of n agents: `α_b : Ω → ℝ`, concave, `α_b(0) = 0`.

    A family is a frozen dataclass of arrays whose first axis is agents, registered as a pytree.
    It computes; that its numbers mean something is checked once, at the border.

    Attributes:
        homogeneous: Whether `α_b(t·ω) = t·α_b(ω)`; then it has a `unit_cost` too.

    Example:
        >>> import catallax as cx
        >>> isinstance(cx.valuations.Linear([[1.0, 2.0]]), cx.valuations.Valuations)
        True

    Source: paper Definition 2.2.
    """

    homogeneous: ClassVar[bool]

    @property
    def agents(self) -> int:
        """How many agents, n."""
        ...

    @property
    def goods(self) -> int:
        """How many goods, m."""
        ...

    def worth(self, bundles: Float[Array, "n m"]) -> Float[Array, "n"]:
        """Returns what a bundle is worth to each agent.

        Args:
            bundles: `[n, m]`, quantities, 0 or more.

        Returns:
            `[n]`, money (in a Fisher market: utility).
        """
        ...


@runtime_checkable
class Homogeneous(Valuations, Protocol):
    """Valuations of degree 1, which a unit cost describes as well as a worth.

    Example:
        >>> import catallax as cx
        >>> isinstance(cx.valuations.Logarithmic([[1.0]], 1.0), cx.valuations.Homogeneous)
        False
    """

    def unit_cost(self, prices: Float[Array, "m"]) -> Float[Array, "n"]:
        """Returns the cheapest way to a worth of 1: `e(p) = min {p·x : α_b(x) ≥ 1}`.

        Args:
            prices: `[m]`, 0 or more.

        Returns:
            `[n]`; infinite for an agent to whom nothing is worth anything.
        """
        ...
