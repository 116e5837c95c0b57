"""The ledger: nothing is lost, nothing is made, in any order; and every check finds its fault."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from jax.sharding import Mesh, PartitionSpec

from catallax import _ledger
from catallax._ledger import (
    BALANCE_MAX,
    N_REASONS,
    N_SYSTEM,
    Account,
    Fault,
    Reason,
    Transfers,
    account_names,
    check_books,
    empty_ledger,
    faults_named,
    post,
    post_each,
    together,
    totals,
    transfers,
)
from catallax._life import Births, Enumerate, Mutate
from catallax._settlement import (
    check_sales,
    collect_rent,
    pay_rewards,
    refinance,
    sale_transfers,
    settle_estates,
)
from catallax._types import NOBODY, exact
from oracles.money import Books

SYSTEM = [account.name.lower() for account in Account]
REASONS = [reason.name.lower() for reason in Reason]
FIRST, N, W = N_SYSTEM, 4, 2
ACCOUNTS = [*SYSTEM, *(f"agent/{slot}" for slot in range(N))]
GAMMA, RATE, ENDOWMENT, ALLOWANCE = Fraction(9, 10), Fraction(1, 7), 1000, 300


def accounts_of(numbers):
    return jnp.asarray(numbers, jnp.int32)


def ticks(numbers):
    return jnp.asarray(numbers, jnp.int64)


# --- ten million transfers

MANY, HOLDERS = 10**7, 40


@pytest.fixture(scope="module")
def many():
    """Ten million random transfers, and the balances and flows that they make, by NumPy."""
    rng = np.random.default_rng(7)
    debit, credit = rng.integers(0, HOLDERS, (2, MANY), dtype=np.int32)
    amount = rng.integers(0, 2**40, MANY)
    reason = rng.integers(0, N_REASONS, MANY, dtype=np.int32)
    flows = np.zeros(HOLDERS * N_REASONS, np.int64)
    for accounts, sign in ((debit, -1), (credit, 1)):
        cells = accounts * N_REASONS + reason
        for part in (20, 0):  # halves of 20 bits, whose float64 sums are exact
            half = (amount >> part) & (2**20 - 1)
            flows += (sign * np.bincount(cells, half, len(flows)).astype(np.int64)) << part
    return Transfers(debit, credit, amount, reason), flows.reshape(HOLDERS, N_REASONS)


@pytest.mark.parametrize("batch", [10**5, 10**6, 10**7])
def test_ten_million_transfers_drift_by_no_tick(many, batch):
    """Whatever the size of a batch; the order is turned round as well for the largest."""
    columns, flows = many
    if batch == MANY:
        columns = Transfers(*(column[::-1] for column in columns))
    posted = jax.jit(post)
    with exact():
        ledger = empty_ledger(HOLDERS)
        for start in range(0, MANY, batch):
            part = (jnp.asarray(column[start : start + batch]) for column in columns)
            ledger = posted(ledger, Transfers(*part))
        np.testing.assert_array_equal(ledger.flows, flows)
        np.testing.assert_array_equal(ledger.balances, flows.sum(axis=1))
        assert int(ledger.balances.sum()) == 0
        assert int(ledger.transfers) == np.count_nonzero(columns.amount)
        assert int(ledger.faults) == 0


def test_two_devices_keep_the_same_books_as_one(many):
    """Each device posts half of the transfers to a book of its own; the books add up."""
    columns, flows = many
    devices = jax.devices()
    assert len(devices) == 2
    split = PartitionSpec("device")

    def half(batch):
        ledger = post(empty_ledger(HOLDERS), batch)
        return ledger.balances[None], ledger.flows[None], ledger.transfers[None]

    sharded = jax.shard_map(
        half, mesh=Mesh(np.array(devices), ("device",)), in_specs=split, out_specs=split
    )
    with exact():
        balances, parts, counts = jax.jit(sharded)(Transfers(*map(jnp.asarray, columns)))
        assert len(parts.sharding.device_set) == 2
        np.testing.assert_array_equal(parts.sum(axis=0), flows)
        np.testing.assert_array_equal(balances.sum(axis=0), flows.sum(axis=1))
        np.testing.assert_array_equal(balances.sum(axis=1), [0, 0])
        assert int(counts.sum()) == np.count_nonzero(columns.amount)


# --- posting

somebody = st.integers(0, len(ACCOUNTS) - 1)
signed = st.integers(-5, 5) | st.integers(-(2**40), 2**40)
moves = st.lists(st.tuples(somebody, somebody, signed), min_size=6, max_size=6)


@jax.jit
def post_signed(ledger, debit, credit, amount):
    return post(ledger, transfers(debit, credit, amount, Reason.REWARD))


@given(moves=moves, order=st.permutations(range(6)))
def test_any_order_of_the_same_transfers_is_the_same_ledger(moves, order):
    books = Books()
    for debit, credit, amount in moves:
        books.move(ACCOUNTS[debit], ACCOUNTS[credit], amount, "reward")
    columns = np.array(moves, np.int64).T
    with exact():
        for debit, credit, amount in (columns, columns[:, order]):
            parts = accounts_of(debit), accounts_of(credit), ticks(amount)
            ledger = post_signed(empty_ledger(len(ACCOUNTS)), *parts)
            assert ledger.balances.tolist() == [books.balances[name] for name in ACCOUNTS]
            assert int(ledger.transfers) == books.count
            assert int(ledger.faults) == 0


@given(amounts=st.lists(signed, min_size=N, max_size=N))
def test_posting_to_each_is_posting_one_by_one(amounts):
    with exact():
        each = post_each(
            empty_ledger(len(ACCOUNTS)), FIRST, ticks(amounts), Account.NATURE, Reason.REWARD
        )
        one_by_one = post_signed(
            empty_ledger(len(ACCOUNTS)),
            accounts_of([Account.NATURE] * N),
            accounts_of(range(FIRST, FIRST + N)),
            ticks(amounts),
        )
        for left, right in zip(each, one_by_one, strict=True):
            np.testing.assert_array_equal(left, right)


def test_sums_by_slot_are_the_same_compared_and_scattered(monkeypatch):
    amounts, slots = [5, -2, 7, 2**50], jnp.asarray([2, 0, 2, 4], jnp.int32)
    for most in (0, 2**12):
        monkeypatch.setattr(_ledger, "DENSE", most)
        with exact():
            assert totals(ticks(amounts), slots, 5).tolist() == [-2, 0, 12, 0, 2**50]


def test_a_transfer_below_zero_changes_sides():
    """−5 from nature to agent 0 is 5 from agent 0 to nature."""
    with exact():
        batch = transfers(Account.NATURE, FIRST, ticks(-5), Reason.REWARD)
        ledger = post(empty_ledger(len(ACCOUNTS)), batch)
    assert [int(column[0]) for column in batch] == [FIRST, Account.NATURE, 5, Reason.REWARD]
    assert (int(ledger.balances[Account.NATURE]), int(ledger.balances[FIRST])) == (5, -5)


def test_a_transfer_to_oneself_or_of_nothing_moves_nothing():
    with exact():
        ledger = post_signed(
            empty_ledger(len(ACCOUNTS)),
            accounts_of([FIRST, 1]),
            accounts_of([FIRST, 2]),
            ticks([7, 0]),
        )
    assert not ledger.balances.any()
    assert not ledger.flows.any()
    assert int(ledger.transfers) == 1


def test_one_tick_counts_on_top_of_a_trillion():
    """2⁴⁰ + 4 + 1 is 2⁴⁰ + 5; in 32 bits it was 5."""
    with exact():
        ledger = empty_ledger(len(ACCOUNTS))
        for amount in (2**40 + 4, 1):
            ledger = post(ledger, transfers(Account.NATURE, FIRST, ticks(amount), Reason.REWARD))
        assert int(ledger.balances[FIRST]) == 2**40 + 5
        assert ledger.balances.dtype == ledger.flows.dtype == jnp.int64


def test_accounts_have_names():
    names = account_names(2, np.array([5, -1]))
    assert names == [*SYSTEM, "consumer/0", "consumer/1", "agent/5", "slot/1"]
    assert {"original_owner", "nature", "discount", "losses", "exploration", "treasury"} < {*names}


# --- every fault of the books


def with_balances(**balances):
    """A ledger on which these system accounts have these balances, however they got there."""
    ledger = empty_ledger(len(ACCOUNTS))
    column = np.zeros(len(ACCOUNTS), np.int64)
    for name, balance in balances.items():
        column[ACCOUNTS.index(name)] = balance
    return ledger._replace(balances=jnp.asarray(column))


@pytest.mark.parametrize(
    ("balances", "found"),
    [
        ({}, []),
        ({"nature": -9, "treasury": 9}, []),
        ({"nature": 9, "losses": -4, "discount": -3, "exploration": -2}, []),
        ({"nature": 1}, ["unbalanced"]),
        ({"nature": -3, "clearing": 3}, ["clearing not empty"]),
        ({"nature": 3, "clearing": -3}, ["clearing not empty"]),
        ({"nature": 1, "treasury": -1}, ["treasury overdrawn"]),
        ({"nature": BALANCE_MAX, "losses": -BALANCE_MAX}, []),
        ({"nature": BALANCE_MAX + 1, "losses": -BALANCE_MAX - 1}, ["overflow"]),
        ({"treasury": -1}, ["unbalanced", "treasury overdrawn"]),
    ],
)
def test_a_check_of_the_books_finds(balances, found):
    with exact():
        checked = check_books(with_balances(**balances))
        assert faults_named(checked.faults) == found


def test_a_fault_is_never_forgotten():
    with exact():
        ledger = check_books(with_balances(nature=1))
        ledger = post(ledger, transfers(Account.NATURE, Account.LOSSES, ticks(1), Reason.LOSS))
        ledger = check_books(ledger._replace(balances=jnp.zeros_like(ledger.balances)))
        assert faults_named(ledger.faults) == ["unbalanced"]


def test_a_negative_amount_is_found():
    with exact():
        one = accounts_of([1])
        batch = Transfers(one, accounts_of([2]), ticks([-5]), one)
        ledger = post(empty_ledger(len(ACCOUNTS)), batch)
        assert faults_named(ledger.faults) == ["negative amount"]


@pytest.mark.parametrize("nowhere", [-1, len(ACCOUNTS), len(ACCOUNTS) + 1000, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("side", ["debit", "credit"])
def test_an_account_that_is_not_there_is_found(nowhere, side):
    """And nobody else is touched but the other side, so that the books no longer balance."""
    pair = (nowhere, FIRST) if side == "debit" else (FIRST, nowhere)
    with exact():
        ledger = post_signed(
            empty_ledger(len(ACCOUNTS)), *map(accounts_of, ([pair[0]], [pair[1]])), ticks([5])
        )
        assert faults_named(check_books(ledger).faults) == ["unbalanced", "no such account"]
    assert np.flatnonzero(ledger.balances).tolist() == [FIRST]


def test_each_fault_is_one_bit_with_a_name():
    assert [int(kind).bit_count() for kind in Fault] == [1] * len(Fault)
    assert len(faults_named(sum(Fault))) == len(Fault)
    assert faults_named(0) == []


# --- the books over a life, beside a model of them


@jax.jit
def do_sell(ledger, owner, buyer, price, paid, sold):
    terms = owner, buyer, price, paid, sold, GAMMA
    return check_sales(ledger, post(ledger, sale_transfers(*terms)), *terms)


@jax.jit
def do_reward(ledger, payer, owner, amount):
    return pay_rewards(ledger, payer, owner, amount)[0]


@jax.jit
def do_rent(ledger, held):
    return collect_rent(ledger, FIRST, held, W, RATE)


@jax.jit
def do_die(ledger, dead):
    return settle_estates(ledger, FIRST, dead)


@jax.jit
def do_refinance(ledger, poor):
    return refinance(ledger, FIRST, poor, ENDOWMENT)


CREDITS = Fraction(ALLOWANCE, 10**6)
ENTRIES = {
    "treasury": jax.jit(lambda ledger, births: Enumerate(1, CREDITS).pay(ledger, FIRST, births)),
    "parent": jax.jit(lambda ledger, births: Mutate(1, CREDITS).pay(ledger, FIRST, births)),
}
do_check = jax.jit(check_books)
agents = st.integers(0, N - 1)
masks = st.lists(st.booleans(), min_size=N, max_size=N)
prices = st.integers(-30, 30) | st.integers(-(10**12), 10**12)


class Life(RuleBasedStateMachine):
    """Whatever happens in whatever order, the ledger is the model, and the model is plain."""

    @initialize()
    def genesis(self):
        self.books = Books()
        with exact():
            self.ledger = empty_ledger(len(ACCOUNTS))
        self.pay(Account.NATURE, Account.TREASURY, 2 * ALLOWANCE)

    @rule(
        sellers=st.lists(st.none() | agents, min_size=W, max_size=W),
        buyers=st.lists(st.none() | agents, min_size=W, max_size=W),
        price=st.lists(prices, min_size=W, max_size=W),
        short=st.lists(st.integers(0, 50), min_size=W, max_size=W),
        sold=st.lists(st.booleans(), min_size=W, max_size=W),
    )
    def sale(self, sellers, buyers, price, short, sold):
        """None is the original owner: the first seller, and the buyer of a truncated world."""
        numbers = [
            [Account.ORIGINAL_OWNER if slot is None else FIRST + slot for slot in side]
            for side in (sellers, buyers)
        ]
        paid = [p - s for p, s in zip(price, short, strict=True)]
        with exact():
            self.ledger = do_sell(
                self.ledger, *map(accounts_of, numbers), ticks(price), ticks(paid), jnp.array(sold)
            )
        for world in range(W):
            if sold[world]:
                owner, buyer = (ACCOUNTS[side[world]] for side in numbers)
                self.books.sell(owner, buyer, price[world], paid[world], GAMMA)

    @rule(
        owners=st.lists(agents, min_size=W, max_size=W),
        amount=st.lists(prices, min_size=W, max_size=W),
    )
    def reward(self, owners, amount):
        with exact():
            payer, owner = [Account.NATURE] * W, [FIRST + slot for slot in owners]
            self.ledger = do_reward(
                self.ledger, accounts_of(payer), accounts_of(owner), ticks(amount)
            )
        for slot, one in zip(owners, amount, strict=True):
            self.books.reward("nature", f"agent/{slot}", one)

    @rule(owners=st.lists(st.none() | agents, min_size=W, max_size=W))
    def rent(self, owners):
        held = [owners.count(slot) for slot in range(N)]
        with exact():
            self.ledger, rents = do_rent(self.ledger, ticks(held))
        due = [self.books.rent(f"agent/{slot}", held[slot], W, RATE) for slot in range(N)]
        assert rents.tolist() == due

    @rule(dead=masks)
    def death(self, dead):
        with exact():
            self.ledger = do_die(self.ledger, jnp.array(dead))
        for slot in np.flatnonzero(dead):
            self.books.close(f"agent/{slot}")
            assert int(self.ledger.balances[FIRST + slot]) == 0

    @rule(poor=masks)
    def top_up(self, poor):
        with exact():
            self.ledger = do_refinance(self.ledger, jnp.array(poor))
        for slot in np.flatnonzero(poor):
            self.books.refinance(f"agent/{slot}", ENDOWMENT)

    @rule(
        payer=st.sampled_from(["treasury", "parent"]),
        parent=agents,
        child=agents,
        takes_place=st.booleans(),
    )
    def birth(self, payer, parent, child, takes_place):
        if payer == "treasury" and self.books.balances["treasury"] < ALLOWANCE:
            takes_place = False
        with exact():
            slots = accounts_of([child if takes_place else NOBODY])
            births = Births(slots, accounts_of([parent]), ticks(0))
            self.ledger = ENTRIES[payer](self.ledger, births)
        if takes_place:
            account = "treasury" if payer == "treasury" else f"agent/{parent}"
            self.books.allow(account, f"agent/{child}", ALLOWANCE)

    @rule(debit=somebody, credit=somebody, amount=signed)
    def transfer(self, debit, credit, amount):
        """Any account but the clearing house, and never more than the treasury has."""
        payer = ACCOUNTS[credit if amount < 0 else debit]
        poor = payer == "treasury" and self.books.balances[payer] < abs(amount)
        if not poor and Account.CLEARING not in (debit, credit):
            self.pay(debit, credit, amount)

    @precondition(lambda self: self.books.balances["treasury"] > 0)
    @rule(share=st.integers(1, 5))
    def dividend(self, share):
        """The treasury may spend up to its last tick."""
        self.pay(Account.TREASURY, FIRST, self.books.balances["treasury"] // share)

    def pay(self, debit, credit, amount):
        with exact():
            self.ledger = post_signed(
                self.ledger,
                *map(accounts_of, ([debit] * 6, [credit] * 6)),
                ticks([amount, 0, 0, 0, 0, 0]),
            )
        self.books.move(ACCOUNTS[debit], ACCOUNTS[credit], amount, "reward")

    @invariant()
    def the_ledger_is_the_model(self):
        if not hasattr(self, "ledger"):
            return
        with exact():
            self.ledger = do_check(self.ledger)
        ledger = jax.tree.map(np.asarray, self.ledger)
        assert faults_named(ledger.faults) == []
        assert ledger.balances.sum() == 0
        assert ledger.balances[Account.CLEARING] == 0
        np.testing.assert_array_equal(ledger.flows.sum(axis=0), np.zeros(N_REASONS))
        np.testing.assert_array_equal(ledger.flows.sum(axis=1), ledger.balances)
        assert ledger.balances.tolist() == [self.books.balances[name] for name in ACCOUNTS]
        assert ledger.flows.tolist() == [
            [self.books.flows[name, reason] for reason in REASONS] for name in ACCOUNTS
        ]
        assert int(ledger.transfers) == self.books.count


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30)


def test_batches_join_in_order():
    with exact():
        parts = [transfers(1, 2, ticks(n), Reason.RENT) for n in (3, -4)]
        joined = together(*parts)
    assert joined.amount.tolist() == [3, 4]
    assert joined.debit.tolist() == [1, 2]
