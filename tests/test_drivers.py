"""Two drivers, one market: the same books, tick for tick; and worked examples end to end."""

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._compiled import first_run_state, segment_program
from catallax._drivers import Compiled, OnHost, driver_of
from catallax._errors import InvalidSetting
from catallax._host import first_host_state, host_segment
from catallax._types import exact
from catallax.worlds import FunctionalOnHost, GymnasiumWorlds
from test_deep import tables_of

CREDIT = cx.TICKS_PER_CREDIT


def tables_set(run, rows):
    """The same run with these bids, in credits, by agent and state."""
    group = run.economy.groups[0]
    learned = {"weights": jnp.asarray(rows, jnp.float32)}
    group = group._replace(genes=group.genes._replace(learned=learned))
    return run._replace(economy=run.economy._replace(groups=(group,)))


def learners(horizon, **rules):
    learning = cx.Learning(horizon=horizon, trace=0.5, optimizer="sgd", rate=0.2)
    explores = cx.EpsilonGreedy(0.4, 0.4)
    return cx.DeepMarket(
        agents=[cx.Tabular()], discount=0.9, learning=learning, exploration=explores, **rules
    )


def grid(seed):
    """Certain transitions and a certain start: no random number of the world's own matters."""
    random = np.random.default_rng(seed)
    chances = np.eye(5)[random.integers(0, 5, (5, 3))]
    chances[0, 0], chances[0, 1] = np.eye(5)[0], np.eye(5)[1]
    terminal = [False, False, False, False, True]
    return cx.worlds.Tabular(chances, random.normal(size=(5, 3)), terminal, None, 6)


def assert_same(compiled, hosted, flows):
    """Everything that both drivers keep: books, people, tables, owners, the last trade."""
    run, rows = compiled
    (metrics, _), ran = rows[0]
    host_run, (host_metrics, host_flows) = hosted
    mine, theirs = run.economy, host_run.economy
    np.testing.assert_array_equal(mine.ledger.balances, theirs.ledger.balances)
    np.testing.assert_array_equal(flows.flows, host_flows.flows)
    assert int(mine.ledger.transfers) == int(theirs.ledger.transfers)
    assert int(mine.ledger.faults) == int(theirs.ledger.faults) == 0
    np.testing.assert_array_equal(mine.owner, theirs.owner)
    np.testing.assert_array_equal(mine.pending.actor, theirs.pending.actor)
    for mine_of, theirs_of in zip(mine.population, theirs.population, strict=True):
        np.testing.assert_array_equal(mine_of, theirs_of)
    np.testing.assert_allclose(tables_of(mine), tables_of(theirs), rtol=1e-6, atol=1e-7)
    assert set(metrics) == set(host_metrics)
    for name, column in metrics.items():
        np.testing.assert_allclose(
            np.asarray(column)[np.asarray(ran)], host_metrics[name], rtol=1e-5, atol=1e-6,
            err_msg=name,
        )  # fmt: skip


def both(market, world, batch, worlds, chunks, seed=3):
    setting = driver_of(market, world, worlds, seed).setting
    with exact():
        program = segment_program(setting, world, chunks, False)
        run, (rows, flows) = program(first_run_state(setting, world, seed), jnp.int64(chunks))
    host = host_segment(setting, first_host_state(setting, seed), batch, seed, chunks, False)
    assert_same((run, [rows]), host, flows)
    return run


@pytest.mark.parametrize(("horizon", "hard"), [(1, False), (4, True)])
def test_compiled_and_host_drivers_keep_the_same_books(horizon, hard):
    """With horizon 1 the metrics have a row a tick: the comparison is tick for tick."""
    capital = cx.Hard(3.0) if hard else cx.Refinanced(5.0, 1.0)
    market = learners(horizon, capital=capital, rent=cx.Rent(0.01))
    world = grid(1)
    run = both(market, world, FunctionalOnHost(world, 3), 3, 48 // horizon)
    assert int(run.economy.tick) == 48


def test_gymnasium_on_the_host_and_the_same_world_compiled_keep_the_same_books():
    world = cx.worlds.FrozenLake(is_slippery=False, time_limit=15)
    gym = GymnasiumWorlds("FrozenLake-v1", 4, is_slippery=False, max_episode_steps=15)
    run = both(learners(8), world, gym, 4, 12)
    assert int(run.economy.ledger.transfers) > 2


def test_on_the_host_every_segment_ends_with_a_settlement_day():
    """Every world is sold to the original owner, whatever its episode says."""
    world = grid(1)
    driver = OnHost(driver_of(learners(4), world, 3, 0).setting, FunctionalOnHost(world, 3), 0)
    run = driver.first_state(0)
    for chunks in (1, 3):
        segment = driver.segment(run, chunks)
        run = segment.run
        assert np.asarray(run.economy.owner).tolist() == [0, 0, 0]
        assert np.asarray(run.economy.pending.closing).all()
        assert np.asarray(segment.flows.flows).sum() == 0


# --- which driver, and what is refused


def test_functional_worlds_compile_and_programs_need_the_host():
    world, programs = cx.worlds.Bandit(), [cx.Program(function=lambda seen: (0, 1.0))]
    assert isinstance(driver_of(cx.DeepMarket(agents=[cx.Tabular()]), world, 2, 0), Compiled)
    assert isinstance(driver_of(cx.DeepMarket(agents=programs), world, 2, 0), OnHost)
    gym = cx.worlds.make_world("gymnasium:FrozenLake-v1")
    assert isinstance(driver_of(cx.DeepMarket(agents=[cx.Tabular()]), gym, 2, 0), OnHost)


def test_no_discount_in_a_world_that_truncates_is_refused():
    market = cx.DeepMarket(agents=[cx.Tabular()], discount=1, capital=cx.Hard(1.0))
    with pytest.raises(InvalidSetting, match="discount"):
        driver_of(market, cx.worlds.Chain(time_limit=20), 1, 0)
    with pytest.raises(InvalidSetting, match="discount"):
        driver_of(market, cx.worlds.make_world("gymnasium:FrozenLake-v1"), 1, 0)
    assert driver_of(market, cx.worlds.Chain(time_limit=None), 1, 0).setting.worlds == 1


def test_a_finished_batch_has_its_own_number_of_worlds_and_host_runs_record_no_transfers():
    world = cx.worlds.Bandit()
    market = cx.DeepMarket(agents=[cx.Tabular()])
    batch = FunctionalOnHost(world, 3)
    with pytest.raises(InvalidSetting, match="3"):
        driver_of(market, batch, 2, 0)
    with pytest.raises(InvalidSetting, match="transfer"):
        driver_of(market, batch, 3, 0, record_moves=True)


# --- worked examples, by hand


def play(world, bids, steps, discount=0.9):
    """One bidder with the bids given, who learns nothing, for some ticks from genesis."""
    market = cx.DeepMarket(
        agents=[cx.Tabular(count=len(bids))],
        discount=discount,
        exploration=cx.NoExploration(),
        capital=cx.Refinanced(100.0, 0.0),
        learning=cx.Learning(horizon=1, trace=0.0, optimizer="sgd", rate=0.0),
    )
    economy = cx.Economy(driver_of(market, world, 1, 0), world, 0)
    economy._run = tables_set(economy._run, bids)
    economy.train(steps)
    return {name: ticks / CREDIT for name, ticks in economy.balances.items()}, economy


def test_truncation_is_a_sale_to_the_original_owner():
    """Bids 1, 2, 3 credits, reward 1 a tick, γ = .9, cut after two ticks of five.

    Tick 0: buys for 1, earns 1. Tick 1: buys from itself for 2, gets 1.8, earns 1. Tick 2: the
    original owner buys for 3, of which the seller keeps 2.7.
    """
    world = cx.worlds.Corridor(steps=5, reward=1.0, time_limit=2)
    balances, economy = play(world, [[1, 2, 3, 4, 5, 6]], 3)
    assert balances["agent/0"] == pytest.approx(100 - 1 + 1 - 2 + 1.8 + 1 + 2.7, abs=1e-6)
    assert balances["original_owner"] == 1 - 3
    assert balances["discount"] == pytest.approx(0.2 + 0.3)
    assert balances["nature"] == -100 - 2
    assert economy.steps == 2
    assert economy.metrics["episodes"].tolist() == [0, 1, 0]
    assert economy.metrics["returns"].sum() == 2
    economy.audit()


def test_termination_is_not():
    """The same two ticks to a true end: nobody buys, and the world begins anew at tick 2."""
    world = cx.worlds.Corridor(steps=2, reward=1.0)
    balances, economy = play(world, [[1, 2, 3]], 2)
    assert balances["agent/0"] == pytest.approx(100 - 1 + 1 - 2 + 1.8 + 1)
    assert balances["original_owner"] == 1
    assert balances["discount"] == pytest.approx(0.2)
    assert economy.metrics["episodes"].tolist() == [0, 1]


def test_a_world_that_ends_on_its_last_tick_has_ended():
    """Termination on the very tick of the time limit is no truncation."""
    balances, _ = play(cx.worlds.Corridor(steps=2, reward=1.0, time_limit=2), [[1, 2, 3]], 2)
    assert balances["original_owner"] == 1


def test_a_burden_is_sold_at_prices_below_zero():
    """γ = .9 and three steps of -1: worth -2.71, -1.9 and -1; every agent nets 0.

    Bids round down, by less than a tick each.
    """
    balances, economy = play(cx.worlds.Corridor(), [[-2.71, -1.9, -1.0, 0.0]], 3)
    near = pytest.approx
    assert balances["agent/0"] == near(100, abs=3e-6)
    assert balances["nature"] == near(-100 + 3)
    assert balances["original_owner"] == near(-2.71, abs=2e-6)
    assert balances["discount"] == near(-0.29, abs=3e-6)
    assert sum(economy.balances.values()) == 0
    assert economy.audit().balanced


@pytest.mark.parametrize("limit", [None, 3, 17])
def test_the_time_limit_does_not_change_what_is_learned(limit):
    """One state that pays 1 for ever is worth 1/(1−γ) = 10, however often it is cut short."""
    world = cx.worlds.Tabular([[[1.0]]], [[1.0]], [False], None, limit)
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        discount=0.9,
        learning=cx.Learning(horizon=1, trace=0.0, optimizer="sgd", rate=0.5, decay="none"),
    )
    economy = cx.train(market, world, steps=1000, worlds=1)
    np.testing.assert_allclose(tables_of(economy._run.economy), [[10.0]], atol=1e-3)
    assert economy.balances["agent/0"] > 0
