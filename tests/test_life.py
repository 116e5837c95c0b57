"""Births and departures: who, where, and who pays; beside a plain model, and by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._errors import BadBirth, InvalidSetting
from catallax._ledger import (
    N_SYSTEM,
    Account,
    Reason,
    check_books,
    empty_ledger,
    faults_named,
    post,
    post_each,
    transfers,
)
from catallax._life import Births, Enumerate, Exit, Mutate, NoEntry, parent_ids
from catallax._population import EMPTY, bear, founders
from catallax._settlement import settle_estates
from catallax._types import NOBODY, exact

N, FIRST = 6, N_SYSTEM
WHOLE, UPPER = slice(0, 6), slice(2, 6)
KEY = jax.random.key(0)
CREDIT = 10**6


def opened(treasury=0.0, wealth=(0.0,) * N):
    """A ledger with these credits, endowed by nature."""
    amounts = np.zeros(FIRST + N, np.int64)
    amounts[Account.TREASURY] = round(treasury * CREDIT)
    amounts[FIRST:] = [round(credits * CREDIT) for credits in wealth]
    with exact():
        return endow(amounts)


@jax.jit
def endow(amounts):
    return post_each(empty_ledger(FIRST + N), 0, amounts, Account.NATURE, Reason.ENDOWMENT)


start = jax.jit(founders)


def living(*alive):
    with exact():
        return start(np.asarray(alive, bool))


COMPILED = {}


def born(entry, population, ledger, group=WHOLE, key=KEY):
    """Bears and pays: the births, the ledger after, the population after."""

    def run(population, ledger, key):
        births = entry.births(population, ledger, FIRST, group, key)
        after = check_books(entry.pay(ledger, FIRST, births))
        parents = parent_ids(population, births)
        return births, after, bear(population, births.slots, parents, jnp.int64(9))

    compiled = COMPILED.setdefault((entry, group.start, group.stop), jax.jit(run))
    with exact():
        births, after, people = compiled(population, ledger, key)
    assert faults_named(after.faults) == []
    assert np.asarray(after.balances).sum() == 0
    return births, after, people


def gains(before, after):
    """Credits gained, by account, where there are any."""
    change = (np.asarray(after.balances) - np.asarray(before.balances)) / CREDIT
    return {int(account): float(change[account]) for account in np.flatnonzero(change)}


# --- births by hand


def test_an_allowance_from_the_treasury():
    """Two are due at 1.5 credits, the treasury has 10: it has 7 left, each child 1.5."""
    before = opened(treasury=10)
    births, after, people = born(Enumerate(2, 1.5), living(1, 0, 1, 0, 0, 1), before)
    assert births.slots.tolist() == [1, 3]
    assert births.parents.tolist() == [NOBODY, NOBODY]
    assert int(births.refused) == 0
    assert gains(before, after) == {Account.TREASURY: -3, FIRST + 1: 1.5, FIRST + 3: 1.5}
    assert int(after.flows[FIRST + 1, Reason.ALLOWANCE]) == 1_500_000
    assert people.ids.tolist() == [0, 3, 1, 4, EMPTY, 2]
    assert people.parents.tolist() == [EMPTY] * N


def test_births_that_the_treasury_cannot_pay_are_refused_and_counted():
    """Three are due at 1 credit, the treasury has 1.999999: one is born, two are refused."""
    before = opened(treasury=1.999999)
    births, after, _ = born(Enumerate(3, 1.0), living(*[0] * N), before)
    assert births.slots.tolist() == [0, NOBODY, NOBODY]
    assert int(births.refused) == 2
    assert int(after.balances[Account.TREASURY]) == 999_999
    births, after, _ = born(Enumerate(3, 1.0), living(*[0] * N), opened(treasury=0.999999))
    assert int(births.refused) == 3


def test_births_without_a_slot_are_refused_and_counted():
    births, _, _ = born(Enumerate(3, 1.0), living(1, 1, 1, 1, 0, 1), opened(treasury=10))
    assert births.slots.tolist() == [4, NOBODY, NOBODY]
    assert int(births.refused) == 2
    births, _, _ = born(Enumerate(3, 1.0), living(*[1] * N), opened(treasury=10))
    assert births.slots.tolist() == [NOBODY] * 3


def test_a_slot_whose_dead_are_not_yet_written_down_is_not_free():
    people = living(1, 1, 1, 1, 1, 0)
    people = people._replace(alive=people.alive.at[0].set(False))
    births, _, _ = born(Enumerate(3, 1.0), people, opened(treasury=10))
    assert births.slots.tolist() == [5, NOBODY, NOBODY]


def test_births_stay_in_their_species():
    births, _, _ = born(Enumerate(3, 1.0), living(0, 0, 1, 0, 1, 0), opened(treasury=10), UPPER)
    assert births.slots.tolist() == [3, 5, NOBODY]


def test_an_allowance_of_nothing_needs_no_treasury():
    before = opened()
    births, after, _ = born(Enumerate(2, 0.0), living(*[0] * N), before)
    assert births.slots.tolist() == [0, 1]
    assert gains(before, after) == {}
    assert int(after.transfers) == int(before.transfers)


def test_an_allowance_from_the_parent():
    """Threshold 4 allowances of 1 credit: only agent 2, with 4, may; it keeps 3."""
    before = opened(treasury=10, wealth=(3.999999, 0, 4, 0, 2, 0))
    births, after, people = born(Mutate(2, 1.0), living(1, 0, 1, 0, 1, 0), before)
    assert births.slots.tolist() == [1, NOBODY]
    assert births.parents.tolist()[0] == 2
    assert int(births.refused) == 1
    assert gains(before, after) == {FIRST + 1: 1, FIRST + 2: -1}
    assert (int(people.ids[1]), int(people.parents[1])) == (3, 1)


def test_a_childs_allowance_from_the_treasury():
    """The parent must be rich enough all the same; the treasury has enough for one of two."""
    before = opened(treasury=1.5, wealth=(9, 9, 0, 0, 0, 0))
    entry = Mutate(2, 1.0, payer="treasury")
    births, after, _ = born(entry, living(1, 1, 0, 0, 0, 0), before)
    assert births.slots.tolist() == [2, NOBODY]
    assert gains(before, after) == {Account.TREASURY: -1, FIRST + 2: 1}


def test_the_frozen_and_the_dead_have_no_children():
    people = living(1, 1, 0, 0, 0, 0)
    people = people._replace(frozen=people.frozen.at[0].set(True))
    before = opened(wealth=(99, 0, 99, 0, 0, 0))
    births, after, _ = born(Mutate(2, 1.0), people, before)
    assert births.slots.tolist() == [NOBODY, NOBODY]
    assert gains(before, after) == {}


def test_parents_come_from_the_species_and_are_drawn_by_luck():
    """Agents 3, 4 and 5 of the second species may; each is drawn for some key, the rest never."""
    before = opened(wealth=(99, 99, 1, 99, 99, 99))
    people = living(1, 1, 0, 1, 1, 1)
    drawn = [
        born(Mutate(1, 1.0), people, before, UPPER, jax.random.key(seed))[0] for seed in range(30)
    ]
    assert {int(births.parents[0]) for births in drawn} == {3, 4, 5}
    assert {int(births.slots[0]) for births in drawn} == {2}


def test_allowances_may_shrink_until_they_vanish():
    """BRIA: a schedule of endowments, booked as such; 1 + 1/2 + 1/4 of the treasury's 2."""
    ledger, people = opened(treasury=2), living(*[0] * N)
    for age in range(3):
        _, ledger, people = born(Enumerate(1, 0.5**age), people, ledger)
    assert (np.asarray(ledger.balances[FIRST : FIRST + 3]) / CREDIT).tolist() == [1, 0.5, 0.25]
    assert int(ledger.balances[Account.TREASURY]) == CREDIT // 4
    assert int(ledger.flows[Account.TREASURY, Reason.ALLOWANCE]) == -7 * CREDIT // 4


def test_an_estate_pays_for_a_birth():
    """The treasury is empty until agent 0 dies and leaves its 1 credit."""
    before = opened(wealth=(1, 0, 0, 0, 0, 0))
    assert int(born(Enumerate(1, 1.0), living(1, *[0] * 5), before)[0].refused) == 1
    with exact():
        inherited = settle_estates(before, FIRST, jnp.arange(N) == 0)
    births, after, _ = born(Enumerate(1, 1.0), living(1, *[0] * 5), inherited)
    assert births.slots.tolist() == [1]
    assert int(after.balances[FIRST + 1]) == CREDIT
    assert int(after.balances[Account.TREASURY]) == 0


def test_a_treasury_that_is_overdrawn_is_found():
    """A birth that was never asked about: paid out of an empty treasury."""
    with exact():
        births = Births(jnp.zeros(1, jnp.int32), jnp.full(1, NOBODY, jnp.int32), jnp.int64(0))
        after = check_books(Enumerate(1, 1.0).pay(opened(), FIRST, births))
        assert faults_named(after.faults) == ["treasury overdrawn"]
        paid = post(
            after, transfers(Account.NATURE, Account.TREASURY, jnp.int64(CREDIT), Reason.RENT)
        )
        assert int(paid.balances[Account.TREASURY]) == 0


def test_no_entry_bears_nobody():
    before = opened(treasury=10)
    with exact():
        births = NoEntry().births(living(*[0] * N), before, FIRST, WHOLE, KEY)
    assert births.slots.shape == births.parents.shape == (0,)
    assert NoEntry().pay(before, FIRST, births) is before
    NoEntry().check([], [])


# --- births in general


@given(
    alive=st.lists(st.booleans(), min_size=N, max_size=N),
    wealth=st.lists(st.integers(-2, 9), min_size=N, max_size=N),
    treasury=st.integers(0, 5),
    market=st.sampled_from(
        [
            (Enumerate(3, 2.0), WHOLE),
            (Mutate(3, 2.0, threshold=2.0), UPPER),
            (Mutate(3, 2.0, "treasury", 2.0), WHOLE),
        ]
    ),
    seed=st.integers(0, 5),
)
def test_births_are_housed_paid_and_counted(alive, wealth, treasury, market, seed):
    entry, group = market
    people, before = living(*alive), opened(treasury, wealth)
    births, after, _ = born(entry, people, before, group, jax.random.key(seed))
    members = range(group.start, group.stop)
    free = [slot for slot in members if not alive[slot]]
    fit = [slot for slot in members if alive[slot] and wealth[slot] >= 4]
    count = min(3, len(free))
    if entry.mutates:
        count = min(count, len(fit))
    by_treasury = not entry.mutates or entry.payer == "treasury"
    if by_treasury:
        count = min(count, treasury // 2)
    assert births.slots.tolist() == free[:count] + [NOBODY] * (3 - count)
    assert int(births.refused) == 3 - count
    parents = births.parents.tolist()[:count]
    expected = {FIRST + slot: 2.0 for slot in free[:count]}
    if entry.mutates:
        assert {*parents} <= {*fit} and len({*parents}) == count
    else:
        assert parents == [NOBODY] * count
    if by_treasury:
        expected |= {int(Account.TREASURY): -2.0 * count} if count else {}
    else:
        expected |= {FIRST + slot: -2.0 for slot in parents}
    assert gains(before, after) == expected


# --- departures


def leaving(rule, people, wealth, groups=(WHOLE,), tick=0):
    with exact():
        amounts = jnp.asarray(wealth, jnp.int64)
        return np.asarray(rule.leavers(people, amounts, list(groups), jnp.int64(tick))).tolist()


def test_the_idle_leave():
    """Idle for more than 10 ticks at tick 20: who last won at 9 leaves, at 10 stays."""
    people = living(1, 1, 1, 0, 0, 0)
    with exact():
        people = people._replace(last_won=jnp.asarray([9, 10, 20, 0, 0, 0], jnp.int64))
    assert leaving(Exit(idle=10), people, [0] * N, tick=20) == [True] + [False] * 5
    assert leaving(Exit(), people, [0] * N, tick=20) == [False] * N


def test_the_poorest_leave_when_the_slots_are_full():
    wealth = [5, -1, 7, 3, 9, 4]
    expected = [False, True, False, True, False, False]
    assert leaving(Exit(prune=2), living(*[1] * N), wealth) == expected
    assert leaving(Exit(prune=2), living(1, 1, 0, 1, 1, 1), wealth) == [False] * N


def test_each_species_prunes_its_own():
    """The first species is full and loses its poorer; the second has room and loses nobody."""
    groups = [slice(0, 2), UPPER]
    people = living(1, 1, 1, 1, 0, 1)
    assert leaving(Exit(prune=1), people, [5, 6, 1, 1, 0, 1], groups) == [True] + [False] * 5


def test_nobody_is_pruned_where_a_slot_waits_for_the_journal():
    """Slot 1 died since the last entry, so the species is not full."""
    people = living(*[1] * N)
    people = people._replace(alive=people.alive.at[1].set(False))
    leaves = leaving(Exit(prune=1), people, [5, -9, 7, 3, 9, 4])
    assert leaves == [False] * N


def test_the_idle_and_the_poor_leave_together():
    people = living(*[1] * N)
    with exact():
        people = people._replace(last_won=jnp.asarray([0, 9, 9, 9, 9, 9], jnp.int64))
    leaves = leaving(Exit(idle=5, prune=1), people, [9, 1, 2, 3, 4, 5], tick=9)
    assert leaves == [True, True, False, False, False, False]


# --- settings

COUNTS = (0, -1, 1.5, math.nan, math.inf)
AMOUNTS = (-1.0, math.nan, math.inf, -math.inf, 2e6)
BAD = [
    *((Exit, "idle", value) for value in COUNTS),
    *((Exit, "prune", value) for value in COUNTS[1:]),
    *((kind, "births_per_chunk", value) for kind in (Enumerate, Mutate) for value in COUNTS),
    *((kind, "allowance", value) for kind in (Enumerate, Mutate) for value in AMOUNTS),
    *((Mutate, "threshold", value) for value in (0.5, -1, math.nan, math.inf)),
    *((Mutate, "payer", value) for value in ("state", None)),
]


@pytest.mark.parametrize(("kind", "name", "value"), BAD)
def test_a_bad_setting_is_refused_by_name(kind, name, value):
    with pytest.raises(InvalidSetting) as refusal:
        kind(**{name: value})
    assert f"{name}={value!r}" in refusal.value.what
    assert refusal.value.why.endswith(".")
    assert refusal.value.remedy.startswith("Give ")


@pytest.mark.parametrize("entry", [Enumerate(group=2), Mutate(group=2), Enumerate(group=-1)])
def test_a_species_that_is_not_there_is_refused(entry):
    with pytest.raises(InvalidSetting, match=f"group={entry.group}"):
        entry.check([4, 4], [True, True])


@pytest.mark.parametrize("kind", [Enumerate, Mutate])
def test_more_births_than_slots_are_refused(kind):
    kind(births_per_chunk=4).check([4], [True])
    with pytest.raises(BadBirth, match="5 births") as refusal:
        kind(births_per_chunk=5).check([4], [True])
    assert refusal.value.remedy.startswith("Give ")


def test_children_need_a_species_that_mutates():
    Mutate(group=1).check([4, 4], [False, True])
    with pytest.raises(InvalidSetting, match="species 0"):
        Mutate().check([4, 4], [False, True])
    Enumerate().check([4], [False])


def test_entry_rules_say_what_they_bear():
    assert (NoEntry().group, Enumerate().group, Mutate(group=1).group) == (None, 0, 1)
    assert (NoEntry().mutates, Enumerate().mutates, Mutate().mutates) == (False, False, True)
