"""What a report tells: read once from an economy, then only written down."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from catallax._economy import Economy
from catallax._evaluate import frozen
from catallax._inspect import AgentRecord
from catallax._journal import Audit
from catallax._report._names import agent_name, world_name
from catallax._report._watch import Watched, watch_sales
from catallax._types import NOBODY
from catallax.worlds._evaluation import evaluation_worlds

EPISODES_WATCHED = 20
TRADERS_SHOWN = 10
OWNER, OTHERS = "original owner", "others"


@dataclass(frozen=True)
class Facts:
    """All that the page says.

    Attributes:
        economy: The run.
        world: Its world's name.
        audit: What the audit found.
        agents: The living, the richest first.
        watched: Greedy play.
        names: What the agent in each slot is called.
    """

    economy: Economy
    world: str
    audit: Audit
    agents: list[AgentRecord]
    watched: Watched
    names: dict[int, str]

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """Columns of figures, a row a chunk."""
        return self.economy.metrics

    @property
    def steps(self) -> np.ndarray:
        """Steps since genesis at the end of each chunk."""
        return np.cumsum(self.metrics["steps"]) if self.metrics else np.zeros(0, int)


def gather(economy: Economy) -> Facts:
    """Audits, inspects and watches an economy.

    Args:
        economy: A run.

    Returns:
        The `Facts`.
    """
    batch = evaluation_worlds(economy.world, EPISODES_WATCHED)
    agents = economy.inspect()
    setting, state = economy._driver.setting, frozen(economy._state)
    species = {record.id: record.species for record in agents}
    ids = np.asarray(state.population.ids).tolist()
    names = {slot: agent_name(species[id_], id_) for slot, id_ in enumerate(ids) if id_ in species}
    return Facts(
        economy=economy,
        world=world_name(economy.world),
        audit=economy.audit(),
        agents=agents,
        watched=watch_sales(setting, state, batch),
        names=names,
    )


def learning_curve(metrics: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns steps, the mean return of the episodes of each chunk, and a smoothed one.

    Chunks in which no episode ended are left out. The smooth curve is the mean over the episodes
    of a twentieth of the run.

    Args:
        metrics: Columns of figures, a row a chunk.

    Returns:
        Three columns of one length.
    """
    if not metrics:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    ended = metrics["episodes"] > 0
    steps = np.cumsum(metrics["steps"])[ended]
    episodes = metrics["episodes"][ended].astype(float)
    returns = metrics["returns"][ended].astype(float)
    width = max(1, len(steps) // 20)
    smooth = _running(returns, width) / _running(episodes, width)
    return steps, returns / episodes, smooth


def _running(values: np.ndarray, width: int) -> np.ndarray:
    """Returns the sum over the last `width` values, fewer at the start."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    last = np.arange(1, len(values) + 1)
    return total[last] - total[np.maximum(last - width, 0)]


def final_return(metrics: dict[str, np.ndarray]) -> float | None:
    """Returns the mean return of the last tenth of the episodes of training, by whole chunks.

    Args:
        metrics: Columns of figures, a row a chunk.

    Returns:
        The mean, or None where no episode ended.

    Example:
        >>> import numpy as np
        >>> final_return({"episodes": np.array([18, 2]), "returns": np.array([0.0, 6.0])})
        3.0
    """
    episodes = metrics["episodes"] if metrics else np.zeros(0)
    if episodes.sum() == 0:
        return None
    later = np.cumsum(episodes[::-1])
    chunks = int(np.argmax(later >= episodes.sum() / 10)) + 1
    returns = metrics["returns"][-chunks:].astype(float)
    return float(returns.sum() / episodes[-chunks:].sum())


def trade_matrix(facts: Facts) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Counts who bought from whom in watched play.

    Args:
        facts: With watched play.

    Returns:
        Names of traders (the busiest, then the others together, then the original owner),
        int `[buyers, sellers]` sales, and float `[buyers, sellers]` their value in credits.
    """
    seen = facts.watched
    busy = Counter(seen.buyer.tolist()) + Counter(seen.seller.tolist())
    busy.pop(NOBODY, None)
    shown = [slot for slot, _ in busy.most_common(TRADERS_SHOWN)]
    names = [facts.names.get(slot, f"slot {slot}") for slot in shown]
    names += [OTHERS] * (len(busy) > len(shown)) + [OWNER]
    rest = len(shown)
    place = {slot: index for index, slot in enumerate(shown)} | {NOBODY: len(names) - 1}
    counts, value = np.zeros((len(names),) * 2, int), np.zeros((len(names),) * 2)
    for buyer, seller, price in zip(seen.buyer, seen.seller, seen.price, strict=True):
        cell = place.get(int(buyer), rest), place.get(int(seller), rest)
        counts[cell] += 1
        value[cell] += price
    return names, counts, value


def rules_of(facts: Facts) -> list[tuple[str, Any]]:
    """Returns the settings of the market by name, agents one by one."""
    market = facts.economy.market
    agents = [(f"agents[{n}]", species) for n, species in enumerate(market.agents)]
    others = [
        (name, getattr(market, name))
        for name in type(market).__dataclass_fields__
        if name != "agents"
    ]
    return [*agents, *others, ("worlds side by side", facts.economy.worlds)]
