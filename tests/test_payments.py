"""Payments: a trade reaches the right accounts, and rounds of everything lose nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from catallax._goods import Good, Inflow, arrivals_of, table_of
from catallax._ledger import (
    N_SYSTEM,
    Account,
    Reason,
    check_books,
    empty_ledger,
    faults_named,
    post,
    transfers,
)
from catallax._payments import (
    check_trade,
    collect_carrying_costs,
    hand_over,
    pay_stipends,
    pay_trade,
)
from catallax._stocks import (
    Moved,
    added,
    arrive,
    consume,
    depreciate,
    dispose,
    drift,
    empty_stocks,
    transform,
    unsound,
)
from catallax._trade import trade
from catallax._types import exact

ORIGINAL, TREASURY, FIRST = Account.ORIGINAL_OWNER, Account.TREASURY, N_SYSTEM
HOLDERS = 4  # the original owner and three agents
ACCOUNTS = np.array([ORIGINAL, FIRST, FIRST + 1, FIRST + 2], np.int32)
NAMES = [account.name.lower() for account in Account] + ["A", "B", "C"]


def opened(*wealth):
    """Agents with wealth, from `nature`."""
    with exact():
        accounts = jnp.arange(FIRST, FIRST + len(wealth), dtype=jnp.int32)
        batch = transfers(Account.NATURE, accounts, jnp.asarray(wealth, jnp.int64), Reason.REWARD)
        return post(empty_ledger(len(NAMES)), batch)


def since(before, after):
    """What accounts received, by name; those that did not change are left out."""
    gains = np.asarray(after.balances) - np.asarray(before.balances)
    return {name: int(gain) for name, gain in zip(NAMES, gains, strict=True) if gain}


def by_reason(before, after, reason):
    gains = np.asarray(after.flows)[:, reason] - np.asarray(before.flows)[:, reason]
    return {name: int(gain) for name, gain in zip(NAMES, gains, strict=True) if gain}


run_trade = jax.jit(trade)


def traded(offered, prices, bundles, means, units=(1.0,)):
    with exact():
        return run_trade(
            jnp.asarray(offered, jnp.int64),
            jnp.asarray(prices, jnp.float64),
            jnp.asarray(bundles, jnp.float64),
            jnp.asarray(means, jnp.int64),
            jnp.asarray(units, jnp.float64),
        )


MEANS = [0, 100, 50, 0]


@pytest.fixture
def deal():
    """The original owner sells 6 and C 4, at 3 ticks; A buys 5 and B 2."""
    return traded([[6], [0], [0], [4]], [3e-6], [[0.0], [5.0], [2.0], [0.0]], MEANS)


def paid(ledger, deal, means=MEANS):
    with exact():
        return pay_trade(ledger, deal, jnp.asarray(ACCOUNTS), jnp.asarray(means, jnp.int64))


# --- trades


def test_buyers_pay_and_sellers_are_paid(deal):
    """21 ticks, for 4 of the original owner's and 3 of C's."""
    before = opened(100, 50, 0)
    after = paid(before, deal)
    assert since(before, after) == {"A": -15, "B": -6, "original_owner": 12, "C": 9}
    bought = by_reason(before, after, Reason.PURCHASE)
    assert bought == {"A": -15, "B": -6, "clearing": 21}
    assert by_reason(before, after, Reason.RESALE) == {
        "original_owner": 12,
        "C": 9,
        "clearing": -21,
    }
    with exact():
        assert int(check_books(after).faults) == 0
    assert int(after.transfers - before.transfers) == 4


def test_who_buys_its_own_is_booked_twice_and_loses_nothing():
    before = opened(100, 50, 0)
    own = traded([[0], [5], [0], [0]], [3e-6], [[0.0], [5.0], [0.0], [0.0]], MEANS)
    after = paid(before, own)
    assert since(before, after) == {}
    assert by_reason(before, after, Reason.PURCHASE) == {"A": -15, "clearing": 15}


def found(before, after, deal, means=MEANS):
    with exact():
        wide = jnp.asarray(means, jnp.int64)
        return faults_named(check_trade(before, after, deal, jnp.asarray(ACCOUNTS), wide).faults)


def moved(ledger, debit, credit, amount):
    with exact():
        return post(
            ledger, transfers(debit, credit, jnp.asarray([amount], jnp.int64), Reason.RESALE)
        )


@pytest.mark.parametrize("stranger", [FIRST + 2, Account.NATURE, TREASURY, Account.CLEARING])
def test_a_payment_that_goes_astray_is_found(deal, stranger):
    before = opened(100, 50, 0)
    after = paid(before, deal)
    assert found(before, after, deal) == []
    assert found(before, moved(after, FIRST, stranger, 1), deal) == ["wrong payee"]


def test_a_trade_that_is_not_booked_is_found(deal):
    before = opened(100, 50, 0)
    assert found(before, before, deal) == ["wrong payee"]


def test_a_purchase_beyond_means_is_found(deal):
    before = opened(100, 50, 0)
    assert found(before, paid(before, deal), deal, [0, 14, 50, 0]) == ["over means"]


def test_a_tick_that_sellers_do_not_get_is_found(deal):
    """It stays in the clearing house, and all balances still add up to 0."""
    before = opened(100, 50, 0)
    with exact():
        short = deal._replace(receipts=deal.receipts.at[0, 0].add(-1))
    after = paid(before, short)
    assert faults_named(after.faults) == ["unbalanced", "wrong payee"]
    with exact():
        assert "clearing not empty" in faults_named(check_books(after).faults)


def test_a_negative_payment_is_found(deal):
    before = opened(100, 50, 0)
    with exact():
        odd = deal._replace(
            payments=deal.payments.at[3, 0].set(-1), receipts=deal.receipts.at[0, 0].add(-1)
        )
    assert "negative amount" in faults_named(paid(before, odd).faults)


# --- keep, incomes, stipends


def test_keeping_goods_costs_and_the_treasury_is_paid():
    """1½ ticks a quantum of one good, none of the other; A keeps 3 and pays 4."""
    before = opened(100, 1, 0)
    with exact():
        holdings = jnp.asarray([[0, 9], [3, 9], [2, 0], [0, 0]], jnp.int64)
        args = holdings, jnp.asarray([1.5, 0.0]), jnp.asarray(ACCOUNTS)
        after, due = collect_carrying_costs(before, *args)
    assert due.tolist() == [0, 4, 3, 0]
    assert since(before, after) == {"A": -4, "B": -3, "treasury": 7}
    assert by_reason(before, after, Reason.CARRYING) == {"A": -4, "B": -3, "treasury": 7}
    assert int(after.balances[FIRST + 1]) == -2  # B owes


def test_what_resources_earn_goes_to_the_treasury():
    before = opened(100, 50, 0)
    with exact():
        earned = jnp.asarray([12, 30], jnp.int64)
        after = hand_over(before, earned, jnp.asarray([ORIGINAL, FIRST], jnp.int32))
    assert since(before, after) == {"original_owner": -12, "A": -30, "treasury": 42}


def stipended(held, stipends):
    with exact():
        before = moved(opened(0, 0, 0), Account.NATURE, TREASURY, held)
        accounts = jnp.asarray(ACCOUNTS[1:], jnp.int32)
        after, got = pay_stipends(before, jnp.asarray(stipends, jnp.int64), accounts)
    return before, after, got.tolist()


def test_the_treasury_pays_stipends():
    before, after, got = stipended(100, [10, 20, 0])
    assert got == [10, 20, 0]
    assert since(before, after) == {"A": 10, "B": 20, "treasury": -30}
    assert by_reason(before, after, Reason.STIPEND) == {"A": 10, "B": 20, "treasury": -30}


def test_a_treasury_that_is_short_is_shared_and_not_overdrawn():
    """20 ticks for stipends of 10, 20 and 15: 4 4/9, 8 8/9 and 6 6/9."""
    _, after, got = stipended(20, [10, 20, 15])
    assert got == [4, 9, 7]
    assert int(after.balances[TREASURY]) == 0
    assert stipended(0, [10, 20, 15])[2] == [0, 0, 0]
    assert stipended(-5, [10, 20, 15])[2] == [0, 0, 0]


# --- rounds and rounds of everything

WARES = (
    Good("labour", unit=1.0, perishable=True),
    Good("wood", unit=0.1, depreciation=0.1, carrying_cost=0.01),
    Good("pencil", unit=1e-3),
)
TABLE, M = table_of(WARES), len(WARES)
share = st.floats(0, 1)
run = {f.__name__: jax.jit(f) for f in (pay_trade, depreciate, transform, consume, drift)}


@settings(max_examples=25, stateful_step_count=20, deadline=None)
class Rounds(RuleBasedStateMachine):
    """Anything may happen in any order; what there is stays what came in, less what was used up."""

    @initialize(wealth=st.lists(st.integers(0, 10**8), min_size=3, max_size=3))
    def open(self, wealth):
        self.genesis, self.treasury = opened(*wealth), 0
        self.ledger = self.genesis
        with exact():
            self.stocks = empty_stocks(HOLDERS, M)
        self.first, self.moved = self.stocks, Moved(*(np.zeros(M, np.int64),) * 3)
        self.came = np.zeros(M, int)

    def count(self, flows):
        with exact():
            self.moved = added(self.moved, flows)

    @rule(
        amounts=st.lists(st.floats(0, 1000), min_size=M, max_size=M),
        owner=st.sampled_from(["original_owner", "A", "B", "C"]),
    )
    def inflow(self, amounts, owner):
        owners = ["original_owner", "A", "B", "C"]
        inflows = [Inflow(g.name, a, owner) for g, a in zip(WARES, amounts, strict=True)]
        arrivals = arrivals_of(inflows, WARES, owners)
        self.came += arrivals.sum(axis=0)
        with exact():
            self.stocks, flows = arrive(self.stocks, jnp.asarray(arrivals))
        self.count(flows)

    @rule(
        prices=st.lists(st.floats(0, 20), min_size=M, max_size=M),
        wants=st.lists(st.lists(share, min_size=M, max_size=M), min_size=3, max_size=3),
    )
    def trade(self, prices, wants):
        before = self.ledger
        with exact():
            held = np.asarray(self.stocks.holdings)
            # Wants are random shares of all there is, which may well be too much.
            wants = np.array([[0.0] * M, *wants]) * held.sum(axis=0) * TABLE.units
            means = jnp.maximum(before.balances[jnp.asarray(ACCOUNTS)], 0).at[0].set(0)
            args = map(jnp.asarray, (held, np.array(prices), wants, means, TABLE.units))
            done = run_trade(*args)
            self.ledger = run["pay_trade"](before, done, jnp.asarray(ACCOUNTS), means)
            spoilt = jnp.where(jnp.asarray(TABLE.perishable)[None], done.returned, 0)
            self.stocks = dispose(self.stocks._replace(holdings=done.holdings), spoilt)
            assert np.all(np.asarray(done.spent <= means))

    @rule()
    def time_passes(self):
        with exact():
            self.stocks, _ = run["depreciate"](self.stocks, jnp.asarray(TABLE.kept))

    @rule(factor=st.lists(st.floats(0, 2), min_size=M, max_size=M))
    def production(self, factor):
        with exact():
            outcome = np.asarray(self.stocks.holdings) * np.array(factor) + 0.3
            outcome = np.minimum(outcome, 1e6)
            self.stocks, flows, bad = run["transform"](self.stocks, jnp.asarray(outcome))
            assert not np.any(bad)
        self.count(flows)

    @rule(part=share)
    def consumption(self, part):
        with exact():
            used = np.floor(np.asarray(self.stocks.holdings) * part).astype(np.int64)
            self.stocks, flows = run["consume"](self.stocks, jnp.asarray(used))
        self.count(flows)

    @rule()
    def keep_and_stipends(self):
        with exact():
            self.ledger, _ = collect_carrying_costs(
                self.ledger,
                self.stocks.holdings,
                jnp.asarray(TABLE.carrying),
                jnp.asarray(ACCOUNTS),
            )
            stipends = jnp.asarray([1000, 0, 10**6], jnp.int64)
            self.ledger, _ = pay_stipends(self.ledger, stipends, jnp.asarray(ACCOUNTS[1:]))

    @rule()
    def incomes_are_handed_over(self):
        with exact():
            income = jnp.maximum(self.ledger.balances[ORIGINAL], 0)[None]
            self.ledger = hand_over(self.ledger, income, jnp.asarray(ACCOUNTS[:1]))

    @invariant()
    def no_quantum_and_no_tick_is_lost_or_made(self):
        if not hasattr(self, "stocks"):
            return
        with exact():
            assert run["drift"](self.first, self.stocks, self.moved).tolist() == [0] * M
            assert not np.any(unsound(self.stocks))
            assert faults_named(check_books(self.ledger).faults) == []
        assert np.asarray(self.moved.inflow).tolist() == self.came.tolist()
        there = np.asarray(self.stocks.holdings).sum(axis=0) + np.asarray(self.stocks.disposal)
        flows = [np.asarray(column) for column in self.moved]
        assert there.tolist() == (flows[0] + flows[1] - flows[2]).tolist()
        assert int(np.asarray(self.ledger.balances).sum()) == 0


TestRounds = Rounds.TestCase
