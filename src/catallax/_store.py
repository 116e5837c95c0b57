"""What an economy keeps on disk while it trains, and how it comes back."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from catallax._checkpoint import leaves_of, tree_of
from catallax._compiled import RunState
from catallax._journal import JournalEntry
from catallax._market import DeepMarket
from catallax._rundir import RunDirectory, create_run, open_run
from catallax._types import Columns
from catallax._values import to_plain
from catallax.worlds._gymnasium import HostSpec
from catallax.worlds._protocol import HostWorld, World


class Store:
    """A run directory with what has not been written yet.

    Writing waits for the next checkpoint, so that journal, metrics and state on disk always
    belong together.

    Args:
        directory: The run directory.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self._entries: list[JournalEntry] = []
        self._metrics: Columns = {}
        self._moves: list[Columns] = []
        self._written = time.monotonic()

    @classmethod
    def create(cls, path: str | Path, config: dict[str, Any], overwrite: bool) -> "Store":
        """Begins a new run directory."""
        return cls(create_run(Path(path), config, overwrite))

    @classmethod
    def open(cls, path: str | Path) -> "Store":
        """Opens a run directory that exists."""
        return cls(open_run(Path(path)))

    def keep(
        self,
        entries: list[JournalEntry],
        metrics: Columns,
        moves: Columns | None,
    ) -> None:
        """Remembers what the next checkpoint is to write."""
        self._entries += entries
        self._metrics = joined(self._metrics, metrics)
        if moves is not None:
            self._moves.append(moves)

    def checkpoint_if_due(self, number: int, run: RunState, seconds: float) -> None:
        """Writes a checkpoint if there is news and the last one is old enough."""
        if time.monotonic() - self._written >= seconds:
            self.checkpoint(number, run)

    def checkpoint(self, number: int, run: RunState) -> None:
        """Writes what is kept, then the state, durably.

        Args:
            number: Of the checkpoint: how many entries the journal has.
            run: The state.

        Raises:
            CannotWrite: If the disk is full or the place is read-only.
        """
        moves = _stacked(self._moves) if self._moves else None
        self.directory.append(self._entries, self._metrics, moves)
        self._entries, self._metrics, self._moves = [], {}, []
        self.directory.checkpoint(number, leaves_of(run), {"tick": int(run.economy.tick)})
        self._written = time.monotonic()

    def restore(self, like: RunState) -> RunState:
        """Returns the state of the newest checkpoint, in the structure of another."""
        arrays, _ = self.directory.restore()
        return tree_of(like, arrays)


def memory_of(
    market: DeepMarket,
    world: World | HostSpec | HostWorld,
    worlds: int,
    seed: int,
    record_transfers: bool,
) -> dict[str, Any]:
    """Returns a run's configuration in plain values."""
    return {
        "market": to_plain(market),
        "world": to_plain(world),
        "worlds": worlds,
        "seed": seed,
        "record_transfers": record_transfers,
    }


def joined(earlier: Columns, later: Columns) -> Columns:
    """Appends the rows of one table of metrics to another."""
    if not earlier or not later:
        return dict(later or earlier)
    return {name: np.concatenate([earlier[name], later[name]]) for name in later}


def _stacked(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
