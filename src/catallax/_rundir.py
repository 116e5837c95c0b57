"""A run directory: what a run was asked for, its journal, its metrics and its newest checkpoint.

    run.json                        market, world, seed and versions
    journal.jsonl                   one entry a segment, hash-chained
    metrics/part-000001.parquet     a row a chunk
    transfers/part-000001.parquet   every transfer, on request
    checkpoint-000012/              the state, and how far the other files belong to it

Appending comes before the checkpoint that refers to it. What a killed run had appended after its
last checkpoint is not read, and is cut off when somebody appends again: reading never writes, so
a run can be looked at while it goes on.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from catallax._checkpoint import (
    corrupt,
    latest_checkpoint,
    read_bytes,
    read_checkpoint,
    read_manifest,
    read_sealed,
    replace_file,
    sealed_bytes,
    sync_directory,
    write_checkpoint,
    write_file,
    writing,
)
from catallax._errors import AuditFailed, CorruptRun, RunExists, RunNotFound
from catallax._journal import GENESIS, JournalEntry, entry_from_line, entry_to_line

Columns = Mapping[str, np.ndarray]
Read = TypeVar("Read")

CONFIG, JOURNAL, METRICS, TRANSFERS = "run.json", "journal.jsonl", "metrics", "transfers"
PACKAGES = ("catallax", "jax", "jaxlib", "numpy", "gymnasium")


@dataclass(frozen=True)
class Marks:
    """How far the files of a run go.

    Args:
        journal_bytes: Length of the journal.
        journal_sha256: Of its bytes.
        entries: Its lines.
        digest: Of its last entry.
        metrics: The start of the SHA-256 of each part.
        transfers: The same.
    """

    journal_bytes: int = 0
    journal_sha256: str = hashlib.sha256().hexdigest()
    entries: int = 0
    digest: str = GENESIS
    metrics: tuple[str, ...] = ()
    transfers: tuple[str, ...] = ()


class RunDirectory:
    """The files of one run. Made by `create_run` and `open_run`.

    Args:
        path: Where they are.
        config: What `run.json` says.
        marks: How far they go.
        home: Where they move with the first checkpoint, in the place of an older run; None where
            they are there already.
    """

    def __init__(
        self, path: Path, config: dict[str, Any], marks: Marks, home: Path | None = None
    ) -> None:
        self.path, self.config, self.marks = path, config, marks
        self._home = home
        self._journal_hash: Any = None

    def append(
        self,
        entries: Sequence[JournalEntry],
        metrics: Columns,
        transfers: Columns | None = None,
    ) -> None:
        """Adds to the files, durably; all of it counts, or none.

        Args:
            entries: That follow on the journal.
            metrics: Columns `[rows]` of one length.
            transfers: The same, or None.

        Raises:
            CannotWrite: If the disk is full or read-only; the call may be made again.
            AuditFailed: If the entries do not link to the journal.
        """
        if entries and entries[0].previous != self.marks.digest:
            raise AuditFailed(
                f"The entry of segment {entries[0].segment} does not link to {self.path}.",
                "The directory holds the journal of another run, or somebody else appended.",
                "Save to another directory.",
            )
        with writing(self.path, latest_checkpoint(self.path)):
            self._cut()
            marks, journal_hash = self._append_entries(entries)
            marks = replace(
                marks,
                metrics=marks.metrics + self._append_part(METRICS, marks.metrics, metrics),
                transfers=marks.transfers
                + self._append_part(TRANSFERS, marks.transfers, transfers or {}),
            )
            sync_directory(self.path)
        self.marks, self._journal_hash = marks, journal_hash

    def checkpoint(self, number: int, arrays: Columns, manifest: Mapping[str, Any]) -> None:
        """Writes the state that belongs to all that was appended.

        Args:
            number: Of the segment.
            arrays: From `leaves_of`.
            manifest: What else belongs to the state, for JSON.

        Raises:
            CannotWrite: If the disk is full or read-only; the checkpoint before is still there.
        """
        content = {"files": asdict(self.marks), "state": dict(manifest)}
        write_checkpoint(self.path, number, arrays, content)
        if self._home is not None:
            with writing(self._home, None):
                _swap(self.path, self._home)
            self.path, self._home = self._home, None

    def restore(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Reads the newest checkpoint and checks that the other files reach as far.

        Returns:
            The arrays and the caller's manifest.

        Raises:
            RunNotFound: If the run was stopped before its first checkpoint.
            CorruptRun: If any file is damaged, naming it.
        """
        found = _newest(self.path, read_checkpoint)
        if found is None:
            raise RunNotFound(
                f"The run at {self.path} has no checkpoint.",
                "It was stopped before it wrote one, so there is nothing to restore.",
                "Start it again with overwrite=True.",
            )
        arrays, content = found
        self.marks, self._journal_hash = _marks_of(content), None
        self._check_journal()
        for kind, parts in ((METRICS, self.marks.metrics), (TRANSFERS, self.marks.transfers)):
            for index in range(len(parts)):
                self._part(kind, parts, index)
        return arrays, content["state"]

    def journal(self) -> list[JournalEntry]:
        """Reads the journal as far as the newest checkpoint; whether it is true, an audit says.

        Raises:
            CorruptRun: If it is shorter than that, or a line is not an entry.
        """
        lines = self._journal_bytes().decode("utf-8", "replace").split("\n")[:-1]
        return [entry_from_line(line, number) for number, line in enumerate(lines, start=1)]

    def metrics(self) -> dict[str, np.ndarray]:
        """Reads the columns of the metrics, `[rows]`.

        Raises:
            CorruptRun: If a part is damaged or missing.
        """
        return self._table(METRICS, self.marks.metrics)

    def transfers(self) -> dict[str, np.ndarray]:
        """Reads the columns of the transfers, `[rows]`; none where they were not recorded."""
        return self._table(TRANSFERS, self.marks.transfers)

    # --- the journal's file

    def _journal_bytes(self) -> bytes:
        if not self.marks.journal_bytes:
            return b""
        data, wanted = read_bytes(self.path / JOURNAL), self.marks.journal_bytes
        if len(data) < wanted:
            corrupt(self.path / JOURNAL, f"has {len(data)} bytes, and its checkpoint {wanted}")
        return data[:wanted]

    def _check_journal(self) -> Any:
        journal_hash = hashlib.sha256(self._journal_bytes())
        if journal_hash.hexdigest() != self.marks.journal_sha256:
            corrupt(self.path / JOURNAL, "is not what it was when its checkpoint was written")
        return journal_hash

    def _append_entries(self, entries: Sequence[JournalEntry]) -> tuple[Marks, Any]:
        data = "".join(entry_to_line(entry) + "\n" for entry in entries).encode()
        with os.fdopen(os.open(self.path / JOURNAL, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
            file.truncate(self.marks.journal_bytes)
            file.seek(0, os.SEEK_END)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        journal_hash = self._journal_hash.copy()
        journal_hash.update(data)
        marks = replace(
            self.marks,
            journal_bytes=self.marks.journal_bytes + len(data),
            journal_sha256=journal_hash.hexdigest(),
            entries=self.marks.entries + len(entries),
            digest=entries[-1].digest if entries else self.marks.digest,
        )
        return marks, journal_hash

    # --- parts of tables

    def _cut(self) -> None:
        """Before the first append: removes what a killed run wrote after its last checkpoint."""
        if self._journal_hash is not None:
            return
        self._journal_hash = self._check_journal()
        for kind, parts in ((METRICS, self.marks.metrics), (TRANSFERS, self.marks.transfers)):
            known = {_part_name(index) for index in range(len(parts))}
            for path in (self.path / kind).glob("part-*.parquet"):
                if path.name not in known:
                    path.unlink()

    def _append_part(self, kind: str, parts: tuple[str, ...], columns: Columns) -> tuple[str, ...]:
        if not any(len(column) for column in columns.values()):
            return ()
        data = _parquet(columns)
        (self.path / kind).mkdir(exist_ok=True)
        write_file(self.path / kind / _part_name(len(parts)), data)
        sync_directory(self.path / kind)
        return (_short_hash(data),)

    def _part(self, kind: str, parts: tuple[str, ...], index: int) -> bytes:
        path = self.path / kind / _part_name(index)
        data = read_bytes(path)
        if _short_hash(data) != parts[index]:
            corrupt(path, "is not what it was when its checkpoint was written")
        return data

    def _table(self, kind: str, parts: tuple[str, ...]) -> dict[str, np.ndarray]:
        import pyarrow
        import pyarrow.parquet

        if not parts:
            return {}
        buffers = [pyarrow.BufferReader(self._part(kind, parts, n)) for n in range(len(parts))]
        tables = [pyarrow.parquet.read_table(buffer) for buffer in buffers]
        table = pyarrow.concat_tables(tables, promote_options="default")
        return {
            name: column.to_numpy()
            for name, column in zip(table.column_names, table.columns, strict=True)
        }


def create_run(path: Path, config: Mapping[str, Any], overwrite: bool = False) -> RunDirectory:
    """Begins a run directory.

    Args:
        path: Where; made if it is not there.
        config: Plain values: market, world, worlds, seed.
        overwrite: Whether a run that is there may go. It goes when the new one has its first
            checkpoint, not before.

    Returns:
        The directory.

    Raises:
        RunExists: If there is a run and it may not go, or other people's files.
        CannotWrite: If the place cannot be written.
    """
    path = Path(path)
    with writing(path, None):
        _finish_swap(path)
        holds_run = (path / CONFIG).exists()
        if holds_run and not overwrite:
            raise RunExists(
                f"{path} holds a run.",
                "It would be lost.",
                "Choose another directory, or give overwrite=True.",
            )
        if not holds_run and path.is_dir() and any(path.iterdir()):
            raise RunExists(
                f"{path} holds files that are not a run.",
                "They are not Catallax's to remove.",
                "Choose a directory that is empty or not there yet.",
            )
        place = _staging(path) if holds_run else path
        place.mkdir(parents=True, exist_ok=True)
        content = json.loads(json.dumps({**config, "versions": _versions(), "created": _now()}))
        replace_file(place / CONFIG, sealed_bytes(content))
    return RunDirectory(place, content, Marks(), path if holds_run else None)


def open_run(path: Path) -> RunDirectory:
    """Opens a run directory as of its newest checkpoint.

    Args:
        path: Where.

    Returns:
        The directory.

    Raises:
        RunNotFound: If there is no run.
        CorruptRun: If `run.json` or the checkpoint's manifest is damaged.
    """
    path = Path(path)
    with writing(path, None):
        _finish_swap(path)
    if not (path / CONFIG).exists() and latest_checkpoint(path) is None:
        raise RunNotFound(
            f"There is no run at {path}.",
            f"It has no {CONFIG}.",
            "Give the directory that was given as save or --out.",
        )
    config = read_sealed(path / CONFIG)
    content = _newest(path, read_manifest)
    return RunDirectory(path, config, Marks() if content is None else _marks_of(content))


def _newest(path: Path, reader: Callable[[Path], Read]) -> Read | None:
    """Reads the newest checkpoint, and again where a run that goes on replaced it meanwhile."""
    while (directory := latest_checkpoint(path)) is not None:
        try:
            return reader(directory)
        except CorruptRun:
            if latest_checkpoint(path) == directory:
                raise
    return None


def _marks_of(content: Mapping[str, Any]) -> Marks:
    files: dict[str, Any] = content["files"]
    parts = {kind: tuple(files[kind]) for kind in (METRICS, TRANSFERS)}
    return Marks(**{**files, **parts})


# --- one run in the place of another


def _staging(path: Path) -> Path:
    path = path.resolve()
    for old in path.parent.glob(f".{path.name}.new-*"):
        shutil.rmtree(old, ignore_errors=True)
    return path.with_name(f".{path.name}.new-{os.getpid()}")


def _aside(path: Path) -> Path:
    path = path.resolve()
    return path.with_name(f".{path.name}.old")


def _swap(new: Path, path: Path) -> None:
    """Puts a finished run in the place of an older one."""
    shutil.rmtree(_aside(path), ignore_errors=True)
    os.replace(path, _aside(path))
    os.replace(new, path)
    sync_directory(path.parent)
    shutil.rmtree(_aside(path), ignore_errors=True)


def _finish_swap(path: Path) -> None:
    """Brings the older run back where a kill fell between the two renames of a swap."""
    if not path.exists() and (_aside(path) / CONFIG).exists():
        os.replace(_aside(path), path)


# --- small things


def _part_name(index: int) -> str:
    return f"part-{index + 1:06}.parquet"


def _short_hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _parquet(columns: Columns) -> bytes:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({name: np.asarray(column) for name, column in columns.items()})
    pyarrow.parquet.write_table(table, buffer := BytesIO())
    return buffer.getvalue()


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
