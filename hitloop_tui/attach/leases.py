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
from collections.abc import Sequence
from dataclasses import dataclass

from hitloop_tui.attach import journal
from hitloop_tui.attach.ledger_clock import now, seconds_until
from hitloop_tui.attach.ledger_file import LedgerFile

HEARTBEAT_S = 1.0
DEAD_AFTER_S = 15.0
"""A heartbeat older than this is a dead worker, wherever it ran. On the same host its pid tells at
once."""


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
        WorkerInfo(row["id"], row["pid"], row["host"], tuple(json.loads(row["graphs"])))
        for row in file.rows("SELECT * FROM workers WHERE stopped_at IS NULL")
        if alive(Pulse.of(row))
    ]


def waiting_threads(file: LedgerFile, worker: str, *, after: int = 0) -> list[str]:
    """Threads with a decision later than `after` that this worker may try, oldest first."""
    rows = file.rows(
        f"{_WAITING} AND d.seq>? GROUP BY +d.thread_id ORDER BY min(d.seq)",
        (*_waiting_for(worker), after),
    )
    return [row["thread_id"] for row in rows]


def next_release(file: LedgerFile, after: int = 0) -> float | None:
    """Seconds until the first held decision may be taken; None when none is held."""
    at = now()
    rows = file.rows(f"{_HELD} AND d.seq>?", (at, at, after))
    return seconds_until(rows[0][0]) if rows and rows[0][0] else None


def attempted_through(file: LedgerFile, after: int = 0) -> int:
    """The decision before which all that follow `after` are in some worker's hands or settled."""
    rows = file.rows(_ATTEMPTED_THROUGH, (after,))
    return int(rows[0][0]) if rows else 0


@dataclass(frozen=True, slots=True)
class Lease:
    """One attempt at one decision."""

    attempt: int
    seq: int
    key: str
    thread_id: str


class Leases:
    """The worker's side of the ledger."""

    def __init__(
        self, file: LedgerFile, graphs: Sequence[str], *, pulse: LedgerFile | None = None
    ) -> None:
        """`pulse` takes the heartbeats: they need no `synchronous=FULL`."""
        self.file = file
        self._pulse = pulse or file
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._graphs = json.dumps(list(graphs))

    def register(self) -> None:
        at = time.time()
        with self.file.transaction() as connection:
            connection.execute(
                "INSERT INTO workers VALUES (?,?,?,?,?,?,NULL)",
                (self.worker, socket.gethostname(), os.getpid(), self._graphs, at, at),
            )

    def beat(self) -> None:
        with self._pulse.transaction() as connection:
            connection.execute(
                "UPDATE workers SET heartbeat_at=? WHERE id=?", (time.time(), self.worker)
            )

    def retire(self) -> None:
        with self.file.transaction() as connection:
            connection.execute(
                "UPDATE workers SET stopped_at=? WHERE id=?", (time.time(), self.worker)
            )

    def take(self, thread_id: str) -> list[Lease]:
        """Lease every waiting decision of a thread; none while another live worker has it."""
        with self.file.transaction() as connection:
            if self._held_by_another(connection, thread_id):
                return []
            waiting = connection.execute(
                f"{_WAITING} AND d.thread_id=? ORDER BY d.seq",
                (*_waiting_for(self.worker), thread_id),
            ).fetchall()
            return [self._open(connection, row) for row in waiting]

    def finish(self, lease: Lease, outcome: str, detail: str = "") -> None:
        """Record how an attempt ended: applied, failed, stale, uncertain or blocked."""
        with self.file.transaction() as connection:
            close_attempt(connection, lease.attempt, outcome, detail)

    def _held_by_another(self, connection: sqlite3.Connection, thread_id: str) -> bool:
        rows = connection.execute(
            "SELECT w.* FROM attempts a JOIN workers w ON w.id=a.worker"
            " WHERE a.thread_id=? AND a.outcome IS NULL",
            (thread_id,),
        )
        return any(alive(Pulse.of(row)) for row in rows)

    def _open(self, connection: sqlite3.Connection, row: sqlite3.Row) -> Lease:
        cursor = connection.execute(
            "INSERT INTO attempts (seq, thread_id, worker, started_at) VALUES (?,?,?,?)",
            (row["seq"], row["thread_id"], self.worker, now()),
        )
        assert cursor.lastrowid is not None
        journal.seal(connection, "attempt", cursor.lastrowid)
        return Lease(cursor.lastrowid, row["seq"], row["key"], row["thread_id"])


def close_attempt(connection: sqlite3.Connection, attempt: int, outcome: str, detail: str) -> None:
    """Record how an attempt ended; the first word on it stands."""
    done = connection.execute(
        "UPDATE attempts SET outcome=?, detail=?, finished_at=? WHERE id=? AND outcome IS NULL",
        (outcome, detail, now(), attempt),
    )
    if done.rowcount:
        journal.seal(connection, "outcome", attempt)


def _waiting_for(worker: str) -> tuple[str, str, str]:
    at = now()
    return at, at, worker


# Stored requests need no worker (attach/direct.py). An attempt counts that began after the last
# order to try again.
_STANDING = """
  d.shape<>'stored_request'
  AND NOT EXISTS (SELECT 1 FROM withdrawals x WHERE x.seq=d.seq)
"""
_ATTEMPTED = """
  SELECT 1 FROM attempts a WHERE a.seq=d.seq AND a.id>coalesce(
         (SELECT max(o.after_attempt) FROM orders o WHERE o.seq=d.seq AND o.kind='retry'), 0)
"""

# No attempt yet, or only attempts that other workers were unable to make ("blocked"). Held ones
# wait; a clock that was set back ends the wait.
_WAITING = f"""
SELECT d.seq, d.key, d.thread_id FROM decisions d
 WHERE {_STANDING} AND (d.held_until IS NULL OR d.held_until<=? OR d.decided_at>?)
   AND NOT EXISTS ({_ATTEMPTED} AND (a.outcome IS NULL OR a.outcome<>'blocked' OR a.worker=?))
"""

_HELD = f"""
SELECT min(d.held_until) FROM decisions d
 WHERE {_STANDING} AND d.held_until>? AND d.decided_at<=? AND NOT EXISTS ({_ATTEMPTED})
"""

_ATTEMPTED_THROUGH = f"""
SELECT coalesce((SELECT d.seq - 1 FROM decisions d
                  WHERE d.seq>? AND {_STANDING} AND NOT EXISTS (
                        {_ATTEMPTED} AND (a.outcome IS NULL OR a.outcome<>'blocked'))
                  ORDER BY d.seq LIMIT 1),
                (SELECT max(seq) FROM decisions), 0)
"""
