"""The best division of whole goods, when all bundles can be listed: exact, by recursion."""

from dataclasses import dataclass
from math import prod

import numpy as np
from jaxtyping import Int64

from catallax.clearing.indivisible._market import WholeMarket

BUNDLES_MAX = 2**12
PAIRS_MAX = 2**20


@dataclass(frozen=True)
class Listed:
    """A market with all bundles written out.

    Attributes:
        bundles: int64 `[B, m]`, units, every bundle that there is; the first is empty.
        worths: int64 `[n, B]`, ticks.
    """

    bundles: Int64[np.ndarray, "B m"]
    worths: Int64[np.ndarray, "n B"]


def too_many(market: WholeMarket) -> str | None:
    """Returns why the bundles cannot be listed, or None if they can."""
    supply = [int(units) for units in market.supply]
    bundles = prod(s + 1 for s in supply)
    pairs = prod((s + 1) * (s + 2) // 2 for s in supply)
    if bundles > BUNDLES_MAX or pairs > PAIRS_MAX:
        return f"There are {bundles} bundles; up to {BUNDLES_MAX} can be looked at."
    return None


def listed(market: WholeMarket) -> Listed:
    """Writes out every bundle, and what it is worth to whom."""
    bundles = (
        np.indices(tuple(market.supply + 1)).reshape(len(market.supply), -1).T.astype(np.int64)
    )
    wishes = market.wishes
    worths = np.stack([wishes.worths(agent, bundles) for agent in range(wishes.agents)])
    return Listed(bundles, worths)


def best_division(market: WholeMarket, listing: Listed) -> Int64[np.ndarray, "n"]:
    """Returns the place in the list of each agent's bundle, in the division worth the most.

    `W_i(r) = max_{x ≤ r} v_i(x) + W_{i+1}(r − x)`, for every rest r of the goods. Of divisions
    worth the same it takes one with the least `Σ_i (i+1)·Σ_j x_ij`.

    Args:
        market: Who shares what.
        listing: Of its bundles.

    Returns:
        int64 `[n]`.
    """
    agents, units = len(listing.worths), listing.bundles.sum(axis=1)
    rest, taken = _pairs(market.supply)
    starts = np.searchsorted(rest, np.arange(len(units)))
    # A tick is divided so that the fees for units, which let ids decide, stay below one in all.
    parts = agents * int(units[-1]) + 1
    fits = int(listing.worths[:, -1].astype(object).sum()) * parts < 2**62
    worths = (listing.worths if fits else listing.worths.astype(object)) * parts
    net = worths - units * (np.arange(agents)[:, None] + 1)
    after = [np.zeros_like(net[0])]
    for own in net[::-1]:
        after.append(np.maximum.reduceat(own[taken] + after[-1][rest - taken], starts))
    found, left = np.zeros(agents, np.int64), len(units) - 1
    ends = np.append(starts[1:], len(rest))
    for agent, (own, others) in enumerate(zip(net, after[-2::-1], strict=True)):
        choices = taken[starts[left] : ends[left]]
        found[agent] = choices[(own[choices] + others[left - choices]).argmax()]
        left -= found[agent]
    return found


def _pairs(supply: Int64[np.ndarray, "m"]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the places of all pairs of a rest and a bundle within it, by rest.

    A bundle's place is a number whose digits are its units, so the place of what is left after
    taking a bundle from a rest is the difference of their places.
    """
    rest, taken = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for units in supply.tolist():
        more, less = np.tril_indices(units + 1)
        rest = (rest[:, None] * (units + 1) + more).ravel()
        taken = (taken[:, None] * (units + 1) + less).ravel()
    order = np.argsort(rest, kind="stable")
    return rest[order], taken[order]
