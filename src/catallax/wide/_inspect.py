"""Who is who in a wide market: what each holder has, paid, earned, bought and made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catallax._journal import JournalEntry

from ._cast import rows_of
from ._history import History
from ._market import WideMarket

RECENT_STEPS = 100
"""Steps over which profits, levels and worths are averaged."""


@dataclass(frozen=True)
class HolderRecord:
    """One holder's record. Amounts are ticks and units of goods over its whole life.

    Attributes:
        name: Who.
        role: `"owner"` of what comes in, `"household"` or `"producer"`.
        alive: Whether it is in the market: neither bankrupt, nor gone, nor still to come.
        wealth_ticks: What it owns in money.
        spent_ticks: What it paid for goods.
        earned_ticks: What it got for goods, net of the discount.
        rewards_ticks: What it got from nature, less what its levels cost.
        gain_recent: Credits a step of late (100 steps): a producer's profit, or what a household
            used up was worth to it; 0 for an owner.
        level_recent: A producer's level of late; None without one.
        bought: Units by good, where it bought any.
        made: Units by good, where it made any.

    Example:
        >>> import catallax as cx
        >>> chain = cx.industries.supply_chain(0)
        >>> economy = cx.WideEconomy(cx.WideMarket(chain, cx.Rewards(1e4), money="none"))
        >>> _ = economy.run(2)
        >>> economy.inspect()[0].role
        'owner'
    """

    name: str
    role: str
    alive: bool
    wealth_ticks: int
    spent_ticks: int
    earned_ticks: int
    rewards_ticks: int
    gain_recent: float
    level_recent: float | None
    bought: dict[str, float]
    made: dict[str, float]


def holder_records(
    market: WideMarket,
    journal: Sequence[JournalEntry],
    balances: Mapping[str, int],
    alive: np.ndarray,
    history: History | None,
) -> list[HolderRecord]:
    """Returns a record for every holder, in the order of their rows.

    Args:
        market: The market.
        journal: From genesis on.
        balances: In ticks by account.
        alive: bool `[P]`, which producers are solvent.
        history: What happened, or None before the first step.

    Returns:
        The records.
    """
    rows, money, goods = rows_of(market), _money(journal), goods_totals(market, journal)
    roles = ["owner"] * rows.owners + ["household"] * rows.households
    roles += ["producer"] * rows.producers
    lives = np.concatenate([np.ones(len(roles) - alive.size, bool), alive])
    gains, levels = _recent(history, rows.owners, rows.producers, rows.households)
    return [
        HolderRecord(
            name=name,
            role=roles[row],
            alive=bool(lives[row]),
            wealth_ticks=int(balances[name]),
            spent_ticks=-money.get((name, "purchase"), 0),
            earned_ticks=money.get((name, "resale"), 0) + money.get((name, "discount"), 0),
            rewards_ticks=money.get((name, "reward"), 0),
            gain_recent=float(gains[row]),
            level_recent=None if np.isnan(levels[row]) else float(levels[row]),
            bought=goods.get((name, "bought"), {}),
            made=goods.get((name, "made"), {}),
        )
        for row, name in enumerate(rows.names)
    ]


def goods_totals(
    market: WideMarket, journal: Sequence[JournalEntry]
) -> dict[tuple[str, str], dict[str, float]]:
    """Returns units by good, for every holder and reason, that entries tell of.

    Args:
        market: The market, whose units they are.
        journal: Entries.

    Returns:
        `{(holder, reason): {good: units}}`.
    """
    totals: dict[tuple[str, str], dict[str, int]] = {}
    for entry in journal:
        for holder, good, reason, quanta in entry.goods:
            by_good = totals.setdefault((holder, reason), {})
            by_good[good] = by_good.get(good, 0) + quanta
    units = {good.name: good.unit for good in market.components}
    return {
        cell: {good: quanta * units[good] for good, quanta in by_good.items()}
        for cell, by_good in totals.items()
    }


def _money(journal: Sequence[JournalEntry]) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for entry in journal:
        for account, reason, ticks in entry.rows:
            totals[account, reason] = totals.get((account, reason), 0) + ticks
    return totals


def _recent(
    history: History | None, owners: int, producers: int, households: int
) -> tuple[np.ndarray, np.ndarray]:
    nobody, none = np.zeros(owners), np.full(owners + households, np.nan)
    if history is None:
        zero = np.zeros(households + producers)
        return np.concatenate([nobody, zero]), np.concatenate([none, np.zeros(producers)])
    late = history.last(RECENT_STEPS)
    gains = late.worths.mean(axis=0), late.profits.mean(axis=0)
    return np.concatenate([nobody, *gains]), np.concatenate([none, late.levels.mean(axis=0)])
