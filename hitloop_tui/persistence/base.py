"""What every approval store keeps and promises.

A record is asked once and decided once: `resolve` is a compare-and-set, the first decision wins and
everybody after it is told who was first. A decision stays in the store until somebody takes it with
`deliver`, whether or not anyone was waiting when it came.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar, Self, TypeAlias

from hitloop_tui.core.models import Decision
from hitloop_tui.persistence.decisions_here import DecisionsHere
from hitloop_tui.persistence.record import PendingApprovalRecord, question_key
from hitloop_tui.persistence.resolution import Outcome, Resolution, StoredDecision

__all__ = ["ApprovalStore", "Clock", "Cursor", "PendingApprovalRecord", "question_key", "utc_now"]

Clock: TypeAlias = Callable[[], datetime]
Cursor: TypeAlias = tuple[datetime, str]


def utc_now() -> datetime:
    return datetime.now(UTC)


class ApprovalStore(DecisionsHere):
    """Keeps approval requests and their decisions."""

    clock: Clock = staticmethod(utc_now)

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

    async def close(self) -> None:
        """Release what the store holds. Records stay."""

    async def __aenter__(self) -> Self:
        await self.setup()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
