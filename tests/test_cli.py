import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import catallax as cx
from catallax._cli import _show, main
from catallax._cli._commands import _print_json
from catallax._cli._parser import option, whole
from catallax._cli._progress import progress_bar, recent_return
from catallax._cli._signals import stop_requests
from catallax._journal import Audit

WORLD = "FrozenLake-v1"
CALL = [sys.executable, "-m", "catallax"]


def catallax(*words, **options):
    return subprocess.run(
        [*CALL, *map(str, words)], capture_output=True, text=True, check=False, **options
    )


def said(capfd, *words):
    """What a command prints as JSON when it runs in this process, and its exit code."""
    capfd.readouterr()
    code = main([*map(str, words), "--json"])
    out = capfd.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out), code


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small run, trained by the real command, and what the command printed."""
    run = tmp_path_factory.mktemp("cli") / "lake"
    ran = catallax("train", WORLD, "--out", run, "--steps", 4000, "--json")
    assert ran.returncode == 0, ran.stderr
    return run, ran


@pytest.fixture
def run(trained):
    return trained[0]


# --- help and usage


@pytest.mark.parametrize("command", ["train", "evaluate", "inspect", "audit", "report", "solve"])
def test_help_teaches(command, capsys):
    assert main([command, "--help"]) == 0
    words = capsys.readouterr().out
    assert words.startswith(f"usage: catallax {command} ")
    assert f"  catallax {command} " in words and "--json" in words
    assert all(part in words for part in ("example", "what you see", "exit codes:", "130"))


def test_help_lists_every_command_and_the_version(capsys):
    assert main(["--help"]) == 0
    words = capsys.readouterr().out
    assert words.startswith("usage: catallax <command>")
    assert all(name in words for name in ("train", "evaluate", "inspect", "audit", "solve"))
    assert main(["--version"]) == 0
    assert re.fullmatch(r"catallax \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


@pytest.mark.parametrize("words", [["train", "--help"], ["train"], ["brain"], ["audit", "--nope"]])
def test_help_and_typing_errors_load_nothing_heavy(words):
    """The package's own contents page is left out: it is for the library to be light or not."""
    script = (
        "import sys, types, importlib.util as u\n"
        "page = types.ModuleType('catallax'); sys.modules['catallax'] = page\n"
        "page.__path__ = [sys.argv[1]]\n"
        "from catallax._cli import main\n"
        "main(sys.argv[2:])\n"
        "heavy = {'jax', 'numpy', 'rich', 'gymnasium', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    home = str(Path(cx.__file__).parent)
    ran = subprocess.run(
        [sys.executable, "-c", script, home, *words], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "a command is missing"),
        (["brain"], "invalid choice: 'brain'"),
        (["train", WORLD], "--out"),
        (["train", "--out", "x"], "train needs a world"),
        (["train", WORLD, "--out", "x", "--steps", "0"], "'0' is not a whole number of 1 or more"),
        (["train", WORLD, "--out", "x", "--world-option", "slippery"], "key=value"),
        (["train", "--out", "x", "--resume", "--overwrite"], "give one of them"),
        (["evaluate"], "run"),
        (["evaluate", "x", "--episodes", "none"], "'none' is not a whole number"),
    ],
)
def test_what_is_typed_wrongly_is_exit_code_2(words, complaint, capsys):
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("usage: catallax") and complaint in shown.err


def test_numbers_and_settings_are_read():
    assert [whole(text) for text in ("7", "1e5", "100_000")] == [7, 100_000, 100_000]
    assert option("is_slippery=False") == ("is_slippery", False)
    assert option("map_name=8x8") == ("map_name", "8x8")


# --- the commands, one after the other


def test_train_prints_one_object_and_keeps_the_run(trained):
    run, ran = trained
    assert ran.stdout.count("\n") == 1 and "\x1b" not in ran.stdout + ran.stderr
    facts = json.loads(ran.stdout)
    assert facts["run"] == str(run) and facts["world"] == WORLD and facts["seed"] == 0
    assert facts["steps"] >= 4000 and facts["seconds"] > 0
    assert facts["balanced"] is True and facts["drift_ticks"] == 0 and facts["transfers"] > 4000
    economy = cx.load(run)
    assert facts["digest"] == economy.digest and facts["steps"] == economy.steps
    metrics = economy.metrics
    assert facts["episodes"] == metrics["episodes"].sum()
    assert metrics["returns"].min() <= facts["return_mean"] <= 1.0


def test_the_same_words_give_the_same_books(trained, tmp_path, capfd):
    _, ran = trained
    again, code = said(capfd, "train", WORLD, "--out", tmp_path / "again", "--steps", "4e3")
    assert code == 0 and again["digest"] == json.loads(ran.stdout)["digest"]


def test_evaluate(run, capfd):
    facts, code = said(capfd, "evaluate", run, "--episodes", 7)
    assert code == 0 and facts["run"] == str(run) and facts["episodes"] == 7
    found = cx.load(run).evaluate(7)
    assert (facts["return_mean"], facts["return_std"]) == (found.mean, found.std)
    assert facts["return_min"] <= facts["return_mean"] <= facts["return_max"]


def test_inspect(run, capfd):
    facts, code = said(capfd, "inspect", run, "--top", 3)
    assert code == 0 and facts["living"] == 4 and len(facts["agents"]) == 3
    wealth = [agent["wealth_ticks"] for agent in facts["agents"]]
    assert wealth == sorted(wealth, reverse=True)
    assert facts["agents"][0]["species"] == "Tabular"


def test_audit(run, capfd):
    facts, code = said(capfd, "audit", run)
    assert code == 0 and facts["balanced"] is True and facts["drift_ticks"] == 0
    assert facts["digest"] == cx.load(run).digest and len(facts["digest"]) == 64
    assert facts["totals"]["purchase"]["turnover"] > 0


def test_report(run, tmp_path, capfd):
    facts, code = said(capfd, "report", run)
    assert code == 0 and facts == {"run": str(run), "report": str(run / "report.html")}
    assert (run / "report.html").read_text("utf-8").startswith("<!doctype html>")
    facts, _ = said(capfd, "report", run, "--out", tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").exists()


def test_people_in_a_pipe_get_plain_tables_with_whole_hashes(run, capfd):
    ran = catallax("audit", run, env=os.environ | {"COLUMNS": "40"})
    assert ran.returncode == 0 and ran.stderr == ""
    assert cx.load(run).digest in ran.stdout and "balanced, drift 0 ticks" in ran.stdout
    assert main(["inspect", str(run)]) == 0
    who = capfd.readouterr().out
    assert "Tabular" in who and "rewards" in who and "…" not in who
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", ran.stdout + who)
    assert main(["evaluate", str(run), "--episodes", "5"]) == 0
    assert "5 greedy episodes, mean return" in capfd.readouterr().out


def test_train_tells_people_what_it_learned_and_what_to_do_next(tmp_path, capfd):
    out = tmp_path / "lake"
    settings = ["--world-option", "is_slippery=False", "--record-transfers"]
    assert main(["train", WORLD, "--out", str(out), "--steps", "4000", *settings]) == 0
    shown = capfd.readouterr()
    assert shown.err == "" and "\x1b" not in shown.out
    assert "is_slippery=False" in shown.out.splitlines()[0]
    assert all(
        part in shown.out for part in ("What it learned", "Who earned what", "Books: balanced")
    )
    for command in ("evaluate", "inspect", "audit", "report"):
        assert f"catallax {command} {out}" in shown.out
    assert list((out / "transfers").glob("*.parquet"))


def test_quiet_is_quiet(tmp_path, capfd):
    assert main(["train", WORLD, "--out", str(tmp_path / "q"), "--steps", "1000", "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


# --- what can go wrong


def test_an_unknown_world_names_close_ones(tmp_path, capfd):
    facts, code = said(capfd, "train", "FrozenLake-v11", "--out", tmp_path / "x")
    assert code == 1 and facts["error"] == "UnknownWorld" and WORLD in facts["remedy"]
    assert main(["train", "CartPool-v1", "--out", str(tmp_path / "x")]) == 1
    shown = capfd.readouterr()
    assert shown.out == "" and shown.err.startswith("catallax: ") and "CartPole-v1" in shown.err
    assert "Traceback" not in shown.err and not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", ["evaluate", "inspect", "audit", "report"])
def test_a_run_that_is_not_there_is_said(command, tmp_path, capfd):
    facts, code = said(capfd, command, tmp_path / "nowhere")
    assert code == 1 and facts["error"] == "RunNotFound"
    assert all(facts[part] for part in ("what", "why", "remedy"))


def test_a_run_is_not_replaced_unless_asked(run, tmp_path, capfd):
    before = cx.load(run).digest
    facts, code = said(capfd, "train", WORLD, "--out", run, "--steps", 1000)
    assert code == 1 and facts["error"] == "RunExists" and cx.load(run).digest == before
    out = tmp_path / "twice"
    for _ in range(2):
        facts, code = said(capfd, "train", WORLD, "--out", out, "--steps", 1000, "--overwrite")
        assert code == 0 and facts["steps"] < 4000


def test_books_that_do_not_balance_are_exit_code_3(run, monkeypatch, capfd):
    wrong = Audit(False, 5, 10, "0" * 64, 3, 1, {"reward": {"turnover": 7}})
    monkeypatch.setattr(cx.Economy, "audit", lambda self: wrong)
    facts, code = said(capfd, "audit", run)
    assert code == 3 and facts["balanced"] is False and facts["drift_ticks"] == 5
    assert main(["audit", str(run)]) == 3
    assert "NOT BALANCED, drift 5 ticks" in capfd.readouterr().out


def test_a_broken_chain_is_exit_code_3(run, monkeypatch, capfd):
    def broken(self):
        raise cx._errors.AuditFailed("A link is broken.", "Somebody wrote.", "Take a copy.")

    monkeypatch.setattr(cx.Economy, "audit", broken)
    facts, code = said(capfd, "audit", run)
    assert code == 3 and facts["error"] == "AuditFailed" and facts["remedy"] == "Take a copy."


def test_a_reader_who_has_enough_is_no_failure():
    ends = os.pipe()
    os.close(ends[0])
    with os.fdopen(ends[1], "w") as pipe:
        ran = subprocess.run(
            [*CALL, "--version"], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == 141 and ran.stderr == ""


def test_a_table_for_a_reader_who_has_enough_is_left_to_the_command():
    with pytest.raises(BrokenPipeError):
        _show.console().on_broken_pipe()


# --- stopping and going on


def begin(tmp_path, *words):
    """Starts a training of ten segments and waits until the first is done."""
    out, board = tmp_path / "run", tmp_path / "board"
    call = ["train", WORLD, "--out", str(out), "--steps", "330000", "--tensorboard", str(board)]
    process = subprocess.Popen(
        [*CALL, *call, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while sum(path.stat().st_size for path in board.glob("*")) < 2000:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    return process, out


def test_ctrl_c_keeps_what_was_learned_and_resume_finishes_it(tmp_path, capfd):
    process, out = begin(tmp_path, "--json")
    process.send_signal(signal.SIGINT)
    shown, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    facts = json.loads(shown)
    assert facts["error"] == "TrainingInterrupted" and f"--out {out} --resume" in facts["remedy"]
    assert "Ctrl-C" in complaint and "Traceback" not in complaint
    stopped = cx.load(out)
    assert 0 < stopped.steps < 330_000 and stopped.audit().balanced

    # In processes of their own, like the first part: tests compile for another speed.
    ran = catallax("train", "--out", out, "--resume", "--json")
    facts = json.loads(ran.stdout)
    assert ran.returncode == 0 and facts["steps"] > 320_000 and facts["world"] == WORLD
    ran = catallax("train", WORLD, "--out", tmp_path / "whole", "--steps", 330_000, "--json")
    whole_run = json.loads(ran.stdout)
    assert whole_run["digest"] == facts["digest"], "stopping changed what was learned"

    assert main(["train", "--out", str(out), "--resume"]) == 0
    assert "complete: there is nothing to resume" in capfd.readouterr().out


class SendsSigterm(cx.Callback):
    """In the place of TensorBoard: SIGTERM comes in the middle of the training."""

    def __init__(self, path):
        pass

    def on_segment_end(self, economy):
        os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_keeps_the_run_too(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("catallax._cli._commands.TensorBoard", SendsSigterm)
    before = signal.getsignal(signal.SIGTERM)
    out = str(tmp_path / "run")
    assert main(["train", WORLD, "--out", out, "--steps", "70000", "--tensorboard", "x"]) == 143
    shown = capfd.readouterr()
    assert shown.out == "" and "The signal SIGTERM came." in shown.err
    assert signal.getsignal(signal.SIGTERM) is before
    stopped = cx.load(out)
    assert 30_000 < stopped.steps < 40_000 and stopped.audit().balanced


def test_a_segment_is_finished_first_unless_it_is_asked_twice(capfd):
    with stop_requests() as requests:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
    with stop_requests() as requests:
        requests.training = True
        os.kill(os.getpid(), signal.SIGINT)
        assert requests.code == 130 and "end of this segment" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)


@pytest.mark.parametrize(
    ("words", "name"),
    [(["CartPole-v1"], "world"), (["--seed", "3"], "seed"), (["--worlds", "3"], "worlds")],
)
def test_resume_refuses_another_run(words, name, run, capfd):
    facts, code = said(capfd, "train", *words, "--out", run, "--resume")
    assert code == 1 and facts["error"] == "InvalidSetting" and f"has {name} " in facts["what"]


def test_resume_takes_the_words_of_the_first_call(run, capfd):
    words = ["train", WORLD, "--out", run, "--steps", 4000, "--seed", 0, "--resume"]
    facts, code = said(capfd, *words)
    assert code == 0 and facts["steps"] >= 4000


# --- a terminal


def on_a_terminal(*words):
    """What a command shows on a terminal."""
    master, slave = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen([*CALL, *map(str, words)], stdout=slave, stderr=slave, env=env)
    os.close(slave)
    shown = b""
    while select.select([master], [], [], 60)[0]:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(master)
    return shown.decode(), process.wait(timeout=60)


def test_a_terminal_shows_progress(tmp_path):
    shown, code = on_a_terminal("train", WORLD, "--out", tmp_path / "run", "--steps", 70_000)
    assert code == 0 and "training" in shown and "━" in shown and "\x1b[" in shown
    assert "steps/s" in shown and "return" in shown and "Books: " in shown


def test_no_bar_is_shown_where_quiet_was_asked_for(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with progress_bar(quiet=True) as bar:
        assert bar == []


# --- small parts


def test_a_sparkline_goes_from_low_to_high():
    assert _show.sparkline(np.asarray([0.0, 7.0, 3.5])) == "▁█▅"
    assert _show.sparkline(np.asarray([2.0, 2.0])) == "▁▁"


def test_recent_return_is_the_mean_of_the_last_fifty_episodes():
    def recent(episodes, returns):
        metrics = {"episodes": np.asarray(episodes), "returns": np.asarray(returns)}
        return recent_return(metrics)

    assert recent([9, 30, 30], [900.0, 30.0, 90.0]) == 2.0
    assert recent([0, 0], [0.0, 0.0]) is None


def test_json_is_one_line(capsys):
    _print_json({"run": "a\nb"})
    assert capsys.readouterr().out == '{"run": "a\\nb"}\n'
