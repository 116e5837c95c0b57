"""The host driver: Gymnasium worlds and Python agents around the same trades and books."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from catallax._chunk import Flows, Metrics, close_books, end_chunk
from catallax._compiled import RunState
from catallax._deep import Decision, collect, trade
from catallax._genesis import genesis
from catallax._keys import stream
from catallax._learning import Record
from catallax._market import Setting
from catallax._quotes import Offers
from catallax._state import Draws, EconomyState, draws_of
from catallax._types import Columns, exact
from catallax._xla import compiler_options
from catallax.agents._actions import blank_action
from catallax.agents._program import Program
from catallax.worlds._protocol import HostWorld


class HostWorldsState(NamedTuple):
    """What is kept of W host worlds between two segments, at which every world is sold and reset.

    Attributes:
        resets: int64 `[W]`, how often each world was reset; with the run's seed and the world's
            number it gives the seed of the next episode.
    """

    resets: np.ndarray


class Stage:
    """W host worlds within a segment: what they show and where their episodes stand."""

    def __init__(self, worlds: HostWorld, seed: int, resets: np.ndarray) -> None:
        self.worlds, self.seed, self.resets = worlds, seed, np.array(resets, np.int64)
        self.closing = np.zeros(worlds.count, bool)
        self.earned = np.zeros(worlds.count, np.float64)
        self.observation = self._reset(np.ones(worlds.count, bool))

    def _reset(self, which: np.ndarray) -> np.ndarray:
        seeds = [
            int(np.random.SeedSequence([self.seed, world, int(count)]).generate_state(1)[0])
            for world, count in enumerate(self.resets)
        ]
        self.resets = self.resets + which
        return self.worlds.reset(seeds, which)

    def move(self, action: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Steps every world that neither closes nor stops.

        Args:
            action: `[W, ...]`.
            stops: bool `[W]`.

        Returns:
            Rewards float32 `[W]` and terminated bool `[W]`; truncated worlds close next.
        """
        active = ~self.closing & ~stops
        observation, reward, terminated, truncated = self.worlds.step(action, active)
        self.observation, self.truncated = observation, truncated & ~terminated
        return reward.astype(np.float32), terminated

    def turn(self, earned: np.ndarray, ended: np.ndarray, stops: np.ndarray) -> dict[str, float]:
        """Resets the worlds that ended and marks the truncated ones; returns the tallies."""
        acted = ~self.closing
        self.earned += earned
        finished = (ended & acted) | self.truncated
        tally = {
            "steps": float((acted & ~stops).sum()),
            "episodes": float(finished.sum()),
            "returns": float(self.earned[finished].sum()),
        }
        if ended.any():
            self.observation = self._reset(ended)
            self.earned[ended] = 0.0
        self.closing = self.truncated & ~ended
        return tally


def first_host_state(setting: Setting, seed: int) -> RunState:
    """Returns an economy at genesis with worlds that were never reset."""
    with exact():
        key = jax.random.key(seed)
        begin = jax.jit(
            lambda key: genesis(setting, key), compiler_options=compiler_options(level=0)
        )
        economy = begin(key)
    return RunState(economy, HostWorldsState(np.zeros(setting.worlds, np.int64)))


def host_structure(setting: Setting) -> RunState:
    """Returns the shapes and dtypes of a run's state, without compiling anything."""
    with exact():
        economy = jax.eval_shape(lambda key: genesis(setting, key), jax.random.key(0))
    return RunState(economy, HostWorldsState(np.zeros(setting.worlds, np.int64)))


@lru_cache(maxsize=64)
def _programs(setting: Setting) -> Any:
    """Returns the compiled halves of a tick, a chunk's end and the closing of the books."""

    def quote_and_trade(
        state: EconomyState,
        observation: Array,
        closing: Array,
        draws: Draws,
        tick: Array,
        outside: Offers | None,
    ) -> tuple[EconomyState, Decision]:
        now = jax.tree.map(lambda column: column[tick], draws)
        return trade(setting, state, observation, closing, now, outside)

    def gather(
        state: EconomyState, decision: Decision, reward: Array, terminated: Array, seen: Array
    ) -> tuple[EconomyState, Record]:
        return collect(setting, state, decision, reward, terminated, seen)[:2]

    def finish(
        state: EconomyState, records: list[Record], seen: list[Array], tallies: Metrics
    ) -> tuple[EconomyState, Metrics]:
        stacked = jax.tree.map(lambda *rows: jnp.stack(rows), *records)
        return end_chunk(setting, state, stacked, jnp.stack(seen), tallies)

    def draw(state: EconomyState) -> Draws:
        key = stream(state.key, "ticks", state.tick.astype(jnp.uint32))
        return draws_of(setting, key, setting.market.learning.horizon)

    halves = (draw, quote_and_trade, gather, finish, close_books)
    return tuple(jax.jit(f, compiler_options=compiler_options(level=1)) for f in halves)


def host_segment(
    setting: Setting, run: RunState, worlds: HostWorld, seed: int, chunks: int, settle: bool = True
) -> tuple[RunState, tuple[Columns, Flows]]:
    """Runs some chunks on the host and closes the books.

    The last tick is a settlement day: every world is sold as at truncation, so that a checkpoint
    need not hold the state of a simulator.

    Args:
        setting: The market in its world.
        run: Before.
        worlds: W host worlds.
        seed: Of the run.
        chunks: How many.
        settle: Whether to end with a settlement day.

    Returns:
        The state after, the metrics `[chunks]` and the flows of the segment.
    """
    with exact():
        stage = Stage(worlds, seed, run.worlds.resets)
        economy, rows = run.economy, []
        for index in range(chunks):
            last = settle and index == chunks - 1
            economy, row = _chunk_on_host(setting, economy, stage, last)
            rows.append(jax.tree.map(np.asarray, row))
        economy, flows = _programs(setting)[4](economy)
    metrics = {name: np.asarray([row[name] for row in rows]) for name in rows[0]}
    return RunState(economy, HostWorldsState(stage.resets)), (metrics, flows)


def _chunk_on_host(
    setting: Setting, economy: EconomyState, stage: Stage, settle: bool
) -> tuple[EconomyState, Metrics]:
    draw, quote_and_trade, gather, finish, _ = _programs(setting)
    draws, ticks = draw(economy), setting.market.learning.horizon
    records, seen, tallies = [], [], []
    for tick in range(ticks):
        if settle and tick == ticks - 1:
            stage.closing = np.ones(setting.worlds, bool)
        observation, closing = stage.observation, stage.closing
        outside = outside_offers(setting, economy, observation)
        economy, decision = quote_and_trade(
            economy, observation, closing, draws, np.int32(tick), outside
        )
        stops = np.asarray(decision.stops)
        reward, terminated = stage.move(np.asarray(decision.action), stops)
        economy, record = gather(economy, decision, reward, terminated, stage.observation)
        tally = stage.turn(np.asarray(record.reward), np.asarray(record.ended), stops)
        tallies.append({**tally, "capped": int(decision.capped)})
        records.append(record)
        seen.append(observation)
    counts = {name: np.float32(sum(tally[name] for tally in tallies)) for name in tallies[0]}
    whole = {name: counts[name].astype(np.int64) for name in ("steps", "episodes", "capped")}
    return finish(economy, records, seen, {**counts, **whole})


def outside_offers(
    setting: Setting, economy: EconomyState, observation: np.ndarray
) -> Offers | None:
    """Asks the living Python agents for their offers.

    Args:
        setting: The market in its world.
        economy: Who lives.
        observation: `[W]` or `[W, D]`.

    Returns:
        `Offers` over all agents, or None where no species runs on the host.

    Raises:
        AgentFailed: If an agent raises or returns something that is not (action, bid).
    """
    programs = [(i, s) for i, s in enumerate(setting.species) if isinstance(s, Program)]
    if not programs:
        return None
    alive = np.asarray(economy.population.alive)
    worlds, blank = observation.shape[0], blank_action(setting.spaces.action)
    credits = np.zeros((setting.n_agents, worlds), np.float32)
    enters = np.zeros((setting.n_agents, worlds), bool)
    actions = np.zeros((setting.n_agents, worlds, *blank.shape), blank.dtype)
    for index, program in programs:
        for slot in _slots(setting, index):
            if alive[slot]:
                actions[slot], credits[slot], enters[slot] = program.offers(
                    setting.spaces, observation
                )
    return Offers(credits, enters, actions)


def _slots(setting: Setting, index: int) -> Sequence[int]:
    offset = setting.offsets[index]
    return range(offset, offset + setting.sizes[index])
