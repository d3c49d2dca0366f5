"""What happened on threads, in order: from checkpoints and from the ledger's events."""

from __future__ import annotations

from typing import Any

from hitloop_tui.attach.events import Event, events_since, newest_events
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.source import Source

RECENT = 400
"""Ledger events that the first `poll` gives."""


class Trace:
    """A cursor over both streams. Not thread-safe."""

    def __init__(self, source: Source, file: LedgerFile, thread_id: str | None = None) -> None:
        self._source = source
        self._file = file
        self._thread_id = thread_id
        self._cursor: Any = None
        self._last_id: int | None = None

    def poll(self) -> list[Event]:
        """New events since the last call, in time order; the recent past on the first call."""
        found, self._cursor = self._source.events_since(self._cursor, thread_id=self._thread_id)
        streamed = self._ledger_events()
        if streamed:
            self._last_id = streamed[-1].id
        elif self._last_id is None:
            self._last_id = 0
        return sorted(found + streamed, key=lambda event: event.at)

    def _ledger_events(self) -> list[Event]:
        if self._last_id is None:
            return newest_events(self._file, RECENT, thread_id=self._thread_id)
        found: list[Event] = []
        while page := events_since(self._file, self._last_id, thread_id=self._thread_id):
            found += page
            self._last_id = page[-1].id
        return found
