"""Run directories of wide markets: what they keep, and how an economy comes back."""

from pathlib import Path
from typing import Any, NamedTuple

from catallax._checkpoint import leaves_of, tree_of
from catallax._journal import JournalEntry
from catallax._rundir import RunDirectory, create_run
from catallax._types import Columns
from catallax._values import to_plain

from ._market import WideMarket
from ._state import WideState

WARM = "warm"
"""The start of the names of arrays from which the next step's clearing begins."""


class Kept(NamedTuple):
    """What a checkpoint of a wide market holds.

    Attributes:
        state: The state.
        warm: Where the next step's clearing begins, by name; None before the first step.
        planned: The step at which the last run ends.
        market: As it is now, in plain values.
    """

    state: WideState
    warm: Columns | None
    planned: int
    market: Any


def begin(path: Path, market: WideMarket, title: str, overwrite: bool) -> RunDirectory:
    """Begins a run directory for a market."""
    return create_run(path, {"market": to_plain(market), "title": title}, overwrite)


def keep(
    directory: RunDirectory, entries: list[JournalEntry], metrics: Columns, number: int, now: Kept
) -> None:
    """Adds entries and figures to a directory, and the state that belongs to them.

    Args:
        directory: Where.
        entries: That follow on its journal.
        metrics: Columns, a row a step.
        number: Of entries in all.
        now: What the checkpoint is to hold.
    """
    directory.append(entries, metrics)
    arrays = leaves_of(now.state)
    arrays |= {WARM + name: array for name, array in (now.warm or {}).items()}
    changed = None if now.market == directory.config["market"] else now.market
    directory.checkpoint(number, arrays, {"planned": now.planned, "market": changed})


def read(directory: RunDirectory, like: WideState) -> Kept:
    """Returns what the newest checkpoint of a directory holds.

    Args:
        directory: Where.
        like: A state of a market of the same holders and goods.

    Raises:
        CorruptRun: If a file is damaged.
    """
    arrays, told = directory.restore()
    starts = {name: array for name, array in arrays.items() if name.startswith(WARM)}
    state = tree_of(like, {name: array for name, array in arrays.items() if name not in starts})
    warm = {name.removeprefix(WARM): array for name, array in starts.items()}
    market = told["market"] or directory.config["market"]
    return Kept(state, warm or None, told["planned"], market)


def start_of(like: Any, saved: Columns) -> Any:
    """Returns a start of clearing from what was saved of it.

    Args:
        like: A start of the market as it is now.
        saved: `Kept.warm`.

    Returns:
        The start; None if the market has changed its shape since, as one in memory is left aside.
    """
    now = {name: array.shape for name, array in leaves_of(like).items()}
    same = now == {name: array.shape for name, array in saved.items()}
    return tree_of(like, saved) if same else None
