"""Decisions on the requests of a store that keeps none: hitloop 0.5's stores know six methods.

A store written for it goes on working. First decision wins among all threads of this process; what
other processes decide it cannot know.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from hitloop_tui.persistence.record import PendingApprovalRecord, question_key
from hitloop_tui.persistence.resolution import Outcome, Resolution, StoredDecision

ALL = 10_000


@dataclass(slots=True)
class _Decided:
    record: PendingApprovalRecord
    stored: StoredDecision


class DecisionsHere(ABC):
    """The methods that a store should have, on those that it must have."""

    @abstractmethod
    async def get(self, callback_id: str) -> PendingApprovalRecord | None:
        """The request, while it is undecided and not expired."""

    @abstractmethod
    async def delete(self, callback_id: str) -> bool:
        """Forget the request and its decision; False when there was none."""

    @abstractmethod
    async def list_pending(
        self, thread_id: str | None = None, limit: int = 100
    ) -> list[PendingApprovalRecord]:
        """Undecided requests that are not expired, oldest first."""

    async def status(self, callback_id: str) -> Resolution:
        """Where a request stands: pending, decided (with the decision), expired or unknown."""
        if decided := self._decided.get(callback_id):
            return Resolution(Outcome.ALREADY_DECIDED, decided.stored)
        waits = await self.get(callback_id) is not None
        return Resolution(Outcome.PENDING if waits else Outcome.UNKNOWN)

    async def decisions(self, callback_ids: Iterable[str]) -> dict[str, StoredDecision]:
        """The decisions there are for these requests."""
        found = ((callback_id, self._decided.get(callback_id)) for callback_id in callback_ids)
        return {callback_id: decided.stored for callback_id, decided in found if decided}

    async def find(
        self, question: str, holder: str | None = None
    ) -> tuple[PendingApprovalRecord, StoredDecision | None] | None:
        """The newest request with this `question_key` whose decision, if any, nobody took yet.

        One that `holder` took counts as not taken. Expired requests are not found.
        """
        found: list[tuple[PendingApprovalRecord, StoredDecision | None]] = [
            (decided.record, decided.stored)
            for decided in list(self._decided.values())
            if decided.stored.delivered_to in (None, holder)
        ]
        found += [(record, None) for record in await self.list_pending(limit=ALL)]
        asked = [one for one in found if question_key(one[0]) == question]
        return max(asked, key=lambda one: one[0].cursor, default=None)

    async def deliver(self, callback_id: str, to: str, over: str | None = None) -> bool:
        """Take the decision: True for the first who does, or when `over` had taken it before."""
        decided = self._decided.get(callback_id)
        if decided is None or decided.stored.delivered_to not in (None, over):
            return False
        decided.stored = replace(decided.stored, delivered_to=to)
        return True

    async def _decide(self, callback_id: str, stored: StoredDecision, *, late: bool) -> bool:
        """Store the decision in one step, if the request is there, undecided and not expired."""
        record = await self.get(callback_id)
        if record is None:
            return False
        mine = _Decided(record, stored)
        if self._decided.setdefault(callback_id, mine) is not mine:
            return False
        await self.delete(callback_id)
        return True

    @cached_property
    def _decided(self) -> dict[str, _Decided]:
        return {}
