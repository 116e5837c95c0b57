import random
import signal
import time

import jax
import numpy as np
import pytest

import catallax as cx
from catallax import _drivers
from catallax._errors import InvalidSetting, RunExists, RunNotFound, UnknownWorld
from children import CONTEXT
from training_child import SEGMENTS, go_on

MARKET = cx.DeepMarket(agents=[cx.Tabular(initial=0.5)], learning=cx.Learning(rate=0.1, epochs=2))


def complete(path):
    economy = cx.load(path)
    plan = economy._run.economy.plan
    return economy.tick >= int(plan.start) + int(plan.ticks) > 1


def saved(path):
    return {found.name for found in path.glob("checkpoint-*")}


def go_on_for(path, kind, seconds=None):
    """Trains a run in a process of its own; the exit code, or None if it was killed before.

    Args:
        path: Of the run.
        kind: Of its world.
        seconds: When to kill it, from its next checkpoint on; None to let it end.
    """
    before = saved(path)
    child = CONTEXT.Process(target=go_on, args=(str(path), kind))
    child.start()
    if seconds is not None:
        while child.is_alive() and not saved(path) - before:
            time.sleep(0.01)
        child.join(seconds)
        child.kill()
    child.join(240.0)
    if child.is_alive():
        child.kill()
    child.join()
    return None if child.exitcode == -signal.SIGKILL else child.exitcode


def kill_again_and_again(path, kind, kills, rng):
    """Trains a run, killing it `kills` times on the way; returns how many kills struck."""
    for struck in range(kills):
        if (code := go_on_for(path, kind, rng.uniform(0.0, 0.2))) is not None:
            assert code == 0
            return struck
    assert go_on_for(path, kind) == 0
    return kills


def digest_of_uninterrupted(path, kind):
    go_on(str(path), kind)
    return cx.load(path).digest


@pytest.mark.parametrize(("kind", "kills"), [("compiled", 2), ("host", 1)])
def test_a_run_that_is_killed_and_resumed_ends_like_one_that_is_not(
    tmp_path, monkeypatch, kind, kills
):
    monkeypatch.setattr(_drivers, "STEPS_PER_SEGMENT", SEGMENTS[kind])
    wanted = digest_of_uninterrupted(tmp_path / "whole", kind)
    rng, struck = random.Random(7), 0
    for attempt in range(kills):
        path = tmp_path / f"killed-{attempt}"
        struck += kill_again_and_again(path, kind, kills - struck, rng)
        economy = cx.load(path)
        assert complete(path)
        assert economy.digest == wanted
        assert economy.audit().balanced
        if struck == kills:
            break
    assert struck > 0


def test_several_seeds_are_the_same_runs_as_one_by_one():
    together = cx.train(MARKET, cx.worlds.Chain(), steps=2_000, worlds=4, seed=range(3))
    alone = [
        cx.train(MARKET, cx.worlds.Chain(), steps=2_000, worlds=4, seed=seed) for seed in range(3)
    ]
    assert [economy.digest for economy in together] == [economy.digest for economy in alone]
    assert len({economy.digest for economy in together}) == 3


def test_each_seed_gets_a_directory(tmp_path):
    cx.train(MARKET, cx.worlds.Chain(), steps=500, worlds=2, seed=[4, 5], out=tmp_path)
    assert cx.load(tmp_path / "seed-5").seed == 5


def test_the_cache_setting_of_the_user_comes_back():
    before = jax.config.jax_compilation_cache_dir
    cx.train(MARKET, cx.worlds.Chain(), steps=100, worlds=1)
    assert jax.config.jax_compilation_cache_dir == before
    assert jax.config.jax_enable_x64 is False


def test_every_transfer_can_be_recorded(tmp_path):
    economy = cx.train(
        MARKET, cx.worlds.Chain(), steps=600, worlds=2, out=tmp_path / "run", record_transfers=True
    )
    moves = cx.load(tmp_path / "run")._store.directory.transfers()
    assert np.all(moves["amount"] > 0)
    booked = economy._books.totals
    reward = int(moves["amount"][moves["reason"] == cx.Reason.REWARD].sum())
    assert reward == -booked["nature"]["reward"]
    endowed = 1  # nature endows the founders at genesis, outside the ticks
    assert len(moves["amount"]) + endowed * 2 == economy.audit().transfers


def test_presets_exist_for_worlds_without_one():
    assert isinstance(cx.preset("Pendulum-v1").market.agents[0], cx.Neural)
    assert isinstance(cx.preset("Taxi-v4").market.agents[0], cx.Tabular)
    assert cx.preset("gymnasium:CartPole-v1") == cx.preset("CartPole-v1")


def test_an_unknown_world_is_named_with_its_likes():
    with pytest.raises(UnknownWorld, match="CartPole-v1"):
        cx.train("CartPol-v1")


def test_a_market_without_a_world_is_refused():
    with pytest.raises(InvalidSetting, match="without a world"):
        cx.train(MARKET)


@pytest.mark.parametrize("steps", [0, -5])
def test_no_steps_are_refused(steps):
    with pytest.raises(InvalidSetting, match=f"steps={steps}"):
        cx.train(MARKET, cx.worlds.Chain(), steps=steps)


def test_a_run_is_not_overwritten_by_accident(tmp_path):
    cx.train(MARKET, cx.worlds.Chain(), steps=100, worlds=1, out=tmp_path / "run")
    with pytest.raises(RunExists):
        cx.train(MARKET, cx.worlds.Chain(), steps=100, worlds=1, out=tmp_path / "run")
    again = cx.train(
        MARKET, cx.worlds.Chain(), steps=200, worlds=1, out=tmp_path / "run", overwrite=True
    )
    assert cx.load(tmp_path / "run").digest == again.digest


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(RunNotFound, match="nowhere"):
        cx.load(tmp_path / "nowhere")
