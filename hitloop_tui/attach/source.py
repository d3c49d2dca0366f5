"""The seam between the console and where questions come from. SQLite is the first source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from hitloop_tui.attach.events import Event
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import Identity, Question


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a thread, for context."""

    role: str
    text: str
    tool_calls: tuple[str, ...] = ()


class Source(Protocol):
    """Reads pending questions of many threads. Read-only; holds no lock and no transaction."""

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files whose change may mean news."""
        ...

    def data_version(self) -> object:
        """A value that differs after any other process has committed."""
        ...

    def newest(self, limit: int) -> list[Question]:
        """The newest pending questions, newest first, without looking at the rest."""
        ...

    def questions(self) -> Iterator[Question]:
        """All pending questions, in no particular order."""
        ...

    def thread_questions(self, thread_id: str) -> list[Question]:
        """The pending questions of one thread as they stand now."""
        ...

    def changed_threads(self) -> set[str] | None:
        """Threads with rows written since the last call; None when everything must be read anew."""
        ...

    def gone(self, thread_ids: Collection[str]) -> set[str]:
        """Those of the threads that do not exist any more."""
        ...

    def asked_before(self, prefix: str) -> list[Identity]:
        """Identities, pending or long answered, whose key starts with `prefix`."""
        ...

    def head_at(self, thread_id: str) -> datetime | None:
        """When the thread last moved; None when it does not exist."""
        ...

    def metadata(self, thread_id: str) -> Mapping[str, Any]:
        """Metadata of the thread's head, as the application wrote it."""
        ...

    def messages(self, thread_id: str, limit: int) -> list[Message]:
        """The thread's newest messages, oldest first."""
        ...

    def events_since(self, cursor: Any, *, thread_id: str | None = None) -> tuple[list[Event], Any]:
        """What checkpoints tell since `cursor` (None: the recent past), and the next cursor."""
        ...

    def apply(self, record: Record) -> tuple[str, str] | None:
        """Give a decision to who asked: the outcome and a sentence; None when a worker must."""
        ...

    def close(self) -> None: ...
