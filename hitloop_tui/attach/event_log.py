"""Events on their way into the ledger: collected from the run, committed in batches by a thread.

The thread is apart from the event loop, so that a node which blocks the loop cannot hold back what
happened before it.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from dataclasses import dataclass

from hitloop_tui.attach.events import Event, write_events
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.errors import DatabaseError

_log = logging.getLogger(__name__)

BATCH_S = 0.04
_FULL = 10_000
"""Events kept while the ledger cannot be written; beyond that the oldest go, and it is said."""


@dataclass(slots=True)
class _Tokens:
    """Text of one message that still grows."""

    event: Event
    parts: list[str]

    def joined(self) -> Event:
        return dataclasses.replace(
            self.event, data={**self.event.data, "text": "".join(self.parts)}
        )


class EventLog:
    """Takes events from any thread and never raises; what cannot be written is logged and lost."""

    def __init__(self, file: LedgerFile, masks: Masks = MASKS) -> None:
        """`masks` is what runs leave out of the values they tell."""
        self.masks = masks
        self._file = file
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._waiting: list[Event] = []
        self._tokens: dict[tuple[str, str, str], _Tokens] = {}
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def add(self, event: Event) -> None:
        with self._lock:
            self._settle_tokens(event.thread_id)
            self._waiting.append(event)
        self._news.set()

    def add_token(self, event: Event) -> None:
        """Like `add`, but the text of one message that comes within a batch becomes one event."""
        key = (event.thread_id, event.ns, str(event.data.get("message_id")))
        with self._lock:
            open_ = self._tokens.setdefault(key, _Tokens(event, []))
            open_.parts.append(str(event.data.get("text", "")))
        self._news.set()

    def flush(self) -> None:
        """Return when everything added before is committed."""
        with self._writing:
            batch = self._take()
            try:
                write_events(self._file, batch)
            except DatabaseError as error:
                self._put_back(batch, error)

    def close(self) -> None:
        self._stop.set()
        self._news.set()
        self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.wait()
            self._stop.wait(BATCH_S)
            self._news.clear()
            self.flush()

    def _take(self) -> list[Event]:
        with self._lock:
            self._settle_tokens(None)
            batch, self._waiting = self._waiting, []
            return batch

    def _settle_tokens(self, thread_id: str | None) -> None:
        """Queue the texts so far; an event of the same thread must not overtake them."""
        done = [key for key in self._tokens if thread_id in (None, key[0])]
        self._waiting.extend(self._tokens.pop(key).joined() for key in done)

    def _put_back(self, batch: list[Event], error: DatabaseError) -> None:
        _log.warning("events are kept for later: %s", error)
        with self._lock:
            together = batch + self._waiting
            if len(together) > _FULL:
                _log.error("%d events are lost", len(together) - _FULL)
            self._waiting = together[-_FULL:]
