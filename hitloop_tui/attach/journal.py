"""The journal: every row that says what somebody did, chained by hash.

An entry holds the SHA-256 of the row it is about, and the SHA-256 of itself together with the hash
of the entry before. A row or an entry that is changed, removed, put in or moved later no longer
fits. Whoever can write the file can also cut the end off, or chain everything anew: only a hash
that was kept elsewhere (`Head`) shows that, or a signature over each decision.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.errors import BadInput

GENESIS = "0" * 64
_ENTRIES = "SELECT seq, at, kind, ref, content, hash FROM journal"

Rows = Callable[[str, tuple[Any, ...]], Sequence[sqlite3.Row]]
"""Runs a query."""

_DECISION = (
    "key",
    "thread_id",
    "identity",
    "graph_id",
    "shape",
    "digest",
    "review",
    "verdicts",
    "answer",
    "decided_by",
    "account",
    "decided_at",
    "latency_ms",
    "held_until",
    "signature",
)
_VERDICT = (
    "key",
    "round",
    "digest",
    "action",
    "verdict",
    "decided_by",
    "account",
    "decided_at",
    "signed",
)
_ORDER = ("kind", "key", "thread_id", "identity", "seq", "after_attempt", "by", "account", "at")

SEALED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "decision": ("decisions", "seq", _DECISION),
    "verdict": ("verdicts", "id", _VERDICT),
    "withdrawal": ("withdrawals", "seq", ("how", "by", "account", "at")),
    "attempt": ("attempts", "id", ("seq", "thread_id", "worker", "started_at")),
    "outcome": ("attempts", "id", ("finished_at", "outcome", "detail")),
    "order": ("orders", "id", _ORDER),
    "order_outcome": ("orders", "id", ("worker", "finished_at", "outcome", "detail")),
    "escalation": ("escalations", "id", ("key", "at")),
}
"""Table, primary key and sealed columns of each kind of entry."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry. Kept outside of the ledger, it shows later that nothing was cut off."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """From `SEQ:HASH`. Raises BadInput for anything else."""
        seq, _, hash_ = text.strip().partition(":")
        if not (seq.isascii() and seq.isdigit() and re.fullmatch("[0-9a-f]{64}", hash_)):
            raise BadInput(f"{text!r} is no head of a journal: give SEQ:HASH as `audit` prints it")
        return cls(int(seq), hash_)


def head(connection: sqlite3.Connection) -> Head:
    row = connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(0, GENESIS) if row is None else Head(row[0], row[1])


def seal(connection: sqlite3.Connection, kind: str, ref: int) -> None:
    """Append an entry for a row as it stands, inside the transaction that wrote it."""
    before, at = head(connection), now()
    content = content_of(connection, kind, ref)
    assert content is not None
    after = chained(before.hash, before.seq + 1, at, kind, ref, content)
    connection.execute(
        "INSERT INTO journal VALUES (?,?,?,?,?,?)", (before.seq + 1, at, kind, ref, content, after)
    )


def seal_all(connection: sqlite3.Connection) -> None:
    """Entries for rows that have none, in the order of their tables."""
    for kind in SEALED:
        for ref in _refs(connection, kind):
            seal(connection, kind, ref)


def content_of(connection: sqlite3.Connection, kind: str, ref: int) -> str | None:
    """SHA-256 of the columns a kind seals; None when the row does not exist."""
    table, key, columns = SEALED[kind]
    row = connection.execute(
        f"SELECT {key}, {', '.join(columns)} FROM {table} WHERE {key}=?", (ref,)
    ).fetchone()
    return None if row is None else _hashed(kind, row)


def chained(before: str, seq: int, at: str, kind: str, ref: int, content: str) -> str:
    return _sha256([before, seq, at, kind, ref, content])


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the ledger is not what was written."""

    entry: int | None
    """The journal entry, from 1; None for a row that no entry tells of."""
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    seq: int
    at: str
    kind: str
    ref: int
    content: str
    hash: str
    fault: str | None = None
    """Why it does not follow the entry before it."""


def entries(connection: sqlite3.Connection) -> Iterator[Entry]:
    """The journal in order, read as it is asked for, each entry checked against the one before."""
    before = Head(0, GENESIS)
    for row in connection.execute(f"{_ENTRIES} ORDER BY seq"):
        entry = Entry(*row)
        fault = _misplaced(before, entry)
        yield replace(entry, fault=fault) if fault else entry
        if entry.seq > 0:
            before = Head(entry.seq, entry.hash)


def verify(connection: sqlite3.Connection, anchor: Head | None = None) -> Iterator[Fault]:
    """Every fault: of the chain, then of the rows; use inside one read transaction.

    None is good news, within the limits that the module names.
    """
    last = 0
    for entry in entries(connection):
        last = entry.seq
        if entry.fault is not None:
            yield Fault(entry.seq, entry.fault)
        if anchor is not None and entry.seq == anchor.seq and entry.hash != anchor.hash:
            yield Fault(entry.seq, "entry is not the one that was kept: history was rewritten")
    if anchor is not None and last < anchor.seq:
        yield Fault(None, f"entries {last + 1} to {anchor.seq} were cut off the end")
    for kind in SEALED:
        yield from _rows(connection, kind)
    yield from _unsettled(connection)


def as_written(rows: Rows, kind: str, ref: int) -> bool:
    """Whether a row is what its entry tells, and the entry what was chained to the one before.

    The entries further back are taken on trust; `verify` looks at them all.
    """
    told = rows(f"{_ENTRIES} WHERE kind=? AND ref=? ORDER BY seq DESC LIMIT 1", (kind, ref))
    if not told:
        return False
    entry = Entry(*told[0])
    before = rows("SELECT seq, hash FROM journal WHERE seq=?", (entry.seq - 1,))
    if _misplaced(Head(*before[0]) if before else Head(0, GENESIS), entry) is not None:
        return False
    table, key, columns = SEALED[kind]
    found = rows(f"SELECT {key}, {', '.join(columns)} FROM {table} WHERE {key}=?", (ref,))
    return bool(found) and _hashed(kind, found[0]) == entry.content


def row_fault(entry: Entry, row: sqlite3.Row | None) -> str | None:
    """Why a row with the columns an entry seals is not what was written; None when it is."""
    columns = SEALED[entry.kind][2] if row is not None else ()
    found = None if row is None else _sha256({name: row[name] for name in columns})
    return _changed(entry.kind, entry.ref, entry.content, found)


def _misplaced(before: Head, entry: Entry) -> str | None:
    if entry.seq < 1:
        return "entry was put in before the first one"
    if entry.kind not in SEALED:
        return f"entry of an unknown kind, {entry.kind!r}"
    if entry.seq != before.seq + 1:
        return f"entries {before.seq + 1} to {entry.seq - 1} are missing"
    told = chained(before.hash, entry.seq, entry.at, entry.kind, entry.ref, entry.content)
    return None if entry.hash == told else "entry was changed, or is not in its place"


def _rows(connection: sqlite3.Connection, kind: str) -> Iterator[Fault]:
    """The rows of a kind against its entries: both are read in the order of the rows."""
    table, key, columns = SEALED[kind]
    told = connection.execute(
        "SELECT ref, seq, content FROM journal WHERE kind=? ORDER BY ref, seq", (kind,)
    )
    found = connection.execute(f"SELECT {key}, {', '.join(columns)} FROM {table} ORDER BY {key}")
    row, last = found.fetchone(), None
    for ref, seq, content in told:
        if ref == last:
            yield Fault(seq, f"row {ref} of {table} is told of a second time")
            continue
        while row is not None and row[0] < ref:
            yield from _untold(kind, row)
            row = found.fetchone()
        last, there = ref, None
        if row is not None and row[0] == ref:
            there, row = _hashed(kind, row), found.fetchone()
        fault = _changed(kind, ref, content, there)
        if fault is not None:
            yield Fault(seq, fault)
    while row is not None:
        yield from _untold(kind, row)
        row = found.fetchone()


def _untold(kind: str, row: Sequence[Any]) -> Iterator[Fault]:
    """A row without an entry: right only where its end is sealed, and it has none yet."""
    said = dict(zip(SEALED[kind][2], tuple(row)[1:], strict=True))
    open_ = kind.endswith("outcome") and said["outcome"] is None and said["finished_at"] is None
    if not open_ or (kind == "outcome" and said["detail"]):
        yield Fault(None, f"row {row[0]} of {SEALED[kind][0]} was put in: no entry tells of it")


def _changed(kind: str, ref: int, written: str, found: str | None) -> str | None:
    table = SEALED[kind][0]
    if found is None:
        return f"row {ref} of {table} was deleted"
    return None if found == written else f"row {ref} of {table} was changed after it was written"


def _hashed(kind: str, row: Sequence[Any]) -> str:
    return _sha256(dict(zip(SEALED[kind][2], tuple(row)[1:], strict=True)))


# Every look at the inbox relies on this list; it is derived, so it is not chained.
_UNSETTLED = """
SELECT seq FROM decisions d
 WHERE seq NOT IN (SELECT seq FROM withdrawals)
   AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.seq=d.seq AND a.outcome='applied')
   AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.seq=d.seq AND o.kind IN ('done', 'dismiss'))
"""


def _unsettled(connection: sqlite3.Connection) -> Iterator[Fault]:
    for (seq,) in connection.execute(f"{_UNSETTLED} EXCEPT SELECT seq FROM unsettled"):
        yield Fault(None, f"decision {seq} was taken off the list of unsettled ones")
    for (seq,) in connection.execute(f"SELECT seq FROM unsettled EXCEPT {_UNSETTLED}"):
        yield Fault(None, f"decision {seq} was put on the list of unsettled ones")


def _refs(connection: sqlite3.Connection, kind: str) -> list[int]:
    """Rows that a kind of entry must exist for."""
    table, key, _ = SEALED[kind]
    happened = "WHERE outcome IS NOT NULL" if kind.endswith("outcome") else ""
    return [
        ref for (ref,) in connection.execute(f"SELECT {key} FROM {table} {happened} ORDER BY 1")
    ]
