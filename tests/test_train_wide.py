"""Wide markets that are trained: names, directories, what a stop and a kill leave."""

import json
import os
import shutil
import signal

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._errors import (
    BadProgramme,
    CannotRestore,
    CorruptRun,
    InvalidSetting,
    RunExists,
    TrainingInterrupted,
    UnknownWorld,
)
from catallax._train_wide import begun, is_wide, wide_market
from catallax.industries import Want, industry_of, read_mps, workshops, write_mps
from catallax.techniques import JaxTechnique
from children import CONTEXT
from small_wide import BARN, INFLOWS, SAW, STIPENDS, economy, market, mill
from training_child import run_wide

LONG, SHORT = 60, 50


def alike(one, other):
    """Whether two economies have done the same, to the last bit."""
    pairs = [(one.metrics[name], other.metrics[name]) for name in one.metrics]
    return one.digest == other.digest and all(
        np.array_equal(a, b, equal_nan=True) for a, b in pairs
    )


@pytest.fixture(scope="module")
def whole():
    run = economy(mill(), STIPENDS, "cap")
    run.run(LONG)
    return run


# --- names


@pytest.mark.parametrize(
    "name", ["supply-chain", "commodity-flow", "workshops", "blends", "plan.mps", "suply-chain"]
)
def test_names_of_industries_are_known(name):
    assert is_wide(name)


@pytest.mark.parametrize("other", ["CartPole-v1", "chain", None, 3, cx.worlds.Chain()])
def test_worlds_are_no_industries(other):
    assert not is_wide(other)


def test_a_slip_of_the_pen_is_named_with_what_was_meant():
    with pytest.raises(UnknownWorld, match="did you mean supply-chain"):
        cx.train("suply-chain", steps=1)


def test_a_programme_is_read_from_a_file(tmp_path):
    path = tmp_path / "plan.mps"
    path.write_text(write_mps(workshops(2)), "utf-8")
    run = begun(str(path), 7, {"discount": 0.9})
    assert run.title == "plan.mps, discount=0.9"
    assert run.market.industry == industry_of(read_mps(path), 0.9)
    with pytest.raises(BadProgramme):
        begun(str(tmp_path / "nothing.mps"), 0, {})


def test_options_are_those_of_the_industry():
    assert begun("supply-chain", 1, {"discount": 0.5}).market.discount == 0.5
    with pytest.raises(InvalidSetting, match="Its settings are discount"):
        begun("supply-chain", 1, {"nodes": 5})


def test_an_industry_gets_the_usual_rules_and_a_market_keeps_its_own():
    own = market(closure=STIPENDS, money="cap")
    assert wide_market(own) is own
    usual = wide_market(mill())
    assert isinstance(usual.closure, cx.Rewards) and usual.money == "none"


@pytest.mark.parametrize(
    "setting", [{"world": "CartPole-v1"}, {"worlds": 3}, {"record_transfers": True}]
)
def test_settings_of_deep_markets_are_refused(setting):
    with pytest.raises(InvalidSetting, match=next(iter(setting))):
        cx.train(market(), steps=1, **setting)


def test_several_seeds_have_directories_of_their_own(tmp_path):
    runs = cx.train(market(), steps=2, seed=[0, 4], out=tmp_path)
    assert [run.digest for run in runs] == [cx.load(tmp_path / f"seed-{n}").digest for n in (0, 4)]


# --- directories


def test_a_run_comes_back_as_it_was(tmp_path, whole):
    path = whole.save(tmp_path / "run")
    back = cx.load(path)
    assert alike(back, whole) and back.market == whole.market and back.title == whole.title
    assert back.balances == whole.balances and back.holdings == whole.holdings
    assert back.journal == whole.journal and back.planned_ticks[1] == LONG
    assert back.audit().balanced and back.inspect() == whole.inspect()


def test_a_run_that_comes_back_goes_on_as_if_it_had_not_stopped(tmp_path, whole):
    cut = economy(mill(), STIPENDS, "cap")
    cut.save(tmp_path / "run")
    cut.run(SHORT)
    back = cx.load(tmp_path / "run")
    back.run(LONG - SHORT)
    assert alike(back, whole) and alike(cx.load(tmp_path / "run"), whole)


def test_a_saved_economy_comes_back_with_both_rules(tmp_path):
    endless = ((Want("slats", 2.0),), (Want("slats", 1.5),))
    whole, cut = (economy(mill(wants=endless), STIPENDS, ("cap", "budget")) for _ in range(2))
    whole.run(4), whole.run(4), cut.run(4)
    back = cx.load(cut.save(tmp_path / "run"))
    assert back.market.money == ("cap", "budget")
    back.run(4)
    assert back.digest == whole.digest


def test_tastes_may_change_after_a_run_was_loaded(tmp_path):
    """A saved start of clearing that no longer fits is left aside, as one in memory is."""
    last = (Want("slats", 1.5, 9.0),)
    few = market(mill(wants=((Want("slats", 2.0, 5.0), Want("labour", 1.0, 1.0)), last)))
    more = (Want("slats", 2.0, 5.0), Want("slats", 1.0, 2.0), Want("slats", 0.5, 2.0))
    many = market(mill(wants=(more, last)))
    stayed = cx.WideEconomy(few)
    stayed.save(tmp_path / "run")
    stayed.run(3)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    loaded = cx.load(tmp_path / "copy")
    for run in (stayed, loaded):
        run.change(many)
        run.run(3)
    assert loaded.digest == stayed.digest


def test_loading_and_saving_between_two_steps_changes_nothing(tmp_path, whole):
    whole.save(tmp_path / "one")
    cx.load(tmp_path / "one").save(tmp_path / "two")
    again, once = cx.load(tmp_path / "two"), cx.load(tmp_path / "one")
    again.run(3)
    once.run(3)
    assert alike(again, once)


def test_a_shock_is_kept(tmp_path):
    run = economy()
    run.save(tmp_path / "run")
    run.run(2)
    shocked = market(mill(SAW, BARN, inflows=(*INFLOWS, cx.industries.Inflow("cedar", 1.0))))
    run.change(shocked)
    run.run(2)
    back = cx.load(tmp_path / "run")
    assert back.market == shocked and back.steps == 4 and back.audit().balanced


def test_a_run_that_is_killed_goes_on_and_ends_the_same(tmp_path, whole):
    path = tmp_path / "run"
    child = CONTEXT.Process(target=run_wide, args=(str(path), SHORT))
    child.start()
    child.join(240)
    assert child.exitcode == -9  # it kills itself right after a checkpoint
    back = cx.load(path)
    assert back.steps == SHORT and back.planned_ticks[1] == LONG
    back.run(LONG - SHORT)
    assert alike(back, whole)


def test_a_directory_is_not_overwritten_by_accident(tmp_path):
    cx.train(market(), steps=1, out=tmp_path / "run")
    with pytest.raises(RunExists):
        cx.train(market(), steps=1, out=tmp_path / "run")
    assert cx.train(market(), steps=2, out=tmp_path / "run", overwrite=True).steps == 2
    assert cx.load(tmp_path / "run").steps == 2


def test_damage_is_told(tmp_path, whole):
    path = whole.save(tmp_path / "run")
    journal = path / "journal.jsonl"
    journal.write_text(journal.read_text("utf-8").replace('"sold",-', '"sold",', 1), "utf-8")
    with pytest.raises(CorruptRun, match=r"journal\.jsonl"):
        cx.load(path)


def test_a_technique_that_cannot_be_saved_is_given_again(tmp_path):
    root = JaxTechnique(("cedar", "labour"), ("slats",), lambda owned: jnp.sqrt(owned[:1] + 1) - 1)
    own = market(mill(SAW, root))
    run = cx.WideEconomy(own)
    run.save(tmp_path / "run")
    run.run(1)
    with pytest.raises(CannotRestore):
        cx.load(tmp_path / "run")
    back = cx.load(tmp_path / "run", market=own)
    assert back.digest == run.digest and back.steps == 1


def test_a_plan_is_kept_before_its_first_step(tmp_path, whole):
    path = tmp_path / "run"

    class Look(cx.Callback):
        def on_training_start(self, economy):
            self.planned = cx.load(path).planned_ticks[1]

    run, look = economy(), Look()
    run.save(path)
    run.run(2, callbacks=[look])
    assert look.planned == 2


def test_ctrl_c_waits_until_the_books_are_closed(tmp_path):
    class Press(cx.Callback):
        def on_segment_end(self, economy):
            os.kill(os.getpid(), signal.SIGINT)

    run = economy()
    run.save(tmp_path / "run")
    with pytest.raises(TrainingInterrupted, match=f"at step {SHORT}"):
        run.run(LONG, callbacks=[Press()])
    back = cx.load(tmp_path / "run")
    assert back.steps == SHORT and back.planned_ticks[1] == LONG and back.audit().balanced


# --- callbacks and books


class Watch(cx.Callback):
    """Notes when it is called, and stops after a number of segments."""

    def __init__(self, stop=99):
        self.said, self.stop = [], stop

    def on_training_start(self, economy):
        self.said.append("start")

    def on_segment_end(self, economy):
        self.said.append(economy.steps)
        return len(self.said) <= self.stop

    def on_training_end(self, economy):
        self.said.append("end")


def test_callbacks_hear_of_every_close():
    watch, run = Watch(), economy()
    run.run(LONG, callbacks=[watch])
    assert watch.said == ["start", SHORT, LONG, "end"] and len(run.journal) == 2
    assert run.seconds > 0 and run.tick == run.steps == LONG and run.worlds == 1


def test_a_callback_stops_where_the_books_are_closed():
    watch, run = Watch(stop=1), economy()
    history = run.run(LONG, callbacks=[watch])
    assert watch.said == ["start", SHORT, "end"] and history.steps == SHORT
    assert run.planned_ticks == (0, LONG) and run.audit().balanced


def test_the_journal_of_goods_tells_all_that_moved(whole):
    audit, history = whole.audit(), whole.history
    assert audit.drift_quanta == 0 and audit.balanced
    units = {good.name: good.unit for good in whole.market.goods}
    for n, (good, by_reason) in enumerate(sorted(audit.goods.items())):
        index = whole.market.industry.goods.index(good)
        assert by_reason["arrived" if index < 2 else "made"] > 0, n
        assert by_reason.get("sold", 0) == -by_reason.get("bought", 0)
        sold = history.sold[:, index].sum() / units[good]
        assert by_reason["bought"] == pytest.approx(sold, abs=1)
        assert by_reason.get("arrived", 0) == history.quanta[:, 0, index].sum()
    json.dumps(audit.goods)


def test_a_quantum_too_many_is_found(whole):
    held = whole.holdings
    held["mill"]["slats"] += 1
    found = cx.WideEconomy.audit
    whole_audit = found(whole)
    from catallax._journal import audit

    wrong = audit(whole.journal, whole.balances, held)
    assert whole_audit.balanced and not wrong.balanced and wrong.drift_quanta == 1


def test_records_add_up_to_the_history(whole):
    records = {one.name: one for one in whole.inspect()}
    assert records["mill"].role == "producer" and records["worker"].role == "owner"
    assert records["a"].role == "household" and records["a"].spent_ticks > 0
    made = sum(one.made.get("slats", 0.0) for one in records.values())
    unit = whole.market.goods[2].unit
    assert made == pytest.approx(whole.audit().goods["slats"]["made"] * unit)
    late = whole.history.profits[:, 0].mean()
    assert records["mill"].gain_recent == pytest.approx(late)
    assert records["a"].level_recent is None


def test_stipends_incomes_and_carrying_costs_have_names_of_their_own(whole):
    totals = whole.audit().totals
    assert totals["stipend"]["turnover"] > 0 and totals["income"]["turnover"] > 0
    assert "rent" not in totals
