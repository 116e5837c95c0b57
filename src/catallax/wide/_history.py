"""What a wide market did, step by step, in arrays on the host."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class History:
    """What T steps were like, in credits and quantities.

    Attributes:
        prices: float64 `[T, m]`, for 1 of a good.
        forecasts: float64 `[T, m]`, what producers went by.
        supply: float64 `[T, m]`, what was offered.
        sold: float64 `[T, m]`.
        levels: float64 `[T, P]`, of techniques; NaN for those without one.
        worths: float64 `[T, H]`, what households used up was worth to them.
        costs: float64 `[T, P]`, what levels cost.
        profits: float64 `[T, P]`, what producers earned, less what they spent and levels cost.
        present: bool `[T, P]`, who was in the market when the step began.
        violation: float64 `[T]`, of the certificate of what was settled, in whole quanta and ticks.
        quanta: int64 `[T, 3, C]`, what came in, what was made and what was used up, of every
            good of the industry, of those too that nobody tells apart.

    Example:
        >>> import catallax as cx, numpy as np
        >>> one, counts = np.array([[2.0]]), np.zeros((1, 3, 1), np.int64)
        >>> tables = (one, one, one, one, one, 3 * one, one, one, one > 0)
        >>> history = cx.History(*tables, one[0], counts)
        >>> history.values.tolist(), history.steps
        ([4.0], 1)
    """

    prices: Float[np.ndarray, "T m"]
    forecasts: Float[np.ndarray, "T m"]
    supply: Float[np.ndarray, "T m"]
    sold: Float[np.ndarray, "T m"]
    levels: Float[np.ndarray, "T P"]
    worths: Float[np.ndarray, "T H"]
    costs: Float[np.ndarray, "T P"]
    profits: Float[np.ndarray, "T P"]
    present: Bool[np.ndarray, "T P"]
    violation: Float[np.ndarray, "T"]
    quanta: Int[np.ndarray, "T 3 C"]

    @property
    def values(self) -> Float[np.ndarray, "T"]:
        """float64 `[T]`, credits: what households got, less what levels cost."""
        return self.worths.sum(axis=1) - self.costs.sum(axis=1)

    @property
    def steps(self) -> int:
        """How many steps."""
        return self.violation.size

    def last(self, steps: int) -> "History":
        """Returns the last of its steps."""
        return History(
            *(getattr(self, one.name)[max(self.steps - steps, 0) :] for one in fields(self))
        )


def joined(histories: list[History]) -> History:
    """Returns histories one after the other."""
    columns = [[getattr(one, part.name) for one in histories] for part in fields(History)]
    return History(*(np.concatenate(column) for column in columns))
