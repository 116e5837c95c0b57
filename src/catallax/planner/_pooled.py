"""The best plan that repeats itself for one who sees totals only: every good is one pool."""

import heapq
from dataclasses import dataclass

import numpy as np

from catallax._errors import NoEquilibrium, NotConverged
from catallax.industries import Industry

from ._pools import Pools, pools_of
from ._programme import maximise

INSIDE = 0.1  # a box is cut no nearer to its side than this share of its width


@dataclass(frozen=True, eq=False)
class PooledState:
    """A plan that repeats itself, in which whoever takes a good takes its average.

    Args:
        value: Credits a step: what households get, less what techniques cost.
        bound: No plan of this kind is worth more.
        levels: Of every producer's technique, float64 [producers].
        eaten: Of every want, float64 [wants].
        mixture: The share of every component in what there is of its good, float64 [goods].
        programmes: How many linear programmes it took.

    Example:
        >>> from catallax.industries import blends
        >>> state = pooled_state(blends(0))
        >>> state.value <= state.bound
        True
    """

    value: float
    bound: float
    levels: np.ndarray
    eaten: np.ndarray
    mixture: np.ndarray
    programmes: int


def pooled_state(industry: Industry, gap: float = 1e-4, most: int = 5000) -> PooledState:
    """Finds the best plan that repeats itself where goods that look alike mix.

    It maximises what a step is worth over levels z, wants met and mixtures θ: of component c of a
    good k that is taken `F_jk`, producer j gets `θ_c F_jk`, and `θ_c = S_c / S_k` is what comes in
    and is made. The planner knows all techniques and what they make of every grade, and decides for
    everybody; it cannot send one grade here and another there. It does not discount: the plan is
    the best of all that repeat themselves, to compare with `steady_state` at a discount of 1.

    That is bilinear. Where every mixture is confined to a box, and each use may have its own, it is
    linear and worth no less; boxes are cut in two, the most promising first, until the best of
    them is worth at most a share more than the best plan with one mixture that was found.

    Args:
        industry: Techniques in fixed proportions, graded or not, and wants of constant worth up to
            a most.
        gap: The share of the value by which the bound may be above it.
        most: How many linear programmes it may solve.

    Returns:
        The plan, with a bound that proves it.

    Raises:
        InvalidSetting: If a technique is not linear, or somebody takes a grade that it cannot see.
        UnboundedDemand: If there is no largest value.
        NotConverged: If the gap is not closed in so many programmes.

    Example:
        >>> from catallax.industries import blends
        >>> state = pooled_state(blends(0))
        >>> state.bound <= 1.0001 * state.value
        True

    Source: Haverly (1978), Studies of the behavior of recursion for the pooling problem; McCormick
    (1976), Computability of global solutions to factorable nonconvex programs, for the boxes.
    """
    search = _Search(pools_of(industry))
    while search.boxes and search.solved < most:
        bound = -search.boxes[0][0]
        if bound <= search.value + gap * abs(search.value):
            break
        search.split()
    bound = max(search.value, -search.boxes[0][0]) if search.boxes else search.value
    if not bound <= search.value + gap * abs(search.value):
        raise NotConverged(
            f"A plan is worth {search.value:.6g}, and the bound after {search.solved} programmes "
            f"is {bound:.6g}.",
            "Mixtures of many goods take many boxes.",
            "Give a larger gap, or allow for more programmes.",
        )
    levels, wants = search.pools.counts
    return PooledState(
        value=search.value,
        bound=bound,
        levels=search.plan[:levels],
        eaten=search.plan[levels : levels + wants],
        mixture=search.pools.mixture(search.plan),
        programmes=search.solved,
    )


class _Search:
    """Boxes of mixtures that may hold the best plan, most promising first, and the best found."""

    def __init__(self, pools: Pools) -> None:
        self.pools, self.solved, self.value = pools, 0, -np.inf
        self.plan = np.zeros_like(pools.gains)
        self.boxes: list[tuple[float, int, np.ndarray, np.ndarray, np.ndarray]] = []
        self._add(np.zeros_like(pools.inflow), np.ones_like(pools.inflow))

    def split(self) -> None:
        """Cuts the most promising box where its plan is least of one mixture."""
        _, _, low, high, plan = heapq.heappop(self.boxes)
        widths = high - low
        component = int(np.argmax(self.pools.apart(plan) * (widths > 0)))
        margin = INSIDE * widths[component]
        at = self.pools.mixture(plan)[component]
        at = float(np.clip(at, low[component] + margin, high[component] - margin))
        below, above = high.copy(), low.copy()
        below[component] = above[component] = at
        self._add(low, below)
        self._add(above, high)

    def _add(self, low: np.ndarray, high: np.ndarray) -> None:
        found = self._best(low, high)
        if found is None or found[0] <= self.value:
            return
        heapq.heappush(self.boxes, (-found[0], self.solved, low, high, found[1]))
        mixture = self.pools.mixture(found[1])
        exact = self._best(mixture, mixture)
        if exact is not None and exact[0] > self.value:
            self.value, self.plan = exact

    def _best(self, low: np.ndarray, high: np.ndarray) -> tuple[float, np.ndarray] | None:
        pools = self.pools
        self.solved += 1
        within = pools.within(low, high)
        rows, limits = np.vstack([pools.rows, within]), np.append(pools.limits, [0.0] * len(within))
        try:
            found = maximise(pools.gains, rows, limits, pools.bounds)
        except NoEquilibrium:
            return None
        return float(-found.fun), found.x
