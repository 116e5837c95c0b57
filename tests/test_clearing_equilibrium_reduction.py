"""What is idle is taken out, what is left is solved, and everything is put back where it was."""

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._border import market_of
from catallax.clearing.equilibrium._certificate import certify
from catallax.clearing.equilibrium._reduction import Narrowed, part_of, reduced, wanted
from made_equilibria import worth_of

RULES = ("none", "cap", "budget", "fisher")
VALUES = np.random.default_rng(0).uniform(0.5, 1, (6, 5))
ONES, EACH = np.ones(5), np.ones(6)


def holed(rows, columns):
    values = VALUES.copy()
    values[np.ix_(rows, columns)] = 0.0
    return values


def solve(valuations, supply, wealth, money, **more):
    found = cx.equilibrium(valuations, supply, wealth, money=money, **more)
    assert found.result is cx.Result.CERTIFIED
    again = certify(valuations, supply, wealth, found.prices, found.bundles, money=money)
    assert again.violation <= 1e-6  # anyone who asks is told the same
    return found


# --- what goes


def test_a_market_without_idle_parts_is_left_alone():
    for money in RULES:
        assert reduced(market_of(cv.Linear(VALUES), ONES, EACH, money)) is None
    # Zeros are no reason, where everybody wants something and everything is wanted.
    assert reduced(market_of(cv.Linear(holed([0, 1], [2, 3])), ONES, EACH, "budget")) is None


def test_goods_that_are_missing_or_not_wanted_go():
    supply = np.array([1.0, 0, 1, 1, 1])
    left = reduced(market_of(cv.Linear(holed(range(6), [3])), supply, EACH, "budget"))
    assert left.goods.tolist() == [0, 2, 4]
    assert left.agents.tolist() == list(range(6))
    assert left.market.valuations.values.tolist() == VALUES[:, [0, 2, 4]].tolist()
    assert left.market.supply.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("money", "stay"), [("none", 6), ("cap", 5), ("budget", 5), ("fisher", 5)])
def test_those_without_money_go_where_it_matters(money, stay):
    left = reduced(market_of(cv.Linear(VALUES), ONES, [1, 1, 0, 1, 1, 1], money))
    assert (6 if left is None else left.agents.size) == stay


def test_those_who_want_nothing_go_and_so_does_what_only_the_poor_want():
    values = holed([0, 1, 3, 4, 5], [4])
    values[5] = 0
    left = reduced(market_of(cv.Linear(values), ONES, [1, 1, 0, 1, 1, 1], "fisher"))
    assert left.agents.tolist() == [0, 1, 3, 4]
    assert left.goods.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("family", "agents"),
    [
        (cv.Leontief([[1.0, 1, 0], [0, 1, 1]]), [0]),
        (cv.CobbDouglas([[0.5, 0.5, 0], [0, 0.5, 0.5]]), [0]),
        (cv.CES([[1.0, 1, 0], [0, 1, 1]], -1.0), [0]),
        (cv.CES([[1.0, 1, 0], [0, 1, 1]], 0.5), [0, 1]),
        (cv.CES([[1.0, 1, 0], [0, 0, 1]], 0.5), [0]),
        (cv.Linear([[1.0, 1, 0], [0, 1, 1]]), [0, 1]),
        (cv.Quadratic([[1.0, 1, 0], [0, 0, 1]], 1.0), [0]),
        (cv.Logarithmic([[1.0, 1, 0], [0, 0, 1]], 1.0), [0]),
        (
            cv.PiecewiseLinear(
                [[[1.0], [1], [0]], [[0.0], [1], [1]]], [[[1.0]] * 3, [[0.0], [0], [1]]]
            ),
            [0],
        ),
        (cv.CoupledQuadratic([[1.0, 1, 0], [0, 0, 1]], np.zeros((2, 3, 3))), [0]),
        (
            cv.Concave(
                lambda a, x: jnp.sum(jnp.log1p(a * x)), np.array([[1.0, 1, 0], [0, 0, 1]]), 3
            ),
            [0],
        ),
    ],
)
def test_complements_go_if_one_good_is_missing_others_if_all_are(family, agents):
    left = reduced(market_of(family, [1.0, 1, 0], [1.0, 1.0], "budget"))
    assert left.agents.tolist() == agents
    assert left.goods.tolist() == [0, 1]
    assert left.market.valuations.goods == 2


def test_a_power_of_both_signs_is_split_and_rows_are_kept():
    family = cv.CES(VALUES, [0.5, -1, 0.3, -2, 0.2, 0.1], np.arange(1.0, 7))
    left = reduced(market_of(family, ONES, EACH, "fisher"))
    assert left.agents.tolist() == [0, 2, 4, 5, 1, 3]
    above, below = left.market.families
    assert (above.substitutes, below.substitutes) == (True, False)
    assert (above.rho.tolist(), below.rho.tolist()) == ([0.5, 0.3, 0.2, 0.1], [-1, -2])
    assert below.scale.tolist() == [2, 4]
    assert below.weights.tolist() == VALUES[[1, 3]].tolist()


def test_a_good_may_be_wanted_for_what_it_adds_to_another():
    # v = x_1 − (x_1 − x_2)² / 2: the second good alone is worth nothing.
    family = cv.CoupledQuadratic([[1.0, 0.0]], [[[1.0, -1], [-1, 1]]])
    assert wanted(family, np.ones(2)).tolist() == [[True, True]]
    assert reduced(market_of(family, np.ones(2), None, "none")) is None


def test_those_who_have_more_than_they_like_still_want_some():
    family = cv.Concave(lambda a, x: a * jnp.sum(x - x**2), np.array([1.0]), 2)
    assert wanted(family, np.array([5.0, 5.0])).all()


# --- parts of families that nobody knows


def test_a_narrowed_family_is_the_family_with_nothing_of_the_rest():
    few = part_of(cv.Linear(VALUES), np.array([4, 1]), np.array([0, 3]))
    odd = Narrowed(cv.Linear(VALUES[[4, 1]]), (0, 3))
    bundles, prices = np.array([[1.0, 2], [3, 4]]), np.array([1.0, 2])
    assert (odd.agents, odd.goods, odd.homogeneous) == (2, 2, True)
    assert worth_of(odd, bundles) == pytest.approx(worth_of(few, bundles))
    assert np.asarray(odd.unit_cost(prices)) == pytest.approx(np.asarray(few.unit_cost(prices)))


def test_parts_of_a_function_keep_their_parameters():
    family = cv.Concave(lambda a, x: jnp.sum(a * jnp.log1p(x)), VALUES, 5)
    few = part_of(family, np.array([4, 1]), np.array([0, 3]))
    wide = np.zeros((2, 5))
    wide[:, [0, 3]] = [[1.0, 2], [3, 4]]
    meant = np.sum(VALUES[[4, 1]] * np.log1p(wide), axis=1)
    assert worth_of(few, np.array([[1.0, 2], [3, 4]])) == pytest.approx(meant)
    assert part_of(family, np.array([2]), np.arange(5)).parameters.tolist() == VALUES[[2]].tolist()


# --- what comes back


@pytest.mark.parametrize("money", RULES)
def test_everything_comes_back_where_it_was(money):
    values = holed(range(6), [2])
    values[4] = 0
    supply, wealth = np.array([1.0, 1, 3, 0, 1]), np.array([1.0, 0, 1, 1, 1, 1])
    found = solve(cv.Linear(values), supply, wealth, money)
    assert found.no_supply.tolist() == [False, False, False, True, False]
    assert found.prices[2] == 0
    assert found.certificate.leftover[2] == 3
    assert np.all(found.bundles[:, [2, 3]] == 0)
    assert np.all(found.bundles[4] == 0)
    poor_hold_nothing = np.all(found.bundles[1] == 0)
    assert poor_hold_nothing or money == "none"
    rows = [i for i in range(6) if i != 4 and (i != 1 or money == "none")]
    left = cx.equilibrium(
        cv.Linear(values[np.ix_(rows, [0, 1, 4])]), supply[[0, 1, 4]], wealth[rows], money=money
    )
    assert found.prices[[0, 1, 4]] == pytest.approx(left.prices, rel=1e-4, abs=1e-12)
    assert found.bundles[np.ix_(rows, [0, 1, 4])] == pytest.approx(left.bundles, abs=1e-6)


def test_money_is_worth_1_to_those_who_keep_it_and_nothing_where_it_is_worthless():
    values = VALUES.copy()
    values[4] = 0
    for money, worth in {"none": 1, "cap": 1, "budget": 1, "fisher": 0}.items():
        assert solve(cv.Linear(values), ONES, EACH, money).spending[4] == worth
    poor = np.array([1.0, 0, 1, 1, 1, 1])
    assert solve(cv.Linear(values), ONES, poor, "cap").spending[1] == 0


@pytest.mark.parametrize("money", RULES)
@pytest.mark.parametrize("idle", ["worthless", "nothing there", "poor"])
def test_where_nobody_is_left_nothing_is_given_and_that_is_certified(money, idle):
    if (idle, money) == ("poor", "none"):
        return
    values = cv.Linear(0 * VALUES if idle == "worthless" else VALUES)
    supply = 0 * ONES if idle == "nothing there" else ONES
    found = solve(values, supply, 0 * EACH if idle == "poor" else EACH, money)
    assert np.all(found.bundles == 0)
    assert found.steps == 0
    assert found.certificate.leftover.tolist() == supply.tolist()
    if idle != "nothing there":
        assert np.all(found.prices == 0)


def test_idle_money_is_left_over_and_moves_no_price():
    values = np.vstack([VALUES[:5], np.eye(5)[4]])
    supply = np.array([1.0, 1, 1, 1, 0])
    one = solve(cv.Linear(values), supply, EACH, "fisher")
    other = solve(cv.Linear(values), supply, [1, 1, 1, 1, 1, 1e6], "fisher")
    assert one.prices[:4] == pytest.approx(other.prices[:4], rel=1e-6)
    assert one.prices[:4].sum() == pytest.approx(5, rel=1e-6)
    assert np.all(other.bundles[5] == 0)


def test_a_split_market_is_certified_with_its_rows_in_order():
    family = cv.CES(VALUES, [0.5, -1, 0.5, -2, 0.5, 0.5])
    found = solve(family, ONES, np.arange(1.0, 7), "fisher")
    assert found.bundles @ found.prices == pytest.approx(np.arange(1.0, 7), rel=1e-5)
