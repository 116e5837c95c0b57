"""What everybody bids in a wide market, what producers make, and who stands on which row."""

from dataclasses import replace
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._errors import InvalidGood
from catallax._goods import Good
from catallax._ledger import N_SYSTEM, Account
from catallax._types import exact
from catallax.clearing.equilibrium.valuations import (
    BoundedLeontief,
    Concave,
    Linear,
    Mixed,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)
from catallax.industries import Household, Industry, Inflow, Producer, Want
from catallax.techniques import (
    CESTechnique,
    CobbDouglasTechnique,
    LinearActivity,
    OnGoods,
    Storage,
    marginal_bids,
)
from catallax.wide import Inertia, Patience, Stipends
from catallax.wide._bids import (
    Outlook,
    bidders_of,
    held_back,
    money_of,
    patient_wants,
    valuations_of,
    wants_of,
)
from catallax.wide._cast import cast_of, rows_of
from catallax.wide._habits import Habits
from catallax.wide._makers import made_of, makers_of, revenue_of
from small_wide import GOODS, INFLOWS, SAW, STIPENDS, WANTS, market, mill

SPLIT = LinearActivity({"cedar": 0.5}, {"slats": 0.25, "labour": 0.5})
CURVE = CobbDouglasTechnique({"cedar": 0.5, "labour": 0.4}, {"slats": 2.0}, 1.5, 9.0, 0.2)
BEND = CESTechnique({"cedar": 0.4, "labour": 0.8}, {"slats": 1.0}, 0.5, 0.9, 2.0)
KEEP = Storage("slats", 5.0, 0.01, 0.75)
MAKERS = (
    Producer("curve", CURVE),
    Producer("saw", SAW),
    Producer("bend", BEND),
    Producer("split", SPLIT),
    Producer("keep", KEEP),
)
MANY = Industry(GOODS, INFLOWS, MAKERS, (Household("a", WANTS[0]), Household("b", WANTS[1])), 0.9)
LINEAR, CURVED = (1, 3, 4), (0, 2)
FORECASTS = np.array([0.25, 0.5, 2.0])
SCALES = np.array([np.nan, 1.5, np.nan, 2.0, 0.0])
ALIVE = np.ones(5, bool)
RICH = np.array([4.0, 3.0, 7.0])
OFFERED = np.array([2.0, 5.0, 8.0])
REACHED = np.array([0.0, 2.5, 0.0, 4.0, 1.0])


def outlook(forecasts=FORECASTS, scales=SCALES, alive=ALIVE, reached=REACHED, grip=1.0):
    """What producers go by who have expected nothing better before."""
    lessons = np.zeros((len(alive), len(forecasts)))
    none = np.zeros(len(alive))
    habits = Habits(scales, none, none + grip, none, reached)
    return Outlook(forecasts, OFFERED, habits, alive, lessons)


OUTLOOK = outlook()


def bids(industry=MANY, seen=OUTLOOK, inertia=None, patience=0.0):
    rules = market(industry, inertia=inertia or Inertia(), patience=Patience(patience))
    return valuations_of(bidders_of(industry), seen, rules)


def level_gains(makers, seen, discount):
    revenue = revenue_of(makers, seen.forecasts, discount, seen.lessons)
    return revenue - np.asarray(makers.activities.unit_cost)


# --- households


def test_the_dearest_want_comes_first():
    wants = (Want("slats", 1.0), Want("slats", 3.0, 2.0), Want("labour", 0.5, 4.0))
    table = wants_of((Household("a", wants), Household("b", ())), GOODS)
    assert isinstance(table, PiecewiseLinear)
    np.testing.assert_array_equal(table.slopes[0], [[0.5, 0.0], [0.0, 0.0], [3.0, 1.0]])
    np.testing.assert_array_equal(table.widths[0], [[4.0, 0.0], [0.0, 0.0], [2.0, np.inf]])
    assert not table.slopes[1].any()
    with exact():
        worth = table.worth(jnp.asarray([[9.0, 9.0, 5.0], [9.0, 9.0, 5.0]]))
    assert worth.tolist() == [4 * 0.5 + 2 * 3.0 + 3 * 1.0, 0.0]


def test_who_wants_nothing_has_a_row_of_nothing():
    table = wants_of((Household("a", ()),), GOODS)
    assert np.shape(table.slopes) == (1, 3, 1)
    assert not np.asarray(table.slopes).any()


# --- producers


def test_bidders_are_numbered_households_first():
    bidders = bidders_of(MANY)
    np.testing.assert_array_equal(bidders.makers.linear, LINEAR)
    np.testing.assert_array_equal(bidders.makers.curved, CURVED)
    np.testing.assert_array_equal(bidders.order, [3, 5, 6, 2, 4, 0, 1])
    families = bids().families
    kinds = [BoundedLeontief, Concave, Concave, PiecewiseQuadratic]
    assert [type(one) for one in families] == kinds
    assert sum(one.agents for one in families) == bids().agents == 7


@pytest.mark.parametrize("row", range(len(LINEAR)))
def test_a_level_brings_what_its_inputs_are_worth_at_the_margin(row):
    technique = MAKERS[LINEAR[row]].technique
    gains = level_gains(bidders_of(MANY).makers, OUTLOOK, 0.9)
    whole = OnGoods(technique, GOODS)
    with exact():
        inputs = jnp.asarray(bids().families[0].needs[row])
        slopes = marginal_bids(whole, inputs * 0.5, jnp.asarray(0.9 * FORECASTS))
        brings = float(slopes @ inputs)
    assert brings == pytest.approx(gains[row], rel=1e-12)


@pytest.mark.parametrize("row", range(len(LINEAR)))
def test_a_producer_in_fixed_proportions_bids_by_its_marginal_bids(row):
    """Where it has been, inertia takes nothing from the slope: it is γ b·p̂ − c."""
    technique, scale = MAKERS[LINEAR[row]].technique, 0.75
    scales = np.where(np.isnan(SCALES), SCALES, scale)
    valuations = bids(seen=outlook(scales=scales)).families[0]
    whole = OnGoods(technique, GOODS)
    with exact():
        inputs = jnp.asarray(valuations.needs)
        expected = marginal_bids(whole, inputs[row] * scale, jnp.asarray(0.9 * FORECASTS))
        found = jax.grad(lambda bundles: valuations.worth(bundles).sum())(inputs * scale)[row]
        ends = float(found @ inputs[row]), float(expected @ inputs[row])
    assert ends[0] > 0
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)


@pytest.mark.parametrize("number", range(len(CURVED)))
def test_any_other_producer_bids_its_marginal_bids(number):
    valuations = bids().families[1 + number]
    whole = OnGoods(MAKERS[CURVED[number]].technique, GOODS)
    with exact():
        bundle = jnp.asarray(RICH)
        expected = marginal_bids(whole, bundle, jnp.asarray(0.9 * FORECASTS))
        found = jax.grad(lambda x: valuations.worth(x[None])[0])(bundle)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_inertia_is_the_square_of_a_change_by_capacity():
    fast, slow = (bids(inertia=Inertia(strength)).families[0] for strength in (0.0, 4.0))
    gains = np.maximum(level_gains(bidders_of(MANY).makers, OUTLOOK, 0.9), 0)
    np.testing.assert_array_equal(fast.slopes, gains)
    assert not np.any(fast.curvatures)
    revenue = revenue_of(bidders_of(MANY).makers, FORECASTS, 0.9, OUTLOOK.lessons)
    # Capacities of 3, none and 5; where there is none, what it has been doing counts.
    np.testing.assert_allclose(slow.curvatures, 4.0 * revenue / [3.0, 2.0, 5.0])
    idle = bids(seen=outlook(scales=np.zeros(5)), inertia=Inertia(4.0)).families[0]
    np.testing.assert_allclose(idle.curvatures, 4.0 * revenue / [3.0, 0.05 * 4.0, 5.0])
    signed = level_gains(bidders_of(MANY).makers, OUTLOOK, 0.9)
    pull = slow.curvatures * SCALES[list(LINEAR)]
    np.testing.assert_allclose(slow.slopes, np.maximum(signed + pull, 0))
    np.testing.assert_array_equal(slow.bounds, [3.0, np.inf, 5.0])


def test_who_never_did_anything_to_speak_of_has_nothing_to_change_slowly_either():
    """The split, without a capacity, needs half a cedar for a level: 10 quanta are 2e-5 of it."""
    for level, slow in ((1.9e-5, False), (2.1e-5, True)):
        scales = np.where(np.isnan(SCALES), SCALES, level)
        seen = outlook(scales=scales, reached=np.full(5, level))
        assert (bids(seen=seen).families[0].curvatures[1] > 0) == slow


def test_who_kept_its_course_has_a_share_of_inertia():
    whole, part = (bids(seen=outlook(grip=grip)).families[0] for grip in (1.0, 0.25))
    np.testing.assert_array_equal(part.curvatures, 0.25 * whole.curvatures)


def test_who_expects_a_loss_does_not_bid():
    families = bids(seen=outlook(np.zeros(3))).families
    assert not np.any(families[0].slopes[[0, 2]])
    with exact():
        assert float(families[1].worth(jnp.asarray(RICH)[None])[0]) < 0


def test_the_dead_bid_nothing():
    families = bids(seen=outlook(alive=np.zeros(5, bool))).families
    assert not np.any(families[0].slopes)
    with exact():
        worths = [float(one.worth(jnp.asarray(RICH)[None])[0]) for one in families[1:3]]
    assert worths == [0.0, 0.0]
    one_dead = bids(seen=outlook(alive=np.array([True, True, False, True, True]))).families
    with exact():
        assert float(one_dead[2].worth(jnp.asarray(RICH)[None])[0]) == 0
        assert float(one_dead[1].worth(jnp.asarray(RICH)[None])[0]) > 0


def test_who_never_ran_has_nothing_to_change_slowly():
    fresh = bids(seen=outlook(scales=np.zeros(5), reached=np.zeros(5))).families[0]
    assert fresh.curvatures[1] == 0 < fresh.curvatures[0]


# --- patience


def test_who_can_do_no_more_bids_for_its_last_level_what_it_is_expected_to_cost():
    dear, cheap = np.array([0.25, 0.5, 40.0]), np.array([0.25, 0.5, 0.5])
    for forecasts, share in ((dear, 1.0), (dear, 0.5), (cheap, 1.0)):
        at_once, waits = (
            bids(seen=outlook(forecasts), patience=eta).families[0] for eta in (0.0, share)
        )
        np.testing.assert_array_equal(waits.slopes, at_once.slopes)
        cost = at_once.needs @ forecasts
        for row, most in enumerate(at_once.bounds.tolist()):
            if most == np.inf:
                assert waits.curvatures[row] == at_once.curvatures[row]
                continue
            last = at_once.slopes[row] - at_once.curvatures[row] * most
            meant = last - share * max(last - cost[row], 0)
            found = waits.slopes[row] - waits.curvatures[row] * most
            assert found == pytest.approx(meant, rel=1e-12, abs=1e-12)
            # The saw's last level is worth its inputs where slats are dear, and only there.
            assert (meant < last) == (row == 0 and forecasts is dear)


def asked(want, expected, share, price):
    """How much of one want is bid for at a price, by the rule in words."""
    if price >= want.worth:
        return 0.0
    if want.worth <= expected or not np.isfinite(want.most):
        return want.most
    shaded = share * want.most * (1 - expected / want.worth)
    part = min(1.0, (want.worth - price) / (want.worth - expected))
    return want.most - shaded + shaded * part


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("expected", [0.0, 0.5, 1.25, 4.0])
def test_households_ask_for_the_last_units_of_all_their_wants_side_by_side(share, expected):
    wants = tuple(
        Want("slats", worth, most) for worth, most in ((3.0, 2.0), (1.0, 4.0), (2.0, 1.0))
    )
    table = wants_of((Household("a", wants),), GOODS)
    bid = patient_wants(table, np.array([0.0, 0.0, expected]), np.array([0.9, 0.1, share]))
    for price in (0.125, 0.75, 1.125, 1.5, 2.5, 3.5):
        demand = sum(asked(want, expected, share, price) for want in wants)
        gains = np.maximum(bid.slopes[0, 2] - price, 0)
        peaks = np.divide(
            gains,
            bid.curvatures[0, 2],
            where=bid.curvatures[0, 2] > 0,
            out=np.where(gains > 0, np.inf, 0.0),
        )
        assert np.minimum(peaks, bid.widths[0, 2]).sum() == pytest.approx(demand)
    assert np.all(np.diff(bid.slopes[0, 2]) <= 0)


def test_an_endless_want_is_bid_for_at_its_worth():
    table = wants_of((Household("a", (Want("slats", 2.0),)),), GOODS)
    bid = patient_wants(table, np.array([0.0, 0.0, 0.5]), 0.5)
    assert bid.widths[0, 2].tolist() == [np.inf, 0.0]


def test_sellers_hold_back_in_proportion_to_what_is_missing_from_the_price():
    seller = held_back(OUTLOOK, np.array([0.5, 0.1, 0.9]))
    for price in (0.0, 0.1, 0.25):
        held = (seller.slopes[0, 0] - price) / seller.curvatures[0, 0]
        assert held == pytest.approx(0.5 * OFFERED[0] * (1 - price / FORECASTS[0]))
    nothing = held_back(outlook(np.array([0.0, 1e-9, 2.0])), 0.5)
    assert nothing.slopes[0].tolist() == [*nothing.curvatures[0].tolist()[:2], 2.0]


def test_nobody_bids_other_than_its_worth_at_rest():
    """At p = p̂ the marginal bid of every unit bought is at least p̂, and of none else above it."""
    table = wants_of((Household("a", WANTS[0]), Household("b", WANTS[1])), GOODS)
    bid = patient_wants(table, FORECASTS, 0.5)
    last = bid.slopes - bid.curvatures * bid.widths
    above = np.asarray(table.slopes).repeat(2, axis=2) > FORECASTS[:, None]
    assert np.all(last[above] >= FORECASTS[:, None].repeat(2, 1)[None].repeat(2, 0)[above] - 1e-12)
    assert np.all(bid.slopes[~above] <= np.asarray(table.slopes).repeat(2, axis=2)[~above])


# --- what producers do not know


def own_bids(valuations, row, kind):
    """All numbers by which one producer bids: of its row, or of its function."""
    with exact():
        if kind == "linear":
            family = valuations.families[0]
            tables = family.needs, family.slopes, family.curvatures, family.bounds
            return [np.asarray(table)[row].tolist() for table in tables]
        bundles = np.random.default_rng(3).uniform(0, 5, (4, 3))
        family = valuations.families[1 + row]
        return [float(family.worth(jnp.asarray(bundle)[None])[0]) for bundle in bundles]


@pytest.mark.parametrize("own", range(5))
def test_nobody_bids_by_what_others_can_do(own):
    """Same forecasts and scales, other techniques of all others: the same bids, to the last bit."""
    kind, places = ("linear", LINEAR) if own in LINEAR else ("curved", CURVED)
    others = {
        "curve": replace(CURVE, scale=7.0, outputs={"labour": 3.0}),
        "saw": replace(SAW, inputs={"cedar": 0.1}, outputs={"labour": 9.0}, capacity=50.0),
        "bend": replace(BEND, substitution=3.0),
        "split": replace(SPLIT, unit_cost=4.0),
        "keep": Storage("cedar", 1.0, 0.5),
    }
    changed = [
        one if number == own else Producer(one.name, others[one.name])
        for number, one in enumerate(MAKERS)
    ]
    quiet = replace(MANY, producers=changed, inflows=(), households=(Household("c", WANTS[0]),))
    row = places.index(own)
    assert own_bids(bids(quiet), row, kind) == own_bids(bids(), row, kind)
    scales = np.where(np.arange(5) == own, SCALES, 9.0)
    alone = bids(quiet, outlook(scales=scales))
    assert own_bids(alone, row, kind) == own_bids(bids(), row, kind)


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (1, 0, 3, 2, 4)])
def test_bids_do_not_depend_on_who_stands_where(order):
    turned = replace(MANY, producers=[MAKERS[number] for number in order])
    turn = list(order)
    valuations = bids(turned, outlook(scales=SCALES[turn], reached=REACHED[turn]))
    for kind, places in (("linear", LINEAR), ("curved", CURVED)):
        there = [number for number in order if number in places]
        for row, number in enumerate(places):
            here = own_bids(valuations, there.index(number), kind)
            assert here == own_bids(bids(), row, kind)


def test_only_fixed_proportions_and_only_curves_are_fine_too():
    two = outlook(scales=np.zeros(2), alive=np.ones(2, bool), reached=np.zeros(2))
    linear = bids(mill(), two)
    assert [type(one) for one in linear.families] == [BoundedLeontief, PiecewiseQuadratic]
    curved = replace(MANY, producers=(MAKERS[0],))
    one = outlook(scales=np.full(1, np.nan), alive=np.ones(1, bool), reached=np.zeros(1))
    valuations = bids(curved, one)
    assert isinstance(valuations, Mixed)
    assert [type(one) for one in valuations.families] == [Concave, PiecewiseQuadratic]
    assert type(bids(curved, one, patience=0.5).families[-1]) is Quadratic


# --- what producers make


def test_all_at_once_make_what_each_makes_alone():
    makers, others = makers_of(MANY)
    bundles = np.random.default_rng(0).uniform(0, 9, (5, 3))
    bundles[3] = 0.0
    with exact():
        made = made_of(makers, others, jnp.asarray(bundles), jnp.asarray(bundles))
        for row, one in enumerate(MAKERS):
            alone, own = OnGoods(one.technique, GOODS), jnp.asarray(bundles[row])
            np.testing.assert_allclose(made.outputs[row], alone.produce(own), rtol=1e-12)
            np.testing.assert_allclose(made.costs[row], alone.cost(own), rtol=1e-12)
    assert made.outputs.dtype == np.float64
    assert np.isnan(made.levels[np.array(CURVED)]).all()
    expected = [min(bundles[1, 1] / 2, bundles[1, 0], 3.0), 0.0, min(bundles[4, 2], 5.0)]
    np.testing.assert_allclose(made.levels[np.array(LINEAR)], expected)


# --- who stands where


def test_owners_come_first_then_households_then_producers():
    inflows = (*INFLOWS, Inflow("cedar", 1.0, "a"), Inflow("slats", 2.0, "barn"))
    rows = rows_of(market(mill(inflows=inflows)))
    assert rows.names == ("original_owner", "worker", "a", "b", "mill", "barn")
    assert (rows.owners, rows.households, rows.producers) == (2, 2, 2)
    assert rows.names[rows.household_rows] == ("a", "b")
    assert rows.names[rows.producer_rows] == ("mill", "barn")
    assert rows_of(market(mill(inflows=()))).names[0] == "original_owner"


@pytest.mark.parametrize("stipended", [False, True])
def test_a_cast_is_the_numbers_of_its_rows(stipended):
    goods = (Good("labour", 0.5), Good("cedar", 0.1), Good("slats", 1.0, perishable=True))
    inflows = (*INFLOWS, Inflow("cedar", 0.35, "a"), Inflow("cedar", 0.3, "a"))
    given = Stipends({"b": 3.5}, treasury=5.0, endowment=2.0) if stipended else None
    cast = cast_of(market(mill(inflows=inflows), given, goods=goods))
    assert cast.accounts.tolist() == [Account.ORIGINAL_OWNER, *range(N_SYSTEM, N_SYSTEM + 5)]
    # 0.35 in tenths is 3 quanta and a rest that does not come in.
    arrivals = [[0, 50, 0], [4, 0, 0], [0, 6, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert cast.arrivals.tolist() == arrivals
    assert cast.discounted.tolist() == [False] * 4 + [True] * 2
    assert Fraction(*map(int, cast.discount)) == Fraction(9, 10)
    assert bool(cast.rewarded) is not stipended
    if stipended:
        assert cast.endowments.tolist() == [0, 0, 0, 0, 2_000_000, 2_000_000]
        assert cast.stipends.tolist() == [0, 0, 0, 3_500_000, 0, 0]
        assert cast.hands_over.tolist() == [True, True, False, False, False, False]
    else:
        assert cast.endowments.tolist() == [0, 0] + [1_000_000_000] * 4
        assert not np.any(np.asarray(cast.stipends))
        assert not np.any(np.asarray(cast.hands_over))


def test_an_inflow_is_countable():
    huge = market(mill(inflows=(Inflow("cedar", 1e9),)), STIPENDS)
    with pytest.raises(InvalidGood, match=r"amount=1000000000\.0 of the good 'cedar'"):
        cast_of(huge)


# --- what money means to whom

ENDLESS = ((Want("slats", 2.0), Want("labour", 1.0)), (Want("slats", 1.5),))


def told(industry, money, **rules):
    """The families that bid in a market, and what money means to each."""
    whole = market(industry, money=money, **rules)
    bidders, zeros = bidders_of(industry), np.zeros(3)
    none = np.zeros(len(industry.producers))
    seen = outlook(zeros, none, none == 0, none)._replace(offered=zeros + 1)
    families = valuations_of(bidders, seen, whole).families
    return [type(one) for one in families], money_of(bidders, whole), families


def test_households_with_budgets_have_linear_values():
    kinds, money, families = told(mill(wants=ENDLESS), ("cap", "budget"), patience=Patience(0.0))
    assert kinds == [BoundedLeontief, Linear]
    assert money == ("cap", "budget")
    assert families[1].values.tolist() == [[1, 0, 2], [0, 0, 1.5]]


def test_every_producer_and_whoever_holds_back_has_a_rule():
    industry = mill(CURVE, wants=ENDLESS)
    for money, patience in ((("none", "budget"), Patience(0.2)), (("cap", "none"), Patience(0.0))):
        kinds, rules, _ = told(industry, money, patience=patience)
        producers, households = money
        held = ("none",) if patience.share else ()
        assert rules == (producers, producers, households, *held)
        assert len(kinds) == len(rules)


def test_one_rule_is_one_rule():
    kinds, money, _ = told(mill(), "cap")
    assert kinds == [BoundedLeontief, PiecewiseQuadratic, Quadratic]
    assert money == "cap"
