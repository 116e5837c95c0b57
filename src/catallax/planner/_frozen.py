"""Is a world worth its market? What is reached in it when prices say nothing."""

from collections.abc import Callable, Iterable

import numpy as np

from catallax._errors import InvalidSetting
from catallax.industries import Industry

from ._programme import maximise, programme_of
from ._steady import steady_state


def frozen_price_share(
    industry: Industry,
    price: float = 1.0,
    steps: int = 60,
    last: int = 20,
    planner_value: float | None = None,
) -> float:
    """Returns the share of the planner's value that is reached when every forecast is one number.

    Every step goods go to where they are worth most, as in a market; but what a technique makes is
    taken to be worth `price` a unit, whatever it is and whatever it came to be worth. Households
    bid what they want. It starts with nothing made.

    Args:
        industry: Techniques in fixed proportions and storage.
        price: The forecast for every good, in every step.
        steps: Steps to run.
        last: The value is the mean over the last so many.
        planner_value: Of the steady state; None to compute it.

    Returns:
        The share.

    Raises:
        InvalidSetting: If a technique is not linear, or the planner's value is not positive.

    Example:
        >>> from catallax.industries import supply_chain
        >>> frozen_price_share(supply_chain(0)) < 0.9
        True
    """
    programme = programme_of(industry)
    forecast = programme.discount * price * programme.making.sum(axis=0)
    made, values = np.zeros_like(programme.inflow), []
    for _ in range(steps):
        found = maximise(
            programme.gains + forecast,
            programme.taking,
            programme.inflow + made,
            programme.bounds,
        )
        made = programme.making @ found.x
        values.append(programme.gains @ found.x)
    best = steady_state(industry).value if planner_value is None else planner_value
    if best <= 0:
        raise InvalidSetting(
            f"The planner's value is {best}.",
            "A share of nothing says nothing.",
            "Give the industry inflows, and households that want what can be made of them.",
        )
    return float(np.mean(values[-last:]) / best)


def is_too_easy(
    make: Callable[[int], Industry],
    seeds: Iterable[int] = range(10),
    share: float = 0.9,
    at_most: int = 2,
) -> bool:
    """Returns whether a world needs no prices: frozen ones do well in it on too many seeds.

    Args:
        make: Gives the industry of a seed.
        seeds: Which seeds to try.
        share: What counts as doing well.
        at_most: On how many seeds that may happen.

    Returns:
        True if the world is to be rejected.

    Example:
        >>> from catallax.industries import supply_chain
        >>> is_too_easy(supply_chain, seeds=range(3), at_most=0)
        False
    """
    good = sum(frozen_price_share(make(seed)) >= share for seed in seeds)
    return good > at_most
