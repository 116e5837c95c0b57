"""Ctrl-C while money moves: heard at once, obeyed where the books are closed."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_interrupt() -> Generator[Callable[[], None]]:
    """Holds the first Ctrl-C back until the caller asks; a second one does not wait.

    Outside the main thread, and where somebody else listens for Ctrl-C, nothing changes.

    Yields:
        A function that raises KeyboardInterrupt if Ctrl-C was pressed.
    """
    pressed: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    def obey() -> None:
        if pressed:
            raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield obey
        return
    signal.signal(signal.SIGINT, hear)
    try:
        yield obey
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
