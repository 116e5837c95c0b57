"""Run directories: what belongs together is read together, whatever a kill or a disk did."""

import contextlib
import errno
import json
import os
import shutil
import signal
import time

import numpy as np
import pytest

from catallax import _checkpoint, _rundir
from catallax._errors import AuditFailed, CannotWrite, CorruptRun, RunExists, RunNotFound
from catallax._journal import GENESIS, audit, make_entry, rebuild
from catallax._ledger import N_REASONS
from catallax._rundir import create_run, open_run
from children import CONTEXT

NAMES = ["agent/0", "nature"]
CONFIG = {"market": {"$value": "x"}, "seed": 3}


def entries_from(previous, first, count):
    """A journal in which nature pays agent 0 a tick more each segment."""
    entries = []
    for segment in range(first, first + count):
        flows = np.zeros((2, N_REASONS), np.int64)
        flows[:, 3] = segment + 1, -segment - 1
        entry = make_entry(previous, segment, segment, segment + 1, segment + 1, NAMES, flows)
        entries.append(entry)
        previous = entry.digest
    return entries


def metrics_of(segment):
    return {
        "tick": np.array([segment], np.int64) + 2**60,
        "price": np.array([segment / 2], np.float32),
    }


def arrays_of(segment):
    return {".balances": np.array([segment, -segment], np.int64)}


def segment_in(run, segment, checkpoint=True):
    run.append(entries_from(run.marks.digest, segment, 1), metrics_of(segment))
    if checkpoint:
        run.checkpoint(segment + 1, arrays_of(segment), {"segment": segment})


def a_run(path, segments=3, **options):
    run = create_run(path, CONFIG, **options)
    for segment in range(segments):
        segment_in(run, segment)
    return run


def holds(path, segments):
    """Everything that is read says the same number of segments."""
    run = open_run(path)
    arrays, state = run.restore()
    assert state == {"segment": segments - 1}
    assert arrays[".balances"].tolist() == [segments - 1, 1 - segments]
    found = audit(run.journal(), rebuild(run.journal()))
    assert found.balanced and found.segments == segments and found.digest == run.marks.digest
    assert run.metrics()["tick"].tolist() == [2**60 + n for n in range(segments)]
    return run


# --- what is written is read


def test_a_run_comes_back(tmp_path):
    path = tmp_path / "runs" / "demo"
    a_run(path)
    run = holds(path, 3)
    assert run.config["seed"] == 3 and run.config["market"] == {"$value": "x"}
    assert {"python", "jax", "numpy", "gymnasium", "catallax"} <= set(run.config["versions"])
    assert run.config["created"].endswith("+00:00")
    metrics = run.metrics()
    assert metrics["tick"].dtype == np.int64 and metrics["price"].dtype == np.float32
    assert metrics["price"].tolist() == [0.0, 0.5, 1.0]
    assert run.transfers() == {}


def test_the_layout_is_what_the_words_say(tmp_path):
    run = create_run(tmp_path, CONFIG)
    run.append(entries_from(GENESIS, 0, 2), metrics_of(0), metrics_of(7))
    run.checkpoint(2, arrays_of(0), {})
    names = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert names == [
        "checkpoint-000002/manifest.json",
        "checkpoint-000002/state.safetensors",
        "journal.jsonl",
        "metrics/part-000001.parquet",
        "run.json",
        "transfers/part-000001.parquet",
    ]
    assert run.transfers()["tick"].tolist() == [2**60 + 7]
    assert len((tmp_path / "journal.jsonl").read_text().splitlines()) == 2


def test_a_run_goes_on_after_it_was_opened(tmp_path):
    a_run(tmp_path / "run", 2)
    run = holds(tmp_path / "run", 2)
    segment_in(run, 2)
    run = open_run(tmp_path / "run")
    segment_in(run, 3)
    holds(tmp_path / "run", 4)


def test_a_segment_without_news_writes_no_part(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    run.append([], {})
    run.append([], {"tick": np.zeros(0)})
    run.checkpoint(0, arrays_of(0), {})
    run = open_run(tmp_path / "run")
    assert run.restore()[1] == {} and run.journal() == [] and run.metrics() == {}
    assert not (tmp_path / "run" / "metrics").exists()


def test_reading_never_writes(tmp_path):
    run = a_run(tmp_path / "run", 2)
    segment_in(run, 2, checkpoint=False)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    holds(tmp_path / "run", 2)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    run.checkpoint(3, arrays_of(2), {"segment": 2})
    holds(tmp_path / "run", 3)


# --- what came after the checkpoint


def test_what_a_killed_run_appended_after_its_checkpoint_is_not_read_and_then_cut(tmp_path):
    path = tmp_path / "run"
    killed = a_run(path, 2)
    for segment in (2, 3):
        segment_in(killed, segment, checkpoint=False)
    with open(path / "journal.jsonl", "a") as file:
        file.write('{"segment":4,"first')
    assert (path / "metrics" / "part-000004.parquet").exists()
    run = holds(path, 2)
    segment_in(run, 2)
    holds(path, 3)
    assert len((path / "journal.jsonl").read_text().splitlines()) == 3
    assert sorted(p.name for p in (path / "metrics").iterdir()) == [
        f"part-00000{n}.parquet" for n in (1, 2, 3)
    ]


def test_entries_of_another_run_are_refused(tmp_path):
    run = a_run(tmp_path / "run", 2)
    with pytest.raises(AuditFailed, match="segment 0 does not link"):
        run.append(entries_from(GENESIS, 0, 1), {})
    holds(tmp_path / "run", 2)


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    run = a_run(tmp_path / "run", 1)
    reader, real, calls = open_run(tmp_path / "run"), _rundir.read_checkpoint, []

    def slow(directory):
        calls.append(directory.name)
        if len(calls) == 1:
            segment_in(run, 1)
        return real(directory)

    monkeypatch.setattr(_rundir, "read_checkpoint", slow)
    assert reader.restore()[1] == {"segment": 1} and len(reader.journal()) == 2
    assert calls == ["checkpoint-000001", "checkpoint-000002"]


# --- where there is a run, or none


def test_a_run_is_not_overwritten_unasked(tmp_path):
    a_run(tmp_path / "run", 2)
    with pytest.raises(RunExists, match="overwrite=True"):
        create_run(tmp_path / "run", CONFIG)
    holds(tmp_path / "run", 2)


def test_an_overwritten_run_stays_until_the_new_one_has_a_checkpoint(tmp_path):
    path = tmp_path / "run"
    a_run(path, 3)
    killed = create_run(path, CONFIG, overwrite=True)
    segment_in(killed, 0, checkpoint=False)
    holds(path, 3)
    run = create_run(path, CONFIG, overwrite=True)
    segment_in(run, 0)
    assert run.path == path
    holds(path, 1)
    segment_in(run, 1)
    holds(path, 2)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_kill_between_the_renames_of_an_overwrite_leaves_the_older_run(tmp_path, monkeypatch):
    path = tmp_path / "run"
    a_run(path, 3)
    run = create_run(path, CONFIG, overwrite=True)
    real, calls = os.replace, []

    def dies(source, target):
        calls.append(target)
        if target == path:
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(_rundir.os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            segment_in(run, 0)
    assert not path.exists()
    holds(path, 3)


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_peoples_files_are_never_overwritten(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunExists, match="not a run"):
        create_run(tmp_path, CONFIG, overwrite)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_directory_is_fine_and_a_file_is_not(tmp_path):
    (tmp_path / "empty").mkdir()
    a_run(tmp_path / "empty", 1)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CannotWrite, match="file"):
        create_run(tmp_path / "file", CONFIG)
    with pytest.raises(CannotWrite, match="Not a directory"):
        create_run(tmp_path / "file" / "run", CONFIG)


def test_where_there_is_no_run_it_says_so(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(RunNotFound, match="no run at"):
            open_run(path)
    create_run(tmp_path / "young", CONFIG)
    run = open_run(tmp_path / "young")
    assert run.journal() == [] and run.metrics() == {}
    with pytest.raises(RunNotFound, match="has no checkpoint"):
        run.restore()


# --- damage


def load(path):
    run = open_run(path)
    run.restore()
    return run.journal(), run.metrics()


FILES = (
    "run.json",
    "journal.jsonl",
    "metrics/part-000001.parquet",
    "metrics/part-000003.parquet",
    "transfers/part-000001.parquet",
    "checkpoint-000003/manifest.json",
    "checkpoint-000003/state.safetensors",
)


@pytest.fixture(scope="module")
def good_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "run"
    run = create_run(path, CONFIG)
    run.append([], {}, metrics_of(0))
    for segment in range(3):
        segment_in(run, segment)
    return path


@pytest.fixture
def run_path(good_run, tmp_path):
    return shutil.copytree(good_run, tmp_path / "run")


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_anywhere_is_seen_and_the_file_named(run_path, name):
    good = (run_path / name).read_bytes()
    places = np.unique(np.linspace(0, len(good) - 1, 60).astype(int)).tolist()
    for at in places:
        (run_path / name).write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(CorruptRun, match=name.split("/")[-1]):
            load(run_path)
    (run_path / name).write_bytes(good)
    load(run_path)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_file_is_seen_and_named(run_path, name, share):
    good = (run_path / name).read_bytes()
    (run_path / name).write_bytes(good[: int(share * len(good))])
    with pytest.raises(CorruptRun, match=name.split("/")[-1]):
        load(run_path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(run_path, name):
    (run_path / name).unlink()
    with pytest.raises(CorruptRun, match=name.split("/")[-1]):
        load(run_path)


def test_a_damaged_journal_is_still_read_for_the_audit_to_name_the_entry(run_path):
    text = (run_path / "journal.jsonl").read_text()
    (run_path / "journal.jsonl").write_text(text.replace('"reward",2]', '"reward",7]'))
    run = open_run(run_path)
    with pytest.raises(AuditFailed, match="segment 1 "):
        audit(run.journal(), {})
    with pytest.raises(CorruptRun, match=r"journal\.jsonl is not what it was"):
        run.restore()


def test_nothing_is_appended_to_a_damaged_journal(run_path):
    (run_path / "journal.jsonl").write_bytes(b"")
    run = open_run(run_path)
    with pytest.raises(CorruptRun, match="has 0 bytes"):
        segment_in(run, 3)
    assert (run_path / "journal.jsonl").read_bytes() == b""


def test_a_manifest_that_was_made_by_hand_is_seen(run_path):
    path = run_path / "checkpoint-000003" / "manifest.json"
    content = json.loads(path.read_bytes())
    content["run"]["state"]["segment"] = 9
    path.write_text(json.dumps(content, indent=1))
    with pytest.raises(CorruptRun, match=r"manifest\.json .* checksum"):
        load(run_path)


# --- disks that refuse


def no_space(*_args, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (_rundir.os, "fsync"),
        (_rundir.os, "open"),
        (_rundir, "write_file"),
        (_rundir, "sync_directory"),
        (_rundir, "_parquet"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_append_that_fails_counts_for_nothing_and_can_be_made_again(
    tmp_path, monkeypatch, module, name
):
    path = tmp_path / "run"
    run = a_run(path, 2)
    marks = run.marks
    with monkeypatch.context() as patch:
        patch.setattr(module, name, no_space)
        with pytest.raises(CannotWrite, match=r"No space left.*checkpoint-000002"):
            segment_in(run, 2)
    assert run.marks == marks
    holds(path, 2)
    segment_in(run, 2)
    holds(path, 3)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_checkpoint_that_fails_leaves_the_one_before(tmp_path, monkeypatch, number):
    run = a_run(tmp_path / "run", 2)

    def refuse(*_args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoint, "write_file", refuse)
        with pytest.raises(CannotWrite, match=r"Nothing was lost.*checkpoint-000002"):
            segment_in(run, 2)
    holds(tmp_path / "run", 2)
    run.checkpoint(3, arrays_of(2), {"segment": 2})
    holds(tmp_path / "run", 3)


def test_a_read_only_place_is_told_when_the_run_is_made(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(_rundir.Path, "mkdir", refuse)
    with pytest.raises(CannotWrite, match="Read-only file system"):
        create_run(tmp_path / "run", CONFIG)


# --- kills


def kills(path, how, delays):
    """Lets processes save in a loop, kills each, and yields what it said it had finished last."""
    from saving_child import save

    for delay in delays:
        hears, says = CONTEXT.Pipe(duplex=False)
        child = CONTEXT.Process(target=save, args=(str(path), how, says))
        child.start()
        says.close()
        assert hears.poll(60), "the child never saved"
        finished = hears.recv()
        time.sleep(delay)
        child.kill()
        child.join()
        with contextlib.suppress(EOFError, OSError):
            while True:
                finished = hears.recv()
        assert child.exitcode == -signal.SIGKILL
        yield finished


DELAYS = [0.0015 * step for step in range(14)]


def test_kills_leave_a_run_that_goes_on(tmp_path):
    path = tmp_path / "run"
    a_run(path, 1)
    for finished in kills(path, "append", DELAYS):
        _, state = open_run(path).restore()
        # A checkpoint that was said to be written is there; at most one more may be.
        assert finished - 1 <= state["segment"] <= finished
        holds(path, state["segment"] + 1)


def test_kills_of_saves_in_the_same_place_leave_a_run(tmp_path):
    path = tmp_path / "run"
    a_run(path, 1)
    for _ in kills(path, "overwrite", DELAYS):
        holds(path, 1)
    a_run(path, 2, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
