"""Unit demand: an assignment, and the ends of its prices."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from catallax.clearing.indivisible._lattice import NEVER, Ends, end_of
from catallax.clearing.indivisible._market import Selection, WholeMarket
from catallax.clearing.indivisible._method import WholeFound
from catallax.clearing.indivisible.wishes import UnitDemand


@dataclass(frozen=True)
class Assignment:
    """Assigns at most one unit to each agent of unit demand, for the most worth in all.

    `max Σ_ij v_ij x_ij` by shortest augmenting paths, in about n²·m steps for n ≤ m; then the
    lowest prices (which are the payments of Vickrey, Clarke and Groves) or the highest, by paths
    of exchanges. The assignment is found in doubles and proven in integers: one that could be
    bettered would have no prices.

    Example:
        >>> from catallax.clearing.indivisible import Assignment, indivisible, wishes
        >>> houses = wishes.UnitDemand([[5, 4], [4, 1], [3, 0]])
        >>> for end in ("lowest", "highest"):
        ...     sold = indivisible(houses, [1, 1], selection=end, method=Assignment())
        ...     sold.prices.tolist(), sold.bundles.tolist()
        ([3, 0], [[0, 1], [1, 0], [0, 0]])
        ([4, 3], [[0, 1], [1, 0], [0, 0]])

    Source: Shapley and Shubik, "The assignment game I: the core" (1971); Leonard, "Elicitation of
    honest preferences for the assignment of individuals to positions" (1983); Crouse, "On
    implementing 2D rectangular assignment algorithms" (2016).
    """

    def serves(self, market: WholeMarket) -> str | None:
        """Serves unit demand."""
        return None if isinstance(market.wishes, UnitDemand) else "The agents want several goods."

    def find(self, market: WholeMarket, selection: Selection) -> WholeFound:
        """Returns the assignment and the prices at one end."""
        values, supply = _served(market).values, market.supply
        agents, goods = values.shape
        held = _assigned(values, np.minimum(supply, agents))
        ends = end_of(_exchanges(values, supply, held), selection)
        if ends is None:
            # Sums beyond 2**53 were rounded on the way: no prices to certify.
            ends = Ends(np.zeros(goods, np.int64), 0)
        else:
            held = _settled(values, supply, held, ends.prices)
        bundles = np.zeros((agents, goods), np.int64)
        served = np.flatnonzero(held < goods)
        bundles[served, held[served]] = 1
        return WholeFound(ends.prices, bundles, ends.steps)


def _served(market: WholeMarket) -> UnitDemand:
    assert isinstance(market.wishes, UnitDemand)
    return market.wishes


def _assigned(
    values: Int64[np.ndarray, "n m"], units: Int64[np.ndarray, "m"]
) -> Int64[np.ndarray, "n"]:
    """Returns the good of each agent, m for nothing; of what would be worth 0, nothing."""
    # Loaded where it is used: importing scipy's optimisers takes most of a second.
    from scipy.optimize import linear_sum_assignment

    agents, goods = values.shape
    columns = np.repeat(np.arange(goods), units)
    table = values if (units == 1).all() else values[:, columns]
    rows, chosen = linear_sum_assignment(table, maximize=True)
    held = np.full(agents, goods)
    worthy = values[rows, columns[chosen]] > 0
    held[rows[worthy]] = columns[chosen[worthy]]
    return held


def _exchanges(
    values: Int64[np.ndarray, "n m"],
    supply: Int64[np.ndarray, "m"],
    held: Int64[np.ndarray, "n"],
) -> Int64[np.ndarray, "m+1 m+1"]:
    """Returns what the keenest holder of each good, or of nothing, gains by each other."""
    agents, goods = values.shape
    nothing = held == goods
    own = np.where(nothing, 0, values[np.arange(agents), np.where(nothing, 0, held)])
    nodes, starts = np.unique(np.sort(held), return_index=True)
    best = np.full((goods + 1, goods + 1), NEVER)
    for node, holders in zip(nodes, np.split(np.argsort(held), starts[1:]), strict=True):
        gains = values[holders] - own[holders, None]
        gains.max(axis=0, out=best[node, :goods])
        best[node, goods] = -own[holders].min()
    # A unit that is left over is free to go: its price is 0. And no price is below 0.
    vacant = np.flatnonzero(supply > np.bincount(held, minlength=goods + 1)[:goods])
    best[vacant, goods] = np.maximum(best[vacant, goods], 0)
    best[goods] = np.maximum(best[goods], 0)
    return best


def _settled(
    values: Int64[np.ndarray, "n m"],
    supply: Int64[np.ndarray, "m"],
    held: Int64[np.ndarray, "n"],
    prices: Int64[np.ndarray, "m"],
) -> Int64[np.ndarray, "n"]:
    """Returns the assignment of equal worth that serves the fewest, and lowest, ids."""
    margins = np.where((values > 0) & (supply > 0), values - prices, -1)
    surplus = np.maximum(margins.max(axis=1), 0)
    content = margins == surplus[:, None]
    goods = np.flatnonzero(_in_play(content, surplus == 0, held, prices))
    if not len(goods):
        return held
    wanting = (held == len(supply)) & content[:, goods].any(axis=1)
    agents = np.flatnonzero(np.isin(held, goods) | wanting)
    # To sell what has a price and to serve who has a surplus keeps the worth; ids decide the rest.
    step = len(values) * len(agents) + 1
    due = step * ((prices[goods] > 0) + (surplus[agents, None] > 0).astype(np.int64))
    rewards = np.where(content[np.ix_(agents, goods)], due - agents[:, None] - 1, 0)
    chosen = _assigned(np.maximum(rewards, 0), np.minimum(supply[goods], len(agents)))
    settled = held.copy()
    settled[agents] = np.append(goods, len(supply))[chosen]
    return settled


def _in_play(
    content: Bool[np.ndarray, "n m"],
    nothing: Bool[np.ndarray, "n"],
    held: Int64[np.ndarray, "n"],
    prices: Int64[np.ndarray, "m"],
) -> Bool[np.ndarray, "m"]:
    """Tells which goods could be passed on so that others hold nothing, and all be as content.

    They lie on a ring of exchanges through nothing: somebody leaves it, and somebody goes there
    or a good without a price is left over.

    Args:
        content: Who would be as content with which goods.
        nothing: Who would be as content with nothing.
        held: Who holds what, m for nothing.
        prices: Ticks.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    goods = len(prices)
    agents, wanted = np.nonzero(content)
    free, leavers = np.flatnonzero(prices == 0), np.flatnonzero(nothing)
    sources = np.concatenate([held[agents], np.full(len(free), goods), held[leavers]])
    targets = np.concatenate([wanted, free, np.full(len(leavers), goods)])
    ways = (np.ones(len(sources), bool), (sources, targets))
    graph = csr_array(ways, shape=(goods + 1, goods + 1))
    _, rings = connected_components(graph, connection="strong")
    return rings[:goods] == rings[goods]
