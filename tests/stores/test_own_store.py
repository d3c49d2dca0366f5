"""A store that somebody wrote for hitloop 0.5: six methods, and it works."""

from __future__ import annotations

import asyncio

from hitloop_tui.backends import PersistentWebhookBackend
from hitloop_tui.persistence import ApprovalStore, Outcome, PendingApprovalRecord
from hitloop_tui.persistence.base import question_key
from tests.backends.desk import Sender, a_request
from tests.stores.desk import a_record, no, yes


class OwnStore(ApprovalStore):
    """As hitloop 0.5's own: no `super().__init__()`, no cursor, no decisions."""

    def __init__(self) -> None:
        self.records: dict[str, PendingApprovalRecord] = {}

    async def setup(self) -> None:
        pass

    async def put(self, record: PendingApprovalRecord) -> None:
        self.records[record.callback_id] = record

    async def get(self, callback_id: str) -> PendingApprovalRecord | None:
        record = self.records.get(callback_id)
        return None if record is None or record.is_expired() else record

    async def delete(self, callback_id: str) -> bool:
        return self.records.pop(callback_id, None) is not None

    async def list_pending(self, thread_id=None, limit=100) -> list[PendingApprovalRecord]:
        found = [r for r in self.records.values() if thread_id in (None, r.thread_id)]
        return [r for r in found if not r.is_expired()][:limit]

    async def cleanup_expired(self) -> int:
        return 0


async def test_a_backend_asks_and_is_answered():
    sender, store = Sender(), OwnStore()
    backend = PersistentWebhookBackend(sender, store, timeout_seconds=30)
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    assert await backend.handle_callback(callback_id, approved=True, decided_by="ann")
    assert not await backend.handle_callback(callback_id, approved=False)
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.decided_by) == (True, "ann")
    assert store.records == {}


async def test_the_first_decision_wins_and_waits_for_who_asks():
    store, record = OwnStore(), a_record()
    await store.put(record)
    assert (await store.status(record.callback_id)).outcome is Outcome.PENDING
    assert await store.find(question_key(record)) == (record, None)
    tries = [store.resolve(record.callback_id, yes(str(number))) for number in range(9)]
    done = await asyncio.gather(*tries)
    assert [each.outcome for each in done].count(Outcome.RECORDED) == 1
    assert len({each.first.decision.decided_by for each in done}) == 1
    assert await store.find(question_key(record)) == (record, done[0].first)
    assert await store.deliver(record.callback_id, "me")
    assert not await store.deliver(record.callback_id, "you")
    assert await store.find(question_key(record)) is None
    assert (await store.resolve("nobody", no())).outcome is Outcome.UNKNOWN
