"""Several sources as one."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from hitloop_tui.attach.events import Event
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import Identity, Question
from hitloop_tui.attach.source import Message, Source


class Sources:
    """The questions of all; a thread may have some in each."""

    def __init__(self, first: Source, *others: Source) -> None:
        self._all = (first, *others)

    @property
    def path(self) -> Path:
        """The file that the console was opened on."""
        return self.watched[0]

    @property
    def watched(self) -> tuple[Path, ...]:
        return tuple(chain.from_iterable(source.watched for source in self._all))

    def data_version(self) -> object:
        return tuple(source.data_version() for source in self._all)

    def newest(self, limit: int) -> list[Question]:
        found = chain.from_iterable(source.newest(limit) for source in self._all)
        return heapq.nlargest(limit, found, key=lambda question: question.requested_at)

    def questions(self) -> Iterator[Question]:
        return chain.from_iterable(source.questions() for source in self._all)

    def thread_questions(self, thread_id: str) -> list[Question]:
        return [one for source in self._all for one in source.thread_questions(thread_id)]

    def changed_threads(self) -> set[str] | None:
        changed = [source.changed_threads() for source in self._all]
        known = [threads for threads in changed if threads is not None]
        return set().union(*known) if len(known) == len(changed) else None

    def gone(self, thread_ids: Collection[str]) -> set[str]:
        left = set(thread_ids)
        for source in self._all:
            left = source.gone(left) if left else left
        return left

    def asked_before(self, prefix: str) -> list[Identity]:
        return [one for source in self._all for one in source.asked_before(prefix)]

    def head_at(self, thread_id: str) -> datetime | None:
        moved = [source.head_at(thread_id) for source in self._all]
        return max((at for at in moved if at is not None), default=None)

    def metadata(self, thread_id: str) -> Mapping[str, Any]:
        found: Iterator[Mapping[str, Any]] = (one.metadata(thread_id) for one in self._all)
        return next((metadata for metadata in found if metadata), {})

    def messages(self, thread_id: str, limit: int) -> list[Message]:
        found = (source.messages(thread_id, limit) for source in self._all)
        return next((messages for messages in found if messages), [])

    def events_since(self, cursor: Any, *, thread_id: str | None = None) -> tuple[list[Event], Any]:
        cursors = cursor or (None,) * len(self._all)
        told = [
            source.events_since(place, thread_id=thread_id)
            for source, place in zip(self._all, cursors, strict=True)
        ]
        return [event for events, _ in told for event in events], tuple(next_ for _, next_ in told)

    def apply(self, record: Record) -> tuple[str, str] | None:
        done = (source.apply(record) for source in self._all)
        return next((ended for ended in done if ended is not None), None)

    def close(self) -> None:
        for source in self._all:
            source.close()
