"""The four approval stores, against a real PostgreSQL and a real Redis."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hitloop_tui.core.models import Decision
from hitloop_tui.persistence import (
    ApprovalStore,
    InMemoryApprovalStore,
    PendingApprovalRecord,
    PostgresApprovalStore,
    RedisApprovalStore,
    SQLiteApprovalStore,
)

NAMES = ["memory", "sqlite", "postgres", "redis"]


class Clock:
    """Stands still unless told."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def open_store(name: str, place: str | Path, clock: Clock | None = None) -> ApprovalStore:
    """A store that is ready. `place` is its file or address."""
    store: ApprovalStore
    match name:
        case "memory":
            store = InMemoryApprovalStore()
        case "sqlite":
            store = SQLiteApprovalStore(place)
        case "postgres":
            store = await PostgresApprovalStore.from_conn_string(str(place))
        case _:
            store = await RedisApprovalStore.from_url(str(place))
    if clock is not None:
        store.clock = clock
    await store.setup()
    return store


async def empty(store: ApprovalStore) -> None:
    """Everything that an earlier test left on a server."""
    if isinstance(store, PostgresApprovalStore):
        await store._change("DELETE FROM hitloop_approvals", ())
    if isinstance(store, RedisApprovalStore):
        await store._client.flushdb()


def a_record(clock: Clock | None = None, **changes: Any) -> PendingApprovalRecord:
    given: dict[str, Any] = {
        "callback_id": uuid.uuid4().hex,
        "run_id": "run-1",
        "thread_id": "thread-1",
        "action_id": "action-1",
        "tool_name": "send_email",
        "tool_args": {"to": "ann@example.com"},
        "risk_class": "high",
        "policy_name": "risk_based",
        "policy_reason": "high risk",
    }
    if clock is not None:
        given["created_at"] = clock()
    return PendingApprovalRecord(**given | changes)


def yes(by: str = "human:ann", **changes: Any) -> Decision:
    return Decision(action_id="action-1", approved=True, decided_by=by, **changes)


def no(by: str = "human:bob", **changes: Any) -> Decision:
    return Decision(action_id="action-1", approved=False, decided_by=by, **changes)
