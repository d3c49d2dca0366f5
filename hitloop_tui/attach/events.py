"""The worker's stream in the ledger: what a run did, as it happens, for the trace."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hitloop_tui.attach.decode import UNREADABLE, fingerprint
from hitloop_tui.attach.ledger_file import LedgerFile

RECENT = 400
"""Events of a file that a trace begins with."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened on a thread.

    Kinds: `superstep`, `task_start`, `task_end`, `interrupt`, `task_error` (from checkpoints or the
    worker's stream), `update`, `token`, `custom`, `decision`, `resume`, `applied`, `failed`,
    `stale`, `blocked`, `uncertain`, `undo`, `retry`, `clear`, `done`, `dismiss`, `cleared`,
    `escalated`, `error` (from the ledger), and those of telemetry (`core.models.EventType`).
    """

    thread_id: str
    kind: str
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    graph_id: str | None = None
    ns: str = ""
    """Checkpoint namespace: empty for the root graph."""
    node: str = ""
    task_id: str = ""
    attempt: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    """Position in the ledger's event table; 0 for events that come from elsewhere."""

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "thread_id": self.thread_id,
            "graph_id": self.graph_id,
            "kind": self.kind,
            "ns": self.ns,
            "node": self.node,
            "task_id": self.task_id,
            "attempt": self.attempt,
            "data": self.data,
        }


def write_events(file: LedgerFile, events: Sequence[Event]) -> None:
    """Append events in one transaction."""
    if not events:
        return
    with file.transaction() as connection:
        connection.executemany(
            "INSERT INTO events (at, thread_id, graph_id, kind, ns, node, task_id, attempt, data)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            [_columns(event) for event in events],
        )


def _columns(e: Event) -> tuple[Any, ...]:
    data = json.dumps(e.data, default=repr, ensure_ascii=False)
    return (e.at, e.thread_id, e.graph_id, e.kind, e.ns, e.node, e.task_id, e.attempt, data)


def events_since(
    file: LedgerFile, last_id: int, *, thread_id: str | None = None, limit: int = 5000
) -> list[Event]:
    """Events after `last_id`, oldest first."""
    sql = "SELECT * FROM events WHERE id>?"
    parameters: tuple[Any, ...] = (last_id,)
    if thread_id is not None:
        sql, parameters = f"{sql} AND thread_id=?", (last_id, thread_id)
    return [_event(row) for row in file.rows(f"{sql} ORDER BY id LIMIT ?", (*parameters, limit))]


def newest_events(file: LedgerFile, count: int, *, thread_id: str | None = None) -> list[Event]:
    """The last `count` events, oldest first."""
    where, parameters = ("WHERE thread_id=?", (thread_id,)) if thread_id is not None else ("", ())
    rows = file.rows(f"SELECT * FROM events {where} ORDER BY id DESC LIMIT ?", (*parameters, count))
    return [_event(row) for row in reversed(rows)]


class LedgerEvents:
    """The events of a ledger as one of the streams of a trace."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def events_since(
        self, cursor: int | None, *, thread_id: str | None = None
    ) -> tuple[list[Event], int]:
        """Events after the id `cursor` (None: the recent past), and the next cursor."""
        if cursor is None:
            found = newest_events(self._file, RECENT, thread_id=thread_id)
            return found, found[-1].id if found else 0
        found = []
        while page := events_since(self._file, cursor, thread_id=thread_id):
            found += page
            cursor = page[-1].id
        return found, cursor


def _data(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except UNREADABLE as error:
        return {"unreadable": f"{fingerprint(text)}: {error}"}
    return found if isinstance(found, dict) else {"value": found}


def _event(row: sqlite3.Row) -> Event:
    return Event(
        id=row["id"],
        at=row["at"],
        thread_id=row["thread_id"],
        graph_id=row["graph_id"],
        kind=row["kind"],
        ns=row["ns"],
        node=row["node"],
        task_id=row["task_id"],
        attempt=row["attempt"],
        data=_data(row["data"]),
    )
