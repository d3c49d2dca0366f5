"""The page's production set-up, on each store."""

from __future__ import annotations

import asyncio

from hitloop_tui.backends import PersistentWebhookBackend
from tests.backends.desk import Sender, a_request
from tests.stores.desk import open_store


async def test_ask_restart_answer(place, store):
    name, where = place
    sender, request = Sender(), a_request(tool_args={"big": 2**60, "nested": {"\x00": [1.0, 1]}})
    first = PersistentWebhookBackend(sender, store, timeout_seconds=30)
    task = asyncio.create_task(first.request_approval(request, thread_id="user-123"))
    callback_id = await sender.callback_id()
    task.cancel()
    await asyncio.wait([task])

    after = store if name == "memory" else await open_store(name, where)
    second = PersistentWebhookBackend(Sender(), after, timeout_seconds=30)
    [record] = await after.list_pending(thread_id="user-123")
    future = second.register_pending(record)
    assert await first.handle_callback(callback_id, approved=True, decided_by="slack:ann")
    if name == "memory":  # nobody else can write to it, so nobody looks again
        assert await second.handle_callback(callback_id, approved=False) is False
    decision = await asyncio.wait_for(asyncio.shield(future), 5)
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    again = await second.request_approval(request, thread_id="user-123")
    assert again.approved
    assert again.digest == request.action.digest()
    await second.close()
