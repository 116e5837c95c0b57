"""Quotes for what is missing: the lowest prices at which nobody buys it, by hand and by proof."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catallax as cx
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._border import market_of
from catallax.clearing.equilibrium._certificate import certify
from catallax.clearing.equilibrium._reservation import CEILING, with_quotes

TOL = 1e-6


def quoted(family, money, prices, bundles, supply, spending=None, wealth=None):
    """Quotes at prices and bundles that are an equilibrium of the goods that are there."""
    bundles = np.asarray(bundles, float)
    spending = np.ones(len(bundles)) if spending is None else np.asarray(spending, float)
    wealth = np.ones(len(bundles)) if wealth is None else wealth
    market = market_of(family, supply, wealth, money)
    return with_quotes(market, np.asarray(prices, float), bundles, spending, TOL)


# --- by hand


def test_goods_that_are_there_keep_their_prices():
    two = cv.Linear([[2.0, 3.0]])
    assert quoted(two, "none", [2.0, 1.0], [[1.0, 1.0]], [1.0, 1.0]).tolist() == [2.0, 1.0]
    assert quoted(two, "none", [2.0, 0.0], [[1.0, 0.0]], [1.0, 0.0])[0] == 2.0


@pytest.mark.parametrize(
    ("money", "price", "quote"), [("none", 2.0, 3.0), ("budget", 1.0, 1.5), ("fisher", 5.0, 7.5)]
)
def test_a_linear_bid_is_what_the_first_unit_is_worth_in_money(money, price, quote):
    # β = p / v: 1, 1/2 and, where money is worth nothing, whatever it takes.
    two = cv.Linear([[2.0, 3.0], [1.0, 0.1]])
    found = quoted(two, money, [price, 0.0], [[1.0, 0], [0, 0]], [1.0, 0.0], wealth=[price, 0])
    assert found[1] == pytest.approx(quote)


def test_the_highest_bid_is_quoted_and_the_poor_do_not_bid():
    two = cv.Linear([[2.0, 3.0], [2.0, 9.0]])
    bundles, supply = [[0.5, 0], [0.5, 0]], [1.0, 0.0]
    assert quoted(two, "none", [2.0, 0], bundles, supply)[1] == pytest.approx(9)
    assert quoted(two, "budget", [2.0, 0], bundles, supply, wealth=[1, 0])[1] == pytest.approx(3)


@pytest.mark.parametrize(
    ("family", "slope"),
    [
        (cv.Quadratic([[2.0, 5.0]], 1.0), 5.0),
        (cv.Logarithmic([[2.0, 5.0]], 0.5), 10.0),
        (cv.PiecewiseLinear([[[2.0, 1], [9, 5]]], [[[1.0, 1], [0, 1]]]), 5.0),
        (cv.CoupledQuadratic([[2.0, 5.0]], [[[1.0, 0.5], [0.5, 1.0]]]), 4.5),
        (cv.Concave(lambda a, x: a * x[0] + 5 * jnp.log1p(x[1]), np.ones(1), 2), 5.0),
    ],
)
def test_other_bids_are_first_slopes_weighted_by_the_worth_of_wealth(family, slope):
    for beta in (1.0, 0.25):
        found = quoted(family, "cap", [1.0, 0.0], [[1.0, 0.0]], [1.0, 0.0], spending=[beta])
        assert found[1] == pytest.approx(beta * slope)


def test_a_recipe_pays_what_is_left_after_the_goods_that_are_there():
    # 10 worth for 1, 2 and 4 of three goods at 2, ?, ?: 8 are left, 4 for each missing good.
    found = quoted(cv.Leontief([[1.0, 2, 4]], 10.0), "none", [2.0, 0, 0], [[0, 0, 0]], [1.0, 0, 0])
    assert found == pytest.approx([2.0, 2.0, 1.0])
    dear = quoted(cv.Leontief([[1.0, 2, 4]], 1.0), "none", [2.0, 0, 0], [[0, 0, 0]], [1.0, 0, 0])
    assert dear.tolist() == [2.0, 0.0, 0.0]


def test_a_cobb_douglas_bid_makes_a_unit_of_worth_cost_1():
    # c √(x y), e = 2 √(p q) / c = 1 at q = c² / (4 p).
    found = quoted(cv.CobbDouglas([[0.5, 0.5]], 6.0), "budget", [3.0, 0], [[0, 0]], [1.0, 0])
    assert found[1] == pytest.approx(3.0)
    free = quoted(cv.CobbDouglas([[0.5, 0.5]], 6.0), "budget", [0.0, 0], [[0, 0]], [1.0, 0])
    assert free[1] == CEILING


def test_in_a_fisher_market_who_can_buy_nothing_offers_all_its_money_for_one_unit():
    two = cv.Linear([[1.0, 0.0, 0.0], [0.0, 7.0, 0.0], [0.0, 0.0, 0.0]])
    found = quoted(
        two,
        "fisher",
        [1.0, 0, 0],
        [[1.0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [1.0, 0, 0],
        wealth=[1, 5, 9],
    )
    assert found == pytest.approx([1.0, 5.0, 0.0])


def test_a_cap_that_is_met_for_nothing_leaves_no_wish():
    two = cv.Linear([[2.0, 3.0]])
    assert quoted(two, "cap", [0.0, 0], [[0.5, 0]], [1.0, 0.0], spending=[0.0])[1] == 0


# --- by proof: no lower price is certified, this one is

FAMILIES = {
    "linear": lambda v, rng: cv.Linear(v),
    "substitutes": lambda v, rng: cv.CES(v, rng.uniform(0.3, 0.8, len(v))),
    "complements": lambda v, rng: cv.CES(v, rng.uniform(-3, -0.5, len(v))),
    "recipes": lambda v, rng: cv.Leontief(v),
    "shares": lambda v, rng: cv.CobbDouglas(v / v.sum(axis=1, keepdims=True)),
}


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(list(FAMILIES)),
    money=st.sampled_from(["none", "cap", "budget"]),
)
def test_where_nothing_can_be_bought_quotes_are_certified_and_half_of_them_are_not(
    seed, kind, money
):
    rng = np.random.default_rng(seed)
    family = FAMILIES[kind](rng.uniform(0.5, 2, (3, 2)), rng)
    supply, bundles, wealth = np.zeros(2), np.zeros((3, 2)), rng.uniform(0.5, 2, 3)
    found = quoted(family, money, np.zeros(2), bundles, supply, wealth=wealth)
    right = certify(family, supply, wealth, found, bundles, money=money)
    # Nobody has anything at stake; all that can be asked is that nobody regrets.
    assert np.all(right.regret == pytest.approx(0, abs=1e-9))
    wrong = certify(family, supply, wealth, found / 2, bundles, money=money)
    assert wrong.regret.max() > 0.1


@pytest.mark.parametrize("money", ["none", "cap", "budget", "fisher"])
def test_quotes_of_a_solved_market_are_certified(money):
    values = np.random.default_rng(1).uniform(0.5, 1, (6, 5))
    supply = np.array([1.0, 1, 0, 1, 1])
    found = cx.equilibrium(cv.Linear(values), supply, np.full(6, 0.6), money=money)
    assert found.result is cx.Result.CERTIFIED
    if money == "cap":
        return  # all caps are met for nothing
    low = found.prices.copy()
    low[2] *= 0.9
    below = certify(cv.Linear(values), supply, np.full(6, 0.6), low, found.bundles, money=money)
    assert below.violation > 1e-3


def test_a_first_unit_that_is_worth_more_than_any_price_is_quoted_so_that_all_gain_little():
    weights = np.random.default_rng(1).uniform(0.5, 1, (6, 5))
    supply = np.array([1.0, 1, 0, 1, 1])
    family = cv.CES(weights, 0.5)
    found = cx.equilibrium(family, supply, np.ones(6), money="fisher")
    assert found.certificate.violation < 2e-7
    assert 1e5 < found.prices[2] < 1e9
    low = found.prices.copy()
    low[2] /= 100
    below = certify(family, supply, np.ones(6), low, found.bundles, money="fisher")
    assert below.violation > 1e-6
