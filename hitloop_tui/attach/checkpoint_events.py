"""What checkpoints tell a trace: one event per superstep, one per task that ended, asked or failed.

Rows of `writes` carry no time. A task ended just before the next superstep began; before that is
known, live ones get the time they were noticed, and older ones that when their superstep began.
"""

from __future__ import annotations

import json
import sqlite3
import time
from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hitloop_tui.attach.checkpoint_sql import GATES_OWN, NULL_TASK
from hitloop_tui.attach.decode import Undecodable, fingerprint, loads
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.ground_truth import STATE_KEYS
from hitloop_tui.attach.interrupt_rows import CANCELLED, asked_at, node_of
from hitloop_tui.attach.interrupt_values import interrupts
from hitloop_tui.attach.masks import DOTS, MASKS, Masks
from hitloop_tui.attach.preview import preview

Rows = Callable[[str, Sequence[Any]], list[sqlite3.Row]]

RECENT_ROWS = 400
"""Rows of each table that the first reading goes back over."""
CONTROL_SLOTS = (-4, -3, -2, -1)
"""Places of `__resume__`, `__interrupt__`, `__scheduled__` and `__error__`."""
JUST = 1e-5
"""Seconds between the end of a task and the next superstep: it is told before that."""
MAX_PREVIEW_BLOB = 4096
MAX_PREVIEW = 300


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last rowids read."""

    checkpoints: int
    writes: int


def since(
    rows: Rows,
    task_path: str,
    cursor: Cursor | None,
    thread_id: str | None,
    masks: Masks = MASKS,
) -> tuple[list[Event], Cursor]:
    """Events after `cursor` and the next cursor; the recent past for None."""
    live = cursor is not None
    last = _last(rows)
    if cursor is None or last.checkpoints < cursor.checkpoints or last.writes < cursor.writes:
        cursor = _start(rows, last, thread_id)
    supersteps = rows(_supersteps(thread_id), _parameters(cursor.checkpoints, thread_id))
    writes = rows(_writes(task_path, thread_id), _parameters(cursor.writes, thread_id))
    times = _Times(supersteps, live=live)
    events = [_superstep(row) for row in supersteps] + _tasks(writes, times, masks)
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


class _Times:
    """When tasks ended, as far as checkpoints tell."""

    def __init__(self, supersteps: Sequence[sqlite3.Row], *, live: bool) -> None:
        self._noticed = time.time() if live else None
        self._ids: dict[tuple[str, str], list[str]] = {}
        for row in supersteps:
            ids = self._ids.setdefault((row["thread_id"], row["checkpoint_ns"]), [])
            insort(ids, str(row["checkpoint_id"]))

    def of(self, kind: str, row: sqlite3.Row) -> float:
        ids = self._ids.get((row["thread_id"], row["checkpoint_ns"]), [])
        after = bisect_right(ids, str(row["checkpoint_id"]))
        if after < len(ids) and kind != "interrupt":
            return asked_at(ids[after]).timestamp() - JUST
        return self._noticed or asked_at(row["checkpoint_id"]).timestamp()


def _tasks(rows: Sequence[sqlite3.Row], times: _Times, masks: Masks) -> list[Event]:
    """One event per task, however many channels it wrote."""
    tasks: dict[tuple[str, str, str, str], list[sqlite3.Row]] = {}
    for row in rows:
        if row["task_id"] != NULL_TASK and row["channel"] != GATES_OWN:
            place = (row["thread_id"], row["checkpoint_ns"], row["checkpoint_id"], row["task_id"])
            tasks.setdefault(place, []).append(row)
    return [_task(group, times, masks) for group in tasks.values()]


def _task(rows: Sequence[sqlite3.Row], times: _Times, masks: Masks) -> Event:
    last = rows[-1]
    kind, data = _what(rows, masks)
    return Event(
        thread_id=str(last["thread_id"]),
        kind=kind,
        at=times.of(kind, last),
        ns=str(last["checkpoint_ns"]),
        node=node_of(last["task_path"]) or "",
        task_id=str(last["task_id"]),
        data=data,
    )


def _what(rows: Sequence[sqlite3.Row], masks: Masks) -> tuple[str, dict[str, Any]]:
    by_slot = {row["idx"]: row for row in rows}
    results = {str(row["channel"]): row for row in rows if row["idx"] not in CONTROL_SLOTS}
    if results:
        shown = {n: _preview(n, results[n], masks) for n in results if _is_shown(n)}
        return "task_end", {"result": shown}
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
        return f"unreadable, {fingerprint(row['value'])}: {error}"


def _preview(channel: str, row: sqlite3.Row, masks: Masks) -> Any:
    if row["value"] is None and row["size"]:
        return f"{row['size']:,} bytes"
    value = _value(row)
    return DOTS if masks.hides(channel, value) else preview(value, MAX_PREVIEW, masks)
