"""Checkers of auctions and ledgers, and how any checker reports; each clause finds its culprit."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._errors import CheckFailed, CorruptRun, InvalidSetting, RunNotFound
from catallax._journal import GENESIS, digest_of
from catallax.checks import Finding, check_auction, check_ledger
from catallax.checks import _ledger as ledgers


def broken(findings):
    return {finding.clause for finding in findings if not finding.passed}


# --- auctions of the library


@pytest.mark.parametrize(
    "auction",
    [
        cx.FirstPrice(ties="random"),
        cx.Vickrey(reserve=0.5),
        cx.Vickrey(seats=2),
        cx.KthPrice(k=3, reserve=-1.0, ties="random"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_auctions_of_the_library_pass(auction):
    assert all(finding.passed for finding in check_auction(auction))


# --- auctions that are wrong


@dataclass(frozen=True)
class Wrong(cx.Vickrey):
    """Vickrey's auction, spoiled by `spoil(bids, enters, luck, clearing)`."""

    own: ClassVar[bool] = False

    @property
    def own_price(self):
        return self.own

    def clear(self, bids, enters, luck):
        return self.spoil(bids, enters, luck, super().clear(bids, enters, luck))


@dataclass(frozen=True)
class LowestWins(Wrong):
    def spoil(self, bids, enters, luck, sale):
        lowest = jnp.argmin(jnp.where(enters, bids, 2**62), axis=0).astype(jnp.int32)
        price = jnp.take_along_axis(bids, lowest[None], 0)[0]
        some = enters.any(axis=0)
        return cx.Clearing(
            jnp.where(some, lowest, -1), jnp.where(some, price, 0), jnp.where(some, lowest, -1)
        )


@dataclass(frozen=True)
class ReadsAbsentBids(Wrong):
    def spoil(self, bids, enters, luck, sale):
        top = jnp.argmax(bids, axis=0).astype(jnp.int32)
        price = jnp.max(bids, axis=0)
        some = enters.any(axis=0)
        return cx.Clearing(
            jnp.where(some, top, -1), jnp.where(some, price, 0), jnp.where(some, top, -1)
        )


@dataclass(frozen=True)
class Greedy(Wrong):
    def spoil(self, bids, enters, luck, sale):
        return sale._replace(price=jnp.where(sale.winner >= 0, sale.price + 1, 0))


@dataclass(frozen=True)
class TooCheap(Wrong):
    reserve: float | None = 0.5

    def spoil(self, bids, enters, luck, sale):
        return sale._replace(price=sale.price - (sale.setter < 0) * (sale.winner >= 0))


@dataclass(frozen=True)
class ForgetsSetter(Wrong):
    def spoil(self, bids, enters, luck, sale):
        return sale._replace(setter=jnp.full_like(sale.setter, -1))


@dataclass(frozen=True)
class ChargesNobody(Wrong):
    def spoil(self, bids, enters, luck, sale):
        return sale._replace(price=jnp.where(sale.winner < 0, 7, sale.price))


@dataclass(frozen=True)
class NeverSells(Wrong):
    def spoil(self, bids, enters, luck, sale):
        nobody = jnp.full_like(sale.winner, -1)
        return cx.Clearing(nobody, jnp.zeros_like(sale.price), nobody)


@dataclass(frozen=True)
class Floating(Wrong):
    def spoil(self, bids, enters, luck, sale):
        return sale._replace(price=sale.price.astype(jnp.float64))


@dataclass(frozen=True)
class LooksNextDoor(Wrong):
    def spoil(self, bids, enters, luck, sale):
        return sale._replace(price=jnp.sort(sale.price))


@dataclass(frozen=True)
class FavoursSlots(Wrong):
    def spoil(self, bids, enters, luck, sale):
        first = jnp.argmax(enters, axis=0).astype(jnp.int32)
        price = jnp.take_along_axis(bids, first[None], 0)[0]
        lower = (sale.winner >= 0) & (price < sale.price)
        return sale._replace(
            price=jnp.where(lower, price, sale.price), setter=jnp.where(lower, first, sale.setter)
        )


@dataclass(frozen=True)
class DistrustsLeads(Wrong):
    """Whoever bids more than twice the price pays its bid: in ratios, which a constant changes."""

    def spoil(self, bids, enters, luck, sale):
        own = jnp.take_along_axis(bids, jnp.maximum(sale.winner, 0)[None], 0)[0]
        far = (sale.winner >= 0) & (own > 2 * sale.price)
        return sale._replace(
            price=jnp.where(far, own, sale.price), setter=jnp.where(far, sale.winner, sale.setter)
        )


@dataclass(frozen=True)
class SaysOwn(Wrong):
    own: ClassVar[bool] = True

    def spoil(self, bids, enters, luck, sale):
        return sale


@dataclass(frozen=True)
class Remembers(Wrong):
    calls: list = field(default_factory=list, compare=False, hash=False)

    def spoil(self, bids, enters, luck, sale):
        self.calls.append(1)
        gone = len(self.calls) > 5
        return NeverSells().spoil(bids, enters, luck, sale) if gone else sale


class NotAValue(Wrong):
    def spoil(self, bids, enters, luck, sale):
        return sale


CULPRITS = [
    (LowestWins(), "the winner made the highest bid"),
    (ReadsAbsentBids(), "the winner had entered"),
    (ReadsAbsentBids(), "those who stay away have no effect"),
    (Greedy(), "no winner pays above its bid"),
    (TooCheap(), "no price is below the reserve"),
    (ForgetsSetter(), "the setter's bid is the price"),
    (ChargesNobody(), "nobody wins where nobody bids"),
    (NeverSells(), "sells where somebody may buy"),
    (Floating(), "answers in whole numbers"),
    (LooksNextDoor(), "worlds do not meet"),
    (FavoursSlots(), "names do not matter"),
    (DistrustsLeads(), "a constant on all bids is a constant on the price"),
    (SaysOwn(), "an own price is the winner's bid"),
    (Remembers(), "the same luck gives the same sale"),
    (NotAValue(), "is a frozen value"),
]


@pytest.mark.parametrize(("auction", "clause"), CULPRITS, ids=lambda part: str(part)[:40])
def test_each_clause_of_auctions_finds_its_culprit(auction, clause):
    assert clause in broken(check_auction(auction, on_fail="report"))


def test_every_clause_of_auctions_has_a_culprit():
    clauses = {finding.clause for finding in check_auction(cx.Vickrey())}
    assert clauses == {clause for _, clause in CULPRITS}


# --- how any checker reports


def test_a_failure_says_which_clause_of_which_part_why_and_what_to_do():
    with pytest.raises(CheckFailed, match="The auction Greedy breaks the clause") as failure:
        check_auction(Greedy())
    assert "no winner pays above its bid" in failure.value.what
    assert "winner, price, setter are" in failure.value.what
    assert failure.value.why == "It may have no more."
    assert failure.value.remedy == "Lower the price to the winner's bid."


def test_a_report_has_a_frozen_finding_for_every_clause_and_does_not_raise():
    findings = check_auction(NeverSells(), on_fail="report")
    assert broken(findings) == {"sells where somebody may buy"}
    assert len(findings) == len(check_auction(cx.Vickrey()))
    with pytest.raises(AttributeError):
        findings[0].passed = False


def test_an_expected_failure_does_not_raise():
    expected = {"sells where somebody may buy": "a museum sells nothing"}
    findings = check_auction(NeverSells(), expected_failures=expected)
    announced = [finding for finding in findings if finding.expected]
    assert announced == [
        Finding(announced[0].clause, False, announced[0].detail, "a museum sells nothing")
    ]
    assert all(finding.fine for finding in findings)


def test_an_expected_failure_that_passes_raises():
    expected = {"sells where somebody may buy": "a museum sells nothing"}
    with pytest.raises(CheckFailed, match=r"expected to fail.*museum.*expected_failures"):
        check_auction(cx.Vickrey(), expected_failures=expected)


@pytest.mark.parametrize("wrong", [{"on_fail": "warn"}, {"expected_failures": {"is nice": "no"}}])
def test_unknown_modes_and_clauses_are_refused(wrong):
    with pytest.raises(InvalidSetting, match="sells where somebody may buy"):
        check_auction(cx.Vickrey(), **wrong)


def test_what_a_part_raises_is_a_finding_and_the_cause_of_the_failure():
    class Raises:
        reserve_ticks = None
        own_price = False

        def clear(self, bids, enters, luck):
            raise ZeroDivisionError("by nought")

    findings = check_auction(Raises(), on_fail="report")
    assert any("ZeroDivisionError: by nought" in finding.detail for finding in findings)
    expected = {"is a frozen value": "it is a sketch"}
    with pytest.raises(CheckFailed) as failure:
        check_auction(Raises(), expected_failures=expected)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


# --- ledgers


@pytest.fixture(scope="module")
def economy():
    return cx.train(cx.worlds.Chain(), steps=1_000, seed=0)


def chained(*contents):
    """A journal of entries (last tick, transfers, rows), with right digests."""
    entries, previous, tick = [], GENESIS, 0
    for segment, (last, transfers, rows) in enumerate(contents):
        content = (segment, tick, last, transfers, tuple(rows))
        entries.append(cx.JournalEntry(*content, previous, digest_of(previous, *content)))
        previous, tick = entries[-1].digest, last
    return entries


def pay(payer, payee, ticks, reason="purchase"):
    return [(payer, reason, -ticks), (payee, reason, ticks)]


GOOD = chained((0, 2, pay("nature", "agent/0", 5)), (9, 3, pay("agent/0", "treasury", 5)))


def test_an_economy_and_its_run_directory_and_its_journal_pass(economy, tmp_path):
    path = economy.save(tmp_path / "run")
    for books in (economy, path, str(path), economy.journal, GOOD):
        assert all(finding.passed for finding in check_ledger(books))
    remarks = {finding.detail for finding in check_ledger(GOOD)}
    assert {"only the journal is known", "who lives is not in the journal"} <= remarks


def test_an_economy_with_births_and_deaths_passes():
    market = cx.DeepMarket(
        agents=[cx.Rule(count=6, capacity=12)], rent=cx.Rent(0.01), entry=cx.Enumerate()
    )
    world = cx.worlds.Chain()
    assert all(finding.passed for finding in check_ledger(cx.train(market, world, steps=2_000)))


def test_a_run_that_is_not_there_and_one_that_is_damaged_are_told_apart(economy, tmp_path):
    with pytest.raises(RunNotFound):
        check_ledger(tmp_path / "nowhere")
    path = economy.save(tmp_path / "run")
    journal = path / "journal.jsonl"
    journal.write_text(journal.read_text().replace("0", "1", 1))
    with pytest.raises(CorruptRun):
        check_ledger(path)


JOURNALS = [
    (chained((0, 1, pay("nature", "agent/0", 0.5))), "amounts are whole ticks"),
    ([replace(GOOD[0], rows=()), GOOD[1]], "the chain holds"),
    ([GOOD[0], replace(GOOD[1], previous="0" * 64)], "the chain holds"),
    (GOOD[1:], "time goes on"),
    (chained((5, 1, []), (3, 1, [])), "time goes on"),
    (chained((0, 4, []), (1, 3, [])), "transfers never fall"),
    (chained((0, 1, pay("a", "b", 1) * 2)), "no cell is written twice"),
    (chained((0, 1, [("a", "rent", -1), ("b", "reward", 1)])), "every reason sums to zero"),
    (chained((0, 1, [("a", "rent", 1)])), "all balances sum to zero"),
    (chained((0, 1, pay("a", "clearing", 1)), (1, 2, pay("clearing", "a", 1))), None),
    (chained((0, 1, pay("treasury", "a", 1)), (1, 2, pay("a", "treasury", 1))), None),
]


@pytest.mark.parametrize(("journal", "clause"), JOURNALS)
def test_each_clause_of_journals_finds_its_culprit(journal, clause):
    found = broken(check_ledger(journal, on_fail="report"))
    if clause is None:  # the fault is over by the end, and is found all the same
        assert found in ({"the clearing house is empty"}, {"the treasury is never overdrawn"})
    else:
        assert clause in found


def findings_of(**balances):
    living = frozenset({"agent/1"})
    named = {name.replace("_", "/"): ticks for name, ticks in balances.items()}
    books = ledgers.Accounts("a test", tuple(GOOD), named, living)
    return broken(ledgers.hold_to("It", ledgers.CONTRACT, books, "report", None))


def test_balances_that_the_journal_does_not_know_are_found():
    assert findings_of(nature=-5, treasury=5) == set()
    assert findings_of(nature=-6, treasury=5, agent_1=1) == {"balances follow from the journal"}
    assert "all balances sum to zero" in findings_of(nature=-5, treasury=6)
    assert "the dead own nothing" in findings_of(nature=-5, treasury=4, agent_0=1)
    assert "the clearing house is empty" in findings_of(nature=-5, treasury=4, clearing=1)
    assert "the treasury is never overdrawn" in findings_of(nature=1, treasury=-1)
    assert "amounts are whole ticks" in findings_of(nature=-5, treasury=np.float64(5))


def test_the_ledger_failure_names_the_run(economy):
    expected = {"time goes on": "the clock was broken"}
    with pytest.raises(CheckFailed, match="The ledger of an economy at tick"):
        check_ledger(economy, expected_failures=expected)
