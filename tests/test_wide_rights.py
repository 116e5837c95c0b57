"""Wide markets in which only totals are seen: whose the components are, and who knows of them."""

from dataclasses import fields, replace
from fractions import Fraction
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import InvalidSetting
from catallax._goods import Good
from catallax._ledger import N_SYSTEM, Account
from catallax._property import Identity, ProRata, TitledLots
from catallax._types import exact
from catallax.industries import Household, Producer, Want
from catallax.planner import pooled_state
from catallax.techniques import CobbDouglasTechnique, GradedActivity, LinearActivity, Storage
from catallax.wide import Rewards, _economy
from catallax.wide._bids import Outlook, valuations_of
from catallax.wide._habits import Habits
from catallax.wide._step import Cleared, Pace
from oracles.goods import TICKS, columns, cost
from oracles.wide import Kind, Recipe, Rules, Then, settle
from small_blends import (
    GOODS,
    LOOK_OF,
    ORE,
    PRODUCERS,
    TOOLS,
    economy,
    market,
    plough,
)
from small_wide import economy as wide_economy
from small_wide import mill

LASTING = (
    Good("labour", 0.25, perishable=True),
    Good("ore", 0.125, depreciation=0.25, carrying_cost=0.5),
    Good("iron", 0.125, depreciation=0.5),
    Good("tools", 0.0625, carrying_cost=0.25),
    Good("ploughs", 0.125),
)


# --- against plain integers and fractions


def recipe_of(technique):
    """The same technique for the oracle: what it takes by look, what it makes by component."""
    if isinstance(technique, GradedActivity):
        takes = {LOOK_OF[GOODS.index(grades[0])]: Fraction(a) for grades, a in technique.slots}
        by_grade = {GOODS.index(grade): listed(made) for grade, made in technique.yields}
        limits = Fraction(technique.capacity), Fraction(technique.unit_cost)
        return Recipe(takes, {}, *limits, by_grade)
    takes = {LOOK_OF[GOODS.index(good)]: Fraction(a) for good, a in technique.amounts_needed}
    limits = Fraction(technique.capacity), Fraction(technique.unit_cost)
    return Recipe(takes, listed(technique.amounts_made), *limits)


def listed(amounts):
    return {GOODS.index(good): Fraction(amount) for good, amount in amounts}


def rules_of(run):
    """What the oracle is told of the market of a run."""
    of_look = [
        Kind(Fraction(g.unit), g.lost, Fraction(g.carrying_cost), g.perishable) for g in LASTING
    ]
    wants = [[[], [], [], [], [(4, 3)]], [[(Fraction(1, 2), 2)], [], [], [], []]]
    return Rules(
        owners=4,
        kinds=[of_look[look] for look in LOOK_OF],
        arrivals=np.asarray(run._cast.arrivals).tolist(),
        wants=wants,
        recipes=[recipe_of(one.technique) for one in PRODUCERS],
        gamma=Fraction(9, 10),
        stipends=None,
        look_of=LOOK_OF,
    )


def drawn(luck, rules, holders):
    """A state, prices, and bundles of whole and half quanta that fit and can be paid."""
    choose = luck.choice
    holdings = [[choose([0, 1, 3, 7, 200]) for _ in GOODS] for _ in range(holders)]
    carry = [[Fraction(choose([0, 0, 3, 7]), 8) for _ in GOODS] for _ in range(holders)]
    prices = [Fraction(choose([0, 1, 5]), 4) for _ in LASTING]
    came = [
        [a + b for a, b in zip(x, y, strict=True)]
        for x, y in zip(holdings, rules.arrivals, strict=True)
    ]
    wants = [[0] * len(LASTING) for _ in range(holders)]
    for look, column in enumerate(columns([rules.seen(row) for row in came], len(LASTING))):
        weights = [choose([0, 0, 1, 2, 5]) for _ in range(holders)]
        part = max(sum(weights), 1) * choose([1, 2])
        for row, weight in enumerate(weights):
            wants[row][look] = Fraction(2 * sum(column) * weight // part, 2)
    price = [p * unit * TICKS for p, unit in zip(prices, rules.units, strict=True)]
    money = [
        choose([0, 10**6]) + sum(cost(int(q) + 1, p) for q, p in zip(row, price, strict=True))
        for row in wants
    ]
    system = {"treasury": 3, "discount": 5, "losses": -2, "clearing": 0}
    system["nature"] = -sum(money) - sum(system.values())
    before = Then(holdings, carry, [3] * len(GOODS), money, system, [True] * len(PRODUCERS))
    bundles = [[q * unit for q, unit in zip(row, rules.units, strict=True)] for row in wants]
    return before, prices, bundles


def stepped(run, before, prices, bundles):
    """The same, by the library: the state after, and what was seen."""
    with exact():
        balances = np.zeros(N_SYSTEM - 1 + len(before.money), np.int64)
        for name, ticks in before.system.items():
            balances[Account[name.upper()]] = ticks
        balances[np.asarray(run._cast.accounts)] = before.money
        state = run.state._replace(
            ledger=run.state.ledger._replace(balances=jnp.asarray(balances)),
            stocks=run.state.stocks._replace(
                holdings=jnp.asarray(before.holdings),
                disposal=jnp.asarray(before.disposal),
                carry=jnp.asarray(np.array(before.carry, float)),
            ),
        )
        rights = run.market.rights
        offer = _economy._offered(run._cast, state, rights)
        told = jnp.asarray(np.array(prices, float)), jnp.asarray(np.array(bundles, float))
        bidders = run._bidders
        return _economy._settled(
            bidders.others,
            bidders.tastes,
            run._rows.owners,
            rights,
            run._cast,
            bidders.makers,
            bidders.wants,
            offer,
            Cleared(*told),
            Pace(0.25, (0.5, 0.97, 4.0, 0.03), (0.9, 4.0, 0.03), (0.5, 0.25)),
        )


@cache
def lasting():
    """A market whose goods last; it does not run."""
    return economy(goods=LASTING)


@settings(max_examples=60)
@given(luck=st.randoms(use_true_random=False))
def test_any_step_is_the_oracles(luck):
    run = lasting()
    rules = rules_of(run)
    before, prices, bundles = drawn(luck, rules, len(run.names))
    then, moved, levels = settle(rules, before, prices, bundles)
    state, seen = stepped(run, before, prices, bundles)
    assert int(state.ledger.faults) == 0
    balances = np.asarray(state.ledger.balances)
    assert balances[np.asarray(run._cast.accounts)].tolist() == then.money
    assert {name: int(balances[Account[name.upper()]]) for name in then.system} == then.system
    assert state.stocks.disposal.tolist() == then.disposal
    assert seen.levels.tolist() == levels
    assert np.stack(seen.moved)[[0, 2]].tolist() == [moved[0], moved[2]]
    # A share of a grade is a fraction that floats do not know: a quantum may be made a step later.
    held = np.asarray(state.stocks.holdings) + np.asarray(state.stocks.carry)
    expected = np.array(then.holdings) + np.array(then.carry, float)
    np.testing.assert_allclose(held, expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("goods", [None, LASTING], ids=["perishable", "lasting"])
def test_no_quantum_of_any_component_is_lost(goods):
    run = economy(goods=goods)
    history = run.run(25)
    came, made, used = history.quanta.sum(axis=0)
    held = np.sum([list(row.values()) for row in run.holdings.values()], axis=0)
    assert (came + made - used == held + np.asarray(run.state.stocks.disposal)).all()
    assert (came > 0).tolist() == [True, True, True, False, False, False, False]
    assert (made[3:] > 0).all()
    assert list(run.holdings["forge"]) == list(GOODS)
    assert history.prices.shape == (25, 5)
    audit = run.audit()
    assert audit.balanced
    assert audit.drift_ticks == 0


# --- nobody knows what it does not see


def swapped(state):
    """The same totals of ore and of tools for everybody, of other components."""
    holdings = np.array(state.stocks.holdings)
    for sound, faulty in ((1, 2), (4, 5)):
        holdings[:, [sound, faulty]] = holdings[:, [faulty, sound]]
    with exact():
        return state._replace(stocks=state.stocks._replace(holdings=jnp.asarray(holdings)))


def test_bids_prices_and_bundles_do_not_depend_on_hidden_components():
    plain, other = economy(), economy()
    plain.run(12)
    other.run(12)
    other.state = swapped(other.state)
    held = [list(run.holdings["forge"].values())[4:6] for run in (plain, other)]
    assert held[0] == held[1][::-1] != held[1]
    bids = [valuations_of(run._bidders, outlook(run), run.market) for run in (plain, other)]
    for one, two in zip(bids[0].families, bids[1].families, strict=True):
        for part in fields(one):
            np.testing.assert_array_equal(getattr(one, part.name), getattr(two, part.name))
    first, second = plain.run(1), other.run(1)
    for part in ("prices", "supply", "sold", "levels", "forecasts"):
        np.testing.assert_array_equal(getattr(first, part), getattr(second, part))
    # What was made of it differs, and so do, a step later, the bids.
    assert first.quanta[0, 1, 6] > second.quanta[0, 1, 6]
    lessons = [expected(run)[3, 4] for run in (plain, other)]
    assert lessons[0] > lessons[1]


def outlook(run):
    state = run.state
    supply = np.bincount(LOOK_OF, np.asarray(state.stocks.holdings).sum(axis=0)) * 1e-6
    habits = Habits(*map(np.asarray, state.habits))
    alive = np.asarray(state.alive)
    return Outlook(np.asarray(state.forecasts), supply, habits, alive, expected(run))


def expected(run):
    """What everybody expects to make of a level."""
    with exact():
        return np.asarray(run.state.lessons.per_level)


def test_with_experience_a_market_comes_close_to_the_best_pools():
    run = economy()
    best = pooled_state(plough())
    assert run.run(150).last(20).values.mean() == pytest.approx(best.value, rel=0.02)
    made = expected(run)
    # Three fifths of the ore that comes in are rich, and three quarters of all new tools sound.
    assert float(made[0, 2]) == pytest.approx(0.6 * 1.0 + 0.4 * 0.25, rel=0.01)
    assert float(made[3, 4]) == pytest.approx(0.75 * 1.0 + 0.25 * 0.5, rel=0.02)


# --- rights


def test_where_nothing_looks_alike_everything_is_seen():
    assert market(plough((PRODUCERS[1],), alike={})).rights == Identity(7)
    assert market().rights == ProRata(tuple(LOOK_OF))


def test_shares_of_what_is_seen_whole_are_the_bundles():
    plain, shared = wide_economy(mill()), wide_economy(mill(), rights=ProRata((0, 1, 2)))
    one, two = plain.run(8), shared.run(8)
    for part in ("prices", "levels", "worths", "profits", "quanta"):
        np.testing.assert_array_equal(getattr(one, part), getattr(two, part))
    assert plain.holdings == shared.holdings


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ("pools", "rights='pools'"),
        (Identity(7), "seen as"),
        (ProRata((0, 1, 1)), "The 7 goods"),
        (ProRata((0, 1, 2, 2, 3, 3, 4)), "seen as"),
        (TitledLots(tuple(LOOK_OF)), "keeps no titles"),
    ],
)
def test_other_rights_are_refused(rights, said):
    with pytest.raises(InvalidSetting, match=said):
        market(rights=rights)


def with_maker(technique):
    return plough((Producer("new", technique), *PRODUCERS[1:]))


@pytest.mark.parametrize(
    ("industry", "said"),
    [
        (plough(households=(Household("h", (Want("weak tools", 1.0),)),)), "h wants 'weak tools'"),
        (with_maker(LinearActivity({"rich ore": 1.0}, {"iron": 1.0})), "new takes 'rich ore'"),
        (with_maker(Storage("poor ore", 1.0)), "new takes 'poor ore'"),
        (with_maker(CobbDouglasTechnique({"iron": 0.5}, {"ploughs": 1.0})), "new has a CobbDoug"),
        (
            with_maker(GradedActivity({ORE[:1]: 1.0}, {"rich ore": {"iron": 1.0}}, 1.0)),
            "new takes 'rich ore' alike",
        ),
        (
            with_maker(GradedActivity({(*TOOLS, "iron"): 1.0}, {"iron": {"ploughs": 1.0}}, 1.0)),
            "new takes 'sound tools' or 'weak tools' or 'iron' alike",
        ),
        (plough(alike={}), "are told apart"),
    ],
)
def test_who_would_have_what_it_cannot_tell_apart_is_refused(industry, said):
    with pytest.raises(InvalidSetting, match=said):
        market(industry)


def test_a_shock_keeps_what_was_learnt_and_lets_newcomers_hope():
    run = economy()
    run.run(20)
    before = expected(run)
    graded = GradedActivity({"iron": 1.0}, {"iron": {"sound tools": 0.5}}, 3.0)
    changed = plough((PRODUCERS[0], Producer("forge", graded), *PRODUCERS[2:]))
    run.change(market(changed))
    after = expected(run)
    np.testing.assert_array_equal(after[[0, 2, 3]], before[[0, 2, 3]])
    np.testing.assert_allclose(after[1], [0, 0, 0, 0.5, 0])
    run.run(2)
    with pytest.raises(InvalidSetting, match="or of other rights"):
        run.change(market(plough((PRODUCERS[1],), alike={})))
    told_apart = replace(changed, producers=(*changed.producers[1:],), alike={"ore": ORE})
    with pytest.raises(InvalidSetting):
        run.change(market(told_apart))


def test_what_grades_do_not_decide_needs_no_lessons():
    run = wide_economy(mill(), Rewards(1e3))
    run.run(2)
    assert not np.asarray(run.state.lessons.made).any()
