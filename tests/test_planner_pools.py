"""The planners of industries whose goods look alike: who sees grades, and who sees totals only."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from catallax._errors import InvalidSetting, NotConverged
from catallax.industries import Household, Industry, Inflow, Producer, Want, blends, supply_chain
from catallax.planner import in_full_sight, is_too_easy, pooled_state, steady_state
from catallax.techniques import CobbDouglasTechnique, GradedActivity, LinearActivity
from small_blends import plough

ORE = ("rich", "poor")


def smelters(coarse=0.5, fine=0.0, digs=(), discount=1.0):
    """Rich ore and poor: a coarse smelter makes something of either, a fine one of rich only."""
    makers = (
        Producer("coarse", GradedActivity({ORE: 1.0}, grades(1.0, coarse), capacity=9.0)),
        Producer("fine", GradedActivity({ORE: 1.0}, grades(2.0, fine), capacity=3.0)),
    )
    return Industry(
        goods=("labour", *ORE, "iron"),
        inflows=(Inflow("labour", 4.0), Inflow("rich", 3.0), Inflow("poor", 1.0)),
        producers=(*makers, *digs),
        households=(Household("h", (Want("iron", 1.0),)),),
        discount=discount,
        alike={"ore": ORE},
    )


def grades(rich, poor):
    made = {"rich": {"iron": rich}, "poor": {"iron": poor}}
    return {grade: amounts for grade, amounts in made.items() if amounts["iron"] > 0}


# --- by hand


def test_who_sees_sends_rich_ore_to_the_fine_smelter():
    seen = in_full_sight(smelters())
    assert [one.name for one in seen.producers] == ["coarse, rich", "coarse, poor", "fine, rich"]
    assert seen.alike == ()
    assert steady_state(seen).value == pytest.approx(3 * 2.0 + 1 * 0.5)


def test_who_does_not_see_sends_three_quarters_of_it():
    state = pooled_state(smelters())
    # A unit of the pool makes 1.5 in the fine smelter, which holds 3, and .875 in the other.
    assert state.value == pytest.approx(3 * 1.5 + 1 * 0.875)
    assert state.levels == pytest.approx([1.0, 3.0])
    assert state.mixture == pytest.approx([1.0, 0.75, 0.25, 1.0])
    assert state.value <= state.bound <= 1.0001 * state.value


def test_who_does_not_see_may_leave_poor_ore_in_the_ground():
    dig = Producer("dig", LinearActivity({"labour": 1.0}, {"poor": 1.0}))
    spoiling = smelters(coarse=0.0, digs=(dig,))
    state = pooled_state(spoiling)
    # Dug ore makes nothing, and takes the room of ore that does: the fine smelter holds 3.
    assert state.levels[2] == pytest.approx(0.0)
    assert state.value == pytest.approx(3 * 1.5 + 1 * 0.75)


def test_room_is_shared_by_all_grades():
    small = smelters()
    held = replace(small.producers[1].technique, capacity=1.0)
    seen = in_full_sight(replace(small, producers=(Producer("fine", held),)))
    assert seen.goods[-1] == "room for fine"
    assert steady_state(seen).value == pytest.approx(2.0)


def test_every_choice_of_grades_is_a_technique():
    tools = ("sound", "weak")
    fit = GradedActivity(
        {ORE: 1.0, tools: 2.0, "labour": 3.0}, {"rich": {"iron": 1.0}, "weak": {"iron": 0.5}}, 2.0
    )
    industry = replace(
        smelters(),
        goods=("labour", *ORE, *tools, "iron"),
        producers=(Producer("fit", fit),),
        alike={"ore": ORE, "tools": tools},
    )
    made = {
        one.name: (dict(one.technique.amounts_needed), dict(one.technique.amounts_made))
        for one in in_full_sight(industry).producers
    }
    room = {"labour": 3.0, "room for fit": 1.0}
    assert made == {
        "fit, rich and sound and labour": ({"rich": 1.0, "sound": 2.0} | room, {"iron": 1.0}),
        "fit, rich and weak and labour": ({"rich": 1.0, "weak": 2.0} | room, {"iron": 1.5}),
        "fit, poor and weak and labour": ({"poor": 1.0, "weak": 2.0} | room, {"iron": 0.5}),
    }


# --- against others


def best_at(industry, share):
    """The best of plans whose ore is rich to a share: a programme in levels alone, or nothing."""
    cut, fine, dig, blast = industry.producers
    yields = [
        sum(
            share_of * dict(dict(one.technique.yields).get(grade, ())).get("iron", 0.0)
            for grade, share_of in zip(ORE, (share, 1 - share), strict=True)
        )
        for one in (cut, fine)
    ]
    dug = np.array(
        [[dict(one.technique.amounts_made).get(g, 0.0) for g in ORE] for one in (dig, blast)]
    )
    labour = [dict(one.technique.amounts_needed)["labour"] for one in (dig, blast)]
    came = dict(zip(industry.goods, industry.coming_in, strict=True))
    rich = (1 - share) * dug[:, 0] - share * dug[:, 1]
    found = linprog(
        [-yields[0], -yields[1], 0, 0],
        A_ub=[[0, 0, *labour], [1, 1, *-dug.sum(axis=1)]],
        b_ub=[came["labour"], came["rich"] + came["poor"]],
        A_eq=[[0, 0, *rich]],
        b_eq=[share * came["poor"] - (1 - share) * came["rich"]],
        bounds=[(0, one.technique.capacity) for one in industry.producers],
    )
    return -found.fun if found.status == 0 else -np.inf


amount = st.floats(0.25, 2.0)


@settings(max_examples=25, deadline=None)
@given(coarse=amount, fine=st.floats(0.0, 1.0), dug=st.tuples(amount, amount, amount, amount))
def test_no_mixture_on_a_fine_grid_is_worth_more(coarse, fine, dug):
    digs = (
        Producer("dig", LinearActivity({"labour": 1.0}, {"rich": dug[0], "poor": dug[1]}, 2.5)),
        Producer("blast", LinearActivity({"labour": 0.5}, {"rich": dug[2], "poor": dug[3]}, 2.5)),
    )
    industry = smelters(coarse, fine, digs)
    state = pooled_state(industry)
    grid = max(best_at(industry, share) for share in np.linspace(0, 1, 41))
    assert state.bound >= grid * (1 - 1e-9)
    assert state.value == pytest.approx(best_at(industry, state.mixture[1]), rel=1e-6)
    assert state.value <= steady_state(in_full_sight(industry)).value * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_looks_alike_it_is_the_best_steady_state(seed):
    chain = supply_chain(seed, discount=1.0)
    state = pooled_state(chain)
    assert state.programmes == 2
    assert state.value == pytest.approx(steady_state(chain).value)
    assert in_full_sight(chain) == chain


@pytest.mark.parametrize("seed", range(3))
def test_who_sees_more_reaches_more(seed):
    industry = blends(seed, discount=1.0)
    state, best = pooled_state(industry), steady_state(in_full_sight(industry)).value
    assert 0.9 * best < state.value < 0.999 * best
    assert state.bound <= best * (1 + 1e-9)


def test_a_plan_in_pools_can_be_carried_out():
    industry = plough()
    state = pooled_state(industry)
    # What comes in and what levels make of the mixture is enough for levels and wants.
    supply = np.array(industry.coming_in)
    taken = np.zeros(len(industry.looks))
    for level, one in zip(state.levels, industry.producers, strict=True):
        own = dict(zip(industry.goods, state.mixture, strict=True))
        technique = one.technique
        if isinstance(technique, GradedActivity):
            for grades_of, amount_of in technique.slots:
                taken[industry.good_of[industry.goods.index(grades_of[0])]] += level * amount_of
            made = [(good, own[g] * a) for g, some in technique.yields for good, a in some]
        else:
            for good, amount_of in technique.amounts_needed:
                taken[industry.good_of[industry.goods.index(good)]] += level * amount_of
            made = technique.amounts_made
        for good, amount_of in made:
            supply[industry.goods.index(good)] += level * amount_of
    for eaten, want in zip(state.eaten, industry.wants, strict=True):
        taken[industry.looks.index(want.good)] += eaten
    totals = np.bincount(industry.good_of, supply)
    assert (taken <= totals + 1e-6).all()
    for look, total in enumerate(totals):
        members = np.flatnonzero(np.array(industry.good_of) == look)
        np.testing.assert_allclose(supply[members], state.mixture[members] * total, atol=1e-6)


# --- what is refused, and the world


def test_what_is_not_linear_is_refused():
    curve = Producer("curve", CobbDouglasTechnique({"labour": 0.5}, {"iron": 1.0}))
    with pytest.raises(InvalidSetting, match="curve has a CobbDouglasTechnique"):
        pooled_state(smelters(digs=(curve,)))
    with pytest.raises(InvalidSetting, match="smelt has a GradedActivity"):
        steady_state(plough())


def test_who_takes_what_it_cannot_see_is_refused():
    pick = Producer("pick", LinearActivity({"rich": 1.0}, {"iron": 1.0}))
    with pytest.raises(InvalidSetting, match="pick takes 'rich'"):
        pooled_state(smelters(digs=(pick,)))
    with pytest.raises(InvalidSetting, match="told apart"):
        pooled_state(replace(smelters(), alike={}))


def test_too_few_programmes_are_said_to_be_too_few():
    with pytest.raises(NotConverged, match="after 2 programmes"):
        pooled_state(blends(0), gap=1e-9, most=2)


def test_blends_need_prices():
    assert not is_too_easy(lambda seed: in_full_sight(blends(seed)))
