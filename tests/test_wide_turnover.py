"""Who is in the market: entry, trial and exit, against the rule written a second time."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
import small_blends as blends
from catallax._errors import InvalidSetting
from catallax._ledger import Account
from catallax._types import exact
from catallax.industries import Producer
from catallax.techniques import LinearActivity
from catallax.wide import AllIn, Stipends, Trials
from catallax.wide._turnover import NEVER, first_lives, leaving
from small_blends import plough
from small_wide import STIPENDS, economy, market, mill

BRISK = Trials(every=3, trial=3, loss=0.001, memory=0.3)
SLOW_SAW = LinearActivity({"cedar": 3.0, "labour": 2.0}, {"slats": 4.0}, 2.0, 0.05)


def crowd():
    """Four producers of different worth."""
    first = mill()
    more = Producer("old mill", SLOW_SAW), Producer("shed", first.producers[1].technique)
    return replace(first, producers=(*first.producers, *more))


class Twin:
    """The rule in plain Python, for one market whose entrants nature pays."""

    def __init__(self, rule, producers):
        self.rule, self.alive = rule, [n < rule.begin for n in range(producers)]
        self.since, self.invested = [0] * producers, [0.0] * producers
        self.gain, self.spent = [0.0] * producers, [0.0] * producers
        self.left = []

    def step(self, number, sales, spent, ruined):
        """Whom step `number` leaves in the market."""
        rule, keep = self.rule, self.rule.memory
        for n, alive in enumerate(self.alive):
            if not alive:
                continue
            self.gain[n] = keep * self.gain[n] + (1 - keep) * (sales[n] - self.invested[n])
            self.spent[n] = keep * self.spent[n] + (1 - keep) * self.invested[n]
            self.invested[n] = spent[n]
            tried = number - self.since[n] >= rule.trial
            if ruined[n] or (tried and self.gain[n] < -rule.loss * self.spent[n]):
                self.left.append(n)
                self.restart(n, number, False)
        out = [n for n, alive in enumerate(self.alive) if not alive]
        if out and number % rule.every == 0:
            self.restart(min(out, key=lambda n: (self.since[n], n)), number, True)
        return self.alive

    def restart(self, n, number, alive):
        """Comes in or goes out."""
        self.alive[n], self.since[n] = alive, number
        self.invested[n] = self.gain[n] = self.spent[n] = 0.0


@pytest.mark.parametrize("rule", [BRISK, replace(BRISK, begin=3, every=7)])
def test_who_is_in_is_what_the_rule_says(rule):
    run = economy(cx.industries.supply_chain(2), turnover=rule)
    twin = Twin(rule, 11)
    for number in range(1, 60):
        assert np.asarray(run.state.alive).tolist() == twin.alive
        before = run.balances
        history = run.run(1)
        gained, spent = history.profits[0], np.asarray(run.state.lives.invested)
        entry = {(who, why): ticks for who, why, ticks in run.journal[-1].rows}
        names = [one.name for one in run.market.industry.producers]
        paid = [-entry.get((name, "purchase"), 0) / 1e6 for name in names]
        spent = np.asarray(paid) + history.costs[0]
        ruined = [before[name] + 1e6 * gained[n] < 0 for n, name in enumerate(names)]
        twin.step(number, gained + spent, spent, ruined)
        assert run.audit().balanced
    assert twin.left, "nobody ever left"


def test_one_enters_at_a_time_and_gets_its_capital():
    run = economy(crowd(), turnover=Trials(every=2))
    present = run.run(9).present.sum(axis=1).tolist()
    assert present == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    totals = run.audit().totals
    assert totals["allowance"]["turnover"] == 4 * 10**9  # four endowments of 1000 credits
    assert totals["endowment"]["turnover"] == 2 * 10**9  # of the households
    assert run.audit().balanced


def test_under_stipends_the_treasury_pays_as_long_as_it_can():
    closure = Stipends({"a": 1.0, "b": 1.0}, treasury=250.0, endowment=100.0)
    run = economy(crowd(), closure, "cap", turnover=Trials(every=1))
    present = run.run(8).present.sum(axis=1)
    assert present.max() == 2 and run.balances["treasury"] < 100 * 10**6
    assert run.audit().balanced
    rich = economy(crowd(), replace(closure, treasury=1e4), "cap", turnover=Trials(every=1))
    assert rich.run(6).present[-1].all()


def test_who_promises_more_than_it_brings_leaves_and_is_tried_again():
    """All ore is poor, and who smelts it hopes for rich ore, whatever it has seen."""
    only_poor = plough(inflows=(blends.INFLOWS[0], replace(blends.INFLOWS[2], amount=5.0)))
    rule = Trials(every=20, trial=8, loss=0.1, memory=0.8, begin=4)
    run = blends.economy(only_poor, experience=cx.Experience(memory=0.0, hope=1.0), turnover=rule)
    history = run.run(60)
    there = history.present[:, 0]
    assert there[:9].all() and not there.all() and there[45:].any()
    assert np.asarray(run.state.lives.since)[0] > 0 and run.audit().balanced
    sober = blends.economy(only_poor, turnover=rule)
    assert sober.run(60).present[:, 0].all()


def test_all_in_stays_as_it_is():
    run = economy(turnover=AllIn())
    assert run.run(5).present.all()
    usual = economy()
    usual.run(5)
    assert run.digest == usual.digest
    with exact():
        lives = first_lives(2)._replace(gain=jnp.array([-1e9, 0.0]))
        rule = AllIn().terms(0, Account.NATURE)
        assert not leaving(lives, jnp.ones(2, bool), jnp.int64(NEVER), rule).any()


def test_a_market_that_is_tried_comes_back_from_its_directory(tmp_path):
    whole = economy(crowd(), STIPENDS, "cap", turnover=BRISK)
    whole.run(60)
    cut = economy(crowd(), STIPENDS, "cap", turnover=BRISK)
    cut.save(tmp_path / "run")
    cut.run(50)
    back = cx.load(tmp_path / "run")
    assert back.market.turnover == BRISK
    back.run(10)
    assert back.digest == whole.digest


def test_a_crowd_that_is_tried_finds_what_all_of_them_would():
    tried, all_in = (economy(crowd(), turnover=rule) for rule in (Trials(every=2), AllIn()))
    late = [run.run(120).last(20).values.mean() for run in (tried, all_in)]
    assert late[0] == pytest.approx(late[1], rel=0.01)


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"every": 0}, "every=0"),
        ({"every": 2.0}, "every=2.0"),
        ({"trial": True}, "trial=True"),
        ({"begin": -1}, "begin=-1"),
        ({"loss": -0.1}, "loss"),
        ({"memory": 1.0}, "memory"),
    ],
)
def test_settings_that_mean_nothing_are_named(setting, named):
    with pytest.raises(InvalidSetting, match=named):
        Trials(**setting)


def test_a_market_takes_no_other_rule():
    with pytest.raises(InvalidSetting, match="turnover"):
        market(turnover="some")
