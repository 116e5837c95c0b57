"""What the tests of run directories kill: a process that saves in a loop and says how far it is."""

from pathlib import Path

from catallax._rundir import open_run
from test_rundir import a_run, segment_in


def append(path, said):
    run = open_run(path)
    for segment in range(run.restore()[1]["segment"] + 1, 10_000):
        segment_in(run, segment)
        said.send(segment + 1)


def overwrite(path, said):
    for _ in range(10_000):
        a_run(path, 1, overwrite=True)
        said.send(1)


def save(path: str, how: str, said) -> None:
    """Saves at a path, in one of two ways; sends the number of segments after each save."""
    {"append": append, "overwrite": overwrite}[how](Path(path), said)
