"""The best plan for a number of steps, written out step by step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from catallax._errors import InvalidSetting
from catallax.industries import Industry

from ._programme import Programme, maximise, programme_of


@dataclass(frozen=True, eq=False)
class Horizon:
    """The best plan for T steps.

    Args:
        value: The discounted credits of all steps, and the final stocks at the terminal prices.
        values: Credits in every step, not discounted, float64 [T].
        levels: Of every technique in every step, float64 [T, producers].
        eaten: Of every want in every step, float64 [T, wants].
        prices: Of every good in every step, in credits of that step, float64 [T, goods].
        stocks: What is made in the last step, float64 [goods].

    Example:
        >>> from catallax.industries import supply_chain
        >>> plan = horizon(supply_chain(0), steps=12)
        >>> float(plan.values[0]) < float(plan.values[8])
        True
    """

    value: float
    values: np.ndarray
    levels: np.ndarray
    eaten: np.ndarray
    prices: np.ndarray
    stocks: np.ndarray


def horizon(
    industry: Industry,
    steps: int,
    initial_stock: Sequence[float] | np.ndarray | None = None,
    terminal_prices: Sequence[float] | np.ndarray | None = None,
    inflows: np.ndarray | None = None,
) -> Horizon:
    """Finds the best plan for a number of steps, all of them in one linear programme.

    Args:
        industry: Techniques in fixed proportions and storage, wants of constant worth up to a most.
        steps: T, 1 or more.
        initial_stock: What there is before the first inflow, [goods]; None for nothing.
        terminal_prices: What is made in the last step is worth so much, one step later, [goods];
            None for nothing.
        inflows: What comes in in every step, [T, goods]; None for that of the industry.

    Returns:
        The plan, its value and its prices.

    Raises:
        InvalidSetting: If a technique is not linear, or an array has the wrong shape.
        UnboundedDemand: If there is no largest value.

    Example:
        >>> from catallax.industries import Household, Industry, Inflow, Producer, Want
        >>> from catallax.techniques import LinearActivity
        >>> mill = Industry(
        ...     goods=("cedar", "slats"),
        ...     inflows=(Inflow("cedar", 4.0),),
        ...     producers=(Producer("mill", LinearActivity({"cedar": 2.0}, {"slats": 10.0})),),
        ...     households=(Household("fencer", (Want("slats", 0.5),)),),
        ...     discount=0.8,
        ... )
        >>> horizon(mill, steps=3).values.tolist()
        [0.0, 10.0, 10.0]

    Source: Dorfman, Samuelson and Solow (1958), Linear programming and economic analysis,
    chapter 12.
    """
    programme = programme_of(industry)
    goods, (activities, variables) = len(programme.inflow), _sizes(programme)
    if steps < 1:
        raise InvalidSetting(
            f"horizon was given steps={steps}.", "A plan has a step.", "Give 1 or more."
        )
    start = _array("initial_stock", initial_stock, (goods,))
    final = _array("terminal_prices", terminal_prices, (goods,))
    coming = np.tile(programme.inflow, (steps, 1))
    coming = coming if inflows is None else _array("inflows", inflows, (steps, goods))
    limits = coming.copy()
    limits[0] += start
    worth = programme.discount ** np.arange(steps + 1)
    gains = worth[:steps, None] * programme.gains
    gains[-1] += worth[steps] * (final @ programme.making)
    bounds = np.tile(programme.bounds, steps)
    found = maximise(gains.ravel(), _rows(programme, steps), limits.ravel(), bounds)
    plan = found.x.reshape(steps, variables)
    return Horizon(
        value=float(-found.fun),
        values=plan @ programme.gains,
        levels=plan[:, :activities],
        eaten=plan[:, activities:],
        prices=-found.ineqlin.marginals.reshape(steps, goods) / worth[:steps, None],
        stocks=programme.making @ plan[-1],
    )


def _sizes(programme: Programme) -> tuple[int, int]:
    activities = programme.inputs.shape[1]
    return activities, activities + programme.eaten.shape[1]


def _rows(programme: Programme, steps: int) -> sparse.csr_array:
    """What every step takes, less what the one before it made."""
    here = sparse.kron(sparse.eye_array(steps), sparse.csr_array(programme.taking))
    before = sparse.eye_array(steps, k=-1)
    return sparse.csr_array(here - sparse.kron(before, sparse.csr_array(programme.making)))


def _array(name: str, given: Sequence[float] | np.ndarray | None, shape: tuple) -> np.ndarray:
    array = np.zeros(shape) if given is None else np.asarray(given, np.float64)
    if array.shape != shape or not np.isfinite(array).all() or (array < 0).any():
        raise InvalidSetting(
            f"horizon was given {name} of shape {array.shape}.",
            f"It must have the shape {shape} and hold finite numbers, none of them negative.",
            f"Give an array of that shape, or leave {name} out.",
        )
    return array
