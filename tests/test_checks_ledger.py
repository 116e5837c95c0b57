"""The contract of ledgers, on real books and on books that were cooked on purpose."""

from dataclasses import replace

import numpy as np
import pytest

import catallax as cx
from catallax._errors import CheckFailed, RunNotFound
from catallax._journal import GENESIS, REASONS, make_entry
from catallax.checks import check_ledger
from catallax.checks._clauses import hold_to
from catallax.checks._ledger import CONTRACT, Accounts, books_of

NAMES = ["nature", "treasury", "clearing", "agent/0", "agent/1"]


@pytest.fixture(scope="module")
def economy():
    return cx.train(cx.DeepMarket(agents=[cx.Tabular()]), cx.worlds.Chain(), steps=512, worlds=4)


def journal(*segments):
    """Makes a chained journal of `{(account, reason): ticks}` a segment."""
    entries, previous = [], GENESIS
    for number, cells in enumerate(segments):
        flows = np.zeros((len(NAMES), len(REASONS)), np.int64)
        for (account, reason), ticks in cells.items():
            flows[NAMES.index(account), REASONS.index(reason)] = ticks
        entry = make_entry(previous, number, 10 * number, 10 * number + 10, 9, NAMES, flows)
        entries.append(entry)
        previous = entry.digest
    return entries


def pay(payer, payee, ticks, reason="reward"):
    return {(payer, reason): -ticks, (payee, reason): ticks}


HONEST = [pay("nature", "agent/0", 70), pay("agent/0", "treasury", 20, "rent")] * 60


def books(entries, balances=None, living=("agent/0", "agent/1")):
    held = dict(Accounts("", tuple(entries)).rebuilt) | (balances or {})
    return Accounts("a test", tuple(entries), held, frozenset(living))


def broken(accounts):
    findings = hold_to("it", CONTRACT, accounts, "report", None)
    return [finding.clause for finding in findings if not finding.passed]


# --- real books


def test_the_books_of_a_run_keep_the_contract(economy, tmp_path):
    assert all(f.passed and not f.detail for f in check_ledger(economy))
    assert all(f.passed and not f.detail for f in check_ledger(economy.save(tmp_path / "run")))
    alone = check_ledger(economy.journal)
    assert all(f.passed for f in alone) and sum(bool(f.detail) for f in alone) == 2


def test_books_on_disk_are_those_in_memory(economy, tmp_path):
    on_disk = books_of(str(economy.save(tmp_path / "run")))
    assert on_disk.balances == economy.balances
    assert on_disk.living == {f"agent/{id_}" for id_ in economy.wealth}


def test_no_run_no_check(tmp_path):
    with pytest.raises(RunNotFound):
        check_ledger(tmp_path / "nothing")


def test_honest_books_made_by_hand_keep_the_contract():
    assert broken(books(journal(*HONEST))) == []


# --- cooked ones; most go wrong in the last of 120 segments only


def late(cells):
    return journal(*HONEST[:-1], cells)


def rechained(entries, number, **changes):
    """Changes an entry without telling the digests."""
    return [replace(e, **changes) if e.segment == number else e for e in entries]


def unchained_time():
    first, second = journal(*HONEST[:2])
    moved = make_entry(first.digest, 1, 17, 20, 9, NAMES, np.zeros((5, len(REASONS)), np.int64))
    assert second.first_tick != moved.first_tick
    return [first, moved]


COOKED = {
    "amounts are whole ticks": lambda: books(journal(*HONEST), {"agent/0": 3000.0}),
    "the chain holds": lambda: books(rechained(journal(*HONEST), 119, transfers=10)),
    "time goes on": lambda: books(unchained_time()),
    "every reason sums to zero": lambda: books(
        late({("nature", "reward"): -5, ("agent/1", "rent"): 5})
    ),
    "all balances sum to zero": lambda: books(journal(*HONEST), {"agent/1": 1}),
    "balances follow from the journal": lambda: books(
        journal(*HONEST), {"agent/1": 1, "nature": -70 * 60 - 1}
    ),
    "the clearing house is empty": lambda: books(late(pay("agent/0", "clearing", 1))),
    "the treasury is never overdrawn": lambda: books(
        journal(pay("treasury", "agent/0", 1), pay("nature", "treasury", 9))
    ),
    "the dead own nothing": lambda: books(journal(*HONEST), living=["agent/1"]),
}


@pytest.mark.parametrize(("clause", "cook"), COOKED.items(), ids=list(COOKED))
def test_cooked_books_break_their_clause(clause, cook):
    found = broken(cook())
    assert clause in found
    alone = {"every reason sums to zero", "the treasury is never overdrawn"}
    assert len(found) == 1 or clause not in alone


def test_every_clause_has_cooked_books():
    assert [one.name for one in CONTRACT] == list(COOKED)


def test_a_changed_past_is_found_in_a_journal_alone(economy):
    entries = list(economy.journal)
    entries[0] = replace(entries[0], rows=entries[0].rows[:-1])
    with pytest.raises(CheckFailed, match="segment 0 does not have its digest"):
        check_ledger(entries)


def test_an_amount_near_the_end_of_64_bits_is_told():
    huge = {"agent/0": 2**62, "nature": -(2**62)}
    assert "amounts are whole ticks" in broken(books(journal(*HONEST), huge))
