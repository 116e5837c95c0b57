"""A progress bar on a terminal: how far, how fast, how well."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from catallax._callbacks import Callback

if TYPE_CHECKING:
    from rich.progress import Progress

    from catallax._types import Columns

RECENT = 50


class Bar(Callback):
    """Moves a bar of rich on after every segment.

    Args:
        progress: That is shown already.
    """

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("training", total=None, rate="compiling", mean="")

    def on_training_start(self, economy: Any) -> None:
        """Learns how far it is."""
        self._start, end = economy.planned_ticks
        self._steps, total = economy.steps, (end - self._start) * economy.worlds
        done = (economy.tick - self._start) * economy.worlds
        self._progress.update(self._task, total=total, completed=done)

    def on_segment_end(self, economy: Any) -> None:
        """Moves on."""
        done = (economy.tick - self._start) * economy.worlds
        pace = (economy.steps - self._steps) / max(economy.seconds, 1e-9)
        self._progress.update(
            self._task, completed=done, rate=f"{pace:,.0f} steps/s", mean=how_well(economy)
        )


def how_well(economy: Any) -> str:
    """Says how a run does of late: the mean return, or the value of a wide market."""
    metrics = economy.metrics
    if "value" in metrics:
        return f"value {metrics['value'][-RECENT:].mean():,.4g}"
    recent = recent_return(metrics)
    return "" if recent is None else f"return {recent:,.4g}"


def recent_return(metrics: "Columns") -> float | None:
    """Returns the mean return of the last episodes, about 50, or None where none has ended."""
    episodes, returns = 0, 0.0
    for count, total in zip(metrics["episodes"][::-1], metrics["returns"][::-1], strict=True):
        episodes, returns = episodes + int(count), returns + float(total)
        if episodes >= RECENT:
            break
    return returns / episodes if episodes else None


@contextmanager
def progress_bar(quiet: bool) -> Generator[list[Callback]]:
    """Shows a bar while training, on a terminal and where nobody asked for quiet.

    Args:
        quiet: Whether to show nothing.

    Yields:
        The callback that moves it, or nothing.
    """
    if quiet or not (sys.stderr.isatty() and sys.stdout.isatty()):
        yield []
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[mean]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as progress:
        yield [Bar(progress)]
