"""The contract of a ledger: what must hold of the books of any run, whoever kept them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from catallax._economy import Economy
from catallax._journal import GENESIS, JournalEntry, digest_of, rebuild
from catallax._ledger import BALANCE_MAX, N_SYSTEM, account_names
from catallax._rundir import open_run
from catallax.checks._clauses import Clause, Finding, OnFail, clause, demand, hold_to

CONTRACT: list[Clause] = []


def check_ledger(
    economy_or_path_or_journal: Economy | str | Path | Sequence[JournalEntry],
    *,
    on_fail: OnFail = "raise",
    expected_failures: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Checks the books of a run: nothing minted, nothing lost, nothing changed afterwards.

    It looks at journal and balances only, so it also serves books that another program kept. A
    journal alone has no balances and nobody alive to compare with; those clauses then say so.

    Args:
        economy_or_path_or_journal: An economy, a run directory, or a journal's entries.
        on_fail: `"raise"` at the first broken clause, or `"report"` all findings.
        expected_failures: Reasons by the names of clauses that are known to be broken.

    Returns:
        One `Finding` a clause.

    Raises:
        CheckFailed: If a clause is broken.
        RunNotFound: If there is no run at the path.
        CorruptRun: If a file of the run is damaged.

    Example:
        >>> import catallax as cx
        >>> economy = cx.train(cx.worlds.Chain(), steps=1_000, seed=0)
        >>> [finding.clause for finding in cx.checks.check_ledger(economy)][:2]
        ['amounts are whole ticks', 'the chain holds']
    """
    books = books_of(economy_or_path_or_journal)
    return hold_to(f"The ledger of {books.label}", CONTRACT, books, on_fail, expected_failures)


@dataclass(frozen=True)
class Accounts:
    """What is known of a run's books.

    Args:
        label: For messages.
        entries: The journal, from genesis on.
        balances: Ticks by account, None where only the journal is known.
        living: Names of the accounts of living agents, None likewise.
    """

    label: str
    entries: tuple[JournalEntry, ...]
    balances: Mapping[str, Any] | None = None
    living: frozenset[str] | None = None

    @cached_property
    def rebuilt(self) -> dict[str, int]:
        """Balances according to the journal."""
        return rebuild(self.entries)

    @property
    def present(self) -> Mapping[str, Any]:
        """The run's own balances; according to the journal where they are not known."""
        return self.rebuilt if self.balances is None else self.balances

    def running(self, account: str) -> Iterator[tuple[JournalEntry, int]]:
        """Yields the balance of an account after each entry."""
        balance = 0
        for entry in self.entries:
            balance += sum(ticks for name, _, ticks in entry.rows if name == account)
            yield entry, balance


def books_of(source: Economy | str | Path | Sequence[JournalEntry]) -> Accounts:
    """Reads the books of an economy, of a run directory, or of a journal."""
    if isinstance(source, Economy):
        living = frozenset(f"agent/{id_}" for id_ in source.wealth)
        return Accounts(
            f"an economy at tick {source.tick}", source.journal, source.balances, living
        )
    if isinstance(source, str | Path):
        return _books_of_run(Path(source))
    return Accounts("a journal", tuple(source))


def _books_of_run(path: Path) -> Accounts:
    run = open_run(path)
    arrays, _ = run.restore()
    balances = arrays[".economy.ledger.balances"]
    ids, alive = arrays[".economy.population.ids"], arrays[".economy.population.alive"]
    names = account_names(len(balances) - N_SYSTEM - len(ids), ids)
    return Accounts(
        str(path),
        tuple(run.journal()),
        dict(zip(names, balances.tolist(), strict=True)),
        frozenset(f"agent/{id_}" for id_ in np.asarray(ids)[np.asarray(alive)].tolist()),
    )


def _whole(amount: Any) -> bool:
    return isinstance(amount, int | np.integer) and not isinstance(amount, bool)


@clause(
    CONTRACT,
    "amounts are whole ticks",
    "Fractions of a tick get lost in sums.",
    "Round bids and rewards to ticks before they are posted.",
)
def whole_ticks(books: Accounts) -> None:
    """Integers everywhere, in range."""
    rows = [(f"segment {e.segment}, {a}, {r}", t) for e in books.entries for a, r, t in e.rows]
    for place, amount in [*rows, *books.present.items()]:
        demand(_whole(amount), f"{place} holds {amount!r}, which is not a whole number")
        demand(abs(amount) <= BALANCE_MAX, f"{place} holds {amount}, near the end of 64 bits")


@clause(
    CONTRACT,
    "the chain holds",
    "Without it anybody could rewrite the past.",
    "Restore the journal from a copy; entries are appended and never changed.",
)
def chain_holds(books: Accounts) -> None:
    """Digests and links are right."""
    previous = GENESIS
    for entry in books.entries:
        content = (entry.segment, entry.first_tick, entry.last_tick, entry.transfers, entry.rows)
        right = digest_of(entry.previous, *content)
        demand(entry.previous == previous, f"segment {entry.segment} has lost its predecessor")
        demand(entry.digest == right, f"segment {entry.segment} does not have its digest")
        previous = entry.digest


@clause(
    CONTRACT,
    "time goes on",
    "A gap is a segment whose payments nobody knows.",
    "Write one entry for every segment, in order.",
)
def time_goes_on(books: Accounts) -> None:
    """Segments count from 0 and ticks follow on each other."""
    tick = 0
    for number, entry in enumerate(books.entries):
        demand(entry.segment == number, f"entry {number} says that it is segment {entry.segment}")
        follows = entry.first_tick == tick <= entry.last_tick
        demand(follows, f"segment {number} runs from {entry.first_tick} to {entry.last_tick}")
        tick = entry.last_tick


@clause(
    CONTRACT,
    "transfers never fall",
    "A payment that was made stays made.",
    "Count every transfer since genesis, and take none back.",
)
def transfers_never_fall(books: Accounts) -> None:
    """Each entry counts at least as many as the one before."""
    before = 0
    for entry in books.entries:
        fewer = f"segment {entry.segment} counts {entry.transfers} transfers after {before}"
        demand(entry.transfers >= before, fewer)
        before = entry.transfers


@clause(
    CONTRACT,
    "no cell is written twice",
    "Whoever reads one of them reads the wrong amount.",
    "Add up what an account received for a reason before the segment is closed.",
)
def cells_are_distinct(books: Accounts) -> None:
    """One row an account and reason in each segment."""
    for entry in books.entries:
        cells = [row[:2] for row in entry.rows]
        demand(len(set(cells)) == len(cells), f"segment {entry.segment} lists a cell twice")


@clause(
    CONTRACT,
    "every reason sums to zero",
    "What one account gets another pays.",
    "Move money with transfers only.",
)
def reasons_sum_to_zero(books: Accounts) -> None:
    """By segment and reason."""
    for entry in books.entries:
        totals: dict[str, int] = defaultdict(int)
        for _, reason, ticks in entry.rows:
            totals[reason] += ticks
        for reason, total in totals.items():
            demand(total == 0, f"{reason} sums to {total} ticks in segment {entry.segment}")


@clause(
    CONTRACT,
    "all balances sum to zero",
    "Anything else is money from nowhere.",
    "Move money with transfers only.",
)
def balances_sum_to_zero(books: Accounts) -> None:
    """Over all accounts."""
    total = sum(books.present.values())
    demand(total == 0, f"all accounts together hold {total} ticks")


@clause(
    CONTRACT,
    "balances follow from the journal",
    "Money moved that nobody wrote down.",
    "Take balances and flows from one ledger.",
)
def balances_follow(books: Accounts) -> str | None:
    """Rebuilt from genesis they are equal."""
    if books.balances is None:
        return "only the journal is known"
    for name in sorted(books.rebuilt.keys() | books.balances.keys()):
        said, is_ = books.rebuilt.get(name, 0), books.balances.get(name, 0)
        demand(said == is_, f"{name} holds {is_} ticks and the journal gives it {said}")
    return None


@clause(
    CONTRACT,
    "the clearing house is empty",
    "It passes money on and keeps none.",
    "Pay out within a step what was paid in.",
)
def clearing_is_empty(books: Accounts) -> None:
    """After every segment, and now."""
    for entry, balance in books.running("clearing"):
        demand(balance == 0, f"it keeps {balance} ticks after segment {entry.segment}")
    demand(books.present.get("clearing", 0) == 0, f"it keeps {books.present.get('clearing')} ticks")


@clause(
    CONTRACT,
    "the treasury is never overdrawn",
    "It may not lend, or allowances would mint.",
    "Refuse the birth, or the allowance, that it cannot pay.",
)
def treasury_is_solvent(books: Accounts) -> None:
    """After every segment, and now."""
    for entry, balance in books.running("treasury"):
        demand(balance >= 0, f"it holds {balance} ticks after segment {entry.segment}")
    now = books.present.get("treasury", 0)
    demand(now >= 0, f"it holds {now} ticks")


@clause(
    CONTRACT,
    "the dead own nothing",
    "Their estates belong to the treasury.",
    "Settle the estate, or the debt, of everyone who leaves.",
)
def dead_own_nothing(books: Accounts) -> str | None:
    """Accounts of agents that are gone, and of empty slots, hold 0."""
    if books.living is None:
        return "who lives is not in the journal"
    for name, balance in {**books.rebuilt, **books.present}.items():
        mortal = name.startswith(("agent/", "slot/")) and name not in books.living
        demand(not mortal or balance == 0, f"{name} is gone and holds {balance} ticks")
    return None
