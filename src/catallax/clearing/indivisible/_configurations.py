"""Wishes of any kind: prices from a programme over all bundles, or a proof that there are none."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Int64

from catallax.clearing.indivisible._market import Selection, WholeMarket
from catallax.clearing.indivisible._method import WholeFound
from catallax.clearing.indivisible._outcome import Shares
from catallax.clearing.indivisible._sharing_out import Listed, best_division, listed, too_many
from catallax.clearing.indivisible._simplex import Column, Solved, solve


@dataclass(frozen=True)
class Configurations:
    """Lists all bundles, divides the goods in the best way, and looks for prices that support it.

    If any prices clear the market, they support every best division of whole goods. So: the
    division by recursion, in integers; then the cheapest (or dearest) prices at which everybody
    is content with it, by a linear programme solved without rounding. If there are none, shares
    of bundles are worth more than whole ones, and the answer names such shares.

    Serves any wishes, complements and caps too, for up to 4,096 bundles (12 single goods). Beyond
    gross substitutes the prices need not form a lattice: `"lowest"` then means the least that all
    goods cost together, and of equals the lowest first price, then second, and so on;
    `"highest"` the most, and the highest first. They may be fractions of a tick.

    Example:
        >>> from catallax.clearing.indivisible import Configurations, indivisible, wishes
        >>> pair = wishes.Table([[0, 0, 0, 9], [0, 4, 0, 4]])    # a pair of shoes, or the left one
        >>> for end in ("lowest", "highest"):
        ...     indivisible(pair, [1, 1], selection=end, method=Configurations()).prices.tolist()
        [4, 0]
        [9, 0]

    Source: Bikhchandani and Mamer, "Competitive equilibrium in an exchange economy with
    indivisibilities" (1997); Bikhchandani and Ostroy, "The package assignment model" (2002).
    """

    def serves(self, market: WholeMarket) -> str | None:
        """Serves any wishes, while the bundles can be listed."""
        return too_many(market)

    def find(self, market: WholeMarket, selection: Selection) -> WholeFound:
        """Returns the best division and the prices at one end, or the proof that none exist."""
        listing = listed(market)
        places = best_division(market, listing)
        bundles = listing.bundles[places]
        search = _Supporting(market, listing, places, selection)
        solved = solve(search.limits, search.better)
        if solved.bounded:
            return WholeFound(search.prices(solved), bundles, solved.steps)
        whole_worth = sum(int(listing.worths[i, place]) for i, place in enumerate(places))
        return _shared(market, listing, bundles, whole_worth)


class _Supporting:
    """The programme for the cheapest or dearest prices that support a division.

    `min ±s·p` with `p·(x − x_i) ≥ v_i(x) − v_i(x_i)` for every agent and bundle, and p = 0 for
    what is left over; its dual has a row for each other good. The dearest prices are counted down
    from a top above them all. They are 0 or more by themselves: where more is no worse, to raise
    a price from below 0 to 0 breaks no inequality that holds.
    """

    def __init__(
        self, market: WholeMarket, listing: Listed, places: Int64[np.ndarray, "n"], end: Selection
    ) -> None:
        self.listing, self.places = listing, places
        held = listing.bundles[places]
        self.priced = np.flatnonzero((held.sum(axis=0) == market.supply) & ~market.absent)
        self.falls = end == "highest"
        self.top = int(listing.worths.max()) + 1
        self.limits = [int(units) for units in market.supply[self.priced]]

    def better(self, rows: np.ndarray, parts: int) -> Column | None:
        """Returns the exchange that somebody would make at such prices and gain most by."""
        prices = self._prices(rows, parts)
        margins = _margins(self.listing, prices, self.priced, parts)
        here = margins[np.arange(len(margins)), self.places]
        agent, place = _most(margins - here[:, None])
        if margins[agent, place] <= here[agent]:
            return None
        own = self.places[agent]
        entries = (self.listing.bundles[place] - self.listing.bundles[own])[self.priced]
        cost = int(self.listing.worths[agent, place] - self.listing.worths[agent, own])
        if self.falls:
            return Column((agent, place), -entries, cost - self.top * int(entries.sum()))
        return Column((agent, place), entries, cost)

    def prices(self, solved: Solved) -> np.ndarray:
        """Returns the prices of all goods, in ticks: whole, or where they must be, fractions."""
        return _in_ticks(self.listing, self._prices(solved.prices, solved.parts), self.priced,
                         solved.parts)  # fmt: off

    def _prices(self, rows: np.ndarray, parts: int) -> np.ndarray:
        return self.top * parts - rows if self.falls else rows


def _shared(
    market: WholeMarket, listing: Listed, bundles: Int64[np.ndarray, "n m"], whole_worth: int
) -> WholeFound:
    """Divides into shares for the most worth: `max Σ v_i(x) y_ix`, one bundle's worth to each."""
    agents = market.wishes.agents
    here = np.flatnonzero(~market.absent)
    one = np.eye(agents, dtype=np.int64)

    def better(rows: np.ndarray, parts: int) -> Column | None:
        margins = _margins(listing, rows[agents:], here, parts) - rows[:agents, None]
        agent, place = _most(margins)
        if margins[agent, place] <= 0:
            return None
        entries = np.append(one[agent], listing.bundles[place][here])
        return Column((agent, place), entries, int(listing.worths[agent, place]))

    solved = solve([1] * agents + [int(units) for units in market.supply[here]], better)
    lines: list[Any] = sorted(solved.portions)
    portions = [solved.portions[line] for line in lines]
    worth = sum((y * int(listing.worths[line]) for y, line in zip(portions, lines, strict=True)),
                start=Fraction(0))  # fmt: off
    shares = Shares([agent for agent, _ in lines], listing.bundles[[place for _, place in lines]],
                    portions, worth, whole_worth)  # fmt: off
    prices = _in_ticks(listing, solved.prices[agents:], here, solved.parts)
    return WholeFound(prices, bundles, solved.steps, shares)


def _margins(listing: Listed, prices: np.ndarray, goods: np.ndarray, parts: int) -> np.ndarray:
    """Returns `[n, B]`, what every bundle brings at the prices of some goods, in parts."""
    large = max([parts, *(abs(price) for price in prices)]) >= 2**20
    number = object if large or int(listing.worths.max()) >= 2**40 else np.int64
    costs = listing.bundles[:, goods].astype(number) @ prices.astype(number)
    return listing.worths.astype(number) * parts - costs


def _most(margins: np.ndarray) -> tuple[int, int]:
    """Returns the agent and place of the largest, the lowest ids first."""
    return divmod(int(margins.argmax()), margins.shape[1])


def _in_ticks(listing: Listed, prices: np.ndarray, goods: np.ndarray, parts: int) -> np.ndarray:
    """Returns the prices of all goods in ticks, 0 but for some."""
    every = np.zeros(listing.bundles.shape[1], object)
    every[goods] = [Fraction(int(price), parts) for price in prices]
    if all(Fraction(price).denominator == 1 for price in every):
        return np.array([int(price) for price in every], np.int64)
    return np.array([Fraction(price) for price in every], object)
