import dataclasses

import numpy as np
import pytest

import catallax as cx
from catallax._errors import (
    BadBirth,
    BadObservation,
    InvalidSetting,
    MarketExtinct,
    UnknownAgent,
)
from small_markets import MARKET, trained

HARD = dataclasses.replace(MARKET, capital=cx.Hard(endowment=5.0))


def test_training_goes_on_and_the_journal_with_it():
    economy = trained()
    first, tick = economy.digest, economy.tick
    economy.train(1_000)
    assert economy.tick == 2 * tick
    assert economy.digest != first
    assert economy.audit().balanced
    assert [e.last_tick for e in economy.journal] == sorted(e.last_tick for e in economy.journal)


def test_wealth_and_balances_are_python_integers_that_sum_to_zero():
    economy = trained()
    assert sum(economy.balances.values()) == 0
    assert all(type(ticks) is int for ticks in economy.balances.values())
    assert set(economy.wealth) == {0, 1}


def test_evaluation_repeats_and_leaves_the_books_alone():
    economy = trained(steps=20_000)
    digest, balances = economy.digest, economy.balances
    first, second = economy.evaluate(20), economy.evaluate(20)
    assert np.array_equal(first.returns, second.returns)
    assert first.mean == pytest.approx(0.8)
    assert (economy.digest, economy.balances) == (digest, balances)


@pytest.mark.parametrize("episodes", [0, -1])
def test_no_episodes_are_refused(episodes):
    with pytest.raises(InvalidSetting, match="episodes"):
        trained(steps=100).evaluate(episodes)


def test_predictions_are_batched_and_single():
    economy = trained(steps=20_000)
    batch = economy.predict(np.arange(5))
    assert batch.shape == (5,)
    assert economy.predict(2) == batch[2] == 1


def test_predictions_of_impossible_observations_are_refused():
    with pytest.raises(BadObservation):
        trained(steps=100).predict(np.asarray([99]))


def test_agents_come_and_go_with_their_books():
    economy = trained()
    gone = economy.remove(0)
    assert 0 not in economy.wealth
    assert economy.balances["treasury"] == gone.wealth_ticks
    (back,) = economy.add(gone, endowment=3.5)
    assert back == 2
    assert economy.wealth[2] == 3_500_000
    assert economy.audit().balanced
    economy.train(500)
    assert economy.audit().balanced


def test_a_new_species_can_join(tmp_path):
    economy = trained()
    ids = economy.add(cx.Linear(encoder=cx.Raw()))
    economy.train(1_000)
    assert set(ids) <= set(economy.wealth)
    again = cx.load(economy.save(tmp_path / "run"))
    assert again.digest == economy.digest
    assert again.evaluate(5).mean == economy.evaluate(5).mean


def test_an_unknown_agent_is_named():
    economy = trained(steps=100)
    with pytest.raises(UnknownAgent, match="77"):
        economy.remove(77)
    with pytest.raises(UnknownAgent):
        economy.freeze(77)


def test_adding_nobody_is_refused():
    with pytest.raises(BadBirth):
        trained(steps=100).add(cx.Constant(count=0, capacity=1))


def test_more_births_than_capacity_are_refused():
    market = dataclasses.replace(MARKET, entry=cx.Enumerate(births_per_chunk=9))
    with pytest.raises(BadBirth, match="9 births"):
        trained(market)


def test_a_frozen_agent_does_not_learn():
    economy = trained()
    economy.freeze(0)
    before = np.asarray(economy._run.economy.groups[0].genes.learned["weights"])
    economy.train(1_000)
    after = np.asarray(economy._run.economy.groups[0].genes.learned["weights"])
    assert np.array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])


def test_a_python_agent_learns_nothing_but_trades():
    market = cx.DeepMarket(
        agents=[cx.Program(function=lambda seen: (1, 0.9)), cx.Tabular()],
        exploration=cx.NoExploration(),
    )
    economy = trained(market, steps=400)
    assert economy.audit().balanced
    assert economy.inspect()[0].does == "function <lambda>" or economy.wealth


def test_a_market_in_which_nobody_lives_says_so(tmp_path):
    market = dataclasses.replace(
        HARD,
        agents=[cx.Constant(action=0, offer=4.0)],
        auction=cx.FirstPrice(),
        discount=0.5,
        exploration=cx.NoExploration(),
    )
    with pytest.raises(MarketExtinct, match="treasury"):
        cx.train(market, cx.worlds.Corridor(), steps=400_000, worlds=1, out=tmp_path / "run")
    economy = cx.load(tmp_path / "run")
    assert economy.wealth == {}
    assert economy.audit().balanced


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("inf"), float("nan")])
def test_rents_that_mean_nothing_are_refused(rate):
    with pytest.raises(InvalidSetting, match="rent"):
        cx.Rent(rate)


def test_an_undiscounted_market_in_a_world_that_truncates_is_refused():
    market = dataclasses.replace(MARKET, discount=1.0, capital=cx.Hard(endowment=1.0))
    with pytest.raises(InvalidSetting, match="discount=1"):
        trained(market)
