"""The plan that repeats itself: what an industry does for ever once it does it."""

from dataclasses import dataclass

import numpy as np

from catallax._errors import NotConverged
from catallax.industries import Industry

from ._faces import price_ranges
from ._programme import Programme, maximise, programme_of

ROUNDS, DAMPED_FROM = 500, 20
CLOSE = 1e-9  # relative: what is nearer to a bound than that, is at it


@dataclass(frozen=True, eq=False)
class SteadyState:
    """A plan that is optimal from its own stocks on, and leads back to them.

    Args:
        value: Credits a step: what households get, less what techniques cost.
        levels: Of every producer's technique, float64 [producers].
        eaten: Of every want, float64 [wants].
        stocks: What a step begins with, inflow included, float64 [goods].
        prices: What a unit more of a good at the beginning of a step adds to the discounted value
            of all that follows, float64 [goods].
        lowest: The lowest price of each good that supports the same plan, float64 [goods].
        highest: The highest, which may be infinite.
        rents: What a unit more of every producer's capacity is worth a step, float64 [producers].

    Example:
        >>> from catallax.industries import supply_chain
        >>> steady = steady_state(supply_chain(0))
        >>> bool((steady.lowest <= steady.highest).all())
        True
    """

    value: float
    levels: np.ndarray
    eaten: np.ndarray
    stocks: np.ndarray
    prices: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    rents: np.ndarray


def steady_state(industry: Industry) -> SteadyState:
    """Finds the discounted steady state of an industry, and its prices.

    What is made can be sold a step later, so that at rest `p_in = γ·Dαᵀ p_out − cost − rents`,
    while the goods add up without a discount. No single linear programme says both. A sequence of
    them does: each is given what the last plan made, less γ of what it makes itself, until
    what runs, what is full and what is short in one of them makes a plan that repeats itself. Such
    a plan has prices that support it for ever; it need not be the only one. At γ = 1 it is one
    programme, and the plan is the best of all that repeat themselves.

    Args:
        industry: Techniques in fixed proportions (and storage), wants of constant worth up to a
            most: no other form of production or of value.

    Returns:
        The plan, its prices, and the range of each price among all that support the plan.

    Raises:
        InvalidSetting: If a technique is not linear.
        UnboundedDemand: If there is no largest value.
        NotConverged: If the sequence goes on for ever.

    Example:
        >>> from catallax.industries import Household, Industry, Inflow, Producer, Want
        >>> from catallax.techniques import LinearActivity
        >>> steady = steady_state(Industry(
        ...     goods=("cedar", "slats"),
        ...     inflows=(Inflow("cedar", 4.0),),
        ...     producers=(Producer("mill", LinearActivity({"cedar": 2.0}, {"slats": 10.0})),),
        ...     households=(Household("fencer", (Want("slats", 0.5),)),),
        ...     discount=0.8,
        ... ))
        >>> round(steady.value, 6), steady.prices.round(6).tolist()
        (10.0, [2.0, 0.5])

    Source: Hansen and Koopmans (1972), On the definition and computation of a capital stock
    invariant under optimization, Journal of Economic Theory 5.
    """
    programme = programme_of(industry)
    plan, prices, rents = _fixed_point(programme)
    activities = programme.inputs.shape[1]
    lowest, highest = price_ranges(programme, plan)
    return SteadyState(
        value=float(programme.gains @ plan),
        levels=plan[:activities],
        eaten=plan[activities:],
        stocks=programme.inflow + programme.making @ plan,
        prices=prices,
        lowest=np.minimum(lowest, prices),
        highest=np.maximum(highest, prices),
        rents=rents[:activities],
    )


def _fixed_point(programme: Programme) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns levels and quantities, prices and rents of a fixed point."""
    rows = programme.taking - programme.discount * programme.making
    made = np.zeros_like(programme.inflow)
    for turn in range(ROUNDS):
        limits = programme.inflow + (1 - programme.discount) * made
        found = maximise(programme.gains, rows, limits, programme.bounds)
        plan = _settled(programme, found.x, limits - rows @ found.x)
        if plan is not None:
            return plan, -found.ineqlin.marginals, -found.upper.marginals
        # Plans that answer each other for ever are led to their middle, more and more slowly.
        step = 1.0 if turn < DAMPED_FROM else 1 / (2 + turn - DAMPED_FROM)
        made = made + step * (programme.making @ found.x - made)
    raise NotConverged(
        f"The planner found no plan that repeats itself in {ROUNDS} rounds.",
        "Each plan changed the stocks on which the next is best; a steady state may be unstable.",
        "Compare with horizon(industry, ...) over many steps, which always has an answer.",
    )


def _settled(programme: Programme, plan: np.ndarray, left: np.ndarray) -> np.ndarray | None:
    """Returns the plan that repeats itself with the bounds and shortages of another, or None.

    Prices depend on nothing else: those of the one support the other.

    Args:
        programme: The industry.
        plan: Of a programme in the sequence.
        left: What it left over of every good.
    """
    scale = CLOSE * max(1.0, float(np.abs(plan).max()))
    inside = (plan > scale) & (plan < programme.bounds - scale)
    short = left <= scale
    net = programme.taking - programme.making
    settled = np.where(inside, 0.0, plan)
    needed = programme.inflow - net @ settled
    settled[inside] = np.linalg.lstsq(net[np.ix_(short, inside)], needed[short], rcond=None)[0]
    over = programme.inflow - net @ settled
    fits = (settled >= -scale).all() and (settled <= programme.bounds + scale).all()
    adds_up = (over >= -scale).all() and (np.abs(over[short]) <= scale).all()
    return np.clip(settled, 0, programme.bounds) if fits and adds_up else None
