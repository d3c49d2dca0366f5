"""What every approval store keeps and promises.

A record is asked once and decided once: `resolve` is a compare-and-set, the first decision wins and
everybody after it is told who was first. A decision stays in the store until somebody takes it with
`deliver`, whether or not anyone was waiting when it came.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import ClassVar, Self, TypeAlias

from hitloop_tui.core.models import Decision
from hitloop_tui.persistence.record import PendingApprovalRecord
from hitloop_tui.persistence.resolution import Outcome, Resolution, StoredDecision

Clock: TypeAlias = Callable[[], datetime]
Cursor: TypeAlias = tuple[datetime, str]


def utc_now() -> datetime:
    return datetime.now(UTC)


def question_key(record: PendingApprovalRecord) -> str:
    """Which Action of which run of which thread is asked about, after who approved it, whatever the
    callback id. Whether it is the same call as before, its digest says."""
    parts = [record.thread_id, record.run_id, record.action_id, *sorted(record.approvals)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class ApprovalStore(ABC):
    """Keeps approval requests and their decisions."""

    look_seconds: ClassVar[float | None] = 0.25
    """How often who waits looks again, for other processes decide too; None where none can."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self.clock = clock

    @abstractmethod
    async def setup(self) -> None:
        """Create tables, or see that the server is there. May be called again."""

    @abstractmethod
    async def put(self, record: PendingApprovalRecord) -> None:
        """Store a request; the same one again changes nothing.

        Raises AlreadyAsked when its callback id belongs to another request.
        """

    @abstractmethod
    async def get(self, callback_id: str) -> PendingApprovalRecord | None:
        """The request, while it is undecided and not expired."""

    @abstractmethod
    async def delete(self, callback_id: str) -> bool:
        """Forget the request and its decision; False when there was none."""

    @abstractmethod
    async def list_pending(
        self, thread_id: str | None = None, limit: int = 100, after: Cursor | None = None
    ) -> list[PendingApprovalRecord]:
        """Undecided requests that are not expired, oldest first.

        The next page is the one `after` the last record's `cursor`; records that come or go in
        between neither repeat nor hide others.
        """

    @abstractmethod
    async def cleanup_expired(self) -> int:
        """Delete undecided requests that are expired, and say how many."""

    @abstractmethod
    async def status(self, callback_id: str) -> Resolution:
        """Where a request stands: pending, decided (with the decision), expired or unknown."""

    @abstractmethod
    async def decisions(self, callback_ids: Iterable[str]) -> dict[str, StoredDecision]:
        """The decisions there are for these requests."""

    @abstractmethod
    async def find(
        self, question: str, holder: str | None = None
    ) -> tuple[PendingApprovalRecord, StoredDecision | None] | None:
        """The newest request with this `question_key` whose decision, if any, nobody took yet.

        One that `holder` took counts as not taken. Expired requests are not found.
        """

    @abstractmethod
    async def deliver(self, callback_id: str, to: str, over: str | None = None) -> bool:
        """Take the decision: True for the first who does, or when `over` had taken it before."""

    async def resolve(
        self,
        callback_id: str,
        decision: Decision,
        *,
        delivery_id: str | None = None,
        late: bool = False,
    ) -> Resolution:
        """Decide, if nobody did. `late` decides an expired request too (its timeout does)."""
        stored = StoredDecision(decision, self.clock(), delivery_id)
        if await self._decide(callback_id, stored, late=late):
            return Resolution(Outcome.RECORDED, stored)
        return (await self.status(callback_id)).told(delivery_id, decision.approved)

    @abstractmethod
    async def _decide(self, callback_id: str, stored: StoredDecision, *, late: bool) -> bool:
        """Store the decision in one step, if the request is there, undecided and not expired."""

    async def close(self) -> None:  # noqa: B027 - an optional hook, not a missing abstract
        """Release what the store holds. Records stay."""

    async def __aenter__(self) -> Self:
        await self.setup()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
