"""What a method of finding equilibria must say about itself."""

from typing import Any, NamedTuple, Protocol

from jaxtyping import Array, Float, Int

from catallax._errors import InvalidSetting
from catallax.clearing.equilibrium._market import Market


class Found(NamedTuple):
    """What a method hands back, before it is certified.

    Attributes:
        prices: float64 `[m]`.
        bundles: float64 `[n, m]`.
        spending: float64 `[n]`, β, the marginal worth of wealth.
        steps: How many were taken.
        warm: What a later call may start from, or None.
    """

    prices: Float[Array, "m"]
    bundles: Float[Array, "n m"]
    spending: Float[Array, "n"]
    steps: Int[Array, ""]
    warm: Any = None


class Method(Protocol):
    """Finds prices and bundles; what it found is certified by somebody else."""

    def serves(self, market: Market) -> str | None:
        """Returns None if it can solve such markets, else the reason why not, in a sentence."""
        ...

    def find(self, market: Market, tol: float, start: Any = None) -> Found:
        """Returns the best it found, whether or not that is within the tolerance.

        Pure and traceable: it runs inside one compiled program, in 64 bits.

        Args:
            market: In 64 bits, checked.
            tol: The violation to reach, relative.
            start: `Found.warm` of an earlier call, or None.

        Returns:
            The `Found`.
        """
        ...


def several_rules(market: Market) -> str | None:
    """Returns why a method for one meaning of money cannot solve a market with several, or None."""
    if not isinstance(market.money, tuple):
        return None
    rules = ", ".join(f'"{rule}"' for rule in dict.fromkeys(market.money))
    return f"It serves one rule for everybody, and here money means {rules}, by family."


def require_steps(steps: int) -> None:
    """Raises `InvalidSetting` unless a method may take a step."""
    if steps < 1:
        raise InvalidSetting(
            f"steps={steps} was given.", "A method takes a step.", "Give 1 or more."
        )
