"""Wide markets that run: their books, their prices, what ends a run, and what a shock leaves."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._errors import (
    BadPrice,
    BadProduction,
    BadReward,
    InvalidSetting,
    LedgerError,
    NotConcave,
    NotConverged,
)
from catallax._goods import Good
from catallax._ledger import Fault
from catallax.industries import Inflow, Want
from catallax.planner import steady_state
from catallax.techniques import CobbDouglasTechnique, JaxTechnique, LinearActivity
from catallax.wide import Expectations, Inertia, Patience, Rewards, Stipends, _economy
from small_wide import GOODS, INFLOWS, SAW, STIPENDS, WANTS, economy, market, mill

LASTING = (
    Good("labour", perishable=True),
    Good("cedar", unit=0.001, depreciation=0.25, carrying_cost=0.02),
    Good("slats", unit=1e-4, depreciation=0.1),
)
BLEND = CobbDouglasTechnique({"cedar": 0.5, "labour": 0.4}, {"slats": 2.0}, capacity=9.0)


def same(one, other):
    """Whether two states are the same, leaf by leaf."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def slate(run):
    """All that a failure must leave as it was."""
    histories = [history.steps for history in run._histories]
    return run.state, run.balances, run.holdings, len(run.journal), histories


def fails(run, error, said, steps=1):
    """Runs into an error, which changes nothing."""
    state, *before = slate(run)
    with pytest.raises(error, match=said):
        run.run(steps)
    after, *rest = slate(run)
    assert same(state, after)
    assert rest == before


# --- what runs


@pytest.mark.parametrize("money", ["none", "cap"])
@pytest.mark.parametrize("closure", [Rewards(1e3), STIPENDS], ids=["rewards", "stipends"])
@pytest.mark.parametrize("goods", [None, LASTING], ids=["perishable", "lasting"])
def test_an_economy_keeps_its_books_and_finds_prices(money, closure, goods):
    run = economy(mill(), closure, money, goods=goods)
    for steps in (1, 9):
        keeps_its_books(run, run.run(steps), 1e-5 if goods is None else 1e-3)
    history = run.history
    assert history.steps == run.steps == 10
    assert history.sold[-1, 2] > 0
    assert history.worths[-1].sum() > 0
    np.testing.assert_allclose(history.costs, history.levels * [0.1, 0.01], atol=1e-12)
    np.testing.assert_allclose(
        history.values, history.worths.sum(axis=1) - history.costs.sum(axis=1)
    )


def keeps_its_books(run, history, tolerance):
    """Ticks and quanta add up, and the settled triple is an equilibrium."""
    balances, disposal = run.balances, np.asarray(run.state.stocks.disposal)
    assert run.audit().balanced
    assert sum(balances.values()) == 0
    assert balances["clearing"] == balances["rounding"] == 0
    assert balances["treasury"] >= 0
    came, made, used = run.history.quanta.sum(axis=0)
    held = [sum(row[good] for row in run.holdings.values()) for good in GOODS]
    np.testing.assert_array_equal(held + disposal, came + made - used)
    assert history.violation.max() < tolerance
    assert np.all(history.prices >= 0)
    assert np.all(history.prices[:, 2] <= 2.0 + 1e-6)
    assert np.all(history.sold <= history.supply + 1e-12)


def test_an_economy_with_a_curve_keeps_its_books():
    run = economy(mill(BLEND), money="none")
    keeps_its_books(run, run.run(4), 1e-5)
    assert np.isnan(run.history.levels[:, 0]).all()
    assert run.history.sold[-1, 2] > 0.1
    assert not run.history.costs[:, 0].any()


@pytest.mark.parametrize("money", ["none", "cap"])
def test_at_rest_prices_are_those_of_the_best_plan(money):
    best = steady_state(mill())
    history = economy(mill(), Rewards(1e4), money).run(200)
    np.testing.assert_allclose(history.prices[-1], best.prices, atol=1e-4)
    np.testing.assert_allclose(history.levels[-1], best.levels, atol=1e-3)
    # Where margins are thin, a price off by the tolerance of clearing moves levels visibly.
    assert history.values[-1] == pytest.approx(best.value, rel=1e-3)


def test_who_pays_is_the_closure():
    rewards, stipends = economy(), economy(mill(), STIPENDS)
    rewards.run(15), stipends.run(15)
    assert stipends.balances["worker"] == stipends.balances["original_owner"] == 0
    assert rewards.balances["worker"] > 0
    assert rewards.balances["treasury"] == 0
    # Only the fees of levels leave the circle of stipends, and nobody is paid for what it uses up.
    fees = stipends.balances["nature"] + round((1e3 + 2e3) * 1e6)
    assert 0 < fees == pytest.approx(stipends.history.costs.sum() * 1e6, abs=30)


def test_profits_are_what_a_producer_gains():
    run = economy()
    history = run.run(6)
    gained = run.balances["mill"] - 1_000_000_000
    assert history.profits[:, 0].sum() * 1e6 == pytest.approx(gained, abs=6)


def test_producers_go_by_forecasts_that_follow_prices():
    history = economy(expectations=Expectations(0.5)).run(4)
    np.testing.assert_array_equal(history.forecasts[0], 0.0)
    for before, price, after in zip(
        history.forecasts, history.prices, history.forecasts[1:], strict=False
    ):
        np.testing.assert_allclose(after, before + 0.5 * (price - before), rtol=1e-12)


# --- households with budgets, beside producers with caps

ENDLESS = ((Want("slats", 2.0), Want("labour", 3.0)), (Want("slats", 1.5), Want("cedar", 1.0)))
INCOME = Stipends({"a": 2.0, "b": 1.5}, treasury=500.0, endowment=50.0)
BUDGETS = ("cap", "budget")


@pytest.mark.parametrize("closure", [Rewards(20.0), INCOME], ids=["rewards", "stipends"])
def test_a_hundred_steps_with_budgets_lose_no_tick_and_no_quantum(closure):
    run = economy(mill(wants=ENDLESS), closure, BUDGETS, goods=LASTING)
    keeps_its_books(run, run.run(100), 1e-3)
    assert run.history.sold[9:, 2].min() > 0


def test_budgets_bind_to_the_tick():
    run = economy(mill(wants=ENDLESS), INCOME, BUDGETS)
    for step in range(100):
        before = run.balances
        run.run(1)
        for name, income in INCOME.of.items():
            spent = before[name] + round(1e6 * income) - run.balances[name]
            assert 0 <= spent <= before[name]
            # All but what is less than a quantum of anything costs, once there is little to spend.
            assert step < 50 or before[name] - spent <= 3
    assert run.audit().balanced


def test_prices_are_those_of_a_plan_that_weighs_households_by_what_they_can_spend():
    """At rest `β_h = p_j / v_hj` for what h buys: the market maximises `Σ_h β_h v_h` less costs."""
    run = economy(mill(wants=ENDLESS), INCOME, BUDGETS)
    history = run.run(200)
    prices = dict(zip(GOODS, history.prices[-1], strict=True))
    weights = [min(prices[want.good] / want.worth for want in wants) for wants in ENDLESS]
    assert max(weights) < 0.5  # without budgets they would be 1
    weighed = [
        tuple(replace(want, worth=weight * want.worth) for want in wants)
        for wants, weight in zip(ENDLESS, weights, strict=True)
    ]
    best = steady_state(mill(wants=weighed))
    np.testing.assert_allclose(history.prices[-1], best.prices, atol=2e-4)
    value = history.worths[-1] @ weights - history.costs[-1].sum()
    assert value == pytest.approx(best.value, rel=1e-3)


def test_what_all_can_spend_is_the_price_of_what_there_is():
    wants = ((Want("slats", 9.0),), (Want("slats", 8.0),))
    inflows = (Inflow("slats", 10.0, "worker"), Inflow("labour", 0.0))
    run = economy(mill(wants=wants, inflows=inflows), INCOME, BUDGETS)
    history = run.run(20)
    # 2 and 1.5 credits for ten slats; at first nobody has anything.
    assert history.prices[0, 2] == 0
    assert history.prices[1:, 2] == pytest.approx(0.35, rel=1e-5)
    np.testing.assert_allclose(history.worths[-1], [9 * 2 / 0.35, 8 * 1.5 / 0.35], rtol=1e-4)


def test_rules_for_two_parties_may_come_and_go():
    run = economy(mill(wants=ENDLESS), INCOME, "cap")
    run.run(3)
    run.change(market(mill(wants=ENDLESS), INCOME, BUDGETS))
    keeps_its_books(run, run.run(5), 1e-5)
    run.change(market(mill(wants=ENDLESS), INCOME, ("none", "cap")))
    assert run.run(5).steps == 5
    assert run.audit().balanced


def test_equal_rules_for_two_parties_are_one_rule():
    one, other = (economy(mill(), STIPENDS, money) for money in ("cap", ("cap", "cap")))
    one.run(6), other.run(6)
    assert one.digest == other.digest


@pytest.mark.parametrize("rules", [{}, {"patience": Patience(0.0)}], ids=["patient", "not"])
def test_a_curve_beside_budgets_keeps_its_books(rules):
    # Some slats come in, so that there is one market, of all goods, from the first step on.
    inflows = (*INFLOWS, Inflow("slats", 0.1, "worker"))
    run = economy(mill(BLEND, wants=ENDLESS, inflows=inflows), INCOME, BUDGETS, **rules)
    # At a few quanta the tangent of a curve that begins steeply says little about all it can bring.
    keeps_its_books(run, run.run(12), np.inf)
    assert run.history.sold[-1, 2] > 0


# --- the same again


def test_two_economies_are_one():
    one, other = economy(), economy()
    for run in (one, other):
        run.run(3), run.run(2)
    assert [entry.digest for entry in one.journal] == [entry.digest for entry in other.journal]
    assert len(one.journal) == 2
    assert same(one.state, other.state)


def test_a_run_in_two_parts_is_one_run():
    parts, whole = economy(mill(), STIPENDS), economy(mill(), STIPENDS)
    parts.run(3), parts.run(4)
    alone = whole.run(7)
    assert same(parts.state, whole.state)
    for name in ("prices", "levels", "quanta", "profits", "violation"):
        np.testing.assert_array_equal(getattr(parts.history, name), getattr(alone, name))
    assert parts.audit().balanced


def test_a_history_tells_its_last_steps():
    run = economy()
    with pytest.raises(InvalidSetting, match="has not run"):
        _ = run.history
    history = run.run(5)
    assert history.steps == 5
    last = history.last(2)
    assert last.steps == 2
    np.testing.assert_array_equal(last.prices, history.prices[3:])
    np.testing.assert_array_equal(last.values, history.values[3:])
    assert history.last(9).steps == 5


# --- markets at the edge


@pytest.mark.parametrize("money", ["none", "cap"])
def test_where_nothing_comes_in_prices_are_bids_and_nothing_happens(money):
    inflows = (Inflow("labour", 0.0, "worker"),)
    run = economy(mill(inflows=inflows), money=money)
    history = run.run(3)
    assert not history.quanta.any()
    assert not history.sold.any()
    assert not history.levels.any()
    np.testing.assert_allclose(history.prices[:, 2], 2.0, rtol=1e-6)
    # A level is bid for at what it would bring, and its inputs cost so much together.
    gains = np.maximum(0.9 * 4 * history.forecasts[:, 2] - 0.1, 0)
    np.testing.assert_allclose(history.prices @ [1.0, 2.0, 0.0], gains, rtol=1e-5)
    assert run.balances["a"] == run.balances["mill"] == 10**9


def test_what_nobody_wants_is_free_and_thrown_away():
    run = economy(mill(LinearActivity({"labour": 1.0}, {"slats": 4.0}, 3.0)))
    history = run.run(4)
    np.testing.assert_allclose(history.prices[:, 1], 0.0, atol=1e-6)
    assert not history.sold[:, 1].any()
    assert int(run.state.stocks.disposal[1]) == 4 * 5_000_000
    assert not any(row["cedar"] for row in run.holdings.values())
    assert run.balances["original_owner"] == 0


def test_who_wants_without_end_gets_what_there_is():
    run = economy(mill(wants=((Want("slats", 2.0),), (Want("slats", 1.5),))))
    history = run.run(5)
    bought = history.sold[-1, 2] - history.levels[-1, 1]
    np.testing.assert_allclose(history.worths[-1], [2.0 * bought, 0.0], atol=1e-4)
    assert history.prices[-1, 2] == pytest.approx(2.0, rel=1e-5)


def test_who_owns_what_comes_in_may_be_a_household_or_a_producer():
    inflows = (Inflow("labour", 2.0, "a"), Inflow("cedar", 5.0, "barn"), Inflow("cedar", 0.0, "w"))
    run = economy(mill(inflows=inflows), STIPENDS)
    assert run.names == ("original_owner", "w", "a", "b", "mill", "barn")
    history = run.run(4)
    assert history.sold[-1, 0] > 0
    earned = (history.prices[:, 0] * history.sold[:, 0]).sum()
    spent = 4 * 40.0 - run.balances["a"] / 1e6 + earned
    # What it earns by its labour is its own; what it spends is worth no more than what it gets.
    assert 0 < spent <= history.worths[:, 0].sum() + 1e-4


# --- who cannot pay


def test_who_cannot_pay_for_its_levels_dies_and_bids_nothing_afterwards():
    lasting = tuple(Good(name) for name in GOODS)
    run = economy(
        mill(replace(SAW, unit_cost=3.0)), replace(STIPENDS, endowment=0.05), goods=lasting
    )
    run.run(1)
    while run.state.alive[0]:
        before = run.holdings
        history = run.run(1)
        assert run.steps < 9
    assert history.levels[0, 0] > 0.1
    assert run.balances["mill"] == 0
    assert run.balances["losses"] < 0
    assert not any(run.holdings["mill"].values())
    assert not np.asarray(run.state.stocks.carry)[run.names.index("mill")].any()
    # What it had just made reverts to the original owner, who has never made or bought slats.
    assert before["original_owner"]["slats"] == 0
    made = int(history.quanta[0, 1, 2])
    assert made - 5 * 10**6 <= run.holdings["original_owner"]["slats"] <= made
    after = run.run(3)
    assert not after.levels[:, 0].any()
    assert not after.profits[:, 0].any()
    assert run.balances["mill"] == 0
    assert run.audit().balanced
    assert np.all(after.prices[:, :2] == pytest.approx(0.0, abs=1e-6))


# --- what ends a run


@pytest.mark.parametrize("steps", [0, -1, "x", 1.5, None])
def test_steps_are_counted(steps):
    fails(economy(), InvalidSetting, "steps=.* was given to run", steps)


def in_debt(x):
    return (x.sum() - 8.0)[None]


def of_nothing(x):
    return jnp.stack([x.sum() * x[0] / x[0]])


def nowhere(x):
    return jnp.stack([x.sum() * jnp.nan])


def snowball(x):
    return (x.sum() ** 2)[None]


@pytest.mark.parametrize(
    ("function", "made"), [(in_debt, "-8.0"), (of_nothing, "nan"), (nowhere, "nan")]
)
def test_what_is_no_stock_is_refused_before_a_run(function, made):
    wrong = JaxTechnique(("cedar", "labour"), ("slats",), function)
    with pytest.raises(BadProduction, match=f"mill, given .* made {made} of slats"):
        economy(mill(wrong))


def large_debts(x):
    return jnp.where(x.sum() == 3.25, -1.0, x.sum())[None]


def test_what_is_no_stock_ends_a_run_too(monkeypatch):
    """A technique whose fault random bundles do not show."""
    run = economy(mill(JaxTechnique(("cedar", "labour"), ("slats",), large_debts)))
    bad = Trial(run)
    monkeypatch.setattr("catallax.wide._economy._settled", bad)
    fails(run, BadProduction, "mill made -1.0 of slats in step 0")


class Trial:
    """Settles as ever, with bundles that show the fault."""

    def __init__(self, run):
        self.settled, self.row = _economy._settled, run.names.index("mill")

    def __call__(self, *given):
        *before, cleared, rules = given
        bundles = cleared.bundles.at[self.row].set(jnp.asarray([1.25, 2.0, 0.0]))
        return self.settled(*before, cleared._replace(bundles=bundles), rules)


def test_a_technique_that_gains_from_size_ends_a_run():
    run = economy(mill(JaxTechnique(("cedar", "labour"), ("slats",), snowball)))
    run.run(1)
    fails(run, NotConcave, "values two bundles", 3)
    assert run.steps == 1


def test_steps_before_the_failure_count():
    run = economy(mill(JaxTechnique(("cedar", "labour"), ("slats",), snowball)))
    with pytest.raises(NotConcave):
        run.run(4)
    assert run.steps == run.history.steps == len(run.journal) == 1
    assert run.audit().balanced


def test_a_price_that_cannot_be_paid_ends_a_run():
    fails(economy(mill(wants=((Want("slats", 2e6),), WANTS[1]))), BadPrice, "beyond a million")


def test_a_worth_that_cannot_be_booked_ends_a_run():
    rich = mill(
        wants=((Want("slats", 1e5, 15.0),), WANTS[1]), inflows=(*INFLOWS, Inflow("slats", 20.0))
    )
    fails(economy(rich, Rewards(1e6)), BadReward, "A worth or a cost")


def test_a_market_that_is_not_cleared_ends_a_run(monkeypatch):
    def given_up(*_, **__):
        raise NotConverged("It", "did", "not.")

    run = economy()
    run.run(2)
    monkeypatch.setattr(_economy, "equilibrium", given_up)
    fails(run, NotConverged, "It did not")


def test_books_that_do_not_add_up_end_a_run(monkeypatch):
    def lost(*given):
        state, seen = settled(*given)
        return state._replace(ledger=state.ledger._replace(faults=jnp.int32(Fault.DRIFT))), seen

    run, settled = economy(), _economy._settled
    run.run(1)
    monkeypatch.setattr(_economy, "_settled", lost)
    fails(run, LedgerError, "failed in step 1: drift")


# --- shocks


def test_a_shock_keeps_money_stocks_and_forecasts():
    run = economy(inertia=Inertia(2.0, 0.0))
    run.run(5)
    before, *books = slate(run)
    dear = LinearActivity({"cedar": 2.0, "labour": 1.0}, {"slats": 4.0}, 3.0, 50.0)
    run.change(market(mill(dear)))
    after, *rest = slate(run)
    assert same(before, after)
    assert rest == books
    assert run.history.levels[-1, 0] > 0.5
    assert not run.run(3).levels[-1, 0]
    run.change(market(mill(inflows=(*INFLOWS, Inflow("slats", 3.0)))))
    assert run.run(1).quanta[0, 0].tolist() == [2_000_000, 5_000_000, 3_000_000]
    assert run.audit().balanced
    assert run.history.steps == 9


def test_a_capacity_of_nothing_takes_a_producer_out():
    run = economy()
    run.run(4)
    run.change(market(mill(replace(SAW, capacity=0.0))))
    history = run.run(3)
    assert not history.levels[:, 0].any()
    assert history.violation.max() < 1e-5


@pytest.mark.parametrize(
    "other",
    [
        mill(names=("sawmill", "a")),
        mill(names=("mill", "c")),
        mill(inflows=(Inflow("labour", 2.0, "someone"), INFLOWS[1])),
        mill(inflows=INFLOWS[1:]),
        replace(mill(), goods=GOODS[::-1]),
    ],
    ids=["producer", "household", "owner", "nobody", "goods"],
)
def test_a_shock_of_other_names_is_refused(other):
    run = economy()
    run.run(1)
    state, *books = slate(run)
    with pytest.raises(InvalidSetting, match="other holders or goods"):
        run.change(market(other))
    after, *rest = slate(run)
    assert same(state, after)
    assert rest == books
    assert run.market == market()


def test_stipends_that_the_treasury_cannot_pay_are_shared():
    poor = Stipends({"a": 30.0, "b": 10.0}, treasury=1.0, endowment=10.0)
    run = economy(mill(), poor)
    run.run(1)
    assert (run.balances["a"], run.balances["b"]) == (750_000, 250_000)
    run.run(4)
    assert run.balances["treasury"] == 0
