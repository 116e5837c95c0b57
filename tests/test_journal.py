"""The journal: every way to change it afterwards is seen, and balances come back from it."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._errors import AuditFailed, CorruptRun
from catallax._journal import (
    CLEARING,
    GENESIS,
    REASONS,
    JournalEntry,
    audit,
    digest_of,
    entry_from_line,
    entry_to_line,
    make_entry,
    rebuild,
    verify_chain,
)
from catallax._ledger import N_REASONS, N_SYSTEM, Account, Reason, account_names

NAMES = account_names(1, np.arange(3))
AGENT = NAMES.index("agent/0")
moves = st.tuples(
    st.integers(0, len(NAMES) - 1),
    st.integers(0, len(NAMES) - 1),
    st.integers(0, 2**50),
    st.sampled_from([reason for reason in Reason if reason > Reason.DISCOUNT]),
)


def flows_of(segment_moves, names=NAMES):
    """Transfers between accounts, none of which is the clearing house."""
    flows = np.zeros((len(names), N_REASONS), np.int64)
    for debit, credit, amount, reason in segment_moves:
        if Account.CLEARING not in (debit, credit):
            flows[debit, reason] -= amount
            flows[credit, reason] += amount
    return flows


def journal_of(segments):
    entries, digest, count = [], GENESIS, 0
    for number, segment_moves in enumerate(segments):
        count += len(segment_moves)
        flows = flows_of(segment_moves)
        entry = make_entry(digest, number, 10 * number, 10 * number + 10, count, NAMES, flows)
        entries.append(entry)
        digest = entry.digest
    return entries


def signed_again(entries):
    """The same contents with right digests: what somebody does who knows how."""
    digest, out = GENESIS, []
    for e in entries:
        content = (e.segment, e.first_tick, e.last_tick, e.transfers, e.rows)
        out.append(JournalEntry(*content, digest, digest_of(digest, *content)))
        digest = out[-1].digest
    return out


def changed(entries, index, **content):
    return [*entries[:index], replace(entries[index], **content), *entries[index + 1 :]]


@pytest.fixture
def entries():
    segments = [
        [(1, AGENT, 700, Reason.REWARD), (5, AGENT, 9, Reason.ALLOWANCE)],
        [(AGENT, AGENT + 1, 5, Reason.ESTATE)],
        [(1, AGENT + 2, 2**61, Reason.REWARD)],
    ]
    return journal_of(segments)


# --- what is written is read


@given(st.lists(st.lists(moves, max_size=8), max_size=5))
def test_a_journal_comes_back_from_its_lines_and_balances_from_the_journal(segments):
    entries = journal_of(segments)
    lines = [entry_to_line(entry) for entry in entries]
    assert all("\n" not in line for line in lines)
    assert [entry_from_line(line, 1) for line in lines] == entries
    rebuilt = rebuild(entries)
    exact = dict.fromkeys(NAMES, 0)
    for segment in segments:
        for name, ticks in zip(NAMES, flows_of(segment).sum(axis=1), strict=True):
            exact[name] += int(ticks)
    assert {name: rebuilt.get(name, 0) for name in NAMES} == exact
    found = audit(entries, exact)
    assert found.balanced and found.drift_ticks == 0
    assert found.digest == (entries[-1].digest if entries else GENESIS)


def test_rows_are_sorted_and_cells_of_zero_are_left_out(entries):
    assert entries[0].rows == (
        ("agent/0", "allowance", 9),
        ("agent/0", "reward", 700),
        ("nature", "reward", -700),
        ("treasury", "allowance", -9),
    )
    assert all(type(ticks) is int for entry in entries for _, _, ticks in entry.rows)


def test_the_digest_covers_the_one_before():
    first = make_entry(GENESIS, 0, 0, 1, 0, NAMES, flows_of([]))
    other = make_entry(first.digest, 0, 0, 1, 0, NAMES, flows_of([]))
    assert first.digest != other.digest
    again = make_entry(GENESIS, 0, 0, 1, 0, NAMES, flows_of([]))
    assert again == first


def test_a_million_accounts_cost_little():
    names = account_names(0, np.arange(1_000_000))
    flows = np.zeros((len(names), N_REASONS), np.int64)
    flows[N_SYSTEM + 5, Reason.REWARD], flows[Account.NATURE, Reason.REWARD] = 3, -3
    began = time.process_time()
    entry = make_entry(GENESIS, 0, 0, 1, 1, names, flows)
    assert time.process_time() - began < 2
    assert entry.rows == (("agent/5", "reward", 3), ("nature", "reward", -3))


def test_turnover_is_told_by_reason(entries):
    found = audit(entries, rebuild(entries))
    assert found.totals == {
        "reward": {"turnover": 700 + 2**61},
        "allowance": {"turnover": 9},
        "estate": {"turnover": 5},
    }
    assert (found.segments, found.transfers, found.accounts) == (3, 4, 5)


def test_the_dead_may_be_left_out_of_the_balances_and_the_living_may_not(entries):
    dies = [(AGENT + 1, AGENT, 5, Reason.ESTATE)]
    entries = journal_of([[(AGENT, AGENT + 1, 5, Reason.REWARD)], dies])
    assert audit(entries, {}).balanced
    entries = journal_of([[(AGENT, AGENT + 1, 5, Reason.REWARD)]])
    found = audit(entries, {"agent/0": -5})
    assert not found.balanced and found.drift_ticks == 10


# --- what was broken is seen


def test_a_flipped_digit_is_seen(entries):
    rows = (("agent/0", "reward", 701), *entries[0].rows[1:])
    with pytest.raises(AuditFailed, match=r"segment 0 .* another digest"):
        verify_chain(changed(entries, 0, rows=rows))
    for index in range(3):
        for name in ("transfers", "last_tick"):
            worse = changed(entries, index, **{name: getattr(entries[index], name) + 1})
            with pytest.raises(AuditFailed, match=f"segment {index} .* another digest"):
                verify_chain(worse)


def test_every_flipped_character_of_a_line_is_seen(entries):
    line = entry_to_line(entries[1])
    for at in range(len(line)):
        bent = line[:at] + chr(ord(line[at]) ^ 1) + line[at + 1 :]
        with pytest.raises((AuditFailed, CorruptRun)):
            verify_chain([entries[0], entry_from_line(bent, 2), entries[2]])


@pytest.mark.parametrize(
    ("order", "named"),
    [([1, 2], 1), ([0, 2], 2), ([0, 2, 1], 2), ([1, 0, 2], 1), ([0, 0, 1, 2], 0)],
    ids=["first dropped", "middle dropped", "last swapped", "first swapped", "repeated"],
)
def test_dropped_swapped_and_repeated_entries_are_seen(entries, order, named):
    with pytest.raises(AuditFailed, match=f"segment {named} .* does not link"):
        verify_chain([entries[index] for index in order])


@pytest.mark.parametrize("order", [[1, 2], [0, 2], [0, 2, 1], [0, 0, 1, 2]])
def test_they_are_seen_also_when_all_digests_are_made_anew(entries, order):
    with pytest.raises(AuditFailed, match="does not follow in time"):
        verify_chain(signed_again([entries[index] for index in order]))


def test_transfers_never_become_fewer(entries):
    with pytest.raises(AuditFailed, match=r"segment 1 .* does not follow in time"):
        verify_chain(signed_again(changed(entries, 1, transfers=1)))


def test_a_dropped_last_entry_is_seen_by_the_balances_and_the_digest(entries):
    found = audit(entries[:2], rebuild(entries))
    assert not found.balanced and found.drift_ticks == 2**62
    assert found.digest != entries[-1].digest


def test_money_from_nowhere_is_seen(entries):
    rows = (("agent/0", "reward", 701), *entries[0].rows[2:])
    with pytest.raises(AuditFailed, match="'reward' that sum to 1 ticks"):
        verify_chain(signed_again(changed(entries, 0, rows=rows)))


def test_money_that_changes_its_reason_is_seen(entries):
    rows = (*entries[0].rows, ("consumer/0", "rent", 1), ("nature", "reward", -1))
    with pytest.raises(AuditFailed):
        verify_chain(signed_again(changed(entries, 0, rows=rows)))


def test_money_left_in_the_clearing_house_is_seen():
    rows = ((CLEARING, "purchase", 5), ("agent/0", "purchase", -5))
    content = (0, 0, 1, 1, tuple(sorted(rows)))
    with pytest.raises(AuditFailed, match="5 ticks in the clearing house"):
        verify_chain([JournalEntry(*content, GENESIS, digest_of(GENESIS, *content))])
    through = (*rows, (CLEARING, "resale", -5), ("agent/1", "resale", 5))
    content = (0, 0, 1, 1, tuple(sorted(through)))
    verify_chain([JournalEntry(*content, GENESIS, digest_of(GENESIS, *content))])


def test_a_cell_listed_twice_is_seen():
    rows = (("a", "rent", 1), ("a", "rent", 1), ("b", "rent", -2))
    content = (0, 0, 1, 1, rows)
    with pytest.raises(AuditFailed, match="twice"):
        verify_chain([JournalEntry(*content, GENESIS, digest_of(GENESIS, *content))])


def test_a_changed_balance_is_told(entries):
    balances = rebuild(entries)
    found = audit(entries, balances | {"agent/0": balances["agent/0"] + 3})
    assert not found.balanced and found.drift_ticks == 3 + 3
    found = audit(
        entries,
        balances | {"agent/0": balances["agent/0"] + 3, "nature": balances["nature"] - 3},
    )
    assert not found.balanced and found.drift_ticks == 6


def test_two_flows_that_cancel_are_seen_by_the_digest(entries):
    rows = (
        *entries[1].rows,
        ("agent/0", "rent", 4),
        ("agent/1", "rent", -4),
        ("agent/0", "loss", -4),
        ("agent/1", "loss", 4),
    )
    worse = changed(entries, 1, rows=tuple(sorted(rows)))
    assert rebuild(worse) == rebuild(entries)
    with pytest.raises(AuditFailed, match=r"segment 1 .* another digest"):
        audit(worse, rebuild(entries))
    found = audit(signed_again(worse), rebuild(entries))
    assert found.balanced and found.digest != entries[-1].digest


def test_a_line_that_is_no_entry_is_named(entries):
    good = entry_to_line(entries[0])
    for bad in (
        "",
        "{",
        "[]",
        "{}",
        "null",
        good[:-3],
        good.replace("700", "7.5"),
        good.replace('"segment":0', '"segment":"0"'),
        good.replace('"segment"', '"part"'),
        good.replace('"reward"', "3"),
    ):
        with pytest.raises(CorruptRun, match="Line 7 of the journal"):
            entry_from_line(bad, 7)


def test_reasons_are_those_of_the_ledger():
    assert len(REASONS) == N_REASONS and REASONS[Reason.ESTATE] == "estate"
