"""What a certificate says of equilibria made by hand, and of everything that is none."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._certificate import certify
from made_equilibria import GOODS, WANTED, WHOLE, equilibrium_of, worth_of
from oracles.certificates import plain

RULES = ("none", "cap", "budget", "fisher")
FIELDS = ("unallocated", "shortage", "overspent", "irrational", "regret", "regret_mean")
seeds = st.integers(0, 10**6)


def worst(found):
    return max(float(np.max(np.abs(getattr(found, name)))) for name in FIELDS)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("money", RULES)
def test_equilibria_of_every_kind_miss_nothing(money, seed):
    found = certify(*equilibrium_of(seed, money), money=money)
    assert worst(found) < 1e-9
    assert found.leftover == pytest.approx([0, 0, 0, 2, 0], abs=1e-12)
    assert found.local  # one kind is somebody's function
    assert np.isnan(found.gap) if money in ("budget", "fisher") else abs(found.gap) < 1e-9


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("money", RULES)
def test_equilibria_of_degree_one_have_no_gap(money, seed):
    found = certify(*equilibrium_of(seed, money, WHOLE), money=money)
    assert worst(found) < 1e-12
    assert abs(found.gap) < 1e-12
    assert not found.local


def test_cobb_douglas_in_closed_form():
    rng = np.random.default_rng(0)
    shares, wealth, supply = (
        rng.dirichlet(np.ones(3), 4),
        rng.lognormal(0, 1, 4),
        rng.uniform(1, 2, 3),
    )
    prices = shares.T @ wealth / supply
    bundles = shares * wealth[:, None] / prices
    found = certify(cv.CobbDouglas(shares), supply, wealth, prices, bundles, money="fisher")
    assert worst(found) < 1e-12
    assert abs(found.gap) < 1e-12
    # 1e5 times the worth: with a budget it is worth spending everything, and little else changes
    rich = cv.CobbDouglas(shares, 1e5)
    assert worst(certify(rich, supply, wealth, prices, bundles, money="budget")) < 1e-12


@pytest.mark.parametrize("money", ["none", "cap"])
@pytest.mark.parametrize("seed", range(4))
def test_linear_programmes_of_another_solver_are_certified(money, seed):
    rng = np.random.default_rng(seed)
    n, m = 5, 4
    values, supply = rng.lognormal(0, 1, (n, m)), rng.uniform(0.5, 2, m)
    wealth = rng.uniform(0.2, 1, n) * [0.5, 1, 2, 4][seed]
    # max Σ t_i, t_i ≤ v_i·x_i, t_i ≤ w_i, Σ_i x_ij ≤ s_j
    value_rows = np.hstack([-np.kron(np.eye(n), np.ones(m)) * values.ravel(), np.eye(n)])
    supply_rows = np.hstack([np.tile(np.eye(m), n), np.zeros((m, n))])
    caps = [(0, w if money == "cap" else None) for w in wealth]
    solved = linprog(
        np.append(np.zeros(n * m), -np.ones(n)),
        A_ub=np.vstack([value_rows, supply_rows]),
        b_ub=np.append(np.zeros(n), supply),
        bounds=[(0, None)] * (n * m) + caps,
        method="highs-ds",
    )
    prices = -solved.ineqlin.marginals[n:]
    bundles = np.maximum(solved.x[: n * m].reshape(n, m), 0)
    found = certify(cv.Linear(values), supply, wealth, np.abs(prices), bundles, money=money)
    assert worst(found) < 1e-9
    assert abs(found.gap) < 1e-9


# --- definitions, worked by hand

CROSSED = cv.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
ONE = np.ones(2)
MINE, YOURS, NOTHING = np.array([[0.0, 1], [1, 0]]), np.eye(2), np.zeros((2, 2))


@pytest.mark.parametrize("money", ["budget", "fisher", "cap"])
def test_each_with_what_it_likes_is_right_where_money_is_short(money):
    prices = 0.5 * ONE if money == "cap" else ONE
    wealth = 2 * ONE if money == "cap" else ONE
    found = certify(CROSSED, ONE, wealth, prices, MINE, money=money)
    if money == "cap":  # worth 2, w = 2: any price up to 2 leaves 2 - p, at most w (1 - p/2)
        assert found.regret == pytest.approx([0, 0])
        assert found.irrational.tolist() == [0, 0]
    assert found.violation == pytest.approx(0, abs=1e-15)


def test_the_wrong_bundles_by_hand():
    # At prices of 1 each could be worth 2 by what it likes, and is worth 1.
    found = certify(CROSSED, ONE, ONE, ONE, YOURS, money="fisher")
    assert found.regret.tolist() == [0.5, 0.5]  # (2 - 1) / 2
    assert found.regret_mean == 0.5
    assert found.gap == pytest.approx(np.log(2))  # the bang per buck that is lost
    found = certify(CROSSED, ONE, ONE, ONE, YOURS, money="budget")
    assert found.regret.tolist() == [0.5, 0.5]  # (1 - 0) / (1 + 1)
    assert found.gap == pytest.approx(np.log(2))
    found = certify(CROSSED, ONE, ONE, ONE, YOURS, money="cap")
    assert found.regret.tolist() == [0.5, 0.5]  # half a unit of what it likes reaches the cap
    assert found.gap == 0.5
    found = certify(CROSSED, ONE, None, ONE, YOURS, money="none")
    assert found.regret.tolist() == [2, 2]  # two units of what it likes bring 2, and it is worth 1
    assert found.regret_mean == 2


def test_more_than_everything_and_less_than_everything_by_hand():
    twice = certify(CROSSED, ONE, 2 * ONE, ONE, 2 * MINE, money="budget")
    assert twice.shortage == 0.5  # half of what is given out is not there
    assert twice.leftover.tolist() == [-1, -1]
    assert twice.unallocated == 0
    half = certify(CROSSED, [1, 2], ONE, ONE, MINE, money="budget")
    assert half.unallocated == pytest.approx(1 / 3)  # of the three units, all of price 1
    assert half.leftover.tolist() == [0, 1]
    # where money is more than goods, what is left over is a share of money
    rich = certify(CROSSED, [1, 2], 5 * ONE, ONE, 2 * MINE, money="fisher")
    assert rich.unallocated == 0
    rich = certify(CROSSED, [1, 2], 5 * ONE, ONE, MINE, money="fisher")
    assert rich.unallocated == pytest.approx(1 / 10)


def test_too_much_paid_by_hand():
    found = certify(CROSSED, ONE, [0.5, 0.0], ONE, MINE, money="budget")
    assert found.overspent.tolist() == [1, 2]  # 0.5 of 0.5; 1, by the mean stake of 0.5
    assert found.irrational.tolist() == [0, 0]
    found = certify(CROSSED, ONE, None, 3 * ONE, MINE, money="none")
    assert found.overspent.tolist() == [0, 0]
    assert found.irrational.tolist() == [0.5, 0.5]  # 3 paid for what is worth 2
    assert found.regret.tolist() == [0.5, 0.5]  # nothing at all would be better by 1
    found = certify(CROSSED, ONE, 4 * ONE, 3 * ONE, MINE, money="fisher")
    assert found.irrational.tolist() == [0, 0]
    found = certify(CROSSED, ONE, ONE, 1.5 * ONE, MINE, money="cap")
    assert found.overspent.tolist() == [0.5, 0.5]
    assert found.irrational.tolist() == [0.5, 0.5]  # worth no more than the cap


def test_wealth_beyond_all_use_does_not_make_violations_small():
    for wealth in (1e3, 1e9, 1e15):
        found = certify(CROSSED, ONE, wealth * ONE, 0.5 * ONE, YOURS, money="budget")
        assert found.regret.min() > 0.5
        assert found.violation > 0.5
        found = certify(CROSSED, ONE, wealth * ONE, 2 * ONE, NOTHING, money="budget")
        assert found.violation == 1  # nothing is sold
        found = certify(CROSSED, ONE, wealth * ONE, 2 * ONE, MINE, money="budget")
        assert found.violation == pytest.approx(0, abs=1e-14)
        assert abs(found.gap) < 1e-12


def test_a_price_of_nothing_does_not_pass_where_one_agent_has_everything():
    one = cv.Linear([[3.0]])
    found = certify(one, [1], None, [0], [[1]], money="none")
    assert found.regret.tolist() == [1]  # twice as much would be worth twice as much
    assert certify(one, [1], None, [3], [[1]], money="none").violation == 0
    for money in ("budget", "fisher"):
        assert certify(one, [1], [1], [0], [[1]], money=money).regret.tolist() == [np.inf]
        assert certify(one, [1], [1], [1], [[1]], money=money).violation == 0
    # under a cap it does pass: enough is enough
    assert certify(one, [1], [1], [0], [[1]], money="cap").violation == 0


def test_the_price_of_what_is_not_there_is_the_highest_bid():
    bids = cv.Linear([[1.0, 4.0], [1.0, 2.0]])
    bundles = np.array([[0.5, 0], [0.5, 0]])
    for price, regret in ((4.0, 0.0), (5.0, 0.0), (3.0, 0.25), (0.0, 1.0)):
        found = certify(bids, [1, 0], None, [1, price], bundles, money="none")
        assert found.regret[0] == pytest.approx(regret)
        assert found.shortage == found.unallocated == 0
    found = certify(bids, [0, 0], None, [1, 3], NOTHING, money="none")
    assert found.violation == np.inf  # nobody has anything, and somebody would pay more
    assert certify(bids, [0, 0], None, [1, 4], NOTHING, money="none").violation == 0
    # For values of degree 1 that are not linear too: each needs both goods, one of each is worth 4.
    pairs = cv.Leontief([[1.0, 1.0], [1.0, 1.0]], 4.0)
    for price, regret in ((3.0, 0.0), (2.0, np.inf)):
        found = certify(pairs, [1, 0], None, [1, price], NOTHING, money="none")
        assert found.regret.tolist() == [regret, regret]
    bundles[0, 1] = 1e-9
    assert certify(bids, [1, 0], None, [1, 4], bundles, money="none").shortage == 1


@pytest.mark.parametrize("money", ["budget", "fisher"])
def test_whoever_has_no_money_has_no_claim_to_what_is_free(money):
    agents = cv.Linear([[1.0, 0.0], [0.0, 1.0]])  # the second good is wanted without money only
    for bundles in ([[1, 0], [0, 1]], [[1, 0], [0, 0]]):
        found = certify(agents, ONE, [1, 0], [1, 0], bundles, money=money)
        assert found.regret.tolist() == [0, 0]
        assert found.violation == 0
    found = certify(agents, ONE, [1, 0], [1, 0.5], [[1, 0], [0, 1]], money=money)
    assert found.overspent[1] == 0.5  # but it must not be made to pay, nor the good be held back
    found = certify(agents, ONE, [1, 0], [1, 0.5], [[1, 0], [0, 0]], money=money)
    assert found.unallocated == pytest.approx(1 / 3)
    found = certify(agents, ONE, [1, 1e-9], [1, 0], [[1, 0], [0, 1]], money=money)
    assert found.violation == np.inf  # with the least money it wants more than there is


def test_whoever_wants_what_is_not_there_only_is_refused_where_money_is_worthless():
    agents = cv.Linear([[1.0, 0.0], [0.0, 1.0]])
    found = certify(agents, [1, 0], ONE, [1, 5], [[1, 0], [0, 0]], money="fisher")
    assert found.regret.tolist() == [0, 0]
    assert found.violation == 0
    missing = cv.CobbDouglas([[0.5, 0.5]])
    assert certify(missing, [1, 0], [1], [0, 5], [[1, 0]], money="cap").violation == 0
    cheap = certify(missing, [1, 0], None, [0.1, 0.1], [[0, 0]], money="none")
    assert cheap.regret.tolist() == [np.inf]  # both prices higher, and nobody would want it
    free = certify(missing, [1, 1], None, [0, 0], [[1, 1]], money="none")
    assert free.regret.tolist() == [1]  # nothing is missing
    # One who would have too much of everything is not refused: the best is a = 1, half of that.
    sated = cv.Quadratic([[1.0, 1.0]], [[1.0, 1.0]])
    found = certify(sated, [3, 3], [9], [1, 1], [[0, 0]], money="fisher")
    assert found.regret.tolist() == [1]
    assert found.regret_mean == 1


# --- linear markets, by an oracle


@settings(max_examples=40)
@given(seed=seeds, money=st.sampled_from(RULES), spread=st.floats(0.01, 3))
def test_linear_markets_as_plain_loops_see_them(seed, money, spread):
    rng = np.random.default_rng(seed)
    draw = functools.partial(rng.lognormal, 0, spread)
    values, supply, wealth, prices = draw((4, 3)), draw(3), draw(4), draw(3)
    bundles = rng.dirichlet(np.ones(4), 3).T * supply * rng.uniform(0.8, 1.2, 3)
    found = certify(cv.Linear(values), supply, wealth, prices, bundles, money=money)
    for name, number in plain(values, supply, wealth, prices, bundles, money).items():
        assert getattr(found, name) == pytest.approx(number, rel=1e-9, abs=1e-9), name


# --- every way of being wrong is seen, by the right field, with the right size


@pytest.mark.parametrize("money", RULES)
def test_a_good_that_is_less_than_was_given_out(money):
    valuations, supply, wealth, p, x = equilibrium_of(7, money)
    supply = supply * [0.9, 1, 1, 1, 1]
    found = certify(valuations, supply, wealth, p, x, money=money)
    assert found.shortage == pytest.approx(0.1)
    assert found.violation == pytest.approx(0.1)
    assert worst(found) == pytest.approx(0.1)


@pytest.mark.parametrize("money", RULES)
def test_a_good_of_which_something_is_left_at_a_price(money):
    valuations, supply, wealth, p, x = equilibrium_of(7, money)
    more = supply * [1.25, 1, 1, 1, 1]
    found = certify(valuations, more, wealth, p, x, money=money)
    worth = worth_of(valuations, x)
    stakes = {"none": worth, "fisher": wealth}.get(money, np.minimum(worth, wealth)).sum()
    assert found.unallocated == pytest.approx(0.25 * supply[0] * p[0] / max(p @ more, stakes))
    assert found.regret_mean < 1e-9


@pytest.mark.parametrize("money", ["cap", "budget", "fisher"])
def test_an_agent_with_less_money_than_it_pays(money):
    valuations, supply, wealth, p, x = equilibrium_of(7, money)
    wealth = wealth * np.where(np.arange(len(wealth)) == 5, 0.8 * (x[5] @ p) / wealth[5], 1)
    found = certify(valuations, supply, wealth, p, x, money=money)
    assert found.overspent[5] == pytest.approx(0.25)
    assert np.delete(found.overspent, 5) == pytest.approx(0, abs=1e-12)
    assert found.violation > 0.2499


def test_half_a_bundle_is_half_as_good():
    valuations, supply, wealth, p, x = equilibrium_of(7, "fisher", WHOLE)
    x[5] /= 2
    found = certify(valuations, supply, wealth, p, x, money="fisher")
    assert found.regret[5] == pytest.approx(0.5)
    assert np.delete(found.regret, 5) == pytest.approx(0, abs=1e-12)
    assert found.regret_mean == pytest.approx(0.5 * wealth[5] / wealth.sum())
    assert found.unallocated == pytest.approx(x[5] @ p / wealth.sum())
    # its part of the gap of Eisenberg and Gale is the logarithm
    assert found.gap == pytest.approx(np.log(2) * wealth[5] / wealth.sum())


def test_half_a_bundle_with_a_budget_loses_half_of_what_money_brings():
    valuations, supply, wealth, p, x = equilibrium_of(11, "budget", WHOLE)
    t = float(worth_of(valuations, x)[5] / (x[5] @ p))
    assert t > 1.05
    x[5] /= 2
    stakes = np.minimum(wealth, worth_of(valuations, x))
    own = min(wealth[5], max(stakes[5], stakes.mean()))
    found = certify(valuations, supply, wealth, p, x, money="budget")
    # w (t - 1) / 2 of the best utility w (t - 1), to which its own scale is added
    assert found.regret[5] == pytest.approx(wealth[5] * (t - 1) / 2 / (wealth[5] * (t - 1) + own))
    assert np.delete(found.regret, 5) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("money", RULES)
def test_prices_that_are_all_too_low_or_too_high(money, factor):
    valuations, supply, wealth, p, x = equilibrium_of(7, money, WHOLE)
    found = certify(valuations, supply, wealth, factor * p, x, money=money)
    low = factor < 1
    if money == "fisher":
        assert found.regret == pytest.approx(np.full(8, 0.1 if low else 0), abs=1e-12)
        assert found.overspent == pytest.approx(np.full(8, 0 if low else 0.1), abs=1e-12)
    if money == "none":
        assert found.irrational == pytest.approx(
            (not low) * 0.1 * (x @ p) / np.maximum(x @ p, (x @ p).mean()), abs=1e-12
        )
    if money != "cap":
        assert found.violation > 0.05
    else:  # where a cap binds, lower prices leave what it leaves; where it does not, more
        assert np.all((found.regret[::2] > 0.01) == low | (found.irrational[::2] > 0.01))


@pytest.mark.parametrize("good", range(WANTED))
@pytest.mark.parametrize("factor", [0.8, 1.25])
@pytest.mark.parametrize("money", RULES)
def test_one_price_that_is_wrong(money, factor, good):
    valuations, supply, wealth, p, x = equilibrium_of(7, money)
    wrong = np.where(np.arange(GOODS) == good, factor * p, p)
    found = certify(valuations, supply, wealth, wrong, x, money=money)
    assert found.violation > 1e-3
    if money != "fisher" or factor < 1:  # whoever spends more than it has may well do better
        assert found.regret_mean > 1e-3


@settings(max_examples=25)
@given(seed=seeds, money=st.sampled_from(RULES), how=st.sampled_from(["prices", "bundles", "swap"]))
def test_what_is_wrong_never_passes(seed, money, how):
    rng = np.random.default_rng(seed)
    valuations, supply, wealth, p, x = equilibrium_of(seed % 50, money)
    if how == "prices":
        p = p * rng.lognormal(0, 0.5, GOODS)
    elif how == "bundles":
        x = x * rng.lognormal(0, 0.5, x.shape)
        x = x * supply / np.maximum(x.sum(axis=0), 1e-9)
    else:
        x = x[rng.permutation(len(x))]
    found = certify(valuations, supply, wealth, p, x, money=money)
    assert found.violation > 1e-4


@settings(max_examples=25)
@given(seed=seeds, money=st.sampled_from(RULES))
def test_a_duality_gap_is_never_negative_where_goods_suffice(seed, money):
    rng = np.random.default_rng(seed)
    valuations, supply, wealth, p, x = equilibrium_of(seed % 50, money, WHOLE)
    p = p * rng.lognormal(0, 0.5, GOODS)
    x = x[rng.permutation(len(x))] * rng.uniform(0.5, 1, x.shape)
    assert certify(valuations, supply, wealth, p, x, money=money).gap > 0
