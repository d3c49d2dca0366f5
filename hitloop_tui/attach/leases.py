"""Workers and their leases: one worker per thread at a time, and a dead one is noticed.

An attempt without an outcome is its worker's lease on the thread. A lease is never taken over: when
its worker is dead, the decision is *uncertain* and a person must look.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hitloop_tui.attach import journal
from hitloop_tui.attach.decode import names_in
from hitloop_tui.attach.ledger_clock import now, seconds_until
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.review import ID_LENGTH

HEARTBEAT_S = 1.0
"""While a worker is at a thread, and what its death may be off by."""
RESTING_S = 5.0
"""Between its heartbeats while it has nothing to do."""
DEAD_AFTER_S = 15.0
"""A heartbeat older than this is a dead worker, wherever it ran. On the same host its pid tells at
once."""


DIED = "the worker died while it ran this with the other program's answer: the tool may have run"


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of a worker's life."""

    host: str
    pid: int
    heartbeat_at: float
    stopped_at: float | None

    @classmethod
    def of(cls, row: sqlite3.Row) -> Pulse | None:
        if row["host"] is None:
            return None
        return cls(row["host"], row["pid"], row["heartbeat_at"], row["stopped_at"])


def alive(pulse: Pulse | None) -> bool:
    """Whether the worker still runs, as far as this host can tell."""
    if pulse is None or pulse.stopped_at is not None:
        return False
    if time.time() - pulse.heartbeat_at > DEAD_AFTER_S:
        return False
    return pulse.host != socket.gethostname() or _running(pulse.pid)


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _zombie(pid)


def _zombie(pid: int) -> bool:
    """A killed child that its parent has not waited for still answers signal 0 (Linux only)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker that is alive."""

    id: str
    pid: int
    host: str
    graphs: tuple[str, ...]


def live_workers(file: LedgerFile) -> list[WorkerInfo]:
    return [
        WorkerInfo(row["id"], row["pid"], row["host"], names_in(row["graphs"]))
        for row in file.rows("SELECT * FROM workers WHERE stopped_at IS NULL")
        if alive(Pulse.of(row))
    ]


def waiting_threads(
    file: LedgerFile, worker: str, busy: Collection[str] = (), limit: int = -1
) -> list[str]:
    """Threads with a decision that this worker may try, oldest first, but for `busy` ones."""
    names = [one.encode().hex().upper() for one in busy]  # SQLite ends a JSON text at its NUL
    rows = file.rows(
        f"SELECT DISTINCT d.thread_id {_WAITING}"
        " AND hex(d.thread_id) NOT IN (SELECT value FROM json_each(?)) LIMIT ?",
        (*_waiting_for(worker), json.dumps(names), limit),
    )
    return [row["thread_id"] for row in rows]


def next_release(file: LedgerFile) -> float | None:
    """Seconds until the first held decision may be taken; None when none is held."""
    at = now()
    rows = file.rows(_HELD, (at, at))
    return seconds_until(rows[0][0]) if rows and rows[0][0] else None


def held(connection: sqlite3.Connection, thread_id: str) -> bool:
    """Whether a live worker is at a thread, with a decision or with an order."""
    rows = connection.execute(_HOLDERS, (thread_id, thread_id))
    return any(alive(Pulse.of(row)) for row in rows)


@dataclass(frozen=True, slots=True)
class Lease:
    """One attempt at one decision."""

    attempt: int
    seq: int
    key: str
    thread_id: str
    before: datetime | None = None
    """When the attempt before this one ended, or its dead worker was last heard of."""


class Leases:
    """The worker's side of the ledger."""

    def __init__(
        self,
        file: LedgerFile,
        graphs: Collection[str] | Mapping[str, Mapping[str, Any]],
        *,
        pulse: LedgerFile | None = None,
    ) -> None:
        """`graphs` may say where each one stops (`attach.breakpoints.Stops`). `pulse` takes the
        heartbeats: they need no `synchronous=FULL`."""
        self.file = file
        self._pulse = pulse or file
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        told = dict(graphs) if isinstance(graphs, Mapping) else list(graphs)
        self._graphs = json.dumps(told)

    def register(self) -> None:
        at = time.time()
        with self.file.transaction() as connection:
            connection.execute(
                "INSERT INTO workers VALUES (?,?,?,?,?,?,NULL)",
                (self.worker, socket.gethostname(), os.getpid(), self._graphs, at, at),
            )

    def beat(self) -> None:
        with self._pulse.transaction() as connection:
            _beat(connection, self.worker)

    def retire(self) -> None:
        with self.file.transaction() as connection:
            connection.execute(
                "UPDATE workers SET stopped_at=? WHERE id=?", (time.time(), self.worker)
            )

    def take(self, thread_id: str, among: Collection[str] | None = None) -> list[Lease]:
        """Lease every waiting decision of a thread; none while a live worker is at it.

        `among` leaves those on other keys where they are.
        """
        with self.file.transaction() as connection:
            if held(connection, thread_id):
                return []
            waiting = connection.execute(
                f"SELECT d.seq, d.key, d.thread_id {_WAITING} AND d.thread_id=? ORDER BY d.seq",
                (*_waiting_for(self.worker), thread_id),
            ).fetchall()
            mine = [row for row in waiting if among is None or row["key"] in among]
            if mine:
                _beat(connection, self.worker)
            return [self._open(connection, row) for row in mine]

    def holds(self, lease: Lease) -> bool:
        """Whether nobody has closed the attempt."""
        sql = "SELECT 1 FROM attempts WHERE id=? AND outcome IS NULL"
        return bool(self.file.rows(sql, (lease.attempt,)))

    def finish(self, lease: Lease, outcome: str, detail: str = "") -> None:
        """Record how an attempt ended: applied, failed, stale, uncertain or blocked."""
        with self.file.transaction() as connection:
            close_attempt(connection, lease.attempt, outcome, detail)

    def _open(self, connection: sqlite3.Connection, row: sqlite3.Row) -> Lease:
        before = connection.execute(_BEFORE, (row["seq"],)).fetchone()
        cursor = connection.execute(
            "INSERT INTO attempts (seq, thread_id, worker, started_at) VALUES (?,?,?,?)",
            (row["seq"], row["thread_id"], self.worker, now()),
        )
        assert cursor.lastrowid is not None
        journal.seal(connection, "attempt", cursor.lastrowid)
        ended = None if before is None else _ended(before)
        return Lease(cursor.lastrowid, row["seq"], row["key"], row["thread_id"], ended)


def _beat(connection: sqlite3.Connection, worker: str) -> None:
    connection.execute("UPDATE workers SET heartbeat_at=? WHERE id=?", (time.time(), worker))


def close_attempt(connection: sqlite3.Connection, attempt: int, outcome: str, detail: str) -> None:
    """Record how an attempt ended; the first word on it stands."""
    done = connection.execute(
        "UPDATE attempts SET outcome=?, detail=?, finished_at=? WHERE id=? AND outcome IS NULL",
        (outcome, detail, now(), attempt),
    )
    if done.rowcount:
        journal.seal(connection, "outcome", attempt)


def close_order(
    connection: sqlite3.Connection, order: int, worker: str | None, outcome: str, detail: str
) -> bool:
    """Record how an order ended, and tell it; False when somebody else was faster."""
    done = connection.execute(
        "UPDATE orders SET worker=?, finished_at=?, outcome=?, detail=?"
        " WHERE id=? AND outcome IS NULL",
        (worker, now(), outcome, detail, order),
    )
    if not done.rowcount:
        return False
    journal.seal(connection, "order_outcome", order)
    row = connection.execute("SELECT thread_id, kind, key FROM orders WHERE id=?", (order,))
    thread_id, kind, key = row.fetchone()
    told = "cleared" if (kind, outcome) == ("clear", "applied") else outcome
    data = json.dumps({"id": key[:ID_LENGTH], "order": kind, "detail": detail})
    connection.execute(
        "INSERT INTO events (at, thread_id, kind, data) VALUES (?,?,?,?)",
        (time.time(), thread_id, told, data),
    )
    return True


def _ended(attempt: sqlite3.Row) -> datetime:
    """A dead worker's attempt is closed when somebody orders another one, long after it died."""
    finished = datetime.fromisoformat(attempt["finished_at"]) + timedelta(milliseconds=1)
    if attempt["outcome"] != "uncertain" or attempt["heartbeat_at"] is None:
        return finished
    return min(finished, datetime.fromtimestamp(attempt["heartbeat_at"] + HEARTBEAT_S, UTC))


def _waiting_for(worker: str) -> tuple[str, str, str]:
    at = now()
    return at, at, worker


_HOLDERS = """
SELECT w.* FROM attempts a JOIN workers w ON w.id=a.worker
 WHERE a.thread_id=? AND a.outcome IS NULL
UNION ALL
SELECT w.* FROM orders o JOIN workers w ON w.id=o.worker
 WHERE o.thread_id=? AND o.outcome IS NULL
"""

_BEFORE = """
SELECT a.finished_at, a.outcome, w.heartbeat_at FROM attempts a LEFT JOIN workers w ON w.id=a.worker
 WHERE a.seq=? AND a.finished_at IS NOT NULL AND a.outcome<>'blocked' ORDER BY a.id DESC LIMIT 1
"""

# In the order of their numbers. Stored requests need no worker (attach/direct.py).
_UNSETTLED = (
    "FROM unsettled u CROSS JOIN decisions d ON d.seq=u.seq WHERE d.shape<>'stored_request'"
)
# An attempt counts that began after the last order to try again.
_ATTEMPTED = """
  SELECT 1 FROM attempts a WHERE a.seq=d.seq AND a.id>coalesce(
         (SELECT max(o.after_attempt) FROM orders o WHERE o.seq=d.seq AND o.kind='retry'), 0)
"""

# No attempt yet, or only attempts that other workers were unable to make ("blocked"). Held ones
# wait; a clock that was set back ends the wait.
_WAITING = f"""
{_UNSETTLED}
   AND (d.held_until IS NULL OR d.held_until<=? OR d.decided_at>?)
   AND NOT EXISTS ({_ATTEMPTED} AND (a.outcome IS NULL OR a.outcome<>'blocked' OR a.worker=?))
"""

_HELD = f"""
SELECT min(d.held_until) {_UNSETTLED}
   AND d.held_until>? AND d.decided_at<=? AND NOT EXISTS ({_ATTEMPTED})
"""
