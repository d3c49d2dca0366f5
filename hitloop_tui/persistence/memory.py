"""The store of a single process; a restart empties it."""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from hitloop_tui.errors import AlreadyAsked
from hitloop_tui.persistence.base import ApprovalStore, Clock, Cursor, question_key, utc_now
from hitloop_tui.persistence.codec import column
from hitloop_tui.persistence.record import PendingApprovalRecord
from hitloop_tui.persistence.resolution import Outcome, Resolution, StoredDecision

SWEEP_AFTER = 1000
"""Requests put before old ones are looked for, so that a long-running process does not grow."""


@dataclass(slots=True)
class _Row:
    record: PendingApprovalRecord
    question: str
    stored: StoredDecision | None = None


class InMemoryApprovalStore(ApprovalStore):
    """Keeps requests in a dict, for all threads of the process.

    Forgotten after `retention`: requests whose decision was taken, and expired ones.
    """

    look_seconds: ClassVar[float | None] = None

    def __init__(
        self, *, retention: timedelta = timedelta(hours=1), clock: Clock = utc_now
    ) -> None:
        super().__init__(clock=clock)
        self.retention = retention
        self._rows: dict[str, _Row] = {}
        self._asked: defaultdict[str, list[str]] = defaultdict(list)
        self._puts = 0
        self._lock = threading.RLock()

    async def setup(self) -> None:
        """Nothing to create."""

    async def put(self, record: PendingApprovalRecord) -> None:
        row = _Row(_copy(record), question_key(record))
        with self._lock:
            known = self._rows.setdefault(record.callback_id, row)
            if known is row:
                self._asked[row.question].append(record.callback_id)
                self._sweep_sometimes()
        if known.record != record:
            raise AlreadyAsked("this callback id belongs to another request")

    async def get(self, callback_id: str) -> PendingApprovalRecord | None:
        row = self._rows.get(callback_id)
        return _copy(row.record) if row and self._pending(row) else None

    async def delete(self, callback_id: str) -> bool:
        with self._lock:
            return self._forget(callback_id)

    async def list_pending(
        self, thread_id: str | None = None, limit: int = 100, after: Cursor | None = None
    ) -> list[PendingApprovalRecord]:
        with self._lock:
            rows = list(self._rows.values())
        pending = [
            row.record
            for row in rows
            if self._pending(row)
            and thread_id in (None, row.record.thread_id)
            and (after is None or _place(row.record.cursor) > _place(after))
        ]
        pending.sort(key=lambda record: _place(record.cursor))
        return [_copy(record) for record in pending[: max(0, limit)]]

    async def cleanup_expired(self) -> int:
        now = self.clock()
        with self._lock:
            expired = [
                callback_id
                for callback_id, row in self._rows.items()
                if row.stored is None and row.record.is_expired(now)
            ]
            return sum(map(self._forget, expired))

    async def status(self, callback_id: str) -> Resolution:
        row = self._rows.get(callback_id)
        if row is None:
            return Resolution(Outcome.UNKNOWN)
        if row.stored:
            return Resolution(Outcome.ALREADY_DECIDED, row.stored)
        expired = row.record.is_expired(self.clock())
        return Resolution(Outcome.EXPIRED if expired else Outcome.PENDING)

    async def decisions(self, callback_ids: Iterable[str]) -> dict[str, StoredDecision]:
        rows = ((callback_id, self._rows.get(callback_id)) for callback_id in callback_ids)
        return {callback_id: row.stored for callback_id, row in rows if row and row.stored}

    async def find(
        self, question: str, holder: str | None = None
    ) -> tuple[PendingApprovalRecord, StoredDecision | None] | None:
        with self._lock:
            rows = [self._rows[callback_id] for callback_id in self._asked.get(question, ())]
        open_ = [
            row
            for row in rows
            if (row.stored and row.stored.delivered_to in (None, holder)) or self._pending(row)
        ]
        if not open_:
            return None
        newest = max(open_, key=lambda row: _place(row.record.cursor))
        return _copy(newest.record), newest.stored

    async def deliver(self, callback_id: str, to: str, over: str | None = None) -> bool:
        with self._lock:
            row = self._rows.get(callback_id)
            if row is None or row.stored is None or row.stored.delivered_to not in (None, over):
                return False
            row.stored = replace(row.stored, delivered_to=to)
            return True

    async def _decide(self, callback_id: str, stored: StoredDecision, *, late: bool) -> bool:
        with self._lock:
            row = self._rows.get(callback_id)
            if row is None or row.stored or (not late and row.record.is_expired(stored.decided_at)):
                return False
            row.stored = replace(stored, decision=stored.decision.model_copy())
            return True

    def _pending(self, row: _Row) -> bool:
        return row.stored is None and not row.record.is_expired(self.clock())

    def _sweep_sometimes(self) -> None:
        self._puts += 1
        if self._puts < max(SWEEP_AFTER, len(self._rows) // 2):
            return
        self._puts = 0
        past = self.clock() - self.retention
        for callback_id, row in list(self._rows.items()):
            ended = _ended(row)
            if ended is not None and ended < past:
                self._forget(callback_id)

    def _forget(self, callback_id: str) -> bool:
        row = self._rows.pop(callback_id, None)
        if row is None:
            return False
        self._asked[row.question].remove(callback_id)
        if not self._asked[row.question]:
            del self._asked[row.question]
        return True


def _place(cursor: Cursor) -> Cursor:
    """Where the databases sort it."""
    return cursor[0], column(cursor[1])


def _ended(row: _Row) -> datetime | None:
    """When nobody could ask for it any more; a decision that nobody took waits for ever."""
    if row.stored is None:
        return row.record.expires_at
    return row.stored.decided_at if row.stored.delivered_to is not None else None


def _copy(record: PendingApprovalRecord) -> PendingApprovalRecord:
    """One that shares nothing with the original."""
    twin = copy.copy(record)
    twin.tool_args = copy.deepcopy(record.tool_args)
    twin.metadata = copy.deepcopy(record.metadata)
    twin.side_effects = list(record.side_effects)
    twin.context_refs = list(record.context_refs)
    twin.approvals = list(record.approvals)
    return twin
