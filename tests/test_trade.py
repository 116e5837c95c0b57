"""Trade: goods change hands to the quantum and money to the tick, and the certificate can tell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import catallax as cx
from catallax._errors import BadPrice, InvalidMarket
from catallax._trade import PRICE_MAX, check_clearing, trade
from catallax._types import TICKS_PER_CREDIT, exact
from oracles.goods import cost, traded

N, M = 4, 3
run = jax.jit(trade)
UNITS = [1.0, 0.25, 1e-6]

offers = st.lists(
    st.lists(st.integers(0, 7) | st.integers(0, 2**38), min_size=M, max_size=M),
    min_size=N,
    max_size=N,
)
amounts = st.integers(0, 9).map(float) | st.floats(0, 9) | st.floats(0, 2.0**38)
bundles = st.lists(st.lists(amounts, min_size=M, max_size=M), min_size=N, max_size=N)
prices = st.lists(
    st.just(0.0) | st.floats(0, 3) | st.just(1e-6) | st.floats(0, PRICE_MAX),
    min_size=M,
    max_size=M,
)
means = st.lists(st.integers(0, 30) | st.integers(0, 2**45), min_size=N, max_size=N)


def settled(offered, prices, bundles, means, units=None):
    """A trade, in NumPy."""
    units = np.ones(len(prices)) if units is None else units
    with exact():
        done = run(
            jnp.asarray(offered, jnp.int64),
            jnp.asarray(prices, jnp.float64),
            jnp.asarray(bundles, jnp.float64),
            jnp.asarray(means, jnp.int64),
            jnp.asarray(units, jnp.float64),
        )
        return jax.tree.map(np.asarray, done)


def sums(table):
    return np.asarray(table).sum(axis=0).tolist()


# --- worked examples


@pytest.mark.usefixtures("strict_jax")
def test_two_sellers_share_what_one_buyer_pays():
    """7 of 10 at 3 ticks: 21 ticks, 14 for who sold 5 of 6, and back come 1 and 2."""
    done = settled([[6], [4], [0]], [3e-6], [[0.0], [0.0], [7.0]], [0, 0, 100])
    assert done.bought.tolist() == [[0], [0], [7]]
    assert done.returned.tolist() == [[2], [1], [0]]
    assert done.sold.tolist() == [[4], [3], [0]]
    assert done.payments.tolist() == [[0], [0], [21]]
    assert done.receipts.tolist() == [[12], [9], [0]]


def test_payments_round_down_buyer_by_buyer():
    """1½ ticks a quantum: two buyers of one pay 1 each, one buyer of two pays 3."""
    offered, means = [[2], [0], [0]], [9, 9, 9]
    assert settled(offered, [1.5e-6], [[0.0], [1.0], [1.0]], means).spent.tolist() == [0, 1, 1]
    assert settled(offered, [1.5e-6], [[0.0], [2.0], [0.0]], means).spent.tolist() == [0, 3, 0]


def test_odd_ticks_go_to_the_lowest_slot():
    done = settled([[1], [1], [0]], [1.5e-6], [[0.0], [0.0], [2.0]], [9, 9, 9])
    assert done.receipts.tolist() == [[2], [1], [0]]


def test_who_keeps_its_own_pays_itself():
    done = settled([[5], [0]], [2e-6], [[5.0], [0.0]], [10, 0])
    assert (done.spent.tolist(), done.earned.tolist()) == ([10, 0], [10, 0])
    assert done.holdings.tolist() == [[5], [0]]


def test_sales_of_this_step_buy_nothing_in_this_step():
    """Each owns what the other wants, and has no money: nothing changes hands."""
    done = settled([[5, 0], [0, 5]], [1.0, 1.0], [[0.0, 5.0], [5.0, 0.0]], [0, 0])
    assert not done.bought.any()
    assert done.holdings.tolist() == [[5, 0], [0, 5]]


def test_a_free_good_is_taken_and_what_is_left_goes_back_pro_rata():
    done = settled([[6], [3], [0]], [0.0], [[0.0], [0.0], [3.0]], [0, 0, 0])
    assert done.holdings.tolist() == [[4], [2], [3]]
    assert not done.payments.any()
    assert not done.receipts.any()


def test_nobody_buys():
    done = settled([[6, 1], [3, 0]], [1.0, 2.0], np.zeros((2, 2)), [10**9] * 2)
    assert done.holdings.tolist() == [[6, 1], [3, 0]]
    assert not done.spent.any()


def test_nobody_owns_anything():
    done = settled(np.zeros((2, 2)), [1.0, 2.0], np.ones((2, 2)), [10**9] * 2)
    assert not done.holdings.any()
    assert not done.spent.any()


def test_amounts_are_counted_in_units():
    """¾ of a good in quarters at 2 credits each is 3 quanta for 1½ credits."""
    done = settled([[4], [0]], [2.0], [[0.0], [0.75]], [0, 10**7], [0.25])
    assert done.bought.tolist() == [[0], [3]]
    assert done.spent.tolist() == [0, 1_500_000]


@pytest.mark.parametrize("price", [np.nan, np.inf, -1.0, 2 * PRICE_MAX])
def test_where_there_is_no_price_nothing_is_sold_and_the_trade_says_so(price):
    done = settled([[4, 4], [0, 0]], [price, 1.0], [[0.0, 0.0], [2.0, 2.0]], [0, 10**7])
    assert done.unpriced.tolist() == [True, False]
    assert done.holdings.tolist() == [[4, 2], [0, 2]]
    assert done.prices.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("wrong", [np.nan, -3.0, np.inf])
def test_a_bundle_that_is_no_amount_is_nothing(wrong):
    done = settled([[4], [0], [0]], [1.0], [[0.0], [wrong], [2.0]], [10**7] * 3)
    assert done.bought.tolist() == [[0], [0], [2]]


# --- laws


@pytest.mark.usefixtures("strict_jax")
@given(offered=offers, prices=prices, bundles=bundles, means=means)
def test_any_trade_keeps_every_quantum_and_every_tick(offered, prices, bundles, means):
    done = settled(offered, prices, bundles, means, UNITS)
    assert sums(done.holdings) == sums(offered)
    assert (done.sold + done.returned).tolist() == offered
    assert sums(done.sold) == sums(done.bought)
    assert sums(done.payments) == sums(done.receipts)
    assert np.all(done.spent <= np.array(means))
    for table in (done.bought, done.sold, done.returned, done.payments, done.receipts):
        assert table.dtype == np.int64
        assert np.all(table >= 0)


@given(offered=offers, prices=prices, bundles=bundles, means=means)
def test_any_trade_is_the_oracles(offered, prices, bundles, means):
    """Given who gets what, which `tests/test_quanta.py` looks at."""
    done = settled(offered, prices, bundles, means, UNITS)
    price = [p * (unit * TICKS_PER_CREDIT) for p, unit in zip(prices, UNITS, strict=True)]
    expected = traded(offered, done.bought.tolist(), price)
    for name, table in zip(("payments", "receipts", "sold", "returned"), expected, strict=True):
        assert getattr(done, name).tolist() == table


@given(offered=offers, prices=prices, bundles=bundles, means=means)
def test_sellers_get_their_proportion_but_for_a_tick(offered, prices, bundles, means):
    done = settled(offered, prices, bundles, means, UNITS)
    pots, sold = done.payments.sum(axis=0), done.sold.sum(axis=0)
    for j in np.flatnonzero(sold):
        for i in range(N):
            exactly = int(pots[j]) * int(done.sold[i, j])
            assert abs(int(done.receipts[i, j]) * int(sold[j]) - exactly) < int(sold[j])


@given(
    held=st.permutations([3, 7, 12, 30]),
    parts=st.permutations([1, 3, 4, 6]),
    order=st.permutations(range(N)),
)
def test_agents_without_ties_are_served_alike_in_any_order(held, parts, order):
    offered = [[q] for q in held]
    wants = [[9 + part / 8] for part in parts]
    straight = settled(offered, [3.3e-6], wants, [10**9] * N)
    turned = settled([offered[i] for i in order], [3.3e-6], [wants[i] for i in order], [10**9] * N)
    assert turned.bought.tolist() == straight.bought[list(order)].tolist()
    # Nothing of 37 among 52 has two remainders alike: 3, 7, 12 and 30 times 37 are told apart.
    assert len({q * 37 % 52 for q in held}) == N
    if int(straight.bought.sum()) == 37:
        assert turned.sold.tolist() == straight.sold[list(order)].tolist()


def test_many_worlds_trade_at_once():
    rng = np.random.default_rng(8)
    given_ = (
        rng.integers(0, 9, (5, N, M)),
        rng.random((5, M)) / 1e6 * 9,
        rng.random((5, N, M)) * 9,
        rng.integers(0, 90, (5, N)),
    )
    with exact():
        units = jnp.ones(M)
        many = jax.vmap(lambda *market: trade(*market, units))(*map(jnp.asarray, given_))
    for k in range(5):
        for one, other in zip(settled(*(part[k] for part in given_)), many, strict=True):
            np.testing.assert_array_equal(one, other[k])


# --- the certificate of the rounded triple


def market(seed, unit):
    """Linear values, some wealth, and what an equilibrium makes of them."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.5, 2.0, (N, M))
    wealth = rng.uniform(1.0, 4.0, N)
    offered = rng.integers(0, int(3 / unit), (N, M)) + 1
    return values, wealth, offered, offered.sum(axis=0) * unit


@pytest.mark.parametrize("money", ["budget", "cap", "none"])
@pytest.mark.parametrize("unit", [0.1, 1e-3, 1e-6])
@pytest.mark.parametrize("seed", range(3))
def test_rounding_costs_at_most_what_a_quantum_is_worth(money, unit, seed):
    """Each agent is within a quantum of its bundle; so is what it is worth, and what is unsold."""
    values, wealth, offered, supply = market(seed, unit)
    ticks = np.floor(wealth * TICKS_PER_CREDIT).astype(np.int64)
    wealth = ticks / TICKS_PER_CREDIT
    linear = cx.valuations.Linear(values)
    eq = cx.equilibrium(linear, supply, wealth, money=money)
    means = np.full(N, 2**50) if money == "none" else ticks
    done = settled(offered, eq.prices, eq.bundles, means, np.full(M, unit))
    assert np.all(np.abs(done.bought * unit - eq.bundles) < unit * (1 + 1e-5))
    before = cx.certify(linear, supply, wealth, eq.prices, eq.bundles, money=money)
    after = cx.certify(linear, supply, wealth, done.prices, done.bought * unit, money=money)
    scale = np.minimum(wealth, values.min(axis=1) * supply.sum()).min()
    quantum = unit * np.sum(np.maximum(values.max(axis=0), done.prices)) / scale
    assert float(after.violation) <= float(before.violation) + quantum
    assert float(after.shortage) <= 1e-12
    assert np.all(np.asarray(after.overspent) <= M * 1e-6 / wealth)  # prices round, ticks do not
    assert float(after.regret.max()) <= float(before.regret.max()) + quantum


def test_a_budget_is_kept_to_the_tick_where_bundles_overspend():
    """Bundles that cost a millionth too much, as a tolerance allows."""
    done = settled([[10**6], [0]], [1.0], [[0.0], [1.0 + 1e-6]], [0, 10**6], [1e-6])
    assert done.spent.tolist() == [0, 10**6]


# --- the border


GOOD = {
    "offered": np.array([[4, 0], [1, 2]]),
    "prices": np.array([1.0, 0.0]),
    "bundles": np.zeros((2, 2)),
    "means": np.array([5, 0]),
    "units": np.array([1.0, 0.5]),
}


def test_a_clearing_that_means_something_passes():
    check_clearing(**GOOD)
    check_clearing(**{**GOOD, "prices": [PRICE_MAX, 0]})


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("prices", [np.nan, 0.0], BadPrice),
        ("prices", [0.0, np.inf], BadPrice),
        ("prices", [0.0, -1.0], BadPrice),
        ("prices", [PRICE_MAX * 1.001, 0.0], BadPrice),
        ("prices", [1.0], BadPrice),
        ("bundles", [[np.nan, 0.0], [0.0, 0.0]], InvalidMarket),
        ("bundles", [[-1.0, 0.0], [0.0, 0.0]], InvalidMarket),
        ("bundles", np.zeros((3, 2)), InvalidMarket),
        ("means", [-1, 0], InvalidMarket),
        ("means", [0.5, 0.0], InvalidMarket),
        ("units", [np.inf, 1.0], InvalidMarket),
        ("offered", [[-1, 0], [1, 2]], InvalidMarket),
        ("offered", [[0.5, 0.0], [1.0, 2.0]], InvalidMarket),
        ("offered", [[2**41, 0], [1, 2]], InvalidMarket),
        ("offered", [[2**40, 0], [1, 2]], InvalidMarket),
    ],
)
def test_what_means_nothing_is_refused_by_name(name, value, error):
    with pytest.raises(error, match=f"^{name}"):
        check_clearing(**{**GOOD, name: value})


def test_prices_at_the_limit_are_settled_exactly():
    """2^40 quanta at the highest price: a buyer with 2^50 ticks gets 2^10 of them."""
    done = settled([[2**40], [0]], [PRICE_MAX], [[0.0], [2.0**40]], [0, 2**50])
    assert done.bought.tolist() == [[0], [2**10]]
    assert done.spent.tolist() == [0, cost(2**10, PRICE_MAX * TICKS_PER_CREDIT)]
