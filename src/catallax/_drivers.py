"""Two drivers behind one protocol: compiled for functional worlds, on the host for the rest."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import jax.numpy as jnp
import numpy as np

from catallax._chunk import Flows
from catallax._compiled import (
    RunState,
    first_run_state,
    is_long,
    run_structure,
    segment_program,
)
from catallax._errors import InvalidSetting
from catallax._faults import raise_faults
from catallax._host import first_host_state, host_segment, host_structure
from catallax._market import DeepMarket, Setting, setting_of
from catallax._types import Columns, exact
from catallax.agents._protocol import Spaces
from catallax.worlds._gymnasium import HostSpec
from catallax.worlds._on_host import FunctionalOnHost
from catallax.worlds._protocol import HostWorld, World

STEPS_PER_SEGMENT = 32_768
"""Steps between two entries of the journal of a compiled run."""

CHUNKS_WITH_ENTRY = 16
"""Chunks between two entries of the journal where agents are born."""

TICKS_PER_HOST_SEGMENT = 1024
"""Ticks between two settlement days of a run on the host."""


@dataclass(frozen=True)
class Segment:
    """What a driver hands over after some chunks.

    Attributes:
        run: The state after.
        metrics: Columns, a row a chunk that ran.
        flows: For the journal.
        moves: Every transfer, by columns, or None where not asked.
    """

    run: RunState
    metrics: Columns
    flows: Flows
    moves: Columns | None


class Driver(Protocol):
    """Runs a market in its worlds, some chunks at a time."""

    setting: Setting

    @property
    def chunks(self) -> int:
        """Chunks of a whole segment."""
        ...

    def first_state(self, seed: int) -> RunState:
        """Returns the state at genesis."""
        ...

    def structure(self) -> RunState:
        """Returns the shapes of a state, without making one."""
        ...

    def segment(self, run: RunState, chunks: int) -> Segment:
        """Runs up to that many chunks and closes the books."""
        ...


@dataclass
class Compiled:
    """Functional worlds in one scan.

    Args:
        setting: The market in its world.
        world: The functional world.
        record_moves: Whether every transfer is handed over.
    """

    setting: Setting
    world: World
    record_moves: bool = False

    @property
    def chunks(self) -> int:
        """Chunks of a whole segment."""
        market = self.setting.market
        whole = max(1, STEPS_PER_SEGMENT // (market.learning.horizon * self.setting.worlds))
        # A slot whose agent died is free again only when the journal is written.
        return whole if market.entry.group is None else min(whole, CHUNKS_WITH_ENTRY)

    def first_state(self, seed: int) -> RunState:
        """Returns the state at genesis."""
        return first_run_state(self.setting, self.world, seed)

    def structure(self) -> RunState:
        """Returns the shapes of a state, without making one."""
        return run_structure(self.setting, self.world)

    def segment(self, run: RunState, chunks: int) -> Segment:
        """Runs up to that many chunks and closes the books."""
        long = is_long(self.setting, run)
        program = segment_program(self.setting, self.world, self.chunks, self.record_moves, long)
        with exact():
            after, (rows, flows) = program(run, jnp.int64(chunks))
        raise_faults(self.setting, after.economy)
        (metrics, moves), ran = rows
        ran = np.asarray(ran)
        columns = {name: np.asarray(column)[ran] for name, column in metrics.items()}
        listed = _listed(moves, ran, columns["tick"], self.setting) if self.record_moves else None
        return Segment(after, columns, flows, listed)


@dataclass
class OnHost:
    """Host worlds or Python agents, with a settlement day at the end of every segment.

    Args:
        setting: The market in its world.
        worlds: A batch of host worlds.
        seed: Of the run; with a world's number and count it seeds its episodes.
    """

    setting: Setting
    worlds: HostWorld
    seed: int
    record_moves: ClassVar[bool] = False

    @property
    def chunks(self) -> int:
        """Chunks of a whole segment."""
        return max(1, TICKS_PER_HOST_SEGMENT // self.setting.market.learning.horizon)

    def first_state(self, seed: int) -> RunState:
        """Returns the state at genesis."""
        return first_host_state(self.setting, seed)

    def structure(self) -> RunState:
        """Returns the shapes of a state, without making one."""
        return host_structure(self.setting)

    def segment(self, run: RunState, chunks: int) -> Segment:
        """Runs that many chunks, settles, and closes the books."""
        chunks = min(chunks, self.chunks)
        after, (metrics, flows) = host_segment(self.setting, run, self.worlds, self.seed, chunks)
        raise_faults(self.setting, after.economy)
        return Segment(after, metrics, flows, None)


def driver_of(
    market: DeepMarket,
    world: World | HostSpec | HostWorld,
    worlds: int,
    seed: int,
    record_moves: bool = False,
) -> Compiled | OnHost:
    """Chooses the driver that a world and its agents need.

    Args:
        market: The rules.
        world: From `catallax.worlds.make_world`.
        worlds: How many run side by side.
        seed: Of the run.
        record_moves: Whether every transfer is recorded (compiled runs only).

    Returns:
        The driver.

    Raises:
        InvalidSetting: If γ = 1 and the world truncates, or transfers are to be recorded on the
            host.
        UnsupportedSpace: If a species cannot serve the world.
    """
    shown = ready(world, worlds)
    setting = setting_of(market, Spaces(shown.observation_space, shown.action_space), worlds)
    hosted = isinstance(shown, HostWorld) or any(species.on_host for species in market.agents)
    if market.gamma == 1 and (hosted or shown.time_limit is not None):
        raise InvalidSetting(
            "discount=1 was given in a world that truncates episodes.",
            "A truncated world is sold at a price that could then grow without end; on the host "
            "every world is sold so at a settlement day.",
            "Give a discount below 1, or a functional world with time_limit=None.",
        )
    if not hosted and not isinstance(shown, HostWorld):
        return Compiled(setting, shown, record_moves)
    if record_moves:
        raise InvalidSetting(
            "Every transfer was asked for in a run on the host.",
            "Only compiled runs record each transfer; host runs record totals by segment.",
            "Leave record_transfers out, or use a functional world without Python agents.",
        )
    batch = shown if isinstance(shown, HostWorld) else FunctionalOnHost(shown, worlds)
    return OnHost(setting, batch, seed)


def ready(world: World | HostSpec | HostWorld, worlds: int) -> World | HostWorld:
    """Returns a functional world as it is, or a batch of host worlds of the right size.

    Args:
        world: From `catallax.worlds.make_world`.
        worlds: How many run side by side.

    Returns:
        The world or the batch.

    Raises:
        InvalidSetting: If a finished batch has another number of worlds.
    """
    if isinstance(world, HostSpec):
        return world.make(worlds)
    if isinstance(world, HostWorld) and world.count != worlds:
        raise InvalidSetting(
            f"worlds={worlds} was asked for with a batch of {world.count}.",
            "A finished batch has its own number of worlds.",
            f"Give worlds={world.count}, or a name in place of the batch.",
        )
    return world


def _listed(moves: Any, ran: np.ndarray, ticks: np.ndarray, setting: Setting) -> Columns:
    """Flattens recorded transfers `[chunks, T, m]` to columns, without the empty ones."""
    horizon = setting.market.learning.horizon
    columns: dict[str, list[np.ndarray]] = {
        n: [] for n in ("tick", "debit", "credit", "amount", "reason")
    }
    for batch in moves:
        shape = np.asarray(batch.amount)[ran].shape
        tick = (ticks[:, None, None] - horizon) + np.arange(horizon)[None, :, None]
        kept = np.asarray(batch.amount)[ran] != 0
        columns["tick"].append(np.broadcast_to(tick, shape)[kept])
        for name in ("debit", "credit", "amount", "reason"):
            columns[name].append(np.asarray(getattr(batch, name))[ran][kept])
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(joined["tick"], kind="stable")
    return {name: column[order] for name, column in joined.items()}
