"""The journal: what every account received for every reason, segment by segment, hash-chained.

Each entry's digest covers the digest before it, so that the last one stands for the whole history.
An audit rebuilds every balance from genesis in Python's integers, and shares nothing with the run.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from catallax._errors import AuditFailed, CorruptRun
from catallax._ledger import Account, Reason

Row = tuple[str, str, int]
GoodsRow = tuple[str, str, str, int]

GENESIS = hashlib.sha256(b"catallax").hexdigest()
"""The digest before the first entry."""

REASONS = tuple(reason.name.lower() for reason in Reason)
CLEARING = Account.CLEARING.name.lower()

TRANSFERRED = ("bought", "sold"), ("reverted",)
"""Why goods change hands: what these reasons add up to is 0 for every good."""


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
        digest: SHA-256, in hexadecimal, of `previous`, all of the above and the goods.
        goods: `(holder, good, reason, net quanta)`, sorted; none in a market without goods.

    Example:
        >>> entry = make_entry(GENESIS, 0, 0, 10, 0, ["a"], np.zeros((1, 16), np.int64))
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
    goods: tuple[GoodsRow, ...] = ()


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Args:
        balanced: Whether every balance and every holding is what the journal says, and all
            balances sum to 0.
        drift_ticks: By how much they are not, over all accounts; 0 where balanced.
        transfers: Movements since genesis.
        digest: Of the whole journal.
        accounts: Accounts that ever moved or hold a balance.
        segments: Entries of the journal.
        totals: By reason, `{"turnover": ticks}`: what accounts received on balance in each
            segment, summed.
        drift_quanta: By how much holdings of goods are not what the journal says; 0 where balanced.
        goods: By good and reason, quanta that all holders received on balance (with "sold", that
            they gave).

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
    drift_quanta: int = 0
    goods: dict[str, dict[str, int]] = field(default_factory=dict)


def make_entry(
    previous: str,
    segment: int,
    first_tick: int,
    last_tick: int,
    transfers: int,
    names: Sequence[str],
    flows: np.ndarray,
    goods: Sequence[GoodsRow] = (),
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
        goods: What moved between and through holders' stocks.

    Returns:
        The entry. It costs time for the cells that are not 0, and little for the others.
    """
    accounts, reasons = np.nonzero(flows)
    cells = zip(accounts.tolist(), reasons.tolist(), flows[accounts, reasons].tolist(), strict=True)
    rows = tuple(sorted((names[who], REASONS[why], ticks) for who, why, ticks in cells))
    content = (segment, first_tick, last_tick, transfers, rows)
    moved = tuple(sorted(goods))
    return JournalEntry(*content, previous, digest_of(previous, *content, moved), moved)


def digest_of(
    previous: str,
    segment: int,
    first_tick: int,
    last_tick: int,
    transfers: int,
    rows: Sequence[Row],
    goods: Sequence[GoodsRow] = (),
) -> str:
    """Returns the SHA-256 of the digest before and the content, in hexadecimal."""
    facts = [segment, first_tick, last_tick, transfers, rows, *([goods] if goods else [])]
    content = json.dumps(facts, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()


def entry_to_line(entry: JournalEntry) -> str:
    """Writes an entry as one line of JSON, without the line's end."""
    told = {name: value for name, value in vars(entry).items() if name != "goods" or value}
    return json.dumps(told, separators=(",", ":"))


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
        goods = tuple(_goods_row(*row) for row in content.pop("goods", ()))
        entry = JournalEntry(rows=rows, goods=goods, **content)
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


def _goods_row(holder: Any, good: Any, reason: Any, quanta: Any) -> GoodsRow:
    named = all(isinstance(name, str) for name in (holder, good, reason))
    if not named or type(quanta) is not int:
        raise ValueError(f"{[holder, good, reason, quanta]} is no row")
    return holder, good, reason, quanta


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
        content = (*content, entry.goods)
        _demand(entry.previous == digest, entry, "does not link to the entry before it")
        _demand(entry.digest == digest_of(entry.previous, *content), entry, "has another digest")
        follows = entry.segment == segment + 1 and entry.first_tick == tick <= entry.last_tick
        _demand(follows and entry.transfers >= transfers, entry, "does not follow in time")
        _check_flows(entry)
        _check_goods(entry)
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


def _check_goods(entry: JournalEntry) -> None:
    """What is bought is sold, and what the bankrupt leave is somebody's."""
    by_good: dict[tuple[str, str], int] = defaultdict(int)
    for _, good, reason, quanta in entry.goods:
        by_good[good, reason] += quanta
    for good in {row[1] for row in entry.goods}:
        for reasons in TRANSFERRED:
            total = sum(by_good[good, reason] for reason in reasons)
            _demand(total == 0, entry, f"has {total} quanta of {good} {' less '.join(reasons)}")
    cells = [row[:3] for row in entry.goods]
    _demand(len(set(cells)) == len(cells), entry, "lists a cell of goods twice")


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


def rebuild_goods(entries: Iterable[JournalEntry]) -> dict[tuple[str, str], int]:
    """Rebuilds holdings from genesis.

    Args:
        entries: From genesis on.

    Returns:
        Quanta by holder and good, wherever any ever moved.
    """
    holdings: dict[tuple[str, str], int] = defaultdict(int)
    for entry in entries:
        for holder, good, _, quanta in entry.goods:
            holdings[holder, good] += quanta
    return dict(holdings)


def audit(
    entries: Sequence[JournalEntry],
    balances: Mapping[str, int],
    holdings: Mapping[str, Mapping[str, int]] | None = None,
) -> Audit:
    """Compares a run's balances, and its stocks of goods, with what its journal says.

    Args:
        entries: From genesis on.
        balances: In ticks by account; accounts of the dead, which hold 0, may be left out.
        holdings: In quanta by holder and good; None for a market without goods.

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
    stocks = _stock_drift(entries, holdings or {})
    return Audit(
        balanced=drift == stocks == 0,
        drift_ticks=drift,
        transfers=entries[-1].transfers if entries else 0,
        digest=entries[-1].digest if entries else GENESIS,
        accounts=len(accounts),
        segments=len(entries),
        totals=_totals(entries),
        drift_quanta=stocks,
        goods=_goods_totals(entries),
    )


def _stock_drift(entries: Sequence[JournalEntry], holdings: Mapping[str, Mapping[str, int]]) -> int:
    rebuilt = rebuild_goods(entries)
    held = {(who, good): int(n) for who, row in holdings.items() for good, n in row.items()}
    cells = rebuilt.keys() | held.keys()
    return sum(abs(rebuilt.get(cell, 0) - held.get(cell, 0)) for cell in cells)


def _goods_totals(entries: Iterable[JournalEntry]) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for entry in entries:
        for _, good, reason, quanta in entry.goods:
            by_reason = totals.setdefault(good, {})
            by_reason[reason] = by_reason.get(reason, 0) + quanta
    return totals


def _totals(entries: Iterable[JournalEntry]) -> dict[str, dict[str, int]]:
    turnover = dict.fromkeys(REASONS, 0)
    for entry in entries:
        for _, reason, ticks in entry.rows:
            turnover[reason] = turnover.get(reason, 0) + max(ticks, 0)
    return {reason: {"turnover": ticks} for reason, ticks in turnover.items() if ticks}
