"""Requests that survive a restart, and decisions that find who waits for them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from hitloop_tui.persistence import Outcome, SQLiteApprovalStore
from tests.backends.desk import a_request, left_waiting, opened


async def test_the_whole_request_is_kept_and_a_shutdown_loses_nothing(db):
    """Upstream deletes it on cancellation, and keeps no rationale (security.md 7.1, 6 and 8)."""
    request = a_request()
    callback_id = await left_waiting(db, request)
    async with SQLiteApprovalStore(db) as store:
        [record] = await store.list_pending(thread_id="user-123")
        assert record.callback_id == callback_id
        assert record.to_request() == request
        assert await store.list_pending(thread_id="user-9") == []


async def test_recovered_requests_are_waited_for(db):
    callback_id = await left_waiting(db, a_request())
    backend, _ = await opened(db)
    [record] = await backend.recover_pending("user-123")
    future = backend.register_pending(record)
    assert await backend.handle_callback(callback_id, approved=True, decided_by="slack:ann")
    decision = await asyncio.wait_for(future, 5)
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    assert await backend.store.list_pending() == []
    await backend.close()


async def test_a_callback_while_nobody_waits_is_kept(db):
    """Upstream says True, deletes the request and keeps nothing (security.md 7.1, 5)."""
    request = a_request()
    callback_id = await left_waiting(db, request)
    web, _ = await opened(db)
    assert await web.handle_callback(callback_id, approved=True, decided_by="slack:ann")
    await web.close()
    agent, sender = await opened(db)
    decision = await agent.request_approval(request, thread_id="user-123")
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    assert sender.sent == []
    assert decision.latency_ms > 0
    await agent.close()


async def test_the_same_question_again_is_taken_up_not_asked_twice(db):
    request = a_request()
    callback_id = await left_waiting(db, request)
    backend, sender = await opened(db)
    task = asyncio.create_task(backend.request_approval(request, thread_id="user-123"))
    assert await sender.callback_id() == callback_id  # sent again: maybe it never was
    [record] = await backend.recover_pending()
    future = backend.register_pending(record)
    await backend.handle_callback(callback_id, approved=True)
    assert (await task).approved
    assert (await future).approved
    await backend.close()


async def test_the_agent_that_asks_again_hears_what_the_future_heard(db):
    """An application may register what it recovered, and then just run its graph again."""
    request = a_request()
    callback_id = await left_waiting(db, request)
    backend, sender = await opened(db)
    future = backend.register_pending((await backend.recover_pending())[0])
    await backend.handle_callback(callback_id, approved=True)
    assert (await future).approved
    assert (await backend.request_approval(request, thread_id="user-123")).approved
    assert sender.sent == []
    await backend.close()


async def test_another_action_is_another_question(db):
    request = a_request()
    callback_id = await left_waiting(db, request)
    backend, sender = await opened(db, timeout_seconds=0.05)
    await backend.handle_callback(callback_id, approved=True)
    changed = request.model_copy(deep=True)
    changed.action.tool_args["amount"] = 1_000_000
    decision = await backend.request_approval(changed, thread_id="user-123")
    assert decision.decided_by == "system:timeout"
    assert sender.sent[0][1] != callback_id
    await backend.close()


async def test_a_decision_of_another_process_reaches_who_waits(db):
    agent, sender = await opened(db)
    web, _ = await opened(db)
    task = asyncio.create_task(agent.request_approval(a_request()))
    assert await web.handle_callback(await sender.callback_id(), approved=True)
    assert (await asyncio.wait_for(task, 5)).approved
    await asyncio.gather(agent.close(), web.close())


async def test_an_approval_is_for_one_of_several_waiting_processes(db):
    request = a_request()
    callback_id = await left_waiting(db, request)
    agents = [(await opened(db))[0] for _ in range(3)]
    tasks = [
        asyncio.create_task(agent.request_approval(request, thread_id="user-123"))
        for agent in agents
    ]
    await asyncio.sleep(0.1)
    await agents[0].handle_callback(callback_id, approved=True)
    decisions = await asyncio.gather(*tasks)
    assert [d.approved for d in decisions].count(True) == 1
    others = [d for d in decisions if not d.approved]
    assert {(d.decided_by, *d.tags) for d in others} == {("system:taken", "taken")}
    await asyncio.gather(*(agent.close() for agent in agents))


async def test_a_request_changed_in_the_store_is_not_approved(db):
    """A page shows it from there: who approves 9 has not approved 5."""
    backend, sender = await opened(db)
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    changed = """UPDATE hitloop_approvals SET body = replace(body, '"amount":5', '"amount":9')"""
    assert await backend.store._change(changed, ()) == 1
    assert await backend.handle_callback(callback_id, approved=True)
    decision = await task
    assert (decision.approved, decision.decided_by) == (False, "system:mismatch")
    await backend.close()


async def test_what_expired_while_nobody_ran(db):
    backend, sender = await opened(db, timeout_seconds=60)
    task = asyncio.create_task(backend.request_approval(a_request()))
    await sender.callback_id()
    [record] = await backend.store.list_pending()
    task.cancel()
    await asyncio.wait([task])
    backend.store.clock = lambda: record.expires_at
    late = await backend.resolve(record.callback_id, approved=True)
    assert late.outcome is Outcome.EXPIRED
    decision = await backend.register_pending(record)
    assert (decision.decided_by, decision.tags) == ("system:timeout", ["timeout"])
    await backend.close()


async def test_the_wall_clock_may_jump(db, monkeypatch):
    """Upstream's breaker and latency read `time.time` (security.md 7.2)."""
    backend, sender = await opened(db, timeout_seconds=30)
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    await backend.handle_callback(callback_id, approved=True)
    assert 0 <= (await task).latency_ms < 5000
    await backend.close()


CHILD = """
import asyncio, sys
from hitloop_tui.backends import PersistentWebhookBackend
from hitloop_tui.persistence import SQLiteApprovalStore
from hitloop_tui.core.models import Action, ApprovalRequest
async def send(request, callback_id, url):
    print(callback_id, flush=True)
async def main():
    store = await SQLiteApprovalStore.from_path(sys.argv[1])
    backend = PersistentWebhookBackend(send, store, timeout_seconds=60)
    action = Action(id="a", tool_name="pay", tool_args={"amount": 5})
    print(await backend.request_approval(ApprovalRequest(run_id="r", action=action)), flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_process_loses_nothing(db, how):
    command = [sys.executable, "-c", CHILD, str(db)]

    def start():
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    child = start()
    callback_id = child.stdout.readline().decode().strip()
    os.kill(child.pid, how)
    child.communicate(timeout=20)

    async def answer() -> bool:
        backend, _ = await opened(db)
        done = await backend.handle_callback(callback_id, approved=True, decided_by="slack:ann")
        await backend.close()
        return done

    assert asyncio.run(answer())
    out, _ = start().communicate(timeout=30)
    assert b"decided_by='slack:ann'" in out
    assert callback_id.encode() not in out  # nobody was asked again
