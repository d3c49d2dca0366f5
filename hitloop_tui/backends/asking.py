"""Asking through a store: put the request there, send it, wait for a decision from anywhere.

Whoever decides first decides; everybody else (a second click, a timeout) is told what was decided.
A caller that goes away leaves its request in the store, and the decision waits there for whoever
asks next.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from hitloop_tui.backends import outcomes
from hitloop_tui.backends.outcomes import by_system, describe, log
from hitloop_tui.backends.waiting import Waiter, WaitingRoom
from hitloop_tui.core.digest import action_digest
from hitloop_tui.core.interfaces import ApprovalBackend
from hitloop_tui.core.models import Action, ApprovalRequest, Decision
from hitloop_tui.errors import BadInput
from hitloop_tui.persistence import (
    ApprovalStore,
    PendingApprovalRecord,
    Resolution,
    StoredDecision,
)
from hitloop_tui.persistence.base import question_key

OnTimeout: TypeAlias = Callable[[ApprovalRequest], Awaitable[Decision]]
Role: TypeAlias = Literal["ask", "future"]
"""Who takes a decision: a call that asks, or the future of `register_pending`."""

DEFAULT_THREAD = "default"


@dataclass(slots=True)
class Asked:
    """A request on its way through the backend."""

    request: ApprovalRequest
    record: PendingApprovalRecord
    started: float
    is_new: bool
    stored: StoredDecision | None = None

    def latency_ms(self, stored: StoredDecision) -> float:
        """From the question to the answer; across a restart only the wall clock knows."""
        if self.is_new:
            return (time.monotonic() - self.started) * 1000
        return max(0.0, (stored.decided_at - self.record.created_at).total_seconds() * 1000)


class StoredBackend(ApprovalBackend):
    """A backend whose requests and decisions lie in a store. A subclass says how one is sent."""

    def __init__(
        self,
        store: ApprovalStore,
        timeout_seconds: float = 300.0,
        on_timeout: OnTimeout | None = None,
    ) -> None:
        """`timeout_seconds` 0 waits for ever."""
        self.store = store
        self.timeout_seconds = timeout_seconds
        self.on_timeout = on_timeout
        self._room = WaitingRoom(store)
        self._asking: dict[str, ApprovalRequest] = {}
        self._watches: set[asyncio.Task[Decision]] = set()
        self._me = secrets.token_hex(8)
        self._metadata: dict[str, Any] = {}
        """Kept with each request, for whoever shows it."""

    @abstractmethod
    async def _send(self, asked: Asked, waiter: Waiter) -> Decision | None:
        """Let a person know of it; if that failed, what is decided instead."""

    async def request_approval(
        self, request: ApprovalRequest, thread_id: str | None = None
    ) -> Decision:
        """Ask and wait. The question of an earlier run that died waiting is taken up again."""
        started = time.monotonic()
        try:
            thread = thread_id or request.thread_id or DEFAULT_THREAD
            asked = await self._take_up(request, thread, started)
            if asked.is_new:
                await self.store.put(asked.record)
        except Exception as error:
            return by_system(request, outcomes.STORE_ERROR, f"Not stored: {describe(error)}")
        callback_id = asked.record.callback_id
        self._asking[callback_id] = request
        try:
            stored = asked.stored or await self._ask(asked)
            return await self._hand_over(asked, stored, "ask")
        finally:
            del self._asking[callback_id]

    async def resolve(
        self,
        callback_id: str,
        approved: bool,
        reason: str = "",
        decided_by: str = "human",
        tags: list[str] | None = None,
        *,
        delivery_id: str | None = None,
    ) -> Resolution:
        """Record a decision, and say what came of it and whose decision stands."""
        if not isinstance(approved, bool):
            raise BadInput(f"approved must be true or false, not {type(approved).__name__}")
        record = await self.store.get(callback_id)
        if record is None:
            standing = await self.store.status(callback_id)
            return standing.told(delivery_id, approved)
        decision = Decision(
            action_id=record.action_id,
            approved=approved,
            reason=reason or ("Approved" if approved else "Rejected"),
            decided_by=decided_by,
            tags=list(tags or []),
            digest=record.digest(),  # of what was stored, and may have been shown from there
        )
        resolution = await self.store.resolve(callback_id, decision, delivery_id=delivery_id)
        if resolution.first is not None:
            self._room.settle(callback_id, resolution.first)
        return resolution

    async def recover_pending(self, thread_id: str | None = None) -> list[PendingApprovalRecord]:
        """Requests that wait, for `register_pending` or for sending them again."""
        return await self.store.list_pending(thread_id=thread_id)

    def register_pending(self, record: PendingApprovalRecord) -> asyncio.Future[Decision]:
        """Wait for a request of an earlier run: a future of its decision, or of its timeout.

        When the agent asks the same question again over this backend, that call gets the decision
        too. Of several processes that wait for the same request, one gets an approval.
        """
        watch = asyncio.get_running_loop().create_task(self._watch(record))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return watch

    async def close(self) -> None:
        """Release what the backend holds. Requests that wait stay in the store."""
        for watch in list(self._watches):
            watch.cancel()
        await self.store.close()

    async def _take_up(self, request: ApprovalRequest, thread_id: str, started: float) -> Asked:
        now, seconds = self.store.clock(), self.timeout_seconds
        expires = now + timedelta(seconds=seconds) if seconds > 0 else None
        new = PendingApprovalRecord.from_request(
            request, secrets.token_urlsafe(32), thread_id, now, expires, self._metadata
        )
        asked = Asked(request, new, started, is_new=True)
        found = await self.store.find(question_key(new), self._name("future"))
        if found is None or found[0].callback_id in self._asking:
            return asked
        record, stored = found
        if record.digest() != new.digest():
            return asked
        if stored is not None and outcomes.is_systems(stored.decision):
            return asked
        return replace(asked, record=record, is_new=False, stored=stored)

    async def _ask(self, asked: Asked) -> StoredDecision:
        with self._room.waiter(asked.record.callback_id) as waiter:
            instead = await self._send(asked, waiter)
            # An earlier run may have sent it, and a person may be about to answer.
            if instead is None or not asked.is_new:
                return await self._wait(asked, waiter)
        return await self._settle(asked.record.callback_id, instead)

    async def _wait(self, asked: Asked, waiter: Waiter) -> StoredDecision:
        callback_id, seconds = asked.record.callback_id, self._seconds_left(asked)
        if not asked.is_new:  # it may have been decided while nobody here was looking
            known = await self.store.decisions([callback_id])
            if callback_id in known:
                return known[callback_id]
        stored = await waiter.result(seconds)
        return stored or await self._settle(callback_id, await self._timed_out(asked.request))

    async def _watch(self, record: PendingApprovalRecord) -> Decision:
        asked = Asked(record.to_request(), record, time.monotonic(), is_new=False)
        with self._room.waiter(record.callback_id) as waiter:
            stored = await self._wait(asked, waiter)
        return await self._hand_over(asked, stored, "future")

    async def _settle(self, callback_id: str, decision: Decision) -> StoredDecision:
        """Make a decision of ours, unless a person's is there already: then theirs stands."""
        try:
            resolution = await self.store.resolve(callback_id, decision, late=True)
        except Exception as error:
            log.warning("a decision could not be stored: %s", describe(error))
            return StoredDecision(decision, self.store.clock())
        if resolution.first is None:  # somebody deleted the request
            return StoredDecision(decision, self.store.clock())
        self._room.settle(callback_id, resolution.first)
        return resolution.first

    async def _hand_over(self, asked: Asked, stored: StoredDecision, role: Role) -> Decision:
        """The decision, for this backend alone: an approval is for one run of the tool."""
        request, decision = asked.request, stored.decision
        try:
            mine = await self._take(asked.record.callback_id, role)
        except Exception as error:
            log.warning("a decision could not be taken: %s", describe(error))
            if decision.approved:
                reason = f"Approved, but the store failed: {describe(error)}"
                return by_system(request, outcomes.STORE_ERROR, reason)
            mine = False
        if decision.approved and not mine:
            return by_system(request, outcomes.TAKEN, "Somebody else acts on this approval")
        if decision.approved and not _is_about(decision, request.action):
            return by_system(request, outcomes.MISMATCH, "Another call was approved than asked for")
        return decision.model_copy(update={"latency_ms": asked.latency_ms(stored)})

    async def _take(self, callback_id: str, role: Role) -> bool:
        """Whether the decision is this backend's. A call may take it over from a future."""
        future = self._name("future")
        if await self.store.deliver(callback_id, self._name(role), over=future):
            return True
        if role == "ask":
            return False
        taken = await self.store.decisions([callback_id])
        return any(stored.delivered_to == self._name("ask") for stored in taken.values())

    async def _timed_out(self, request: ApprovalRequest) -> Decision:
        if self.on_timeout is not None:
            try:
                decision = await self.on_timeout(request)
                tags = [*decision.tags, outcomes.TIMEOUT]
                return decision.model_copy(update={"tags": list(dict.fromkeys(tags))})
            except Exception as error:
                log.warning("on_timeout failed: %s", describe(error))
        reason = f"Timeout after {self.timeout_seconds}s - no human response"
        return by_system(request, outcomes.TIMEOUT, reason)

    def _seconds_left(self, asked: Asked) -> float | None:
        if asked.record.expires_at is None:
            return None
        if asked.is_new:
            return max(0.0, self.timeout_seconds - (time.monotonic() - asked.started))
        return max(0.0, (asked.record.expires_at - self.store.clock()).total_seconds())

    def _name(self, role: Role) -> str:
        """Under which decisions are taken from the store."""
        return f"{self._me}:{role}"


def _is_about(decision: Decision, action: Action) -> bool:
    """The stored request may have been changed between asking and showing."""
    if decision.edited_args is None:
        return decision.digest in (None, action.digest())
    proposed = decision.proposed or {}
    shown = action_digest(proposed.get("tool_name", ""), proposed.get("tool_args", {}))
    return shown == action.digest()
