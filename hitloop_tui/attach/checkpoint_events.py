"""What checkpoints tell a trace: one event per superstep, one per task that ended, asked or failed.

Rows of `writes` carry no time. Live ones get the time they were noticed; older ones the time of the
checkpoint they belong to, which is when their superstep began.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hitloop_tui.attach.checkpoint_sql import NULL_TASK
from hitloop_tui.attach.decode import Undecodable, loads
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.ground_truth import STATE_KEYS
from hitloop_tui.attach.interrupt_rows import CANCELLED, asked_at, interrupts, node_of
from hitloop_tui.attach.preview import preview

Rows = Callable[[str, Sequence[Any]], list[sqlite3.Row]]

RECENT_ROWS = 400
"""Rows of each table that the first reading goes back over."""
CONTROL_SLOTS = (-4, -3, -2, -1)
"""Places of `__resume__`, `__interrupt__`, `__scheduled__` and `__error__`."""
MAX_PREVIEW_BLOB = 4096
MAX_PREVIEW = 300


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last rowids read."""

    checkpoints: int
    writes: int


def since(
    rows: Rows, task_path: str, cursor: Cursor | None, thread_id: str | None
) -> tuple[list[Event], Cursor]:
    """Events after `cursor` and the next cursor; the recent past for None."""
    live = cursor is not None
    last = _last(rows)
    if cursor is None or last.checkpoints < cursor.checkpoints or last.writes < cursor.writes:
        cursor = _start(rows, last, thread_id)
    supersteps = rows(_supersteps(thread_id), _parameters(cursor.checkpoints, thread_id))
    writes = rows(_writes(task_path, thread_id), _parameters(cursor.writes, thread_id))
    events = [_superstep(row) for row in supersteps] + _tasks(writes, live=live)
    seen = Cursor(
        max([last.checkpoints, *(row["id"] for row in supersteps)]),
        max([last.writes, *(row["id"] for row in writes)]),
    )
    return sorted(events, key=lambda event: event.at), seen


def _last(rows: Rows) -> Cursor:
    found = rows(
        "SELECT (SELECT coalesce(max(rowid),0) FROM checkpoints) AS c,"
        " (SELECT coalesce(max(rowid),0) FROM writes) AS w",
        (),
    )
    return Cursor(found[0]["c"], found[0]["w"]) if found else Cursor(0, 0)


def _start(rows: Rows, last: Cursor, thread_id: str | None) -> Cursor:
    """One thread is told from its beginning; all of them from the recent rows on."""
    if thread_id is not None:
        return Cursor(0, 0)
    return Cursor(max(0, last.checkpoints - RECENT_ROWS), max(0, last.writes - RECENT_ROWS))


def _parameters(rowid: int, thread_id: str | None) -> tuple[Any, ...]:
    return (rowid,) if thread_id is None else (rowid, thread_id)


def _supersteps(thread_id: str | None) -> str:
    # The unary plus keeps SQLite on the primary key when a thread is given.
    where = "rowid>?" if thread_id is None else "+rowid>? AND thread_id=?"
    return (
        "SELECT rowid AS id, thread_id, checkpoint_ns, checkpoint_id, metadata"
        f" FROM checkpoints WHERE {where} ORDER BY rowid"
    )


def _writes(task_path: str, thread_id: str | None) -> str:
    where = "w.rowid>?" if thread_id is None else "+w.rowid>? AND w.thread_id=?"
    return (
        f"SELECT w.rowid AS id, w.thread_id, w.checkpoint_ns, w.checkpoint_id, w.task_id,"
        f" {task_path} AS task_path, w.idx, w.channel, w.type, length(w.value) AS size,"
        f" CASE WHEN length(w.value)<={MAX_PREVIEW_BLOB} OR w.idx<0 THEN w.value END AS value"
        f" FROM writes w WHERE {where} ORDER BY w.rowid"
    )


def _superstep(row: sqlite3.Row) -> Event:
    metadata = _metadata(row["metadata"])
    graph_id = metadata.get("graph_id")
    return Event(
        thread_id=str(row["thread_id"]),
        kind="superstep",
        at=asked_at(row["checkpoint_id"]).timestamp(),
        graph_id=graph_id if isinstance(graph_id, str) else None,
        ns=str(row["checkpoint_ns"]),
        data={"step": metadata.get("step"), "source": metadata.get("source")},
    )


def _metadata(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _tasks(rows: Sequence[sqlite3.Row], *, live: bool) -> list[Event]:
    """One event per task, however many channels it wrote."""
    tasks: dict[tuple[str, str, str, str], list[sqlite3.Row]] = {}
    for row in rows:
        if row["task_id"] != NULL_TASK:
            place = (row["thread_id"], row["checkpoint_ns"], row["checkpoint_id"], row["task_id"])
            tasks.setdefault(place, []).append(row)
    return [_task(group, time.time() if live else None) for group in tasks.values()]


def _task(rows: Sequence[sqlite3.Row], noticed: float | None) -> Event:
    last = rows[-1]
    kind, data = _what(rows)
    # A microsecond per row keeps a superstep's tasks in the order they were written.
    began = asked_at(last["checkpoint_id"]).timestamp() + last["id"] % 1000 * 1e-6
    return Event(
        thread_id=str(last["thread_id"]),
        kind=kind,
        at=noticed or began,
        ns=str(last["checkpoint_ns"]),
        node=node_of(last["task_path"]) or "",
        task_id=str(last["task_id"]),
        data=data,
    )


def _what(rows: Sequence[sqlite3.Row]) -> tuple[str, dict[str, Any]]:
    by_slot = {row["idx"]: row for row in rows}
    results = {str(row["channel"]): row for row in rows if row["idx"] not in CONTROL_SLOTS}
    if results:
        return "task_end", {"result": {n: _preview(results[n]) for n in results if _is_shown(n)}}
    if -1 in by_slot:
        error = str(_value(by_slot[-1]))
        return ("task_cancelled" if error == CANCELLED else "task_error"), {"error": error}
    if -3 in by_slot:
        found = interrupts(by_slot[-3]["type"], by_slot[-3]["value"])
        return "interrupt", {"interrupts": [item.id for item in found]}
    return "answer_stored", {}


def _is_shown(channel: str) -> bool:
    return channel not in STATE_KEYS and not channel.startswith(("__", "branch:"))


def _value(row: sqlite3.Row) -> Any:
    try:
        return loads(row["type"], row["value"])
    except Undecodable as error:
        return f"unreadable: {error}"


def _preview(row: sqlite3.Row) -> Any:
    if row["value"] is None and row["size"]:
        return f"{row['size']:,} bytes"
    return preview(_value(row), MAX_PREVIEW)
