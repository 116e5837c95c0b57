"""The journal: what every account received for every reason, segment by segment, hash-chained.

Each entry's digest covers the digest before it, so that the last one stands for the whole history.
An audit rebuilds every balance from genesis in Python's integers, and shares nothing with the run.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catallax._errors import AuditFailed, CorruptRun
from catallax._ledger import Account, Reason

Row = tuple[str, str, int]

GENESIS = hashlib.sha256(b"catallax").hexdigest()
"""The digest before the first entry."""

REASONS = tuple(reason.name.lower() for reason in Reason)
CLEARING = Account.CLEARING.name.lower()


@dataclass(frozen=True)
class JournalEntry:
    """What happened to the books in one segment of a run.

    Args:
        segment: Its number; each is one more than the one before.
        first_tick: The tick at which it began, the `last_tick` of the entry before.
        last_tick: The tick that the economy had reached at its end.
        transfers: Movements since genesis.
        rows: `(account, reason, net ticks received)`, sorted; cells of 0 are left out.
        previous: The digest of the entry before.
        digest: SHA-256, in hexadecimal, of `previous` and all of the above.

    Example:
        >>> entry = make_entry(GENESIS, 0, 0, 10, 0, ["a"], np.zeros((1, 13), np.int64))
        >>> entry.rows
        ()
    """

    segment: int
    first_tick: int
    last_tick: int
    transfers: int
    rows: tuple[Row, ...]
    previous: str
    digest: str


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Args:
        balanced: Whether every balance is what the journal says and all of them sum to 0.
        drift_ticks: By how much they are not, over all accounts; 0 where balanced.
        transfers: Movements since genesis.
        digest: Of the whole journal.
        accounts: Accounts that ever moved or hold a balance.
        segments: Entries of the journal.
        totals: By reason, `{"turnover": ticks}`: what accounts received on balance in each
            segment, summed.

    Example:
        >>> audit([], {}).balanced
        True
    """

    balanced: bool
    drift_ticks: int
    transfers: int
    digest: str
    accounts: int
    segments: int
    totals: dict[str, dict[str, int]]


def make_entry(
    previous: str,
    segment: int,
    first_tick: int,
    last_tick: int,
    transfers: int,
    names: Sequence[str],
    flows: np.ndarray,
) -> JournalEntry:
    """Closes the books of a segment.

    Args:
        previous: The digest of the entry before, or `GENESIS`.
        segment: Its number.
        first_tick: The tick at which it began.
        last_tick: The tick reached.
        transfers: Movements since genesis.
        names: Of every account.
        flows: int64 `[accounts, reasons]`, net ticks received in the segment.

    Returns:
        The entry. It costs time for the cells that are not 0, and little for the others.
    """
    accounts, reasons = np.nonzero(flows)
    cells = zip(accounts.tolist(), reasons.tolist(), flows[accounts, reasons].tolist(), strict=True)
    rows = tuple(sorted((names[who], REASONS[why], ticks) for who, why, ticks in cells))
    content = (segment, first_tick, last_tick, transfers, rows)
    return JournalEntry(*content, previous, digest_of(previous, *content))


def digest_of(
    previous: str,
    segment: int,
    first_tick: int,
    last_tick: int,
    transfers: int,
    rows: Sequence[Row],
) -> str:
    """Returns the SHA-256 of the digest before and the content, in hexadecimal."""
    content = json.dumps([segment, first_tick, last_tick, transfers, rows], separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()


def entry_to_line(entry: JournalEntry) -> str:
    """Writes an entry as one line of JSON, without the line's end."""
    return json.dumps(vars(entry), separators=(",", ":"))


def entry_from_line(line: str, number: int) -> JournalEntry:
    """Reads what `entry_to_line` wrote; whether its digest is right is for `verify_chain`.

    Args:
        line: The line.
        number: Of the line, from 1, for the message.

    Returns:
        The entry.

    Raises:
        CorruptRun: If the line is not an entry.
    """
    try:
        content = json.loads(line)
        rows = tuple(_row(*row) for row in content.pop("rows"))
        entry = JournalEntry(rows=rows, **content)
        _expect_types(entry)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptRun(
            f"Line {number} of the journal is not an entry: {error}.",
            "Without it, no balance can be rebuilt.",
            "Restore the file journal.jsonl from a copy.",
        ) from error
    return entry


def _row(account: Any, reason: Any, ticks: Any) -> Row:
    if not (isinstance(account, str) and isinstance(reason, str) and type(ticks) is int):
        raise ValueError(f"{[account, reason, ticks]} is no row")
    return account, reason, ticks


def _expect_types(entry: JournalEntry) -> None:
    for name in ("segment", "first_tick", "last_tick", "transfers"):
        if type(getattr(entry, name)) is not int:
            raise ValueError(f"its {name} is no whole number")
    if not (isinstance(entry.previous, str) and isinstance(entry.digest, str)):
        raise ValueError("a digest is no text")


def verify_chain(entries: Iterable[JournalEntry]) -> None:
    """Checks every entry against the one before, and that nothing was minted in any segment.

    Args:
        entries: From genesis on.

    Raises:
        AuditFailed: Naming the first entry whose digest or link is wrong, that does not follow on
            the one before, or whose flows do not sum to 0.
    """
    digest, segment, tick, transfers = GENESIS, -1, 0, 0
    for entry in entries:
        content = (entry.segment, entry.first_tick, entry.last_tick, entry.transfers, entry.rows)
        _demand(entry.previous == digest, entry, "does not link to the entry before it")
        _demand(entry.digest == digest_of(entry.previous, *content), entry, "has another digest")
        follows = entry.segment == segment + 1 and entry.first_tick == tick <= entry.last_tick
        _demand(follows and entry.transfers >= transfers, entry, "does not follow in time")
        _check_flows(entry)
        digest, segment = entry.digest, entry.segment
        tick, transfers = entry.last_tick, entry.transfers


def _check_flows(entry: JournalEntry) -> None:
    """Every reason sums to 0 over all accounts, and the clearing house keeps nothing."""
    by_reason: dict[str, int] = defaultdict(int)
    for _, reason, ticks in entry.rows:
        by_reason[reason] += ticks
    for reason, total in by_reason.items():
        _demand(total == 0, entry, f"has flows for {reason!r} that sum to {total} ticks, not 0")
    kept = sum(ticks for account, _, ticks in entry.rows if account == CLEARING)
    _demand(kept == 0, entry, f"leaves {kept} ticks in the clearing house")
    cells = [row[:2] for row in entry.rows]
    _demand(len(set(cells)) == len(cells), entry, "lists a cell twice")


def _demand(holds: bool, entry: JournalEntry, complaint: str) -> None:
    if not holds:
        raise AuditFailed(
            f"The journal's entry of segment {entry.segment} (ticks {entry.first_tick} to "
            f"{entry.last_tick}) {complaint}.",
            "The journal is not what the run wrote.",
            "Restore journal.jsonl from a copy, or do not trust the balances.",
        )


def rebuild(entries: Iterable[JournalEntry]) -> dict[str, int]:
    """Rebuilds balances from genesis.

    Args:
        entries: From genesis on.

    Returns:
        The ticks of every account that ever moved, Python integers.
    """
    balances: dict[str, int] = defaultdict(int)
    for entry in entries:
        for account, _, ticks in entry.rows:
            balances[account] += ticks
    return dict(balances)


def audit(entries: Sequence[JournalEntry], balances: Mapping[str, int]) -> Audit:
    """Compares a run's balances with what its journal says.

    Args:
        entries: From genesis on.
        balances: In ticks by account; accounts of the dead, which hold 0, may be left out.

    Returns:
        The `Audit`; an imbalance is told by it, not raised.

    Raises:
        AuditFailed: If the chain itself is broken.
    """
    verify_chain(entries)
    rebuilt = rebuild(entries)
    accounts = rebuilt.keys() | balances.keys()
    drift = sum(abs(rebuilt.get(name, 0) - int(balances.get(name, 0))) for name in accounts)
    drift += abs(sum(int(ticks) for ticks in balances.values()))
    return Audit(
        balanced=drift == 0,
        drift_ticks=drift,
        transfers=entries[-1].transfers if entries else 0,
        digest=entries[-1].digest if entries else GENESIS,
        accounts=len(accounts),
        segments=len(entries),
        totals=_totals(entries),
    )


def _totals(entries: Iterable[JournalEntry]) -> dict[str, dict[str, int]]:
    turnover = dict.fromkeys(REASONS, 0)
    for entry in entries:
        for _, reason, ticks in entry.rows:
            turnover[reason] = turnover.get(reason, 0) + max(ticks, 0)
    return {reason: {"turnover": ticks} for reason, ticks in turnover.items() if ticks}
