"""Passes over blocks of agents: the same as one look at all of them, against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._certificate import standings_of
from catallax.clearing.equilibrium._course import Plan, Terms, course_at
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._passes import (
    SLIGHT,
    Bids,
    asked_all,
    bids_of,
    gathered,
    highest_bids,
    standings,
    surveyed,
)
from catallax.clearing.equilibrium._table import Table

AGENTS, GOODS, BLOCK = 50, 3, 16
RANDOM = np.random.default_rng(8)
VALUES = RANDOM.lognormal(0, 1, (AGENTS, GOODS))
VALUES[7] = 0
WEALTH = RANDOM.uniform(0.5, 1.5, AGENTS) / AGENTS
WEALTH[11] = 0
SUPPLY = np.array([0.5, 2.0, 1.0])
LOGS = np.log([0.6, 0.4, 0.5])
MONEY = ("budget", "fisher")


def table(values=VALUES, block=BLOCK):
    return Table(lambda first, stop: values[first:stop], WEALTH, GOODS, block)


def terms():
    there = jnp.asarray(SUPPLY), jnp.ones(GOODS, bool)
    return Terms(*there, jnp.float64(AGENTS), jnp.float64(1e-6))


@pytest.fixture(autouse=True)
def in_64_bits():
    with exact():
        yield


def smoothed_shares(eps, money):
    """`φ π` of the docstring of `answers`, agent by agent."""
    out = np.zeros((AGENTS, GOODS))
    for row, values in enumerate(VALUES):
        powers = (values / np.exp(LOGS)) ** (1 / eps)
        if powers.sum() > 0:
            u = np.log(powers.sum()) - 0.7
            part = 1.0 if money == "fisher" else (1 - np.exp(-max(u, 0))) ** 2
            out[row] = part * powers / powers.sum()
    return out


def test_a_survey_is_that_of_all_agents():
    seen = surveyed(table(), SUPPLY * [1, 0, 1])
    there = VALUES * [1, 0, 1]
    total = there.sum(axis=1, keepdims=True)
    bids = np.divide(there, total, out=np.zeros_like(there), where=total > 0) * WEALTH[:, None]
    assert seen.spent == pytest.approx(bids.sum(axis=0))
    assert seen.most.tolist() == np.delete(VALUES, 11, axis=0).max(axis=0).tolist()
    assert (seen.least, seen.highest) == (0.0, VALUES.max())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_a_survey_shows_numbers_that_mean_nothing(bad):
    values = VALUES.copy()
    values[33, 1] = bad
    seen = surveyed(table(values), SUPPLY)
    assert not (seen.least >= 0 and np.isfinite(seen.highest))


@pytest.mark.parametrize("money", MONEY)
def test_sums_are_those_of_all_agents_whatever_the_blocks(money):
    course = course_at(jnp.asarray(LOGS), 0.2)
    sums, soft = asked_all(table(), course, terms(), Plan(money, 9))
    whole, alike = asked_all(table(block=64), course, terms(), Plan(money, 9))
    for name, one, other in zip(sums._fields, sums, whole, strict=True):
        assert np.allclose(one, other, rtol=1e-12, atol=1e-15), name
    assert soft.shape == (AGENTS,) and np.allclose(soft, alike)
    expected = WEALTH @ smoothed_shares(0.2, money)
    assert sums.spent == pytest.approx(expected, rel=1e-10)


def test_some_agents_are_gathered_in_order_and_then_nobody():
    numbers = np.array([0, 15, 16, 40, 49])
    values, wealth = gathered(table(), numbers, 8)
    assert np.array_equal(values[:5], VALUES[numbers]) and np.all(values[5:] == 0)
    assert np.array_equal(wealth[:5], WEALTH[numbers]) and np.all(wealth[5:] == 0)
    narrow, _ = gathered(table(VALUES.astype(np.float32)), numbers, 8)
    assert narrow.dtype == np.float32


def dense(bids):
    out = np.zeros((AGENTS, GOODS))
    rows = np.repeat(np.arange(AGENTS), np.diff(bids.indptr))
    out[rows, bids.goods] = bids.amounts
    return out


@pytest.mark.parametrize("money", MONEY)
@pytest.mark.parametrize("eps", [0.5, 0.02])
def test_bids_are_those_of_the_formula_without_slight_ones(money, eps):
    bids = bids_of(table(), course_at(jnp.asarray(LOGS), eps), terms(), Plan(money, 9))
    shares = smoothed_shares(eps, money)
    assert dense(bids) == pytest.approx(shares * WEALTH[:, None], abs=3 * SLIGHT)
    # Others of an agent's bids make up for those that are dropped.
    assert dense(bids).sum(axis=1) == pytest.approx(shares.sum(axis=1) * WEALTH, rel=1e-10)
    assert bids.indptr[0] == 0 and bids.indptr[-1] == bids.goods.size == bids.amounts.size
    assert np.all(bids.amounts > 0)
    if eps == 0.02:
        assert bids.amounts.size < np.count_nonzero(shares)


@pytest.mark.parametrize("money", MONEY)
def test_standings_are_those_of_a_certificate(money):
    paid = RANDOM.uniform(0.1, 1, (AGENTS, GOODS)) * (RANDOM.uniform(size=(AGENTS, GOODS)) < 0.5)
    paid *= WEALTH[:, None]
    prices = paid.sum(axis=0) / SUPPLY
    rows, goods = np.nonzero(paid)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=AGENTS))])
    bids = Bids(indptr, goods.astype(np.int32), paid[rows, goods])
    found = standings(table(), bids, prices, money)
    market = Market(cv.Linear(VALUES), jnp.asarray(SUPPLY), jnp.asarray(WEALTH), money)
    known = standings_of(market, jnp.asarray(prices), jnp.asarray(paid / prices), jnp.ones(AGENTS))
    # One who wants nothing has no claim in a certificate, and no best here either.
    for one, other in zip(found, jax.tree.map(np.asarray, known), strict=True):
        assert np.allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("money", MONEY)
def test_what_is_not_there_is_quoted_at_the_highest_bid(money):
    prices = np.array([0.5, 0.0, 0.7])
    quotes = []
    for good in range(GOODS):
        bids = []
        for values, wealth in zip(VALUES, WEALTH, strict=True):
            bang = max(values[0] / 0.5, values[2] / 0.7)
            bang = max(bang, 1.0) if money == "budget" else bang or 1.0
            bids.append(values[good] / bang if wealth > 0 else 0.0)
        quotes.append(max(bids))
    assert highest_bids(table(), prices, money) == pytest.approx(np.array(quotes))
