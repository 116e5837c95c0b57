"""How far prices can move without making another plan better."""

import numpy as np
from scipy.optimize import OptimizeResult, linprog

from catallax._errors import NotConverged

from ._programme import HIGHS, Programme

SLACK = 1e-7  # relative: levels and leftovers below it count as 0


def price_ranges(programme: Programme, plan: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest and highest price of each good among all that support a steady plan.

    Prices and rents support it where nobody gains by another level at them: what runs below its
    capacity gains exactly nothing, what does not run gains no more, and what is left over is free.

    Args:
        programme: The industry.
        plan: Levels and quantities of a steady state.

    Returns:
        Two arrays, float64 [goods]; infinite where a price has no bound.
    """
    goods = len(programme.inflow)
    net = (programme.taking - programme.discount * programme.making).T  # [A + W, G]
    scale = max(1.0, float(np.abs(plan).max()))
    runs = plan > SLACK * scale
    full = np.isfinite(programme.bounds) & (plan >= programme.bounds - SLACK * scale)
    left = programme.inflow + (programme.making - programme.taking) @ plan
    stocks = programme.inflow + programme.making @ plan
    free = left > SLACK * np.maximum(1.0, stocks)
    # net·p + rent ≥ gains, with equality for what runs; rent 0 unless the bound is reached.
    rows = np.hstack([net, np.eye(len(plan))])
    bounds = [(0.0, 0.0 if zero else None) for zero in (*free, *~full)]
    ranges = np.zeros((2, goods))
    for good in range(goods):
        for end, sign in enumerate((1.0, -1.0)):
            aim = np.zeros(rows.shape[1])
            aim[good] = sign
            found = linprog(
                aim,
                A_ub=-rows[~runs],
                b_ub=-programme.gains[~runs],
                A_eq=rows[runs],
                b_eq=programme.gains[runs],
                bounds=bounds,
                method="highs-ds",
                options=HIGHS,
            )
            ranges[end, good] = sign * _least(found, may_be_unbounded=end == 1)
    return ranges[0], ranges[1]


def _least(found: OptimizeResult, may_be_unbounded: bool) -> float:
    """Returns the least value that was found, −∞ where there is none."""
    if found.status in (3, 4) and may_be_unbounded:
        return -np.inf
    if found.status != 0:
        raise NotConverged(
            f"No prices support the planner's plan to 9 digits: {found.message}",
            "A level is so small that it cannot be told from 0.",
            "Rescale the amounts of the industry towards 1.",
        )
    return float(found.fun)
