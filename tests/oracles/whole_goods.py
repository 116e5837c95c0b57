"""Markets for whole goods, by looking at every division and every price. Knows of no method.

An agent is a dictionary from bundles (tuples of units) to what they are worth, with every bundle
that there is: `listed` makes one from a plain function.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog

Bundle = tuple[int, ...]
Agent = dict[Bundle, int]


def bundles(supply: Sequence[int]) -> list[Bundle]:
    """Every bundle that there is."""
    return list(itertools.product(*(range(units + 1) for units in supply)))


def listed(worth: Callable[[Bundle], int], supply: Sequence[int]) -> Agent:
    """An agent, written out."""
    return {bundle: worth(bundle) for bundle in bundles(supply)}


def unit_demand(values: Sequence[int]) -> Callable[[Bundle], int]:
    """The best unit counts."""
    return lambda x: max([0, *(v for v, units in zip(values, x, strict=True) if units)])


def additive(values: Sequence[int]) -> Callable[[Bundle], int]:
    """Every unit counts."""
    return lambda x: sum(v * units for v, units in zip(values, x, strict=True))


def diminishing(values: Sequence[Sequence[int]]) -> Callable[[Bundle], int]:
    """The first unit of a good, the second, and so on."""
    return lambda x: sum(sum(v[:units]) for v, units in zip(values, x, strict=True))


def slots(values: Sequence[Sequence[int]]) -> Callable[[Bundle], int]:
    """Every way of filling slots with units, one by one."""

    def worth(x: Bundle, slot: int = 0) -> int:
        if slot == len(values):
            return 0
        ways = [worth(x, slot + 1)]
        for good, units in enumerate(x):
            if units:
                less = (*x[:good], units - 1, *x[good + 1 :])
                ways.append(values[slot][good] + worth(less, slot + 1))
        return max(ways)

    return worth


def table(values: Sequence[int]) -> Callable[[Bundle], int]:
    """Written out already, by sets."""
    return lambda x: values[sum(1 << good for good, units in enumerate(x) if units)]


def capped(worth: Callable[[Bundle], int], wealth: int) -> Callable[[Bundle], int]:
    """No more than one's wealth."""
    return lambda x: min(worth(x), wealth)


def divisions(agents: int, supply: Sequence[int]) -> Iterator[tuple[Bundle, ...]]:
    """Every way to give out bundles."""
    if not agents:
        yield ()
        return
    for first in bundles(supply):
        rest = [s - x for s, x in zip(supply, first, strict=True)]
        for others in divisions(agents - 1, rest):
            yield (first, *others)


def best_divisions(market: Sequence[Agent], supply: Sequence[int]) -> tuple[int, list]:
    """The most that a division is worth, and all that are worth it."""
    worths = [
        (sum(agent[x] for agent, x in zip(market, given, strict=True)), given)
        for given in divisions(len(market), supply)
    ]
    most = max(worth for worth, _ in worths)
    return most, [given for worth, given in worths if worth == most]


def fees(given: Sequence[Bundle]) -> int:
    """What ids decide by: Σ (i+1) · units."""
    return sum((i + 1) * sum(x) for i, x in enumerate(given))


def is_equilibrium(market, supply, prices, given) -> bool:
    """The definition, in fractions."""
    prices = [Fraction(price) for price in prices]

    def brings(agent, x):
        return agent[x] - sum(p * u for p, u in zip(prices, x, strict=True))

    left = [s - sum(x[j] for x in given) for j, s in enumerate(supply)]
    return (
        all(price >= 0 for price in prices)
        and all(units >= 0 for units in left)
        and all(price == 0 or units == 0 for price, units in zip(prices, left, strict=True))
        and all(
            brings(agent, tuple(x)) == max(brings(agent, y) for y in agent)
            for agent, x in zip(market, given, strict=True)
        )
    )


def whole_prices(market, supply, given, top: int) -> np.ndarray:
    """All whole prices up to a top at which a best division leaves everybody content."""
    grids = np.meshgrid(*[np.arange(top + 1)] * len(supply), indexing="ij")
    prices = np.stack([grid.ravel() for grid in grids], axis=1)
    left = np.array(supply) - np.sum(given, axis=0)
    good = (prices @ left) == 0
    for agent, held in zip(market, given, strict=True):
        choices = np.array(list(agent))
        brings = np.array(list(agent.values())) - prices @ choices.T
        good &= brings.max(axis=1) == agent[held] - prices @ np.array(held)
    return prices[good]


def shares_worth(market, supply) -> float:
    """What the best shares of bundles are worth: the programme over all bundles, by HiGHS."""
    choices = np.array(bundles(supply), float)
    agents, count = len(market), len(choices)
    costs = -np.concatenate([list(agent.values()) for agent in market]).astype(float)
    once = np.kron(np.eye(agents), np.ones(count))
    there = np.tile(choices.T, agents)
    limits = np.concatenate([np.ones(agents), np.array(supply, float)])
    return -linprog(costs, np.vstack([once, there]), limits, method="highs").fun


def cheapest(market, supply, given, sign: int = 1) -> float:
    """The least (sign -1: the most) that the goods cost together at prices that support it."""
    left = np.array(supply) - np.sum(given, axis=0)
    rows, limits = [], []
    for agent, held in zip(market, given, strict=True):
        for choice, worth in agent.items():
            rows.append(np.array(held) - np.array(choice))
            limits.append(agent[held] - worth)
    bounds = [(0, 0) if units else (0, None) for units in left]
    solved = linprog(sign * np.array(supply), rows, limits, bounds=bounds, method="highs")
    return sign * solved.fun
