"""Wishes that add up over goods: each good is sold by itself."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from catallax.clearing.indivisible._market import Selection, WholeMarket
from catallax.clearing.indivisible._method import WholeFound
from catallax.clearing.indivisible.wishes import Additive, Diminishing


@dataclass(frozen=True)
class ByGood:
    """Sells each good by itself, to the highest bids, of agents whose wishes add up over goods.

    With s units and the bids of all agents for a first unit, a second and so on up to s, the
    highest price is the s-th highest bid and the lowest the one after it. Of one unit these are
    the first price and Vickrey's, good by good and in integers, for any number of goods at once.

    Example:
        >>> from catallax.clearing.indivisible import ByGood, indivisible, wishes
        >>> for end in ("lowest", "highest"):
        ...     bids = wishes.Additive([[5, 2], [9, 2], [7, 1]])
        ...     indivisible(bids, [1, 1], selection=end, method=ByGood()).prices.tolist()
        [7, 2]
        [9, 2]

    Source: Vickrey, "Counterspeculation, auctions, and competitive sealed tenders" (1961).
    """

    def serves(self, market: WholeMarket) -> str | None:
        """Serves wishes that add up over goods."""
        serves = isinstance(market.wishes, Additive | Diminishing)
        return None if serves else "What a good is worth depends on the others."

    def find(self, market: WholeMarket, selection: Selection) -> WholeFound:
        """Returns the bundles and the prices at one end."""
        if isinstance(market.wishes, Additive):
            return _whole_lots(market.wishes.values, market.supply, selection)
        assert isinstance(market.wishes, Diminishing)
        return _unit_by_unit(market.wishes.values, market.supply, selection)


def _whole_lots(
    values: Int64[np.ndarray, "n m"], supply: Int64[np.ndarray, "m"], selection: Selection
) -> WholeFound:
    """Sells all units of a good to the highest bid: its holder wants them all."""
    agents, goods = values.shape
    ranked = np.sort(np.vstack([np.zeros((1, goods), np.int64), values]), axis=0)
    winners, every = values.argmax(axis=0), np.arange(goods)
    bundles = np.zeros((agents, goods), np.int64)
    bundles[winners, every] = np.where(ranked[-1] > 0, supply, 0)
    return WholeFound(ranked[-2 if selection == "lowest" else -1], bundles, 1)


def _unit_by_unit(
    values: Int64[np.ndarray, "n m units"], supply: Int64[np.ndarray, "m"], selection: Selection
) -> WholeFound:
    """Sells the units of a good to the highest bids for single units."""
    agents, goods, units = values.shape
    bundles = np.zeros((agents, goods), np.int64)
    prices = np.zeros(goods, np.int64)
    for good, there in enumerate(supply.tolist()):
        bids = values[:, good, :there].ravel()
        order = np.argsort(-bids, kind="stable")
        sold = order[:there][bids[order[:there]] > 0]
        bundles[:, good] = np.bincount(sold // min(units, max(there, 1)), minlength=agents)
        mark = there if selection == "lowest" else there - 1
        prices[good] = bids[order[mark]] if 0 <= mark < len(bids) else 0
    return WholeFound(prices, bundles, goods)
