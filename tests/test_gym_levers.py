"""Levers: which there are, in which order, and what a unit of each does."""

import math

import numpy as np

from catallax.gym import Lever
from catallax.gym._levers import tables_of
from catallax.industries import Household, Industry, Inflow, Producer, Want
from catallax.techniques import CobbDouglasTechnique, LinearActivity, Storage

BAKE = CobbDouglasTechnique({"flour": 0.5, "labour": 0.5}, {"bread": 1.0})
GRIND = LinearActivity({"grain": 2.0}, {"flour": 3.0}, 4.0, 0.1)
BAKERY = Industry(
    ("grain", "labour", "flour", "bread"),
    (Inflow("grain", 6.0), Inflow("labour", 4.0)),
    (Producer("baker", BAKE), Producer("miller", GRIND), Producer("bin", Storage("flour", 5.0))),
    (
        Household("a", (Want("bread", 1.0), Want("bread", 3.0, 2.0), Want("grain", 0.5, 1.0))),
        Household("b", (Want("bread", 2.0, 4.0),)),
    ),
)


def test_levels_come_first_then_inputs_of_curves_then_what_households_get():
    assert tables_of(BAKERY).levers == (
        Lever("miller", None, 4.0),
        Lever("bin", None, 5.0),
        Lever("baker", "flour", math.inf),
        Lever("baker", "labour", math.inf),
        Lever("a", "bread", math.inf),
        Lever("a", "grain", 1.0),
        Lever("b", "bread", 4.0),
    )


def test_a_unit_takes_makes_and_costs_what_the_technique_says():
    tables = tables_of(BAKERY)
    assert tables.takes[0].tolist() == [2.0, 0.0, 0.0, 0.0]
    assert tables.makes[0].tolist() == [0.0, 0.0, 3.0, 0.0]
    assert tables.takes[2:5].tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    assert not tables.makes[2:].any()
    assert tables.costs.tolist() == [0.1, 0, 0, 0, 0, 0, 0]
    assert tables.inflow.tolist() == [6.0, 4.0, 0.0, 0.0]


def test_wants_for_one_good_are_served_the_dearest_first():
    tables = tables_of(BAKERY)
    assert tables.slopes[4].tolist() == [3.0, 1.0]
    assert tables.begins[4].tolist() == [0.0, 2.0]
    assert tables.widths[4].tolist() == [2.0, math.inf]
    assert not tables.widths[:4].any()
    assert np.isfinite(tables.begins).all()


def test_a_curve_knows_its_levers_and_what_it_makes():
    [curve] = tables_of(BAKERY).curves
    assert curve.technique == BAKE
    assert (curve.levers.tolist(), curve.makes.tolist()) == ([2, 3], [3])
