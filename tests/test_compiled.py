"""The compiled driver: the same seed, the same books, however it is run; and compiled once."""

import json
import logging
import os
import subprocess
import sys
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax import _drivers, _xla
from catallax._compiled import is_long, segment_program
from catallax._drivers import driver_of
from catallax._types import exact
from catallax._xla import compiler_options
from test_deep import tables_of

STORY = """
import catallax as cx
market = cx.DeepMarket(
    agents=[cx.Tabular(), cx.Rule(count=6, offer_max=0.5)],
    discount=0.9,
    learning=cx.Learning(horizon=8),
    rent=cx.Rent(0.01),
)
economy = cx.train(market, cx.worlds.Chain(length=4), steps=400, worlds=2, seed=5)
"""


def told():
    names = {}
    exec(STORY, names)
    return names["economy"]


def test_the_same_seed_gives_the_same_books_twice_and_in_another_process():
    once, again = told(), told()
    assert once.digest == again.digest
    np.testing.assert_array_equal(once.metrics["price_sum"], again.metrics["price_sum"])
    code = f"from catallax import _xla\n_xla.LEVEL_MOST = 0\n{STORY}"
    code += "\nimport json\nprint(json.dumps([economy.digest, economy.balances]))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True
    )
    digest, balances = json.loads(ran.stdout)
    assert balances == once.balances
    assert digest == once.digest


def test_another_seed_gives_other_books():
    market = cx.DeepMarket(agents=[cx.Tabular()], learning=cx.Learning(horizon=8))
    digests = {
        economy.digest
        for economy in cx.train(market, cx.worlds.Bandit(), steps=64, worlds=2, seed=[0, 1, 1])
    }
    assert len(digests) == 2


@contextmanager
def uncompiled():
    """Runs operation by operation; each is compiled by itself, once, and kept from run to run."""
    name = "jax_persistent_cache_min_compile_time_secs"
    before = jax.config.values[name]
    jax.config.update(name, 0.0)
    try:
        with jax.disable_jit():
            yield
    finally:
        jax.config.update(name, before)


def test_without_compilation_the_books_are_the_same(monkeypatch):
    """Every operation one by one, on tables and on rules, for eight ticks."""
    monkeypatch.setattr(_drivers, "STEPS_PER_SEGMENT", 16)
    market = cx.DeepMarket(
        agents=[cx.Tabular(initial=0.2), cx.Rule(count=4, offer_max=0.5)],
        discount=0.9,
        capital=cx.Hard(2.0),
        rent=cx.Rent(0.01),
        learning=cx.Learning(horizon=4, optimizer="sgd", rate=0.3),
    )
    world = cx.worlds.Chain(length=3, time_limit=5)

    def run():
        economy = cx.Economy(_drivers.driver_of(market, world, 2, 3), world, 3)
        return economy.train(16)

    compiled = run()
    with uncompiled():
        plain = run()
    assert compiled.tick == plain.tick == 8
    assert compiled.digest == plain.digest
    assert compiled.balances == plain.balances
    assert max(compiled.metrics["sales"]) > 0


def test_a_setting_is_compiled_once(caplog):
    """Training on, by any number of steps, compiles nothing; nor does a second economy."""
    market = cx.DeepMarket(agents=[cx.Tabular()], learning=cx.Learning(horizon=4))
    world = cx.worlds.Chain(length=3)
    economy = cx.train(market, world, steps=40, worlds=2, seed=0)
    driver = economy._driver
    program = segment_program(driver.setting, world, driver.chunks, False, False)
    economy.train(8)
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        for steps in (8, 24, 160, 3):
            economy.train(steps)
        other = cx.train(market, world, steps=56, worlds=2, seed=1)
    compiled = [r.message for r in caplog.records if "Compiling" in r.message]
    assert compiled == []
    assert program._cache_size() == 1
    assert segment_program(other._driver.setting, world, driver.chunks, False, False) is program


@pytest.mark.parametrize(
    ("agent", "steps", "long"),
    [
        (cx.Neural(hidden=(64, 64)), 10**7, True),
        (cx.Neural(hidden=(64, 64)), 10**5, False),
        (cx.Linear(encoder=cx.Fourier(8)), 10**7, False),
    ],
    ids=["networks for long", "networks", "few weights"],
)
def test_only_long_trainings_of_many_weights_are_compiled_for_long(agent, steps, long, monkeypatch):
    monkeypatch.setattr(_xla, "LEVEL_MOST", 1)
    market = cx.DeepMarket(agents=[agent], learning=cx.Learning(epochs=4))
    driver = driver_of(market, cx.worlds.CartPole(), 8, 0)
    run = driver.first_state(0)
    with exact():
        plan = run.economy.plan._replace(ticks=jnp.int64(steps // 8))
    assert is_long(driver.setting, run._replace(economy=run.economy._replace(plan=plan))) is long
    assert compiler_options(1, long)["xla_cpu_use_fusion_emitters"] is long


class Stops(cx.Callback):
    """Stops after the segment in which so many steps were done; keeps notes."""

    def __init__(self, steps):
        self.steps, self.notes = steps, []

    def on_training_start(self, economy):
        self.notes.append("start")

    def on_segment_end(self, economy):
        self.notes.append(economy.steps)
        return economy.steps < self.steps

    def on_training_end(self, economy):
        self.notes.append("end")


def test_callbacks_see_every_segment_and_may_stop(monkeypatch):
    monkeypatch.setattr(_drivers, "STEPS_PER_SEGMENT", 32)
    market = cx.DeepMarket(agents=[cx.Tabular()], learning=cx.Learning(horizon=4))
    stops = Stops(64)
    economy = cx.train(
        market, cx.worlds.Bandit(), steps=10_000, worlds=2, seed=0, callbacks=[stops]
    )
    assert stops.notes == ["start", 32, 64, "end"]
    assert economy.steps == 64 and economy.tick == 32
    # The plan is kept: what is left of it can be finished.
    economy.train(1, resume=True, callbacks=[Stops(96)])
    assert economy.steps == 96


@pytest.mark.parametrize(
    ("nobody", "lengths", "returns"),
    [(cx.Stop(), 0, 0.0), (cx.DefaultAction(1), 3, 0.8), (cx.DefaultAction(0), 5, 0.0)],
)
def test_where_nobody_bids_the_named_rule_says_what_follows(nobody, lengths, returns):
    """No bid reaches the reserve, ever: Chain of 4 places, cut after 5 ticks."""
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        auction=cx.Vickrey(reserve=10.0),
        nobody=nobody,
        learning=cx.Learning(horizon=4),
    )
    world = cx.worlds.Chain(length=4, time_limit=5)
    economy = cx.train(market, world, steps=480, worlds=2, seed=0)
    played = economy.evaluate(2)
    np.testing.assert_allclose(played.returns, returns, rtol=1e-6)
    assert played.lengths.tolist() == [lengths] * 2
    assert economy.metrics["sales"].sum() == 0
    agents = [ticks for name, ticks in economy.balances.items() if name.startswith("agent")]
    assert set(agents) == {economy._driver.setting.endowment_ticks}
    # The original owner holds on and is paid what the world pays.
    earned = economy.balances["original_owner"] / cx.TICKS_PER_CREDIT
    assert earned == pytest.approx(0.8 * (economy.metrics["episodes"].sum() if returns else 0))
    np.testing.assert_array_equal(tables_of(economy._run.economy), np.zeros((2, 4)))
    assert economy.steps == (0 if isinstance(nobody, cx.Stop) else economy.steps)


def test_random_actions_where_nobody_bids_are_even():
    market = cx.DeepMarket(
        agents=[cx.Constant(action=0)],
        auction=cx.Vickrey(reserve=10.0),
        nobody=cx.RandomAction(),
        learning=cx.Learning(horizon=8),
    )
    world = cx.worlds.Bandit((1.0, 10.0, 100.0))
    economy = cx.train(market, world, steps=3000, worlds=4, seed=0)
    earned = economy.balances["original_owner"] / cx.TICKS_PER_CREDIT
    assert earned / economy.steps == pytest.approx(37.0, abs=3.5)


def test_recorded_transfers_make_up_the_balances(tmp_path):
    """One by one, from genesis on, in the order of ticks."""
    import pyarrow.parquet

    market = cx.DeepMarket(agents=[cx.Tabular(initial=0.3)], learning=cx.Learning(horizon=8))
    economy = cx.train(
        market, cx.worlds.Bandit(), steps=64, worlds=2, out=tmp_path / "run", record_transfers=True
    )
    (path,) = sorted((tmp_path / "run").rglob("*transfers*"))[:1]
    path = path if path.is_file() else sorted(path.rglob("*.parquet"))[0]
    table = pyarrow.parquet.read_table(path).to_pydict()
    assert table["tick"] == sorted(table["tick"])
    assert min(table["amount"]) > 0
    assert len(table["amount"]) + 4 == int(economy._run.economy.ledger.transfers)
