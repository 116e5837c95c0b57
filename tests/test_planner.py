"""The planner: steady states against long horizons, other programmes, differences, and by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from catallax import planner
from catallax._errors import InvalidSetting, NoEquilibrium, NotConverged, UnboundedDemand
from catallax.industries import (
    Household,
    Industry,
    Inflow,
    Producer,
    Want,
    commodity_flow,
    industry_of,
    read_mps,
    supply_chain,
)
from catallax.planner import frozen_price_share, horizon, is_too_easy, steady_state
from catallax.planner._programme import maximise
from catallax.techniques import CobbDouglasTechnique, LinearActivity, Storage

WORKSHOP = read_mps(Path(__file__).parent / "data" / "workshop.mps")
DRAWN = [
    *(pytest.param(supply_chain(seed), id=f"chain {seed}") for seed in range(3)),
    *(pytest.param(commodity_flow(seed, 5, 2), id=f"flow {seed}") for seed in range(3)),
    pytest.param(industry_of(WORKSHOP), id="workshop"),
]
# At such a discount a sequence of plans alone goes round its rest; and step 40 of a long horizon
# weighs less than the solver can tell.
HASTY = pytest.param(supply_chain(0, discount=0.5), id="hasty chain")


def made(industry, steady):
    """What the steady plan leaves for the next step, before the inflow."""
    return np.maximum(steady.stocks - industry.coming_in, 0)


def one_maker(technique, goods=("ore", "iron"), worth=3.0, most=np.inf, amount=4.0, discount=0.5):
    return Industry(
        goods,
        (Inflow(goods[0], amount),),
        (Producer("maker", technique),),
        (Household("h", (Want(goods[-1], worth, most),)),),
        discount,
    )


# --- by hand


def test_a_smelter_is_worth_what_its_iron_is_worth_a_step_later():
    steady = steady_state(one_maker(LinearActivity({"ore": 2.0}, {"iron": 1.0}, unit_cost=0.5)))
    assert steady.value == pytest.approx(2 * 3.0 - 2 * 0.5)
    assert steady.levels.tolist() == [pytest.approx(2.0)]
    # A unit of level costs .5 now and is worth 3 a step later: (.5·3 − .5)/2 for each unit of ore.
    np.testing.assert_allclose(steady.prices, [0.5, 3.0])
    np.testing.assert_allclose([steady.lowest, steady.highest], [steady.prices] * 2)
    np.testing.assert_allclose(steady.stocks, [4.0, 2.0])


def test_a_capacity_that_binds_takes_the_worth_as_rent():
    steady = steady_state(one_maker(LinearActivity({"ore": 2.0}, {"iron": 1.0}, capacity=1.5)))
    assert steady.value == pytest.approx(4.5)
    np.testing.assert_allclose(steady.prices, [0.0, 3.0], atol=1e-12)
    np.testing.assert_allclose(steady.rents, [0.5 * 3.0])


def test_who_must_wait_too_long_does_not_work():
    slow = LinearActivity({"ore": 1.0}, {"iron": 1.0}, unit_cost=1.6)
    assert steady_state(one_maker(slow)).levels.tolist() == [0.0]
    assert steady_state(one_maker(slow, discount=0.6)).levels.tolist() == [pytest.approx(4.0)]


def test_shoes_in_pairs_have_prices_that_only_sum_to_something():
    pair = LinearActivity({"left": 1.0, "right": 1.0}, {"pair": 1.0})
    industry = Industry(
        ("left", "right", "pair", "moon"),
        (Inflow("left", 2.0), Inflow("right", 2.0)),
        (Producer("cobbler", pair),),
        (Household("h", (Want("pair", 4.0),)),),
        discount=0.5,
    )
    steady = steady_state(industry)
    np.testing.assert_allclose(steady.lowest, [0, 0, 4, 0], atol=1e-9)
    np.testing.assert_allclose(steady.highest, [2, 2, 4, np.inf])
    assert steady.prices[0] + steady.prices[1] == pytest.approx(2.0)


def test_storage_is_idle_at_rest_and_used_before_a_lean_time():
    barn = Industry(
        ("grain",),
        (Inflow("grain", 4.0),),
        (Producer("barn", Storage("grain", 3.0, unit_cost=0.1, keeps=0.9)),),
        (Household("h", (Want("grain", 2.0, 3.0), Want("grain", 1.0, 3.0))),),
        discount=0.95,
    )
    assert steady_state(barn).levels.tolist() == [0.0]
    inflows = np.array([[4.0], [4.0], [0.0]])
    plan = horizon(barn, 3, inflows=inflows)
    # Kept twice, a unit costs .2 and becomes .81 units worth 2: better than to eat it as the
    # fourth, worth 1, and worse than as the third, worth 2.
    np.testing.assert_allclose(plan.levels[:, 0], [1.0, 1.0 + 0.9, 0.0], atol=1e-9)
    np.testing.assert_allclose(plan.eaten.sum(axis=1), [3.0, 3.0, 0.9 * 1.9])


# --- against each other


@pytest.mark.parametrize("industry", [*DRAWN, HASTY])
def test_at_rest_no_plan_over_a_long_horizon_is_better(industry):
    steady, gamma, steps = steady_state(industry), industry.discount, 40
    stock = made(industry, steady)
    plan = horizon(industry, steps, stock, steady.prices)
    staying = steady.value * (1 - gamma**steps) / (1 - gamma) + gamma**steps * steady.prices @ stock
    assert plan.value == pytest.approx(staying, rel=1e-9)


@pytest.mark.parametrize("industry", DRAWN)
def test_from_nothing_the_best_plan_comes_to_rest_there(industry):
    steady = steady_state(industry)
    plan = horizon(industry, 80, terminal_prices=steady.prices)
    assert plan.values[0] < 0.99 * steady.value
    assert plan.values[40] == pytest.approx(steady.value, rel=1e-6)
    unique = steady.highest - steady.lowest < 1e-3 * steady.prices.max()
    assert unique.any()
    # Where they are not unique, the prices of a long plan need not stay the same from step to step.
    np.testing.assert_allclose(plan.prices[40][unique], steady.prices[unique], atol=1e-6)


@pytest.mark.parametrize("industry", [*DRAWN, HASTY])
def test_a_steady_state_adds_up_and_its_prices_leave_nobody_a_gain(industry):
    steady = steady_state(industry)
    used, back = dict.fromkeys(industry.goods, 0.0), dict.fromkeys(industry.goods, 0.0)
    price = dict(zip(industry.goods, steady.prices, strict=True))
    value = 0.0
    for producer, level, rent in zip(industry.producers, steady.levels, steady.rents, strict=True):
        technique = producer.technique
        spent = sum(price[good] * amount for good, amount in technique.amounts_needed)
        fetched = sum(price[good] * amount for good, amount in technique.amounts_made)
        profit = industry.discount * fetched - technique.unit_cost - spent - rent
        assert profit <= 1e-7
        assert level * profit == pytest.approx(0, abs=1e-6)
        assert rent * (min(technique.capacity, 1e9) - level) == pytest.approx(0, abs=1e-6)
        value -= level * technique.unit_cost
        for good, amount in technique.amounts_needed:
            used[good] += amount * level
        for good, amount in technique.amounts_made:
            back[good] += amount * level
    for want, quantity in zip(industry.wants, steady.eaten, strict=True):
        used[want.good] += quantity
        value += want.worth * quantity
        assert quantity <= want.most + 1e-9
    for good, comes, stock in zip(industry.goods, industry.coming_in, steady.stocks, strict=True):
        assert stock == pytest.approx(comes + back[good], abs=1e-8)
        assert used[good] <= stock + 1e-7
        assert price[good] * (stock - used[good]) == pytest.approx(0, abs=1e-5)
    assert value == pytest.approx(steady.value)


SOME = DRAWN[:2] + DRAWN[4:5] + DRAWN[-1:]


def with_more(industry, good, amount):
    extra = Inflow(industry.goods[good], amount, "finder")
    return replace(industry, inflows=(*industry.inflows, extra))


@pytest.mark.parametrize("industry", SOME)
def test_a_price_is_the_slope_of_value_in_the_inflow_less_interest_on_the_stocks(industry):
    """What a lasting inflow adds, less what is forgone on the stocks that it takes to use it."""
    steady, little = steady_state(industry), 1e-5
    before, unique = made(industry, steady), steady.highest - steady.lowest < 1e-9
    assert unique.sum() >= 4
    for good in np.flatnonzero(unique):
        richer = with_more(industry, int(good), little)
        after = steady_state(richer)
        interest = (1 - industry.discount) * steady.prices @ (made(richer, after) - before)
        slope = (after.value - steady.value - interest) / little
        assert slope == pytest.approx(steady.prices[good], abs=1e-4)


@pytest.mark.parametrize("industry", SOME)
def test_a_price_lies_between_what_one_unit_more_brings_and_one_unit_less_takes(industry):
    """A single unit may bring less: what it must be combined with is there for the usual flow."""
    steady, steps, little = steady_state(industry), 12, 1e-3
    usual = np.tile(industry.coming_in, (steps, 1))
    stock = made(industry, steady)

    def worth(good, amount):
        start = stock.copy()
        start[good] += amount
        return horizon(industry, steps, start, steady.prices, usual).value

    for good in np.flatnonzero(stock > little):
        more, less = worth(good, little), worth(good, -little)
        here = worth(good, 0.0)
        assert (more - here) / little <= steady.prices[good] + 1e-5
        assert (here - less) / little >= steady.prices[good] - 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_without_a_discount_a_price_is_the_slope_of_value_in_the_inflow(seed):
    industry, little = supply_chain(seed, discount=1.0), 1e-4
    steady = steady_state(industry)
    for good, price in enumerate(steady.prices):
        value = steady_state(with_more(industry, good, little)).value
        assert (value - steady.value) / little == pytest.approx(price, abs=1e-5)


# --- against other programmes


@pytest.mark.parametrize("seed", range(4))
def test_without_a_discount_a_commodity_flow_is_the_flow_of_least_cost(seed):
    industry = commodity_flow(seed, 5, 2, discount=1.0)
    carriers = [one.technique for one in industry.producers]
    fee, arcs = [one.unit_cost for one in carriers], len(carriers)
    goods = {good: row for row, good in enumerate(industry.goods)}
    balance, most = np.zeros((len(goods), arcs + len(industry.wants))), [None] * arcs
    for column, carrier in enumerate(carriers):
        here, room = carrier.needs
        balance[goods[here], column] += 1
        balance[goods[room], column] += 1
        balance[goods[carrier.makes[0]], column] -= 1
    for column, want in enumerate(industry.wants):
        balance[goods[want.good], arcs + column] = 1
        most.append(want.most)
    aim = np.array([*fee, *(-want.worth for want in industry.wants)])
    pairs = [(0, bound) for bound in most]
    flow = linprog(aim, A_ub=balance, b_ub=industry.coming_in, bounds=pairs, method="highs-ipm")
    assert steady_state(industry).value == pytest.approx(-flow.fun, rel=1e-6)


def test_without_a_discount_a_programme_read_as_an_industry_has_the_same_optimum():
    table = {column.name: column for column in WORKSHOP.columns}
    names = list(table)
    rows = []
    for row in WORKSHOP.rows:
        sign = 1 if row.sense == "L" else -1
        rows.append([sign * dict(table[name].entries).get(row.name, 0.0) for name in names])
    found = linprog(
        [-table[name].objective for name in names],
        A_ub=rows,
        b_ub=[row.limit for row in WORKSHOP.rows],
        bounds=[(0, min(table[name].upper, 1e9)) for name in names],
    )
    steady = steady_state(industry_of(WORKSHOP, discount=1.0))
    assert steady.value == pytest.approx(-found.fun, rel=1e-9)
    np.testing.assert_allclose(steady.levels, found.x, atol=1e-7)


# --- the first world is not too easy


def test_the_supply_chain_needs_its_prices():
    assert not is_too_easy(supply_chain)


def test_a_world_with_one_way_to_do_everything_is_too_easy():
    def plain(seed):
        return one_maker(LinearActivity({"ore": 2.0}, {"iron": 1.0}), amount=4.0 + seed)

    assert frozen_price_share(plain(0)) == pytest.approx(1.0)
    assert is_too_easy(plain)
    assert is_too_easy(plain, seeds=range(3))
    assert not is_too_easy(plain, seeds=range(2))


@pytest.mark.parametrize("seed", range(3))
def test_in_the_supply_chain_labour_is_short_and_capacities_bind_here_and_not_there(seed):
    chain = supply_chain(seed)
    steady = steady_state(chain)
    capacities = np.array([one.technique.capacity for one in chain.producers])
    assert steady.prices[chain.goods.index("labour")] > 0
    assert (steady.rents > 1e-6).any()
    assert ((steady.levels > 1e-6) & (steady.levels < 0.99 * capacities)).any()


# --- errors


def test_what_grows_faster_than_the_discount_shrinks_it_has_no_value():
    rabbits = LinearActivity({"ore": 1.0}, {"ore": 2.0, "iron": 1.0})
    with pytest.raises(UnboundedDemand, match="no upper bound"):
        steady_state(one_maker(rabbits, discount=0.9))
    assert steady_state(one_maker(replace(rabbits, capacity=7.0), discount=0.9)).value == 21.0


def test_a_curve_is_refused_by_the_name_of_its_producer():
    curve = one_maker(CobbDouglasTechnique({"ore": 0.5}, {"iron": 1.0}))
    for plan in (steady_state, frozen_price_share, lambda industry: horizon(industry, 3)):
        with pytest.raises(InvalidSetting, match="maker has a CobbDouglasTechnique"):
            plan(curve)


def test_where_nothing_comes_in_nothing_is_worth_a_share():
    empty = replace(supply_chain(0), inflows=())
    steady = steady_state(empty)
    assert (steady.value, steady.levels.sum(), steady.eaten.sum()) == (0, 0, 0)
    with pytest.raises(InvalidSetting, match="A share of nothing"):
        frozen_price_share(empty)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps=0"),
        ({"steps": 2, "initial_stock": [1.0]}, "initial_stock of shape .1,."),
        ({"steps": 2, "terminal_prices": [1.0, np.nan]}, "terminal_prices"),
        ({"steps": 2, "inflows": np.full((2, 2), -1.0)}, "none of them negative"),
    ],
)
def test_a_horizon_that_makes_no_sense_is_refused(settings, said):
    with pytest.raises(InvalidSetting, match=said):
        horizon(one_maker(LinearActivity({"ore": 2.0}, {"iron": 1.0})), **settings)


def test_plans_that_never_repeat_themselves_are_an_error(monkeypatch):
    monkeypatch.setattr(planner._steady, "ROUNDS", 0)
    with pytest.raises(NotConverged, match="in 0 rounds"):
        steady_state(supply_chain(0))


def test_a_programme_that_nothing_satisfies_is_an_error():
    with pytest.raises(NoEquilibrium):
        maximise(np.ones(1), np.ones((1, 1)), np.array([-1.0]), np.array([2.0]))
