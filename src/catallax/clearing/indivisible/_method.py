"""What a method of finding prices for whole goods must say about itself."""

from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Int64

from catallax.clearing.indivisible._market import Selection, WholeMarket
from catallax.clearing.indivisible._outcome import Shares


class WholeFound(NamedTuple):
    """What a method hands back, before it is certified.

    Attributes:
        prices: `[m]`, ticks: int64 or fractions; those of absent goods are not looked at.
        bundles: int64 `[n, m]`, units.
        steps: How many were taken.
        shares: What is said to prove that no prices clear the market, or None.

    Example:
        >>> import numpy as np
        >>> from catallax.clearing.indivisible import WholeFound
        >>> WholeFound(prices=np.array([7]), bundles=np.array([[0], [1]]), steps=1).shares is None
        True
    """

    prices: np.ndarray
    bundles: Int64[np.ndarray, "n m"]
    steps: int
    shares: Shares | None = None


class WholeMethod(Protocol):
    """Finds prices and bundles of whole goods; what it found is certified by somebody else.

    Example:
        >>> from catallax.clearing.indivisible import Assignment, WholeMethod
        >>> method: WholeMethod = Assignment()
    """

    def serves(self, market: WholeMarket) -> str | None:
        """Returns None if it can solve such markets, else the reason why not, in a sentence."""
        ...

    def find(self, market: WholeMarket, selection: Selection) -> WholeFound:
        """Returns the prices at one end, and bundles, of a market that it serves.

        Among bundles that are worth the most in all, those with the least `Σ_i (i+1)·Σ_j x_ij`:
        nobody gets what adds nothing, and of equal claims the lowest id's is met.
        """
        ...
