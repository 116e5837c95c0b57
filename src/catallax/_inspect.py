"""Who is who in an economy: what each agent is, does, owns, paid and earned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from catallax._evaluate import decide
from catallax._market import Setting
from catallax._membership import group_of
from catallax._state import EconomyState
from catallax.worlds._protocol import HostWorld

STEPS_WATCHED = 500


@dataclass(frozen=True)
class AgentRecord:
    """One agent's record. Amounts are ticks over its whole life, from the journal.

    Attributes:
        id: Its id.
        species: The name of its species.
        does: Its action, or that it learned one.
        parent: The id of its parent, None without one.
        born_tick: When it was born.
        wins: Worlds it bought.
        wealth_ticks: What it owns.
        paid_ticks: What it paid for worlds, net.
        resold_ticks: What it got for worlds, net of the discount.
        rewards_ticks: What it got from nature or consumers.
        rent_ticks: What it paid in rent.
        capital_ticks: Endowment, allowances and refinancing that it received, net.
        share_won: The share of watched steps that it won, in [0, 1].
        wins_where: The mean observation (or the most frequent indices) of the steps it won.
        frozen: Whether it learns no more.

    Example:
        >>> import catallax as cx
        >>> market = cx.DeepMarket(agents=[cx.Tabular()])
        >>> economy = cx.train(market, cx.worlds.Bandit(), steps=400, worlds=4, seed=0)
        >>> economy.inspect()[0].species
        'Tabular'
    """

    id: int
    species: str
    does: str
    parent: int | None
    born_tick: int
    wins: int
    wealth_ticks: int
    paid_ticks: int
    resold_ticks: int
    rewards_ticks: int
    rent_ticks: int
    capital_ticks: int
    share_won: float
    wins_where: str
    frozen: bool


def agent_records(
    setting: Setting,
    state: EconomyState,
    totals: Mapping[str, Mapping[str, int]],
    worlds: HostWorld,
) -> list[AgentRecord]:
    """Returns a record for each living agent, the richest first.

    Args:
        setting: The market in its world.
        state: A frozen economy.
        totals: From the journal, ticks by account and reason.
        worlds: Where greedy play is watched.

    Returns:
        The records.
    """
    seen, winners = watch(setting, state, worlds)
    population = state.population
    slots = np.flatnonzero(np.asarray(population.alive))
    records = [_record(setting, state, totals, int(slot), seen, winners) for slot in slots]
    return sorted(records, key=lambda record: (-record.wealth_ticks, record.id))


def watch(
    setting: Setting, state: EconomyState, worlds: HostWorld
) -> tuple[np.ndarray, np.ndarray]:
    """Plays greedily for one episode a world (at most 500 steps) and notes who won where.

    Args:
        setting: The market in its world.
        state: A frozen economy.
        worlds: Where.

    Returns:
        Observations `[n, ...]` and the winning slots int32 `[n]`.
    """
    observation = worlds.reset(list(range(20_000, 20_000 + worlds.count)))
    going, seen, winners = np.ones(worlds.count, bool), [], []
    for _ in range(STEPS_WATCHED):
        action, winner = decide(setting, state, observation)
        seen.append(observation[going])
        winners.append(winner[going])
        observation, _, terminated, truncated = worlds.step(action, going)
        going = going & ~terminated & ~truncated
        if not going.any():
            break
    return np.concatenate(seen), np.concatenate(winners)


def _record(
    setting: Setting,
    state: EconomyState,
    totals: Mapping[str, Mapping[str, int]],
    slot: int,
    seen: np.ndarray,
    winners: np.ndarray,
) -> AgentRecord:
    population, id_ = state.population, int(state.population.ids[slot])
    booked = totals.get(f"agent/{id_}", {})
    parent = int(population.parents[slot])
    capital = ("endowment", "allowance", "refinance")
    return AgentRecord(
        id=id_,
        species=type(setting.species[group_of(setting, slot)]).__name__,
        does=_does(setting, state, slot),
        parent=None if parent < 0 else parent,
        born_tick=int(population.born[slot]),
        wins=int(population.wins[slot]),
        wealth_ticks=int(np.asarray(state.ledger.balances)[setting.first_agent + slot]),
        paid_ticks=-booked.get("purchase", 0),
        resold_ticks=booked.get("resale", 0),
        rewards_ticks=booked.get("reward", 0),
        rent_ticks=-booked.get("rent", 0),
        capital_ticks=sum(booked.get(reason, 0) for reason in capital),
        share_won=float((winners == slot).mean()),
        wins_where=_where(seen[winners == slot]),
        frozen=bool(population.frozen[slot]),
    )


def _does(setting: Setting, state: EconomyState, slot: int) -> str:
    index = group_of(setting, slot)
    fixed: Any = state.groups[index].genes.fixed
    if isinstance(fixed, dict) and "action" in fixed:
        action = np.asarray(fixed["action"][slot - setting.offsets[index]])
        return f"action {action.tolist()}"
    label = getattr(setting.species[index], "label", None)
    return f"function {label}" if label else "learned action"


def _where(seen: np.ndarray) -> str:
    if seen.shape[0] == 0:
        return "nowhere"
    if seen.ndim == 1:
        values, counts = np.unique(seen, return_counts=True)
        often = values[np.argsort(-counts, kind="stable")][:5]
        return "at " + ", ".join(str(value) for value in often)
    mean = seen.mean(axis=0)[:6]
    return "around " + ", ".join(f"{value:.2g}" for value in mean)
