"""Laws of equilibria, on the whole of `catallax.equilibrium`: what must matter, and what not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catallax as cx
from catallax.clearing.equilibrium import valuations as cv

RULES = ("none", "budget", "fisher")
N, M = 5, 5
"""One more agent still fits in the bucket of these."""

seeds = st.integers(0, 10**6)
few = settings(max_examples=12)


def drawn(seed):
    rng = np.random.default_rng(seed)
    values, supply, wealth = (rng.lognormal(0, 0.7, shape) for shape in ((N, M), M, N))
    return values, supply, wealth, rng


def ces(values, supply, wealth, money):
    """Substitutes: prices and bundles are unique, and move smoothly."""
    found = cx.equilibrium(cv.CES(values, 0.5), supply, wealth, money=money, tol=1e-8)
    return found.prices, found.bundles


def linear(values, supply, wealth, money):
    return cx.equilibrium(cv.Linear(values), supply, wealth, money=money, tol=1e-8)


def near(numbers, rel=1e-5):
    return pytest.approx(numbers, rel=rel, abs=rel * 1e-2)


@few
@given(seed=seeds, money=st.sampled_from(RULES))
def test_the_order_of_agents_and_goods_does_not_matter(seed, money):
    values, supply, wealth, rng = drawn(seed)
    a, g = rng.permutation(N), rng.permutation(M)
    prices, bundles = ces(values, supply, wealth, money)
    other = ces(values[np.ix_(a, g)], supply[g], wealth[a], money)
    assert other[0] == near(prices[g])
    assert other[1] == near(bundles[np.ix_(a, g)], 1e-4)


@few
@given(seed=seeds, money=st.sampled_from(RULES), by=st.sampled_from([1e-6, 7.0, 1e5]))
def test_the_unit_of_money_does_not_matter(seed, money, by):
    values, supply, wealth, _ = drawn(seed)
    prices, bundles = ces(values, supply, wealth, money)
    other = ces(values * by**0.5, supply, wealth * by, money)  # (Σ a x^ρ)^(1/ρ) with ρ = 1/2
    assert other[0] == pytest.approx(by * prices, rel=1e-5)
    assert other[1] == near(bundles, 1e-4)


@few
@given(seed=seeds, money=st.sampled_from(RULES))
def test_units_of_goods_do_not_matter(seed, money):
    values, supply, wealth, rng = drawn(seed)
    units = rng.lognormal(0, 3, M)
    prices, bundles = ces(values, supply, wealth, money)
    other = ces(values / units**0.5, supply * units, wealth, money)
    assert other[0] * units == near(prices)
    assert other[1] / units == near(bundles, 1e-4)


@few
@given(seed=seeds, money=st.sampled_from(["budget", "fisher"]), share=st.floats(0.1, 0.9))
def test_an_agent_in_two_halves_is_the_same_agent(seed, money, share):
    values, supply, wealth, _ = drawn(seed)
    prices, bundles = ces(values, supply, wealth, money)
    halves = np.append(wealth, (1 - share) * wealth[0])
    halves[0] = share * wealth[0]
    other = ces(np.vstack([values, values[0]]), supply, halves, money)
    assert other[0] == near(prices)
    assert other[1][0] + other[1][-1] == near(bundles[0], 1e-4)
    assert other[1][0] == near(share * bundles[0], 1e-4)


@few
@given(seed=seeds, money=st.sampled_from(RULES))
def test_an_agent_that_wants_nothing_changes_nothing(seed, money):
    values, supply, wealth, _ = drawn(seed)
    prices, bundles = ces(values, supply, wealth, money)
    other = ces(np.vstack([values, np.zeros(M)]), supply, np.append(wealth, 1e3), money)
    # It keeps its place beside the market, and rounding there is not quite what it was.
    assert other[0] == pytest.approx(prices, rel=1e-7)
    assert other[1][:-1] == pytest.approx(bundles, rel=1e-5, abs=1e-7)
    assert other[1][-1].tolist() == [0.0] * M


# --- gross substitutes


@few
@given(seed=seeds, more=st.floats(1.01, 3))
def test_more_of_a_good_raises_no_price(seed, more):
    values, supply, wealth, rng = drawn(seed)
    prices, _ = ces(values, supply, wealth, "fisher")
    j = rng.integers(M)
    supply[j] *= more
    after, _ = ces(values, supply, wealth, "fisher")
    assert np.all(after <= prices * (1 + 1e-6))
    assert after[j] < prices[j]


@few
@given(seed=seeds, money=st.sampled_from(["budget", "fisher"]))
def test_one_more_buyer_lowers_no_price(seed, money):
    values, supply, wealth, rng = drawn(seed)
    prices, _ = ces(values, supply, wealth, money)
    after, _ = ces(
        np.vstack([values, rng.lognormal(0, 0.7, M)]), supply, np.append(wealth, 2.0), money
    )
    assert np.all(after >= prices * (1 - 1e-6))
    assert np.any(after > prices * (1 + 1e-3))


def test_complements_break_that_law():
    # All that there is of the first good goes into recipes with the second, of which one agent
    # gets 1 − s for all its money: p_2 = 1 / (1 − s).
    needs = cv.Leontief([[1.0, 1.0], [0.0, 1.0]])
    for s in (0.4, 0.45):
        found = cx.equilibrium(needs, [s, 1.0], [1.0, 1.0], money="fisher")
        assert found.prices[1] == pytest.approx(1 / (1 - s), rel=1e-5)


# --- welfare


@few
@given(seed=seeds)
def test_no_division_of_the_goods_is_worth_more_than_the_equilibrium(seed):
    values, supply, wealth, rng = drawn(seed)
    found = linear(values, supply, wealth, "none")
    total = np.sum(values * found.bundles)
    for concentration in (0.05, 0.3, 1.0):
        for shares in rng.dirichlet(np.full(N, concentration), (50, M)):
            assert np.sum(values * shares.T * supply) <= total * (1 + 1e-7)
    assert total == pytest.approx(supply @ values.max(axis=0), rel=1e-6)


@few
@given(seed=seeds)
def test_in_a_fisher_market_no_other_division_is_better_for_everyone(seed):
    values, supply, wealth, rng = drawn(seed)
    found = linear(values, supply, wealth, "fisher")
    worth = np.sum(values * found.bundles, axis=1)
    for concentration in (0.05, 0.3, 1.0):
        for shares in rng.dirichlet(np.full(N, concentration), (50, M)):
            other = np.sum(values * shares.T * supply, axis=1)
            assert np.min(other / worth) <= 1 + 1e-6
            # The sharper law: nor is the mean of gains, weighted by wealth.
            assert wealth @ (other / worth) <= wealth.sum() * (1 + 1e-6)


@few
@given(seed=seeds, money=st.sampled_from(["budget", "fisher"]))
def test_nobody_envies_a_bundle_that_it_could_pay(seed, money):
    values, supply, wealth, _ = drawn(seed)
    found = linear(values, supply, wealth, money)
    bonus = 1.0 if money == "budget" else 0.0
    net = values @ found.bundles.T - bonus * found.bundles @ found.prices
    pays = found.bundles @ found.prices
    for i in range(N):
        affordable = pays <= wealth[i] * (1 + 1e-9)
        assert np.all(net[i, affordable] <= net[i, i] + 1e-6 * (wealth[i] + abs(net[i, i])))
