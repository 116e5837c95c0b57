"""What a report of a wide run tells: read once from an economy, then only written down."""

from dataclasses import dataclass

import numpy as np

from catallax._errors import InvalidSetting, NotConverged
from catallax._journal import Audit
from catallax.planner import SteadyState, in_full_sight, steady_state
from catallax.wide import HolderRecord, WideEconomy
from catallax.wide._inspect import RECENT_STEPS, goods_totals


@dataclass(frozen=True)
class WideFacts:
    """All that the page says.

    Attributes:
        economy: The run.
        audit: What the audit found.
        holders: Owners, households and producers.
        value: Credits a step of late (100 steps); None before the first step.
        planner: What one mind that knew everything would do; None where it has no answer.
    """

    economy: WideEconomy
    audit: Audit
    holders: list[HolderRecord]
    value: float | None
    planner: SteadyState | None

    @property
    def planner_value(self) -> float | None:
        """Credits a step that the planner gets."""
        return None if self.planner is None else self.planner.value

    @property
    def planner_prices(self) -> np.ndarray:
        """float64 `[m]`; NaN without an answer, and where the planner sees more than the market."""
        looks = self.economy.market.industry.looks
        if self.planner is None or len(looks) < len(self.economy.market.industry.goods):
            return np.full(len(looks), np.nan)
        return self.planner.prices

    @property
    def share(self) -> float | None:
        """The value as a share of the planner's."""
        best = self.planner_value
        return None if self.value is None or not best else self.value / best


def gather_wide(economy: WideEconomy) -> WideFacts:
    """Audits and inspects an economy, and asks the planner.

    Args:
        economy: A run.

    Returns:
        The `WideFacts`.
    """
    value = None
    if economy.steps:
        value = float(economy.history.last(RECENT_STEPS).values.mean())
    return WideFacts(economy, economy.audit(), economy.inspect(), value, planned(economy))


def planned(economy: WideEconomy) -> SteadyState | None:
    """Returns the steady state of the planner; None where it is not linear, or has none."""
    try:
        return steady_state(in_full_sight(economy.market.industry))
    except (InvalidSetting, NotConverged):
        return None


def recent_flows(economy: WideEconomy) -> dict[tuple[str, str], dict[str, float]]:
    """Returns units a step by good, for every holder and reason, over the last 100 steps or so.

    Args:
        economy: That has run.

    Returns:
        `{(holder, reason): {good: units}}`, over whole entries of the journal.
    """
    first = max(economy.steps - RECENT_STEPS, 0)
    entries = [entry for entry in economy.journal if entry.first_tick >= first]
    entries = entries or [economy.journal[-1]]
    steps = entries[-1].last_tick - entries[0].first_tick
    totals = goods_totals(economy.market, entries)
    return {
        cell: {good: units / steps for good, units in by_good.items()}
        for cell, by_good in totals.items()
    }


def recent_prices(economy: WideEconomy) -> np.ndarray:
    """Returns float64 `[m]`, mean prices over the last 100 steps."""
    return economy.history.last(RECENT_STEPS).prices.mean(axis=0)
