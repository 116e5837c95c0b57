"""The commands on runs of wide markets, as they are typed."""

import json
import subprocess
import sys

import pytest

import catallax as cx
from catallax._cli import main
from catallax._cli._progress import how_well
from catallax._cli._show_wide import per_unit, richest

CALL = [sys.executable, "-m", "catallax"]
STEPS = 60


def said(capfd, *words):
    """What a command prints as JSON when it runs in this process, and its exit code."""
    capfd.readouterr()
    code = main([*map(str, words), "--json"])
    return json.loads(capfd.readouterr().out), code


def shown(capfd, *words):
    """What a command prints for people, and its exit code."""
    capfd.readouterr()
    code = main([*map(str, words)])
    return capfd.readouterr(), code


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 60 steps."""
    path = tmp_path_factory.mktemp("cli") / "chain"
    assert (
        main(["train", "supply-chain", "--out", str(path), "--steps", str(STEPS), "--quiet"]) == 0
    )
    return path


def test_the_command_says_what_it_is_worth_and_what_is_next(tmp_path):
    call = [*CALL, "train", "supply-chain", "--out", "runs/chain", "--steps", "2"]
    ran = subprocess.run(call, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    for words in ("supply-chain, seed 0: 2 steps", "% of the planner's", "Producers who gain"):
        assert words in ran.stdout
    assert "balanced, drift 0 ticks and 0 quanta" in ran.stdout
    assert "catallax report runs/chain" in ran.stdout and "evaluate" not in ran.stdout
    assert cx.load(tmp_path / "runs/chain").steps == 2


def test_train_prints_one_object(capfd, tmp_path):
    facts, code = said(capfd, "train", "supply-chain", "--out", tmp_path / "run", "--steps", 3)
    assert code == 0 and facts["world"] == "supply-chain, seed 0" and facts["steps"] == 3
    assert facts["balanced"] and facts["drift_ticks"] == facts["drift_quanta"] == 0
    economy = cx.load(tmp_path / "run")
    assert facts["digest"] == economy.digest
    assert facts["value"] == pytest.approx(economy.history.values.mean())
    best = cx.planner.steady_state(economy.market.industry).value
    assert facts["planner_value"] == pytest.approx(best)
    assert facts["value_share"] == pytest.approx(facts["value"] / best)


def test_resume_finishes_what_was_planned(capfd, run, tmp_path):
    stopped = cx.load(run)
    economy = cx.WideEconomy(stopped.market, stopped.title)
    economy.save(tmp_path / "run")

    class Stop(cx.Callback):
        def on_segment_end(self, economy):
            return False

    economy.run(STEPS, callbacks=[Stop()])
    assert economy.steps < STEPS
    facts, code = said(capfd, "train", "--out", tmp_path / "run", "--resume")
    assert code == 0 and facts["steps"] == STEPS and facts["digest"] == stopped.digest


def test_a_complete_run_and_another_run_are_told(capfd, run):
    out, code = shown(capfd, "train", "--out", run, "--resume")
    assert code == 0 and "nothing to resume" in out.out
    facts, code = said(capfd, "train", "supply-chain", "--seed", 4, "--out", run, "--resume")
    assert code == 1 and "supply-chain, seed 4 was asked for" in facts["what"]


@pytest.mark.parametrize("words", [("--worlds", 3), ("--record-transfers",)])
def test_settings_of_deep_markets_are_refused(capfd, tmp_path, words):
    facts, code = said(capfd, "train", "supply-chain", "--out", tmp_path / "run", *words)
    assert code == 1 and facts["error"] == "InvalidSetting" and not (tmp_path / "run").exists()


def test_inspect_lists_prices_and_holders(capfd, run):
    facts, code = said(capfd, "inspect", run, "--top", 4)
    industry = cx.load(run).market.industry
    assert code == 0 and list(facts["prices"]) == list(industry.goods)
    assert len(facts["holders"]) == 4 and facts["holders"][0]["gain_recent"] > 0
    out, code = shown(capfd, "inspect", run)
    assert code == 0 and all(good in out.out for good in industry.goods)
    assert "planner's" in out.out and "household" in out.out


def test_audit_replays_money_and_goods(capfd, run):
    facts, code = said(capfd, "audit", run)
    assert code == 0 and facts["balanced"] and facts["drift_quanta"] == 0
    assert facts["goods"]["labour"]["arrived"] > 0
    out, code = shown(capfd, "audit", run)
    assert code == 0 and "arrived" in out.out and "pencils" in out.out


def test_report_writes_a_page(capfd, run, tmp_path):
    facts, code = said(capfd, "report", run, "--out", tmp_path / "page.html")
    assert code == 0 and "sankey" in (tmp_path / "page.html").read_text("utf-8")
    assert facts["report"] == str(tmp_path / "page.html")


def test_there_are_no_episodes_to_evaluate(capfd, run):
    facts, code = said(capfd, "evaluate", run)
    assert code == 1 and "no episodes" in facts["what"] and "catallax report" in facts["remedy"]


def test_tensorboard_gets_every_step(capfd, tmp_path):
    board = tmp_path / "board"
    words = ("train", "supply-chain", "--out", tmp_path / "run", "--steps", 2)
    _, code = said(capfd, *words, "--tensorboard", board)
    written = b"".join(path.read_bytes() for path in board.glob("*"))
    assert code == 0 and b"price/labour" in written and b"value" in written


def test_the_bar_says_the_value(run):
    economy = cx.load(run)
    assert how_well(economy) == f"value {economy.history.values[-50:].mean():,.4g}"


def test_who_gains_most_comes_first(run):
    records = richest(cx.load(run).inspect())
    gains = [one.gain_recent for one in records]
    assert gains == sorted(gains, reverse=True)
    assert per_unit(-3e-9) == "0" and per_unit(1234.5) == "1,234"
