"""The journal: every row that says what somebody did, chained by hash.

An entry holds the SHA-256 of the row it is about, and the SHA-256 of itself together with the hash
of the entry before. A row or an entry that is changed, removed, put in or moved later no longer
fits. Whoever can write the file can also cut the end off, or chain everything anew: only a hash
that was kept elsewhere (`Head`) shows that, or a signature over each decision.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hitloop_tui.attach.ledger_clock import now

GENESIS = "0" * 64

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
_ORDER = ("kind", "key", "thread_id", "identity", "seq", "after_attempt", "by", "account", "at")

SEALED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "decision": ("decisions", "seq", _DECISION),
    "verdict": (
        "verdicts",
        "id",
        ("key", "round", "digest", "action", "verdict", "decided_by", "account", "decided_at"),
    ),
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
        f"SELECT {', '.join(columns)} FROM {table} WHERE {key}=?", (ref,)
    ).fetchone()
    return None if row is None else _sha256(dict(zip(columns, row, strict=True)))


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


def verify(connection: sqlite3.Connection, anchor: Head | None = None) -> Iterator[Fault]:
    """Every fault, oldest first; use inside one read transaction. None is good news."""
    before, newest = Head(0, GENESIS), dict[tuple[str, int], tuple[int, str]]()
    for row in connection.execute("SELECT * FROM journal ORDER BY seq"):
        seq, at, kind, ref, content, hash_ = tuple(row)
        yield from _link(before, seq, hash_, chained(before.hash, seq, at, kind, ref, content))
        if anchor is not None and seq == anchor.seq and hash_ != anchor.hash:
            yield Fault(seq, "entry is not the one whose hash was kept: history was rewritten")
        if kind in SEALED:
            newest[(kind, ref)] = (seq, content)
        else:
            yield Fault(seq, f"entry of an unknown kind, {kind!r}")
        before = Head(seq, hash_)
    if anchor is not None and before.seq < anchor.seq:
        yield Fault(None, f"entries {before.seq + 1} to {anchor.seq} were cut off the end")
    yield from _rows_differ(connection, newest)
    yield from _rows_unknown(connection, newest)


def _link(before: Head, seq: int, found: str, expected: str) -> Iterator[Fault]:
    if seq != before.seq + 1:
        yield Fault(seq, f"entries {before.seq + 1} to {seq - 1} are missing")
    elif found != expected:
        yield Fault(seq, "entry was changed, or is not in its place")


def _rows_differ(
    connection: sqlite3.Connection, newest: dict[tuple[str, int], tuple[int, str]]
) -> Iterator[Fault]:
    for (kind, ref), (seq, content) in newest.items():
        found = content_of(connection, kind, ref)
        table = SEALED[kind][0]
        if found is None:
            yield Fault(seq, f"row {ref} of {table} was deleted")
        elif found != content:
            yield Fault(seq, f"row {ref} of {table} was changed after it was written")


def _rows_unknown(
    connection: sqlite3.Connection, newest: dict[tuple[str, int], tuple[int, str]]
) -> Iterator[Fault]:
    for kind, (table, _, _) in SEALED.items():
        for ref in _refs(connection, kind):
            if (kind, ref) not in newest:
                yield Fault(None, f"row {ref} of {table} was put in: no entry tells of it")


def _refs(connection: sqlite3.Connection, kind: str) -> list[int]:
    """Rows that a kind of entry must exist for."""
    table, key, _ = SEALED[kind]
    happened = "WHERE outcome IS NOT NULL" if kind.endswith("outcome") else ""
    return [
        ref for (ref,) in connection.execute(f"SELECT {key} FROM {table} {happened} ORDER BY 1")
    ]
