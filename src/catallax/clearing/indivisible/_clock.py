"""Gross substitutes: prices that rise where too much is wanted, or fall where too little is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int64

from catallax.clearing.indivisible._lattice import NEVER
from catallax.clearing.indivisible._market import Selection, WholeMarket
from catallax.clearing.indivisible._method import WholeFound
from catallax.clearing.indivisible.wishes import worth


@dataclass(frozen=True)
class Clock:
    """The auction of Kelso and Crawford, up from 0 to the lowest prices or down to the highest.

    Agents hold bundles that are best for them. While some good is wanted more than it is there,
    agents pass on what they are as content without; where they cannot, the prices of the smallest
    set of goods that is wanted too much rise together. That is steepest descent, on whole
    numbers, of `Σ_j p_j s_j + Σ_i max_x (v_i(x) − p·x)`. A rise goes on until somebody would
    rather have something else, so there are not more of them where prices are larger. The way
    down mirrors it.

    Serves gross substitutes of any family, with several units of a good. A step takes about
    `agents · goods²` operations.

    Example:
        >>> from catallax.clearing.indivisible import Clock, indivisible, wishes
        >>> teams = wishes.Slots([[[5, 4], [3, 3]], [[4, 4], [0, 0]]])
        >>> for end in ("lowest", "highest"):
        ...     sold = indivisible(teams, [1, 1], selection=end, method=Clock())
        ...     sold.prices.tolist(), sold.bundles.tolist()
        ([3, 3], [[1, 0], [0, 1]])
        ([5, 4], [[1, 0], [0, 1]])

    Source: Kelso and Crawford, "Job matching, coalition formation, and gross substitutes" (1982);
    Ausubel, "An efficient dynamic auction for heterogeneous commodities" (2006); Murota,
    "Valuated matroid intersection II" (1996); Shioura, "Algorithms for L-convex function
    minimization" (2017) for the long steps.
    """

    def serves(self, market: WholeMarket) -> str | None:
        """Serves gross substitutes, whose worths leave room to divide a tick."""
        if not market.wishes.substitutes:
            return "The goods are not known to be gross substitutes to all."
        everything = np.tile(market.supply, (market.wishes.agents, 1))
        if int(worth(market.wishes, everything).max()) * _parts(market) >= 2**59:
            return "The worths are too large for so many agents and units."
        return None

    def find(self, market: WholeMarket, selection: Selection) -> WholeFound:
        """Returns the bundles and prices that the clock stops at."""
        floor = _Floor(market)
        steps = sum(1 for _ in (floor.rise() if selection == "lowest" else floor.fall()))
        # Fees are less than a tick in all, and only ever lower a price: rounding up undoes them.
        return WholeFound(-(-floor.prices[:-1] // floor.parts), floor.held, steps)


def _parts(market: WholeMarket) -> int:
    """Returns how many parts of a tick are more than all fees together."""
    return market.wishes.agents * int(market.supply.sum()) + 1


class _Floor:
    """The floor of an auction: who holds what, at which prices, and what else would be as good.

    Ids decide between equals because agent i is charged a fee of i + 1 for every unit, where a
    tick is divided into more parts than all fees together.

    Attributes:
        parts: Of a tick.
        held: int64 `[n, m]`, units; the best bundle of everyone at the prices, fees paid.
        gains: int64 `[n, m+1, m+1]`, parts of a tick: what agent i gains by a unit of j (or, last,
            nothing) in place of a unit of k (or nothing).
        prices: int64 `[m+1]`, parts of a tick; the last is that of nothing, 0.
    """

    def __init__(self, market: WholeMarket) -> None:
        agents, goods = market.wishes.agents, market.wishes.goods
        self.market = market
        self.parts = _parts(market)
        self.held = np.zeros((agents, goods), np.int64)
        self.gains = np.empty((agents, goods + 1, goods + 1), np.int64)
        self.prices = np.zeros(goods + 1, np.int64)
        for agent in range(agents):
            self._look(agent)

    def rise(self) -> Iterator[None]:
        """From 0, until nothing is wanted more than it is there; yields after every step."""
        self._take_all()
        while (wanted := self._excess() > 0).any():
            slack = self._slack()
            ends = np.append(self._excess() < 0, True)
            path, near = _search(slack == 0, np.append(wanted, False), ends)
            if path:
                self._pass_on(path)
            else:
                step = slack[near][:, ~near].min()
                if step <= 0:  # only where goods are not gross substitutes after all
                    return
                self.prices[near] += step
            yield

    def fall(self) -> Iterator[None]:
        """From above every worth, until whatever has a price is sold; yields after every step."""
        self.prices[:-1] = self.gains.max() + 1
        while (unsold := (self._excess() < 0) & (self.prices[:-1] > 0)).any():
            slack = self._slack()
            ends = np.append(np.zeros_like(unsold), True)
            path, near = _search(slack.T == 0, np.append(unsold, False), ends)
            if path:
                self._pass_on(path[::-1])
            else:
                step = min(slack[~near][:, near].min(), self.prices[near].min())
                if step <= 0:
                    return
                self.prices[near] -= step
            yield

    def _excess(self) -> Int64[np.ndarray, "m"]:
        return self.held.sum(axis=0) - self.market.supply

    def _slack(self) -> Int64[np.ndarray, "m+1 m+1"]:
        """Returns what the keenest agent loses by a unit of j in place of one of k; 0 or more."""
        return self.prices - self.prices[:, None] - self.gains.max(axis=0)

    def _take_all(self) -> None:
        """Gives everybody a best bundle at prices of 0, unit by unit."""
        for agent, gains in enumerate(self.gains):
            while gains[-1, :-1].max() > 0:
                self.held[agent, gains[-1, :-1].argmax()] += 1
                self._look(agent)

    def _pass_on(self, path: list[int]) -> None:
        """Lets the keenest agents exchange along a path, from what they give to what they get."""
        movers = [(int(self.gains[:, k, j].argmax()), k, j) for k, j in pairwise(path)]
        for agent, k, j in movers:
            if k < len(self.prices) - 1:
                self.held[agent, k] -= 1
            if j < len(self.prices) - 1:
                self.held[agent, j] += 1
        for agent in {agent for agent, _, _ in movers}:
            self._look(agent)

    def _look(self, agent: int) -> None:
        """Asks an agent what all its single exchanges would bring."""
        held, nothing = self.held[agent], len(self.prices) - 1
        gives = np.append(np.flatnonzero(held > 0), nothing)
        takes = np.append(np.flatnonzero(held < self.market.supply), nothing)
        gives, takes = (grid.ravel() for grid in np.meshgrid(gives, takes))
        unit = np.eye(nothing + 1, dtype=np.int64)[:, :nothing]
        bundles = np.vstack([held, held - unit[gives] + unit[takes]])
        worths = self.market.wishes.worths(agent, bundles)
        fees = (agent + 1) * (bundles.sum(axis=1) - held.sum())
        self.gains[agent] = NEVER
        self.gains[agent, gives, takes] = ((worths - worths[0]) * self.parts - fees)[1:]


def _search(
    ways: Bool[np.ndarray, "m+1 m+1"], sources: Bool[np.ndarray, "m+1"], ends: np.ndarray
) -> tuple[list[int], Bool[np.ndarray, "m+1"]]:
    """Looks for a shortest way from a source to an end, the lowest ids first.

    Fewest exchanges: where a path has a short cut, its exchanges need not be as good together as
    they are one by one.

    Returns:
        The path, empty if there is none; and all that was reached.
    """
    came_from = np.full(len(ways), -1)
    near, rim = np.copy(sources), np.copy(sources)
    while rim.any():
        if (rim & ends).any():
            path = [int((rim & ends).argmax())]
            while came_from[path[0]] >= 0:
                path.insert(0, int(came_from[path[0]]))
            return path, near
        reached = ways & rim[:, None] & ~near
        rim = np.asarray(reached.any(axis=0))
        came_from = np.where(rim, reached.argmax(axis=0), came_from)
        near = near | rim
    return [], near
