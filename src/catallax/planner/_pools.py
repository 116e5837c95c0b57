"""An industry whose goods mix, as rows of a linear programme over boxes of mixtures."""

from typing import NamedTuple, TypeAlias

import numpy as np

from catallax.industries import Industry, Producer
from catallax.industries._household import require_listed
from catallax.industries._seen import require_told_apart
from catallax.techniques import GradedActivity, LinearActivity, Storage

from ._programme import not_linear

Linear: TypeAlias = LinearActivity | Storage | GradedActivity
"""What a level does in fixed proportions."""


class Pools(NamedTuple):
    """Components C, uses U (of a good by a technique, and of its rest by nobody), variables V.

    Variables are levels, wants, and of every use the flow of every component of its good.

    Attributes:
        gains: float64 `[V]`, credits.
        bounds: float64 `[V]`.
        rows: float64 `[R, V]` of `rows·x ≤ limits`: goods that are what they seem add up; so do
            the components of the others, and the flows of a use.
        limits: float64 `[R]`.
        flows: int `[F, 2]`, of every flow its variable and its component.
        use_of: int `[F]`, to which use each belongs.
        supplied: float64 `[C, V]`, what a unit of every variable adds to a component.
        inflow: float64 `[C]`.
        good_of: int `[C]`.
        counts: Of levels, and of wants.
    """

    gains: np.ndarray
    bounds: np.ndarray
    rows: np.ndarray
    limits: np.ndarray
    flows: np.ndarray
    use_of: np.ndarray
    supplied: np.ndarray
    inflow: np.ndarray
    good_of: np.ndarray
    counts: tuple[int, int]

    def within(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Returns rows, `≤ 0`, that keep the mixture of every use in a box, [C] each."""
        count = len(self.flows)
        same = self.use_of[:, None] == self.use_of
        total = np.zeros((count, len(self.gains)))
        flow = np.zeros_like(total)
        flow[np.arange(count), self.flows[:, 0]] = 1.0
        total[:, self.flows[:, 0]] = same
        component = self.flows[:, 1]
        return np.vstack(
            [
                flow - high[component, None] * total,
                low[component, None] * total - flow,
            ]
        )

    def mixture(self, plan: np.ndarray) -> np.ndarray:
        """Returns the share of every component in what there is of its good, float64 [C].

        Of a good of which there is nothing the components have equal shares.
        """
        supply = np.maximum(self.inflow + self.supplied @ plan, 0.0)
        total = np.bincount(self.good_of, supply)[self.good_of]
        alike = np.bincount(self.good_of)[self.good_of]
        return np.where(total > 0, supply / np.where(total > 0, total, 1.0), 1.0 / alike)

    def apart(self, plan: np.ndarray) -> np.ndarray:
        """Returns by how much flows differ from those of one pool, float64 [C], all uses added."""
        flow = plan[self.flows[:, 0]]
        total = np.bincount(self.use_of, flow)[self.use_of]
        off = np.abs(flow - self.mixture(plan)[self.flows[:, 1]] * total)
        return np.bincount(self.flows[:, 1], off, len(self.inflow))


def pools_of(industry: Industry) -> Pools:
    """Writes an industry as pools.

    Raises:
        InvalidSetting: If a technique is not linear, a household has a taste, or somebody takes a
            grade that it cannot see.
    """
    require_told_apart(industry)
    require_listed(industry.households, "The planner")
    return _Writer(industry).written()


def _linear(producer: Producer) -> Linear:
    technique = producer.technique
    if not isinstance(technique, LinearActivity | Storage | GradedActivity):
        raise not_linear(producer.name, technique)
    return technique


class _Writer:
    """Numbers the variables of an industry and fills in its rows."""

    def __init__(self, industry: Industry) -> None:
        self.industry = industry
        self.place = {good: number for number, good in enumerate(industry.goods)}
        self.good_of = np.array(industry.good_of)
        self.blended = np.bincount(self.good_of)[self.good_of] > 1
        self.techniques = [_linear(one) for one in industry.producers]
        self.levels, self.wants = len(self.techniques), len(industry.wants)
        self.flows: list[tuple[int, int]] = []
        self.use_of: list[int] = []
        self.uses: list[tuple[int, float]] = []  # its level (-1: nobody's), and what that takes
        self._number()
        shape = len(self.place), self.levels + self.wants + len(self.flows)
        self.supplied, self.taken = np.zeros(shape), np.zeros(shape)

    def written(self) -> Pools:
        industry = self.industry
        gains, bounds = np.zeros(self.taken.shape[1]), np.full(self.taken.shape[1], np.inf)
        for column, technique in enumerate(self.techniques):
            gains[column], bounds[column] = -technique.unit_cost, technique.capacity
            self._write(column, technique)
        for column, want in enumerate(industry.wants, self.levels):
            gains[column], bounds[column] = want.worth, want.most
            self.taken[self.place[want.good], column] = 1.0
        for variable, component in self.flows:
            self.taken[component, variable] = 1.0
        rows, limits = self._rows(np.array(industry.coming_in))
        return Pools(
            gains, bounds, rows, limits, np.array(self.flows, int).reshape(-1, 2),
            np.array(self.use_of, int), self.supplied, np.array(industry.coming_in),
            self.good_of, (self.levels, self.wants),
        )  # fmt: skip

    def _number(self) -> None:
        for column, technique in enumerate(self.techniques):
            slots = technique.slots if isinstance(technique, GradedActivity) else ()
            for grades, amount in slots:
                if self.blended[self.place[grades[0]]]:
                    self._use([self.place[grade] for grade in grades], column, amount)
        for good in np.unique(self.good_of[self.blended]):
            self._use(np.flatnonzero(self.good_of == good).tolist(), -1, 0.0)

    def _use(self, components: list[int], level: int, amount: float) -> None:
        first = self.levels + self.wants + len(self.flows)
        self.flows += [(first + k, component) for k, component in enumerate(components)]
        self.use_of += [len(self.uses)] * len(components)
        self.uses.append((level, amount))

    def _write(self, column: int, technique: Linear) -> None:
        if not isinstance(technique, GradedActivity):
            for good, amount in technique.amounts_needed:
                self.taken[self.place[good], column] = amount
            for good, amount in technique.amounts_made:
                self.supplied[self.place[good], column] = amount
            return
        yields = dict(technique.yields)
        own = {
            component: (variable, self.uses[use][1])
            for (variable, component), use in zip(self.flows, self.use_of, strict=True)
            if self.uses[use][0] == column
        }
        for grades, amount in technique.slots:
            for grade in grades:
                variable, per_level = own.get(self.place[grade], (column, 1.0))
                for good, made in yields.get(grade, ()):
                    self.supplied[self.place[good], variable] += made / per_level
            if self.place[grades[0]] not in own:
                self.taken[self.place[grades[0]], column] = amount

    def _rows(self, inflow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        net = self.taken - self.supplied
        flows = np.zeros((len(self.uses), net.shape[1]))
        for (variable, _), use in zip(self.flows, self.use_of, strict=True):
            level, amount = self.uses[use]
            if level >= 0:
                flows[use, variable], flows[use, level] = 1.0, -amount
        balance = net[self.blended]
        rows = np.vstack([net, -balance, flows, -flows])
        zeros = np.zeros(len(flows))
        return rows, np.concatenate([inflow, -inflow[self.blended], zeros, zeros])
