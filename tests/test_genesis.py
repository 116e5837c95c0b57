"""Genesis: who lives at tick 0, and where the first money comes from."""

import jax
import numpy as np
import pytest

import catallax as cx
from catallax._compiled import first_run_state
from catallax._drivers import driver_of
from catallax._errors import InvalidSetting

CREDIT = cx.TICKS_PER_CREDIT


def economy_of(market, world=None, worlds=2, seed=0):
    world = world or cx.worlds.Chain(length=4)
    return cx.Economy(driver_of(market, world, worlds, seed), world, seed)


def test_nature_pays_all_capital_and_it_is_booked():
    market = cx.DeepMarket(
        agents=[cx.Tabular(), cx.Rule(count=3, capacity=7)],
        capital=cx.Hard(2.5),
        consumers=[cx.Consumer(budget=4.0)],
        treasury=1.25,
    )
    economy = economy_of(market)
    balances = economy.balances
    assert [balances[f"agent/{id_}"] for id_ in range(5)] == [2_500_000] * 5
    assert [balances[f"slot/{slot}"] for slot in range(5, 9)] == [0] * 4
    assert balances["consumer/0"] == 4 * CREDIT and balances["treasury"] == 1_250_000
    assert balances["nature"] == -(5 * 2_500_000 + 4 * CREDIT + 1_250_000)
    assert sum(balances.values()) == 0
    assert economy.tick == 0 and economy.steps == 0
    (entry,) = economy.journal
    assert {reason for _, reason, _ in entry.rows} == {"endowment"}
    assert economy.audit().balanced


def test_the_default_endowment_is_two_lifetimes_of_the_largest_reward_in_every_world():
    """2·W·max|r|/(1−γ) = 2·3·0.5/0.1."""
    market = cx.DeepMarket(agents=[cx.Tabular()], discount=0.9, reward_max=0.5)
    economy = economy_of(market, worlds=3)
    assert set(economy.wealth.values()) == {30 * CREDIT}
    assert economy._driver.setting.floor_ticks == 15 * CREDIT


def test_no_discount_needs_an_endowment_and_a_floor_lies_below_it():
    with pytest.raises(InvalidSetting, match="endowment"):
        economy_of(
            cx.DeepMarket(agents=[cx.Tabular()], discount=1.0), cx.worlds.Chain(time_limit=None)
        )
    with pytest.raises(InvalidSetting, match="floor"):
        market = cx.DeepMarket(agents=[cx.Tabular()], capital=cx.Refinanced(floor=1e5))
        economy_of(market)


def test_there_is_one_agent_an_action_unless_told_otherwise():
    economy = economy_of(cx.DeepMarket(agents=[cx.Tabular(), cx.Tabular(count=3, capacity=5)]))
    setting = economy._driver.setting
    assert setting.sizes == (2, 5) and setting.offsets == (0, 2) and setting.n_agents == 7
    assert list(economy.wealth) == [0, 1, 2, 3, 4]
    actions = [np.asarray(group.genes.fixed["action"]) for group in economy._run.economy.groups]
    assert actions[0].tolist() == [0, 1] and actions[1].tolist()[:3] == [0, 1, 0]


def test_every_world_is_the_original_owners_and_every_seed_draws_its_own_genes():
    market = cx.DeepMarket(agents=[cx.Rule(count=8)])
    world = cx.worlds.Chain(length=4)
    setting = driver_of(market, world, 2, 0).setting
    one, same, other = (first_run_state(setting, world, seed).economy for seed in (1, 1, 2))
    assert np.asarray(one.owner).tolist() == [0, 0]
    leaves = [jax.tree.leaves(e.groups[0].genes) for e in (one, same, other)]
    assert all(np.array_equal(a, b) for a, b in zip(leaves[0], leaves[1], strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(leaves[0], leaves[2], strict=True))


def test_worlds_must_be_one_or_more():
    with pytest.raises(InvalidSetting, match="worlds=0"):
        economy_of(cx.DeepMarket(agents=[cx.Tabular()]), worlds=0)
