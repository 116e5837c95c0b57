"""Ctrl-C and SIGTERM: the first asks training to stop where the books are closed."""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catallax._economy import Economy

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Requests:
    """Whether somebody asked us to stop, and whether we are where it has to wait.

    Attributes:
        number: Of the signal, or None.
        training: Whether a segment is under way: it is then finished first, so that journal and
            state stay together. A second signal does not wait.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.training = False

    @property
    def code(self) -> int:
        """The exit code that tells of the signal."""
        return 128 + (self.number or signal.SIGINT)

    @property
    def name(self) -> str:
        """The signal's name."""
        return signal.Signals(self.number or signal.SIGINT).name

    def take(self, number: int, frame: FrameType | None) -> None:
        """Is called by Python when a signal arrives."""
        again, self.number = self.number is not None, number
        if self.training and not again:
            sys.stderr.write("\nStopping at the end of this segment; once more stops at once.\n")
            return
        raise KeyboardInterrupt


@contextmanager
def stop_requests() -> Generator[Requests]:
    """Listens for Ctrl-C and SIGTERM; what listened before does so again afterwards."""
    requests = Requests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    before: dict[int, Any] = {one: signal.signal(one, requests.take) for one in SIGNALS}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def obey_between_segments(requests: Requests) -> Any:
    """Returns a callback that stops the training when somebody asked for it.

    Args:
        requests: Of this process.

    Returns:
        A `Callback`; it raises KeyboardInterrupt at the end of a segment.
    """
    from catallax._callbacks import Callback

    class Obedient(Callback):
        """Stops where the books are closed."""

        def on_training_start(self, economy: "Economy") -> None:
            """From here on a segment is finished first."""
            requests.training = True

        def on_segment_end(self, economy: "Economy") -> None:
            """Stops if asked to."""
            if requests.number is not None:
                raise KeyboardInterrupt

        def on_training_end(self, economy: "Economy") -> None:
            """From here on there is nothing to wait for."""
            requests.training = False

    return Obedient()
