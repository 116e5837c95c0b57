"""A planner's world: worth what the planner says and what the market did, and never overspent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax import checks, planner
from catallax._errors import InvalidSetting
from catallax._types import exact
from catallax.gym import IndustryWorld
from catallax.gym._levers import tables_of
from catallax.industries import (
    Industry,
    Producer,
    commodity_flow,
    industry_of,
    supply_chain,
    workshops,
)
from catallax.techniques import LinearActivity
from catallax.wide import Rewards, WideEconomy, WideMarket
from test_gym_levers import BAKERY

KEY = jax.random.key(0)
DRAWN = [
    pytest.param(supply_chain(0), id="chain"),
    pytest.param(commodity_flow(1, 5, 2), id="flow"),
    pytest.param(industry_of(workshops(0)), id="workshops"),
]
MIXED = [*DRAWN, pytest.param(BAKERY, id="bakery")]


def steady_wishes(world, steady):
    """Levels and rations of a steady state, in the order of levers."""
    eaten = {(lever.who, lever.good): 0.0 for lever in world.levers if lever.good}
    amounts = iter(steady.eaten)
    for household in world.industry.households:
        for want in household.wants:
            eaten[household.name, want.good] += next(amounts)
    return np.concatenate([steady.levels, list(eaten.values())])


def market_wishes(world, history, step):
    """Levels of a step, and rations, from what was sold and what it was worth."""
    tables, levers, makers = tables_of(world.industry), world.levers, len(world.industry.producers)
    rest = history.sold[step] - tables.takes[:makers].T @ history.levels[step]
    wishes = np.concatenate([history.levels[step], np.zeros(len(levers) - makers)])
    for household, worth in zip(world.industry.households, history.worths[step], strict=True):
        *several, last = (
            row for row in range(makers, len(levers)) if levers[row].who == household.name
        )
        for row in several:  # goods that nobody else wants
            good = world.industry.goods.index(levers[row].good)
            wishes[row] = np.clip(rest[good], 0, levers[row].most)
            worth -= wishes[row] * tables.slopes[row, 0]
        for slope, width in zip(tables.slopes[last], tables.widths[last], strict=True):
            had = min(width, worth / slope) if width else 0.0
            wishes[last], worth = wishes[last] + had, worth - had * slope
    return wishes


@pytest.mark.parametrize("industry", MIXED)
def test_it_keeps_the_contract_of_worlds(industry):
    assert all(finding.passed for finding in checks.check_world(IndustryWorld(industry)))


@pytest.mark.parametrize("industry", DRAWN)
def test_the_planners_plan_earns_the_planners_value_for_ever(industry):
    world, steady = IndustryWorld(industry), planner.steady_state(industry)
    wishes, stocks = steady_wishes(world, steady), jnp.asarray(steady.stocks, jnp.float32)
    for _ in range(5):
        stocks, value, ended = world.step(stocks, world.action_for(stocks, wishes), KEY)
        assert value == pytest.approx(steady.value, rel=1e-5)
        assert not ended
    np.testing.assert_allclose(stocks, steady.stocks, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("industry", DRAWN[:1])
def test_what_the_market_did_is_worth_the_same_here(industry):
    world, market = IndustryWorld(industry), WideMarket(industry, Rewards(1e6), money="none")
    history = WideEconomy(market).run(30)
    stocks, scale = world.initial(KEY), np.abs(history.values).max()
    for step in range(history.steps):
        np.testing.assert_allclose(
            stocks, history.supply[step], rtol=1e-4, atol=1e-5 * history.supply.max()
        )
        action = world.action_for(stocks, market_wishes(world, history, step))
        stocks, value, _ = world.step(stocks, action, KEY)
        assert float(value) == pytest.approx(history.values[step], abs=1e-5 * scale)


@pytest.mark.parametrize("industry", MIXED)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_is_wished_no_good_is_overspent_and_goods_add_up(industry, seed):
    world, draw = IndustryWorld(industry), np.random.default_rng(seed)
    tables, stocks = tables_of(industry), world.initial(KEY)
    for _ in range(4):
        action = draw.uniform(-0.5, 1.5, len(world.levers))
        outcome = world.carry_out(stocks, jnp.asarray(action, jnp.float32))
        granted = np.asarray(outcome.granted, np.float64)
        assert (granted >= 0).all()
        assert (granted <= tables.most * (1 + 1e-6)).all()
        used = granted @ tables.takes
        np.testing.assert_allclose(outcome.used, used, rtol=1e-5, atol=1e-5)
        assert (used <= np.asarray(stocks) * (1 + 1e-5)).all()
        after = world.after(outcome)
        assert (np.asarray(outcome.made) >= 0).all()
        np.testing.assert_allclose(after, tables.inflow + outcome.made, rtol=1e-6)
        if not tables.curves:
            np.testing.assert_allclose(outcome.made, granted @ tables.makes, rtol=1e-5, atol=1e-5)
        stocks = after


def test_by_hand_wishes_are_rationed_by_the_scarcest_good():
    world = IndustryWorld(BAKERY)
    stocks = jnp.array([6.0, 4.0, 8.0, 5.0], jnp.float32)
    # The miller could grind 3, the bin hold 5, the baker have 8 and 4, a 5 and 1, b 4.
    outcome = world.carry_out(stocks, jnp.array([1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.75]))
    grain, flour, bread = 6 / 7, 8 / 9, 5 / 8
    granted = [3 * grain, 5 * flour, 4 * flour, 4, 5 * bread, grain, 3 * bread]
    np.testing.assert_allclose(outcome.granted, granted, rtol=1e-6)
    made = [0, 0, 3 * 3 * grain + 5 * flour, np.sqrt(4 * flour * 4)]
    np.testing.assert_allclose(outcome.made, made, rtol=1e-6)
    worth = 2 * 3 + (5 * bread - 2) * 1 + grain * 0.5 + 3 * bread * 2
    assert float(outcome.value) == pytest.approx(worth - 3 * grain * 0.1, rel=1e-6)


def test_what_nobody_takes_is_gone():
    world = IndustryWorld(BAKERY)
    stocks = jnp.array([6.0, 4.0, 8.0, 5.0], jnp.float32)
    after, value, _ = world.step(stocks, jnp.zeros(7), KEY)
    assert after.tolist() == [6.0, 4.0, 0.0, 0.0]
    assert float(value) == 0


def test_a_technique_that_needs_nothing_runs_up_to_its_capacity():
    spring = Producer("spring", LinearActivity({}, {"grain": 1.0}, capacity=2.0))
    industry = Industry(BAKERY.goods, (), (spring,), BAKERY.households)
    world = IndustryWorld(industry)
    after, _, _ = world.step(world.initial(KEY), jnp.full(len(world.levers), 0.5), KEY)
    assert after.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_it_is_exact_where_64_bits_are():
    industry = supply_chain(0)
    world, steady = IndustryWorld(industry), planner.steady_state(industry)
    with exact():
        stocks = jnp.asarray(steady.stocks)
        action = world.action_for(stocks, steady_wishes(world, steady))
        outcome = world.carry_out(stocks, action)
        assert float(outcome.value) == pytest.approx(steady.value, rel=1e-12)


def test_it_can_be_batched():
    world = IndustryWorld(BAKERY)
    keys = jax.random.split(KEY, 3)
    stocks = jax.vmap(world.initial)(keys)
    after, values, ended = jax.jit(jax.vmap(world.step))(stocks, jnp.ones((3, 7)), keys)
    assert (after.shape, values.shape, ended.tolist()) == ((3, 4), (3,), [False] * 3)


def test_a_wrong_number_of_wishes_is_refused():
    world = IndustryWorld(BAKERY)
    with pytest.raises(InvalidSetting, match="There are 7 levers"):
        world.action_for(world.initial(KEY), np.zeros(6))


def test_a_wrong_time_limit_is_refused():
    with pytest.raises(InvalidSetting, match="time_limit=0"):
        IndustryWorld(BAKERY, time_limit=0)
