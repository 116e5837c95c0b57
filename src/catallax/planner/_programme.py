"""An industry as the matrices of a linear programme, and the solver."""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, linprog

from catallax._errors import InvalidSetting, NoEquilibrium, NotConverged, UnboundedDemand
from catallax.industries import Industry
from catallax.industries._household import require_listed
from catallax.techniques import LinearActivity, Storage

HIGHS = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}


class Programme(NamedTuple):
    """Goods G, activities A, wants W; all float64.

    Args:
        inputs: [G, A]: what a unit of level takes.
        outputs: [G, A]: what a unit of level makes, a step later.
        eaten: [G, W]: 1 where a want is for a good.
        gains: [A + W]: credits for a unit of level (minus its cost) and for a unit had.
        bounds: [A + W]: the largest levels and quantities; may be infinite.
        inflow: [G].
        discount: γ.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    eaten: np.ndarray
    gains: np.ndarray
    bounds: np.ndarray
    inflow: np.ndarray
    discount: float

    @property
    def taking(self) -> np.ndarray:
        """[G, A + W]: what a unit of every variable takes out of the market."""
        return np.hstack([self.inputs, self.eaten])

    @property
    def making(self) -> np.ndarray:
        """[G, A + W]: what a unit of every variable brings to the next step."""
        return np.hstack([self.outputs, np.zeros_like(self.eaten)])


def programme_of(industry: Industry) -> Programme:
    """Writes an industry as matrices; raises InvalidSetting where a technique is not linear."""
    require_listed(industry.households, "The planner")
    place = {good: number for number, good in enumerate(industry.goods)}
    shape = (len(place), len(industry.producers))
    inputs, outputs, costs, bounds = np.zeros(shape), np.zeros(shape), [], []
    for column, producer in enumerate(industry.producers):
        technique = producer.technique
        if not isinstance(technique, LinearActivity | Storage):
            raise not_linear(producer.name, technique)
        for table, amounts in (
            (inputs, technique.amounts_needed),
            (outputs, technique.amounts_made),
        ):
            for good, amount in amounts:
                table[place[good], column] = amount
        costs.append(-technique.unit_cost)
        bounds.append(technique.capacity)
    wants = industry.wants
    eaten = np.zeros((len(place), len(wants)))
    for column, want in enumerate(wants):
        eaten[place[want.good], column] = 1.0
    gains = np.array([*costs, *(want.worth for want in wants)])
    limits = np.array([*bounds, *(want.most for want in wants)])
    inflow = np.array(industry.coming_in)
    return Programme(inputs, outputs, eaten, gains, limits, inflow, industry.discount)


def maximise(
    gains: np.ndarray, rows: Any, limits: np.ndarray, bounds: np.ndarray
) -> OptimizeResult:
    """Maximises gains over `rows·x ≤ limits`, `0 ≤ x ≤ bounds`, with HiGHS.

    Returns:
        The result of `scipy.optimize.linprog`, whose signs are those of the minimum.

    Raises:
        UnboundedDemand: If there is no largest value.
        NoEquilibrium: If nothing satisfies the rows.
        NotConverged: If HiGHS gave up.
    """
    upper = [None if np.isinf(bound) else bound for bound in bounds]
    pairs = [(0.0, bound) for bound in upper]
    found = linprog(-gains, A_ub=rows, b_ub=limits, bounds=pairs, method="highs-ds", options=HIGHS)
    if found.status in (2, 4):
        # Presolve may not tell the two kinds of failure apart; the zero plan does: it is feasible.
        found.status = 3 if (np.asarray(limits) >= 0).all() else 2
    _require_solved(found)
    return found


def _require_solved(found: OptimizeResult) -> None:
    if found.status == 3:
        raise UnboundedDemand(
            "The planner's value has no upper bound.",
            "Some goods make more of themselves than the discount takes, or a want is without end.",
            "Give the techniques a capacity, or the wants a most.",
        )
    if found.status == 2:
        raise NoEquilibrium(
            "No plan satisfies the planner's programme.",
            "A stock or an inflow is negative.",
            "Give stocks and inflows of 0 or more.",
        )
    if found.status != 0:
        raise NotConverged(
            f"HiGHS stopped with status {found.status}: {found.message}",
            "The planner's programme is not solved.",
            "Rescale the amounts of the industry towards 1, or shorten the horizon.",
        )


def not_linear(name: str, technique: Any) -> InvalidSetting:
    return InvalidSetting(
        f"The producer {name} has a {type(technique).__name__}.",
        "The planner solves linear programmes: fixed proportions, storage, and wants that are "
        "worth the same for every unit up to a most.",
        "Approximate the technique by several LinearActivity.",
    )
