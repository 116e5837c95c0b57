"""From a command line to an exit code: errors, signals and closed pipes end here."""

import json
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from catallax._cli._parser import parse

if TYPE_CHECKING:
    from catallax._errors import CatallaxError

FINE, FAILED, UNBALANCED, PIPE_CLOSED = 0, 1, 3, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `catallax`.

    Args:
        arguments: Words after `catallax`; None for those of this process.

    Returns:
        The exit code: 0 fine, 1 it could not be done, 2 typed wrongly, 3 the books do not
        balance, 130 stopped with Ctrl-C, 143 by SIGTERM.

    Example:
        >>> main(["--version"])
        catallax 0.1.0
        0
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter gets another
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED


def _run(arguments: Sequence[str] | None) -> int:
    try:
        given = parse(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    if given.version:
        from importlib.metadata import version

        sys.stdout.write(f"catallax {version('catallax')}\n")
        return FINE
    return _obey(given)


def _obey(given: Any) -> int:
    from catallax._cli._signals import stop_requests

    with stop_requests() as requests:
        try:
            from catallax._cli._commands import COMMANDS
            from catallax._errors import AuditFailed, CatallaxError, TrainingInterrupted
        except KeyboardInterrupt:
            return requests.code
        try:
            return COMMANDS[given.command](given, requests)
        except (KeyboardInterrupt, TrainingInterrupted) as stop:
            return _complain(given, _stopped(given, stop, requests.name), requests.code)
        except AuditFailed as error:
            return _complain(given, error, UNBALANCED)
        except CatallaxError as error:
            return _complain(given, error, FAILED)


def _stopped(given: Any, stop: BaseException, signal: str) -> "CatallaxError":
    """Says that a signal came, what is kept, and how to go on."""
    from catallax._errors import TrainingInterrupted

    why = "Ctrl-C was pressed." if signal == "SIGINT" else f"The signal {signal} came."
    if isinstance(stop, TrainingInterrupted):
        remedy = f"go on with: catallax train --out {given.out} --resume"
        return TrainingInterrupted(stop.what, why, f"What was learned is kept; {remedy}")
    remedy = "A run that was saved before is as it was; start the command again."
    return TrainingInterrupted(f"The command {given.command} was stopped.", why, remedy)


def _complain(given: Any, error: "CatallaxError", code: int) -> int:
    """Says what happened, why and what to do; with --json as the one object too."""
    from catallax._cli._show import complaint

    sys.stdout.flush()
    complaint(error)
    if given.json:
        words = {"what": error.what, "why": error.why, "remedy": error.remedy}
        sys.stdout.write(json.dumps({"error": type(error).__name__, **words}) + "\n")
    return code
