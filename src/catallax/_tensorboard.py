"""Figures of a run for TensorBoard, written while it trains."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catallax._callbacks import Callback
from catallax._errors import MissingExtra

if TYPE_CHECKING:
    from catallax._economy import Economy

COLUMNS = (
    "profit_rms",
    "alive",
    "births",
    "deaths",
    "refused",
    "refinanced",
    "wealth_credits",
    "richest_credits",
    "treasury_credits",
    "discount_credits",
    "exploration_credits",
)


class TensorBoard(Callback):
    """Writes the metrics of every chunk as scalars, over steps of worlds.

    Args:
        path: A folder, made if it is not there; look at it with `tensorboard --logdir`.

    Raises:
        MissingExtra: If tensorboardX is not installed.

    Example:
        >>> import tempfile, catallax as cx
        >>> from catallax._tensorboard import TensorBoard
        >>> board = TensorBoard(tempfile.mkdtemp())
        >>> economy = cx.train(cx.worlds.Chain(), steps=2_000, seed=0, callbacks=[board])
    """

    def __init__(self, path: str | Path) -> None:
        self._make = _writer_class()
        self._path, self._writer, self._rows = Path(path), None, 0

    def on_training_start(self, economy: "Economy") -> None:
        """Opens the file; figures of earlier training are not written again."""
        self._writer = self._make(str(self._path))
        self._rows = len(steps_of(economy.metrics))

    def on_segment_end(self, economy: "Economy") -> None:
        """Writes the chunks of the segment."""
        if self._writer is None:
            return
        metrics = economy.metrics
        steps = steps_of(metrics)
        for row in range(self._rows, len(steps)):
            for name, value in scalars(metrics, row).items():
                self._writer.add_scalar(name, value, int(steps[row]))
        self._rows = len(steps)
        self._writer.flush()

    def on_training_end(self, economy: "Economy") -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def steps_of(metrics: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the steps since genesis of every row: a chunk, or in a wide market a step."""
    if "value" in metrics:
        return np.arange(1, len(metrics["value"]) + 1)
    return np.cumsum(metrics["steps"]) if metrics else np.zeros(0, int)


def scalars(metrics: dict[str, np.ndarray], row: int) -> dict[str, float]:
    """Returns the figures of one chunk by the names that TensorBoard shows.

    Args:
        metrics: Columns of figures.
        row: Of the chunk.

    Returns:
        Figures; means over nothing are left out.
    """
    if "value" in metrics:
        return {name: float(column[row]) for name, column in metrics.items()}
    found = {f"economy/{name}": float(metrics[name][row]) for name in COLUMNS}
    if metrics["episodes"][row]:
        found["episode/return"] = float(metrics["returns"][row] / metrics["episodes"][row])

    if metrics["sales"][row]:
        found["market/price"] = float(metrics["price_sum"][row] / metrics["sales"][row])
        found["market/capped"] = float(metrics["capped"][row] / metrics["sales"][row])
    return found


def _writer_class() -> Any:
    try:
        return import_module("tensorboardX").SummaryWriter
    except ImportError as error:
        raise MissingExtra(
            "TensorBoard was asked for, and tensorboardX is not installed.",
            "It is an extra, which only this needs.",
            "Install it with: pip install 'catallax[tensorboard]'.",
        ) from error
