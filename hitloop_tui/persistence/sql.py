"""What the SQL stores share. Every change is one statement, so it needs no transaction of ours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from hitloop_tui.errors import AlreadyAsked
from hitloop_tui.persistence.base import ApprovalStore, Cursor, question_key
from hitloop_tui.persistence.codec import column, decode, encode, escaped
from hitloop_tui.persistence.record import PendingApprovalRecord
from hitloop_tui.persistence.resolution import Outcome, Resolution, StoredDecision
from hitloop_tui.persistence.tables import PENDING, STORED, TABLE, microseconds


def body_of(record: PendingApprovalRecord) -> str:
    return encode(record.to_dict())


def record_of(body: str) -> PendingApprovalRecord:
    return PendingApprovalRecord.from_dict(decode(body))


class SqlApprovalStore(ApprovalStore):
    """The statements; a subclass says how one is run. Parameters are written `?`."""

    IN: ClassVar[str]
    """`callback_id` is one of the values in a single parameter."""

    @abstractmethod
    async def _rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a query."""

    @abstractmethod
    async def _change(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement, commit, and say how many rows it changed."""

    @abstractmethod
    def _list(self, values: list[str]) -> Any:
        """Several values as the one parameter of `IN`."""

    async def put(self, record: PendingApprovalRecord) -> None:
        body, key = body_of(record), column(record.callback_id)
        added = await self._change(
            f"INSERT INTO {TABLE}"
            " (callback_id, thread_id, question, body, created_us, expires_us)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                key,
                column(record.thread_id),
                question_key(record),
                body,
                microseconds(record.created_at),
                microseconds(record.expires_at) if record.expires_at else None,
            ),
        )
        if not added and await self._rows(
            f"SELECT 1 FROM {TABLE} WHERE callback_id = ? AND body <> ?", (key, body)
        ):
            raise AlreadyAsked("this callback id belongs to another request")

    async def get(self, callback_id: str) -> PendingApprovalRecord | None:
        rows = await self._rows(
            f"SELECT body FROM {TABLE} WHERE callback_id = ? AND {PENDING}",
            (column(callback_id), self._now()),
        )
        return record_of(rows[0][0]) if rows else None

    async def delete(self, callback_id: str) -> bool:
        sql = f"DELETE FROM {TABLE} WHERE callback_id = ?"
        return await self._change(sql, (column(callback_id),)) > 0

    async def list_pending(
        self, thread_id: str | None = None, limit: int = 100, after: Cursor | None = None
    ) -> list[PendingApprovalRecord]:
        where: list[str] = [PENDING]
        parameters: list[Any] = [self._now()]
        if thread_id is not None:
            where.append("thread_id = ?")
            parameters.append(column(thread_id))
        if after is not None:
            where.append("(created_us, callback_id) > (?, ?)")
            parameters += [microseconds(after[0]), column(after[1])]
        rows = await self._rows(
            f"SELECT body FROM {TABLE} WHERE {' AND '.join(where)}"
            " ORDER BY created_us, callback_id LIMIT ?",
            (*parameters, max(0, limit)),
        )
        return [record_of(body) for (body,) in rows]

    async def cleanup_expired(self) -> int:
        sql = f"DELETE FROM {TABLE} WHERE decision IS NULL AND expires_us <= ?"
        return await self._change(sql, (self._now(),))

    async def status(self, callback_id: str) -> Resolution:
        rows = await self._rows(
            f"SELECT {STORED}, expires_us FROM {TABLE} WHERE callback_id = ?",
            (column(callback_id),),
        )
        if not rows:
            return Resolution(Outcome.UNKNOWN)
        *stored, expires = rows[0]
        if stored[0] is not None:
            return Resolution(Outcome.ALREADY_DECIDED, StoredDecision.from_text(*stored))
        expired = expires is not None and expires <= self._now()
        return Resolution(Outcome.EXPIRED if expired else Outcome.PENDING)

    async def decisions(self, callback_ids: Iterable[str]) -> dict[str, StoredDecision]:
        asked = {column(callback_id): callback_id for callback_id in callback_ids}
        rows = await self._rows(
            f"SELECT callback_id, {STORED} FROM {TABLE} WHERE decision IS NOT NULL AND {self.IN}",
            (self._list(list(asked)),),
        )
        return {asked[key]: StoredDecision.from_text(*stored) for key, *stored in rows}

    async def find(
        self, question: str, holder: str | None = None
    ) -> tuple[PendingApprovalRecord, StoredDecision | None] | None:
        rows = await self._rows(
            f"SELECT body, {STORED} FROM {TABLE} WHERE question = ? AND (({PENDING}) OR"
            " (decision IS NOT NULL AND (delivered_to IS NULL OR delivered_to = ?)))"
            " ORDER BY created_us DESC, callback_id DESC LIMIT 1",
            (question, self._now(), escaped(holder or "")),
        )
        if not rows:
            return None
        body, *stored = rows[0]
        return record_of(body), StoredDecision.from_text(*stored) if stored[0] else None

    async def deliver(self, callback_id: str, to: str, over: str | None = None) -> bool:
        changed = await self._change(
            f"UPDATE {TABLE} SET delivered_to = ? WHERE callback_id = ?"
            " AND decision IS NOT NULL AND (delivered_to IS NULL OR delivered_to = ?)",
            (escaped(to), column(callback_id), escaped(over or "")),
        )
        return changed > 0

    async def _decide(self, callback_id: str, stored: StoredDecision, *, late: bool) -> bool:
        decided = microseconds(stored.decided_at)
        changed = await self._change(
            f"UPDATE {TABLE} SET decision = ?, decided_us = ?, delivery_id = ?"
            f" WHERE callback_id = ? AND {'decision IS NULL' if late else PENDING}",
            (
                stored.to_text(),
                decided,
                stored.delivery_id and escaped(stored.delivery_id),
                column(callback_id),
                *([] if late else [decided]),
            ),
        )
        return changed > 0

    def _now(self) -> int:
        return microseconds(self.clock())
