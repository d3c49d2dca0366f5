"""The newest events of the trace, with the tokens of a message joined. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hitloop_tui.attach.events import Event
from hitloop_tui.tui.content import FAINT
from hitloop_tui.tui.widgets.rows import Line, own
from hitloop_tui.tui.widgets.trace_lines import event_line, said_lines
from hitloop_tui.tui.widgets.values import counted

LIMIT = 5000
SLACK = 500
"""Entries beyond the limit before the oldest are dropped, so that it happens rarely."""
MAX_TASKS = 10_000


@dataclass(slots=True, eq=False)
class Entry:
    """One event, or all tokens of one message."""

    event: Event
    said: list[str] | None = None
    """Pieces of text, for tokens."""

    @property
    def thread_id(self) -> str:
        return self.event.thread_id

    def lines(self, *, with_thread: bool) -> list[Line]:
        if self.said is None:
            return [event_line(self.event, with_thread=with_thread)]
        return said_lines(self.event, "".join(self.said), with_thread=with_thread)


@dataclass(frozen=True, slots=True)
class Added:
    """What a batch of events did to the buffer."""

    new: list[Entry]
    grown: list[Entry]
    """Messages that were there before and have more text now."""
    dropped: list[Entry]


class TraceBuffer:
    """At most `limit` entries and some slack; counts what it had to forget."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.entries: list[Entry] = []
        self.dropped = 0
        """Events that are no longer here."""
        self._messages: dict[tuple[str, str, str], Entry] = {}
        self._told: dict[tuple[str, str, str], bool] = {}
        """What tasks came to, and whether the worker's stream was first to say it."""

    def add(self, events: Iterable[Event]) -> Added:
        new: list[Entry] = []
        grown: dict[int, Entry] = {}
        for event in events:
            if self._told_before(event):
                continue
            message = self._message(event)
            if message is None:
                new.append(self._entry(event))
            elif message.said is not None:
                message.said.append(str(event.data.get("text", "")))
                grown[id(message)] = message
        self.entries += new
        dropped = self._trim()
        fresh = set(map(id, new))
        return Added(new, [e for e in grown.values() if id(e) not in fresh], dropped)

    def clear(self) -> None:
        self.entries.clear()
        self._messages.clear()
        self._told.clear()
        self.dropped = 0

    def of_thread(self, thread_id: str | None) -> Iterator[Entry]:
        """Entries of one thread, or all."""
        return (e for e in self.entries if thread_id is None or e.thread_id == thread_id)

    def note(self) -> Line:
        """What was dropped, in words."""
        return Line(((own(f"{counted(self.dropped, 'earlier event')} dropped"), FAINT),))

    def _told_before(self, event: Event) -> bool:
        """Both the worker's stream and the checkpoint tell how a task ended: shown once."""
        if event.kind not in ("task_end", "interrupt") or not event.task_id:
            return False
        streamed = event.id > 0
        first = self._told.setdefault((event.kind, event.task_id, _asked(event)), streamed)
        if len(self._told) > MAX_TASKS:
            del self._told[next(iter(self._told))]
        return first is not streamed

    def _message(self, event: Event) -> Entry | None:
        return self._messages.get(_message_key(event)) if event.kind == "token" else None

    def _entry(self, event: Event) -> Entry:
        if event.kind != "token":
            return Entry(event)
        entry = Entry(event, [str(event.data.get("text", ""))])
        self._messages[_message_key(event)] = entry
        return entry

    def _trim(self) -> list[Entry]:
        excess = len(self.entries) - self.limit
        if excess <= SLACK:
            return []
        gone = self.entries[:excess]
        del self.entries[:excess]
        self.dropped += excess
        for entry in gone:
            if entry.said is not None:
                self._messages.pop(_message_key(entry.event), None)
        return gone


def _message_key(event: Event) -> tuple[str, str, str]:
    return (event.thread_id, event.ns, str(event.data.get("message_id") or event.node))


def _asked(event: Event) -> str:
    """The id of the interrupt that the event tells of."""
    several = event.data.get("interrupts")
    first = several[0] if isinstance(several, list) and several else ""
    return str(event.data.get("interrupt_id", first))
