"""Everything that panes tell their screen, and the reader tells the app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from hitloop_tui.attach.events import Event
from hitloop_tui.attach.inbox import Row


@dataclass
class InboxRead(Message):
    """The reader has a new reading of all rows."""

    rows: Sequence[Row]
    complete: bool
    """False for the newest rows only, before the rest is read."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, InboxRead)


@dataclass
class WorkersRead(Message):
    """How many workers are alive."""

    alive: int

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, WorkersRead)


@dataclass
class TraceRead(Message):
    """New events of the trace, oldest first."""

    events: list[Event]


@dataclass
class Trouble(Message):
    """Why nothing can be read at the moment; empty when all is well again."""

    text: str


@dataclass
class Selected(Message):
    """The cursor of the inbox is on another Review."""

    key: str | None


@dataclass
class Opened(Message):
    """The person wants to read the selected Review."""


@dataclass
class Marked(Message):
    """Marks have changed."""


@dataclass
class FilterTyped(Message):
    """The text of the filter has changed."""

    text: str


@dataclass
class FilterLeft(Message):
    """The person is done typing a filter."""

    keep: bool


@dataclass
class Drawn(Message):
    """Another question has reached the screen."""

    question: object
    """`Card.question` then."""


@dataclass
class ReadOn(Message):
    """More of the arguments has been on the screen."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ReadOn)
