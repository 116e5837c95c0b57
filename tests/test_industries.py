"""Industries: what they are made of, what is refused, and what linear programmes say as such."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from catallax._errors import BadProgramme, FreeStorage, InvalidSetting
from catallax.industries import (
    Column,
    Household,
    Industry,
    Inflow,
    LinearProgramme,
    Producer,
    Row,
    Want,
    blends,
    commodity_flow,
    industry_of,
    read_mps,
    resource_rows,
    supply_chain,
    workshops,
    write_mps,
)
from catallax.planner import steady_state
from catallax.techniques import JaxTechnique, LinearActivity, Storage

WORKSHOP = Path(__file__).parent / "data" / "workshop.mps"
SAW = LinearActivity({"cedar": 2.0}, {"slats": 10.0}, capacity=3.0)
MILL = Industry(
    goods=("cedar", "slats"),
    inflows=(Inflow("cedar", 5.0), Inflow("cedar", 1.5, "heir")),
    producers=(Producer("mill", SAW),),
    households=(Household("fencer", (Want("slats", 0.5, 9.0), Want("slats", 0.2))),),
)
SMALL = "ROWS\n N gain\n L wood\nCOLUMNS\n x gain -2 wood 1\nRHS\n wood 5\nENDATA\n"


def test_an_industry_is_a_frozen_value_and_adds_up_its_inflows():
    assert MILL == replace(MILL)
    assert hash(MILL) == hash(replace(MILL))
    assert MILL.coming_in == (6.5, 0.0)
    assert [want.worth for want in MILL.wants] == [0.5, 0.2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"goods": ("cedar",)}, "'slats' of the producer mill"),
        ({"goods": ("cedar", "slats", "cedar")}, "Given twice: cedar"),
        ({"goods": ()}, "at least one"),
        ({"producers": MILL.producers * 2}, "Given twice: mill"),
        ({"households": ()}, "households"),
        ({"inflows": (Inflow("gold", 1.0, "king"),)}, "'gold' of the inflow of king"),
        ({"inflows": (Inflow("cedar", -1.0),)}, "amount=-1.0"),
        ({"inflows": (Inflow("cedar", float("nan")),)}, "amount=nan"),
        ({"discount": 0.0}, "discount=0.0"),
        ({"discount": 1.5}, "discount=1.5"),
    ],
)
def test_an_industry_that_does_not_fit_together_is_refused(change, said):
    with pytest.raises(InvalidSetting, match=said):
        replace(MILL, **change)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Want("a", 0.0), "worth=0.0"),
        (lambda: Want("a", 1.0, -1.0), "most=-1.0"),
    ],
)
def test_a_setting_without_a_meaning_is_refused(make, said):
    with pytest.raises(InvalidSetting, match=said):
        make()


# --- circles


def turning(*techniques, discount=1.0):
    producers = tuple(Producer(f"p{n}", technique) for n, technique in enumerate(techniques))
    return Industry(
        ("a", "b", "c"),
        (Inflow("a", 1.0),),
        producers,
        (Household("h", (Want("c", 1.0),)),),
        discount,
    )


TO_B, TO_A = LinearActivity({"a": 1.0}, {"b": 1.0}), LinearActivity({"b": 1.0}, {"a": 1.0})


def test_a_circle_without_discount_or_cost_is_named():
    with pytest.raises(FreeStorage, match=r"a → b → a|b → a → b"):
        turning(TO_B, TO_A)
    with pytest.raises(FreeStorage, match="a → a"):
        turning(Storage("a", 5.0))
    with pytest.raises(FreeStorage, match="b → b"):
        turning(TO_B, JaxTechnique(("b",), ("b", "c"), lambda x: x))


@pytest.mark.parametrize(
    "fine",
    [
        lambda: turning(TO_B, TO_A, discount=0.99),
        lambda: turning(TO_B, replace(TO_A, unit_cost=0.1)),
        lambda: turning(Storage("a", 5.0, keeps=0.9)),
        lambda: turning(Storage("a", 5.0, unit_cost=0.1)),
        lambda: turning(TO_B, LinearActivity({"b": 1.0}, {"c": 1.0})),
        lambda: turning(TO_B, LinearActivity({"a": 1.0, "b": 1.0}, {"c": 1.0})),
    ],
)
def test_a_circle_with_discount_cost_or_loss_is_fine(fine):
    assert fine().goods == ("a", "b", "c")


# --- the worlds that are drawn


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_drawn_industry_is_the_same_for_a_seed_and_has_no_loose_ends(seed):
    for make in (supply_chain, commodity_flow, blends):
        drawn = make(seed)
        assert drawn == make(seed)
        assert drawn != make(seed + 1)
        made = {good for one in drawn.producers for good in one.technique.makes}
        come = {one.good for one in drawn.inflows}
        needed = {good for one in drawn.producers for good in one.technique.needs}
        assert needed <= made | come
        assert {want.good for want in drawn.wants} <= made | come


def test_in_the_supply_chain_labour_is_shared_and_every_stage_has_a_choice():
    chain = supply_chain(3)
    assert all("labour" in one.technique.needs for one in chain.producers)
    makers = [one.technique.makes for one in chain.producers]
    assert min(makers.count(kind) for kind in makers) >= 2
    wanted = {want.good for want in chain.wants}
    assert {"pencils", "lumber", "leads", "ferrules"} <= wanted


def test_in_a_commodity_flow_carriers_of_one_road_share_its_room():
    flow = commodity_flow(1, nodes=5, commodities=2)
    room = [one.technique.needs[1] for one in flow.producers]
    assert room.count("room 0→1") == 2
    assert sum(one.good.startswith("room") for one in flow.inflows) == len(set(room))
    for nodes, commodities in ((2, 1), (3, 0), (3, 27)):
        with pytest.raises(InvalidSetting, match="between 1 and 26"):
            commodity_flow(0, nodes, commodities)


# --- linear programmes


def test_a_file_is_read_as_it_is_written():
    programme = read_mps(WORKSHOP)
    assert (programme.name, programme.objective, programme.maximise) == ("workshop", "profit", True)
    assert [(row.name, row.sense, row.limit) for row in programme.rows] == [
        ("timber", "L", 60.0),
        ("hours", "L", 70.0),
        ("polish", "L", 6.0),
        ("frames", "G", 0.0),
    ]
    table = {column.name: column for column in programme.columns}
    assert table["saw_cheap"].objective == -0.4
    assert table["table"].entries == (("frames", -2.0), ("hours", 2.0), ("polish", 0.5))
    assert (table["chair"].lower, table["chair"].upper) == (0.0, 18.0)
    assert table["table"].upper == np.inf


def test_bounds_senses_and_the_name_of_a_right_hand_side_are_read():
    text = SMALL.replace("ENDATA", "BOUNDS\n LO b x 1\n UP b x 4\n FR y\nENDATA")
    text = text.replace("RHS\n wood 5", " y wood 1\nRHS\n set wood 5").replace("ROWS", "* c\nROWS")
    x, y = read_mps(text).columns
    assert (x.lower, x.upper, y.lower, y.upper) == (1.0, 4.0, -np.inf, np.inf)
    assert read_mps("OBJSENSE MAX\n" + text).maximise
    assert not read_mps(text).maximise


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ENDATA", "", "no ENDATA"),
        ("RHS", "RANGES\n r wood 1\nRHS", "Line 6, 'RANGES'"),
        (" L wood", " L wood\n L wood", "the row wood is there twice"),
        (" L wood", " X wood", "a row is N, L, G or E"),
        (" N gain", " N gain\n N more", "gain is the objective already"),
        ("x gain -2 wood 1", "x gain -2 wood", "Line 5, .* come in pairs"),
        ("x gain -2 wood 1", "x gain two", "Line 5, .* two"),
        ("x gain -2 wood 1", "x gain nan", "nan is not finite"),
        ("x gain -2 wood 1", "x wool 1", "wool is not a row"),
        ("x gain -2 wood 1", "x wood 1 wood 2", "meets the row wood twice"),
        ("x gain -2 wood 1", "m 'MARKER' 'INTORG'", "integer variables"),
        (" wood 5", " gain 5", "objective with a constant"),
        ("ENDATA", "BOUNDS\n BV b x\nENDATA", "bounds are UP"),
        ("ENDATA", "BOUNDS\n UP b z 3\nENDATA", "z is not a variable"),
        ("ENDATA", "BOUNDS\n UP b x -3\nENDATA", "negative upper bound"),
        ("ROWS", "OBJSENSE\n MOST\nROWS", "Line 2, 'MOST'"),
        ("ROWS", "ROWES", "Line 1, 'ROWES'"),
        ("ROWS\n", " x 1\nROWS\n", "Under no heading"),
        (" N gain\n", "", "gain is not a row"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(old, new, said):
    with pytest.raises(BadProgramme, match=said):
        read_mps(SMALL.replace(old, new, 1))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadProgramme, match=r"nothing\.mps cannot be read"):
        read_mps(tmp_path / "nothing.mps")


def test_rows_are_goods_and_columns_are_producers():
    workshop = industry_of(read_mps(WORKSHOP), discount=0.9)
    assert workshop.goods == ("timber", "hours", "polish", "frames", "profit")
    assert workshop.coming_in == (60.0, 70.0, 6.0, 0.0, 0.0)
    techniques = {one.name: one.technique for one in workshop.producers}
    assert techniques["saw_cheap"] == LinearActivity(
        {"timber": 3.0, "hours": 1.0}, {"frames": 2.0}, unit_cost=0.4
    )
    assert techniques["chair"] == LinearActivity(
        {"frames": 1.0, "hours": 1.5}, {"profit": 9.0}, capacity=18.0
    )


def test_a_row_that_is_no_resource_and_a_column_that_is_no_technique_are_named():
    programme = read_mps(
        "ROWS\n N cost\n L wood\n E even\n G duty\n L debt\nCOLUMNS\n x cost -2 wood 1\n"
        " y cost 1 wood 1\n z cost 1 wood -1\n v wood 1 cost -1\n even_x even 1 cost -1 wood 1\n"
        "RHS\n wood 5 duty 2\n debt -1\nBOUNDS\n LO b v 1\nENDATA"
    )
    reading = resource_rows(programme)
    assert reading.resources == ("wood",)
    assert reading.idle == ("y",)
    assert [name for name, _ in reading.unreadable] == ["even", "duty", "debt", "z", "v"]
    with pytest.raises(BadProgramme, match=r"even \(an equation.*duty \(it asks for at least 2"):
        industry_of(programme)


def test_a_programme_with_a_circle_needs_a_discount():
    text = (
        "ROWS\n N gain\n L a\n L b\nCOLUMNS\n x a 1 b -1\n y b 1 a -1\n z gain -1 b 1\n"
        "RHS\n a 5\nENDATA"
    )
    with pytest.raises(FreeStorage):
        industry_of(read_mps(text), discount=1.0)
    assert len(industry_of(read_mps(text), discount=0.9).producers) == 3


# --- workshops


@pytest.mark.parametrize("seed", range(3))
def test_a_drawn_programme_is_written_and_read_back_as_it_was(seed):
    programme = workshops(seed)
    read = read_mps(write_mps(programme))
    assert [row.limit for row in read.rows] == [row.limit for row in programme.rows]
    assert read.maximise and read.objective == programme.objective
    for here, there in zip(read.columns, programme.columns, strict=True):
        assert here.name == there.name.replace(" ", "_")
        assert (here.objective, here.entries) == (there.objective, there.entries)
        assert (here.lower, here.upper) == (there.lower, there.upper)


@pytest.mark.parametrize("seed", range(3))
def test_a_drawn_programme_is_an_industry_whose_optimum_is_the_planners(seed):
    programme = workshops(seed)
    best = steady_state(industry_of(programme, discount=1.0)).value
    rows = {row.name: number for number, row in enumerate(programme.rows)}
    table = np.zeros((len(rows), len(programme.columns)))
    for number, column in enumerate(programme.columns):
        for row, value in column.entries:
            table[rows[row], number] = value
    found = linprog(
        [-column.objective for column in programme.columns],
        A_ub=table,
        b_ub=[row.limit for row in programme.rows],
        bounds=[(0, column.upper) for column in programme.columns],
    )
    assert best == pytest.approx(-found.fun)


def test_names_that_would_be_the_same_are_not_written():
    twice = (Column("a b", 1.0, (), 0.0, 1.0), Column("a_b", 1.0, (), 0.0, 1.0))
    with pytest.raises(BadProgramme, match="'a_b'"):
        write_mps(LinearProgramme("", "gain", True, (Row("wood", "L", 1.0),), twice))


# --- what looks alike


ORES = ("rich ore", "coal", "poor ore")


def ores(alike):
    return replace(MILL, goods=(*ORES, *MILL.goods), alike=alike)


def test_goods_that_look_alike_are_seen_as_one():
    industry = ores({"ore": ["rich ore", "poor ore"], "wood": ("cedar", "slats")})
    assert industry.looks == ("ore", "coal", "wood")
    assert industry.good_of == (0, 1, 0, 2, 2)
    assert industry == ores((("ore", ORES[::2]), ("wood", MILL.goods)))
    assert hash(industry) == hash(replace(industry))
    assert (MILL.looks, MILL.good_of) == (MILL.goods, (0, 1))


@pytest.mark.parametrize(
    "alike",
    [
        {"ore": ("rich ore",)},
        {"ore": ()},
        {"ore": ("rich ore", "gold")},
        {"ore": ("rich ore", "rich ore")},
        {"ore": ORES[:2], "stone": ORES[1:]},
        {"coal": ("rich ore", "poor ore")},
        (("ore", ORES[:2]), ("ore", MILL.goods)),
    ],
)
def test_looks_that_say_two_things_are_refused(alike):
    with pytest.raises(InvalidSetting, match="seen as"):
        ores(alike)


def test_in_blends_composition_depends_on_who_produces():
    chain = blends(3)
    assert chain.looks == tuple(
        "labour cedar graphite zinc lumber slats leads ferrules pencils".split()
    )
    hand, machine = (
        dict(one.technique.amounts_made) for one in chain.producers if one.name.startswith("slice")
    )
    warped = [made["warped slats"] / sum(made.values()) for made in (hand, machine)]
    assert warped[0] < 0.08 < 0.15 < warped[1]
    owners = {one.owner: one.good for one in chain.inflows}
    assert (owners["old mine"], owners["new mine"]) == ("pure graphite", "flinty graphite")
