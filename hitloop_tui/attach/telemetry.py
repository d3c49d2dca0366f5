"""What a `TelemetryLogger` writes, as events of the trace."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hitloop_tui.attach.attached_file import AttachedFile
from hitloop_tui.attach.decode import UNREADABLE, fingerprint
from hitloop_tui.attach.events import RECENT, Event
from hitloop_tui.attach.ground_truth import without_truth
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.preview import preview
from hitloop_tui.core.models import EventType
from hitloop_tui.core.telemetry_rows import EVENT_COLUMNS, utc
from hitloop_tui.errors import DatabaseError

PAGE = 5000
MAX_PAYLOAD = 16_384
"""Characters of a payload beyond which its values are cut."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row read, and of which file."""

    file: tuple[int, ...] | None
    last: int


class Telemetry(AttachedFile):
    """The events of one file. It may be missing, have no telemetry, or other tables beside it."""

    def __init__(self, path: Path, masks: Masks = MASKS) -> None:
        super().__init__(path)
        self._masks = masks
        self._has_threads = False
        """Files of hitloop 0.5 lack the column."""
        self._told = ""
        """The last trouble that was told."""

    def data_version(self) -> object:
        """An error is news, too: `events_since` tells it."""
        try:
            return super().data_version()
        except DatabaseError as error:
            return str(error)

    def is_foreign(self) -> bool:
        """Whether the file has tables, but none of ours. Raises DatabaseError for no database."""
        names = {row["name"] for row in self.rows("SELECT name FROM sqlite_master")}
        return bool(names) and "trace_events" not in names

    def has_events(self) -> bool:
        return self._newest() > 0

    def events_since(
        self, cursor: Cursor | None, *, thread_id: str | None = None
    ) -> tuple[list[Event], Cursor | None]:
        """Events after `cursor` (None: the recent past) in the order they were written, and the
        next cursor. A file that cannot be read is told as an event, once."""
        try:
            found = self._events_since(cursor, thread_id)
        except DatabaseError as error:
            told, self._told = self._told, str(error)
            trouble = Event("", "error", data={"error": f"telemetry {error}"})
            return [trouble] if told != self._told else [], cursor
        self._told = ""
        return found

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        connection.execute("PRAGMA query_only=1")
        return True

    def _events_since(
        self, cursor: Cursor | None, thread_id: str | None
    ) -> tuple[list[Event], Cursor]:
        newest = self._newest()
        file = self._file and self._file[:2]
        if newest == 0:
            return [], Cursor(file, 0)
        where = ["id <= :last", "event_type <> :hidden"]
        if thread_id is not None:
            known = "thread_id = :thread OR (thread_id IS NULL AND run_id = :thread)"
            where.append(f"({known})" if self._has_threads else "run_id = :thread")
        given = {"hidden": EventType.INJECTED_ERROR.value, "thread": thread_id, "last": newest}
        if cursor is None:
            rows = self._rows(where, "DESC", given | {"limit": RECENT})[::-1]
        else:
            replaced = cursor.file != file or newest < cursor.last
            rows = self._after(0 if replaced else cursor.last, where, given)
        return _events(rows, self._masks), Cursor(file, newest)

    def _newest(self) -> int:
        """The id of the last event; 0 when there is no telemetry (yet)."""
        found = self.rows("SELECT name FROM pragma_table_info('trace_events')")
        self._has_threads = "thread_id" in {row["name"] for row in found}
        if not found:
            return 0
        return int(self.rows("SELECT coalesce(max(id), 0) FROM trace_events")[0][0])

    def _after(
        self, last: int, where: Sequence[str], given: Mapping[str, object]
    ) -> list[sqlite3.Row]:
        found: list[sqlite3.Row] = []
        while last < int(str(given["last"])):
            page = self._rows([*where, "id > :after"], "", {**given, "after": last, "limit": PAGE})
            found += page
            if len(page) < PAGE:
                break
            last = page[-1]["id"]
        return found

    def _rows(
        self, where: Sequence[str], order: str, given: Mapping[str, object]
    ) -> list[sqlite3.Row]:
        thread = "thread_id" if self._has_threads else "NULL AS thread_id"
        return self.rows(
            f"SELECT {EVENT_COLUMNS}, {thread} FROM trace_events"
            f" WHERE {' AND '.join(where)} ORDER BY id {order} LIMIT :limit",
            given,
        )


def _events(rows: Sequence[sqlite3.Row], masks: Masks) -> list[Event]:
    """A clock that was set back must not turn a run around."""
    events = []
    latest: dict[str, float] = {}
    for row in rows:
        run = str(row["run_id"])
        latest[run] = at = max(_seconds(row["timestamp"]), latest.get(run, 0.0))
        data = {"run_id": run, **_payload(row["payload"], masks)}
        events.append(Event(str(row["thread_id"] or run), str(row["event_type"]), at, data=data))
    return events


def _seconds(timestamp: Any) -> float:
    try:
        return utc(datetime.fromisoformat(timestamp)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return time.time()


def _payload(text: Any, masks: Masks) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except UNREADABLE as error:
        return {"unreadable": f"{fingerprint(text)}: {error}"}
    if not isinstance(found, dict):
        return {"value": preview(found, masks=masks)}
    shown: dict[str, Any] = without_truth(found)
    if len(text) > MAX_PAYLOAD:
        return {key: preview(value, masks=masks) for key, value in shown.items()}
    return shown
