"""The end of a chunk: who leaves, who is born and who pays, and what the figures say."""

import numpy as np
import pytest

import catallax as cx
from catallax._errors import BadBirth, InvalidSetting, MarketExtinct

CREDIT = cx.TICKS_PER_CREDIT


def market_of(species, **rules):
    return cx.DeepMarket(
        agents=[species],
        auction=cx.FirstPrice(),
        exploration=cx.NoExploration(),
        learning=cx.Learning(horizon=4),
        **rules,
    )


def test_births_are_paid_by_the_treasury_while_it_can():
    """Three allowances of 2 in a treasury of 7; the fourth birth is refused, and counted."""
    market = market_of(
        cx.Constant(action=0, count=1, capacity=9),
        entry=cx.Enumerate(births_per_chunk=1, allowance=2.0),
        treasury=7.0,
        capital=cx.Hard(1.0),
    )
    economy = cx.train(market, cx.worlds.Bandit((0.0,)), steps=24, worlds=1, seed=0)
    assert economy.metrics["births"].tolist() == [2, 3, 4, 4, 4, 4]
    assert economy.metrics["refused"].tolist() == [0, 0, 0, 1, 2, 3]
    assert economy.balances["treasury"] == CREDIT
    assert economy.wealth == {0: CREDIT, 1: 2 * CREDIT, 2: 2 * CREDIT, 3: 2 * CREDIT}
    assert economy.audit().balanced


def test_parents_pay_for_their_children_and_are_named():
    market = market_of(
        cx.Rule(count=2, capacity=6),
        entry=cx.Mutate(allowance=1.0, payer="parent", threshold=4.0),
        capital=cx.Hard(6.0),
    )
    economy = cx.train(market, cx.worlds.Bandit((0.0, 0.0)), steps=64, worlds=1, seed=0)
    assert economy.balances["treasury"] == 0
    children = [record for record in economy.inspect(1) if record.parent is not None]
    assert children and all(child.capital_ticks == CREDIT for child in children)
    parents = {child.parent for child in children}
    assert parents <= {0, 1}
    assert economy.metrics["refused"][-1] > 0
    assert economy.audit().balanced


def test_the_idle_leave_and_their_estates_go_to_the_treasury():
    """The cheaper of two bidders never buys."""
    market = cx.DeepMarket(
        agents=[cx.Constant(action=0, offer=0.2), cx.Constant(action=0, offer=0.1)],
        exploration=cx.NoExploration(),
        capital=cx.Hard(3.0),
        exit=cx.Exit(idle=10),
        learning=cx.Learning(horizon=4),
    )
    economy = cx.train(market, cx.worlds.Bandit((0.0,)), steps=12, worlds=1, seed=0)
    assert economy.metrics["deaths"].tolist() == [0, 0, 1]
    assert list(economy.wealth) == [0]
    assert economy.balances["treasury"] == 3 * CREDIT


def test_the_poorest_are_pruned_only_when_all_slots_are_taken():
    """Prune two of a full house; with two vacancies nobody is pruned any more."""
    market = market_of(cx.Rule(count=6, offer_max=0.5), capital=cx.Hard(2.0), exit=cx.Exit(prune=2))
    economy = cx.train(market, cx.worlds.Bandit((0.0, 0.0)), steps=40, worlds=1, seed=0)
    assert economy.metrics["deaths"].tolist() == [2] * 10


def test_a_market_whose_founders_die_is_peopled_again_while_the_treasury_can_pay():
    """Each agent is ruined by three steps that cost 1; the treasury could pay for thirty more."""
    market = market_of(
        cx.Constant(action=0, offer=1.0, count=2, capacity=4),
        entry=cx.Enumerate(births_per_chunk=1, allowance=3.0),
        capital=cx.Hard(3.0),
        treasury=100.0,
    )
    economy = cx.train(market, cx.worlds.Corridor(steps=3), steps=80, worlds=1, seed=0)
    assert economy.metrics["births"][-1] > 4
    assert economy.metrics["deaths"][-1] > 4
    assert economy.audit().balanced


def test_an_extinct_market_says_so():
    market = market_of(cx.Constant(action=0, offer=1.0, count=2), capital=cx.Hard(3.0))
    with pytest.raises(MarketExtinct, match="treasury"):
        cx.train(market, cx.worlds.Corridor(steps=3), steps=80, worlds=1, seed=0)


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (cx.Enumerate(births_per_chunk=9), BadBirth),
        (cx.Enumerate(group=3), InvalidSetting),
        (cx.Mutate(), InvalidSetting),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_entry_rule_that_does_not_fit_is_refused(entry, error):
    market = market_of(cx.Constant(action=0), entry=entry)
    with pytest.raises(error):
        cx.train(market, cx.worlds.Bandit(), steps=4, worlds=1)


def test_the_figures_say_what_the_books_say():
    market = cx.DeepMarket(agents=[cx.Tabular(initial=0.5)], learning=cx.Learning(horizon=4))
    economy = cx.train(market, cx.worlds.Chain(length=3), steps=160, worlds=2, seed=0)
    last = {name: column[-1] for name, column in economy.metrics.items()}
    assert last["tick"] == economy.tick == 80
    assert last["wealth_credits"] == pytest.approx(sum(economy.wealth.values()) / CREDIT)
    assert last["richest_credits"] == pytest.approx(max(economy.wealth.values()) / CREDIT)
    for name in ("treasury", "discount", "exploration"):
        assert last[f"{name}_credits"] == pytest.approx(economy.balances[name] / CREDIT)
    assert (economy.metrics["sales"] == 8).all()
    assert np.isfinite(economy.metrics["profit_rms"]).all()
