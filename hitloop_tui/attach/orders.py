"""What a person orders about a decision that did not go well, as the ledger takes it.

Each function looks and writes in one transaction: a worker or a colleague may be faster.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict

from hitloop_tui.attach import journal, leases, recording
from hitloop_tui.attach.ledger import Ledger, Record
from hitloop_tui.attach.ledger_clock import later, now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Claim, Review, State
from hitloop_tui.errors import Conflict

NEEDS_WORKER = frozenset({Act.RETRY, Act.CLEAR})


def undo(ledger: Ledger, review: Review, person: Person) -> None:
    """Take back a held decision. Raises Conflict when it is not, or no longer, held."""
    with ledger.file.transaction() as connection:
        record = ledger.record_in(connection, review.key)
        if record is None or record.state is not State.HELD:
            raise Conflict(_no_longer(record, "there is no decision to undo"))
        withdraw(connection, record.seq, "undo", person.decided_by, person.account)
        recording.insert_event(connection, review, "undo", person.decided_by)


def order(
    ledger: Ledger, review: Review, act: Act, person: Person, *, reopen: bool = False
) -> None:
    """Order a retry, a clear, or say that a Review needs no more.

    `reopen` takes the decision back at once: its question is still asked, and can be decided anew.
    Raises Conflict when its state is another one by now, or when something was ordered already.
    """
    with ledger.file.transaction() as connection:
        record = ledger.record_in(connection, review.key)
        if (record.state if record else None) is not (review.state if _ours(review) else None):
            raise Conflict(_no_longer(record, "its decision was taken back"))
        if record is not None and record.order_open:
            raise Conflict(f"{record.detail or 'something was ordered about it already'}")
        if record is not None and record.attempt is not None:
            leases.close_attempt(connection, record.attempt, "uncertain", record.detail)
        _close_retry(connection, review.key, act)
        try:
            _insert(connection, review, record, act, person)
        except sqlite3.IntegrityError:
            raise Conflict("something was ordered about it already") from None
        if reopen and record is not None:
            withdraw(connection, record.seq, act.value, person.decided_by, person.account)
        recording.insert_event(connection, review, act.value, person.decided_by)


def _close_retry(connection: sqlite3.Connection, key: str, act: Act) -> None:
    """End a foreign answer's retry that nobody will make: its worker died, or had not begun when
    a person ordered to clear that answer instead."""
    row = connection.execute(_OPEN_RETRY, (key,)).fetchone()
    if row is None or leases.alive(leases.Pulse.of(row)):
        return
    if row["worker"] is not None:
        leases.close_order(connection, row["id"], row["worker"], "uncertain", leases.DIED)
    elif act is Act.CLEAR:
        leases.close_order(connection, row["id"], None, "stale", "clear was ordered instead")


_OPEN_RETRY = """
SELECT o.id, o.worker, w.host, w.pid, w.heartbeat_at, w.stopped_at
  FROM orders o LEFT JOIN workers w ON w.id=o.worker
 WHERE o.key=? AND o.kind='retry' AND o.outcome IS NULL
"""


def withdraw(
    connection: sqlite3.Connection, seq: int, how: str, by: str, account: dict[str, object]
) -> None:
    connection.execute(
        "INSERT INTO withdrawals VALUES (?,?,?,?,?)", (seq, how, by, json.dumps(account), now())
    )
    journal.seal(connection, "withdrawal", seq)


def claim(ledger: Ledger, key: str, person: Person, seconds: float) -> Claim | None:
    """Say that somebody is looking at a Review; who is, when it is another one."""
    with ledger.file.transaction() as connection:
        row = connection.execute(
            "SELECT by, until FROM claims WHERE key=? AND until>? AND by<>?",
            (key, now(), person.decided_by),
        ).fetchone()
        if row is not None:
            return Claim(row["by"], row["until"])
        connection.execute("DELETE FROM claims WHERE until<=?", (now(),))
        connection.execute(
            "INSERT OR REPLACE INTO claims VALUES (?,?,?,?)",
            (key, person.decided_by, now(), later(seconds)),
        )
    return None


def release(ledger: Ledger, key: str, person: Person) -> None:
    with ledger.file.transaction() as connection:
        connection.execute("DELETE FROM claims WHERE key=? AND by=?", (key, person.decided_by))


def _ours(review: Review) -> bool:
    return review.decided_by is not None


def _insert(
    connection: sqlite3.Connection,
    review: Review,
    record: Record | None,
    act: Act,
    person: Person,
) -> None:
    # Another attempt at our own decision is made like the first one: nothing more to carry out.
    waits = act is Act.CLEAR or (act is Act.RETRY and record is None)
    cursor = connection.execute(
        "INSERT INTO orders (kind, key, thread_id, identity, seq, after_attempt, by, account, at,"
        " finished_at, outcome) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            act.value,
            review.key,
            review.thread_id,
            json.dumps(asdict(review.question.identity)),
            record.seq if record else None,
            (record.attempt or 0) if record else 0,
            person.decided_by,
            json.dumps(person.account),
            now(),
            None if waits else now(),
            None if waits else "applied",
        ),
    )
    assert cursor.lastrowid is not None
    journal.seal(connection, "order", cursor.lastrowid)
    if not waits:
        journal.seal(connection, "order_outcome", cursor.lastrowid)


def _no_longer(record: Record | None, otherwise: str) -> str:
    if record is None:
        return otherwise
    return f"it is {record.state.value} by now" + (f": {record.detail}" if record.detail else "")
