"""Requests that survive a restart, and a channel that fails."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from hitloop_tui.backends import (
    CircuitBreakerConfig,
    CircuitState,
    PersistentWebhookBackend,
    RetryConfig,
)
from hitloop_tui.persistence import InMemoryApprovalStore, Outcome, SQLiteApprovalStore
from tests.backends.desk import Sender, a_request
from tests.backends.test_retry import http

FAST = RetryConfig(initial_delay=0.001, max_delay=0.002)


@pytest.fixture
async def path(tmp_path):
    return tmp_path / "approvals.db"


async def opened(path, *failures, **options):
    sender = Sender(*failures)
    store = await SQLiteApprovalStore.from_path(path)
    return PersistentWebhookBackend(sender, store, retry_config=FAST, **options), sender


async def left_waiting(path, request) -> str:
    """A process that asked and was stopped."""
    backend, sender = await opened(path)
    task = asyncio.create_task(backend.request_approval(request, thread_id="user-123"))
    callback_id = await sender.callback_id()
    task.cancel()
    await asyncio.wait([task])
    await backend.close()
    return callback_id


async def test_the_whole_request_is_kept_and_a_shutdown_loses_nothing(path):
    """Upstream deletes it on cancellation, and keeps no rationale (security.md 7.1, 6 and 8)."""
    request = a_request()
    callback_id = await left_waiting(path, request)
    async with SQLiteApprovalStore(path) as store:
        [record] = await store.list_pending(thread_id="user-123")
        assert record.callback_id == callback_id
        assert record.to_request() == request
        assert await store.list_pending(thread_id="user-9") == []


async def test_recovered_requests_are_waited_for(path):
    callback_id = await left_waiting(path, a_request())
    backend, _ = await opened(path)
    [record] = await backend.recover_pending("user-123")
    future = backend.register_pending(record)
    assert await backend.handle_callback(callback_id, approved=True, decided_by="slack:ann")
    decision = await asyncio.wait_for(future, 5)
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    assert await backend.store.list_pending() == []
    await backend.close()


async def test_a_callback_while_nobody_waits_is_kept(path):
    """Upstream says True, deletes the request and keeps nothing (security.md 7.1, 5)."""
    request = a_request()
    callback_id = await left_waiting(path, request)
    web, _ = await opened(path)
    assert await web.handle_callback(callback_id, approved=True, decided_by="slack:ann")
    await web.close()
    agent, sender = await opened(path)
    decision = await agent.request_approval(request, thread_id="user-123")
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    assert sender.sent == []
    assert decision.latency_ms > 0
    await agent.close()


async def test_the_same_question_again_is_taken_up_not_asked_twice(path):
    request = a_request()
    callback_id = await left_waiting(path, request)
    backend, sender = await opened(path)
    task = asyncio.create_task(backend.request_approval(request, thread_id="user-123"))
    assert await sender.callback_id() == callback_id  # sent again: maybe it never was
    [record] = await backend.recover_pending()
    future = backend.register_pending(record)
    await backend.handle_callback(callback_id, approved=True)
    assert (await task).approved
    assert (await future).approved
    await backend.close()


async def test_the_agent_that_asks_again_hears_what_the_future_heard(path):
    """An application may register what it recovered, and then just run its graph again."""
    request = a_request()
    callback_id = await left_waiting(path, request)
    backend, sender = await opened(path)
    future = backend.register_pending((await backend.recover_pending())[0])
    await backend.handle_callback(callback_id, approved=True)
    assert (await future).approved
    assert (await backend.request_approval(request, thread_id="user-123")).approved
    assert sender.sent == []
    await backend.close()


async def test_another_action_is_another_question(path):
    request = a_request()
    callback_id = await left_waiting(path, request)
    backend, sender = await opened(path, timeout_seconds=0.05)
    await backend.handle_callback(callback_id, approved=True)
    changed = request.model_copy(deep=True)
    changed.action.tool_args["amount"] = 1_000_000
    decision = await backend.request_approval(changed, thread_id="user-123")
    assert decision.decided_by == "system:timeout"
    assert sender.sent[0][1] != callback_id
    await backend.close()


async def test_a_decision_of_another_process_reaches_who_waits(path):
    agent, sender = await opened(path)
    web, _ = await opened(path)
    task = asyncio.create_task(agent.request_approval(a_request()))
    assert await web.handle_callback(await sender.callback_id(), approved=True)
    assert (await asyncio.wait_for(task, 5)).approved
    await asyncio.gather(agent.close(), web.close())


async def test_an_approval_is_for_one_of_several_waiting_processes(path):
    request = a_request()
    callback_id = await left_waiting(path, request)
    agents = [(await opened(path))[0] for _ in range(3)]
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


async def test_a_request_changed_in_the_store_is_not_approved(path):
    """A page shows it from there: who approves 9 has not approved 5."""
    backend, sender = await opened(path)
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    changed = """UPDATE hitloop_approvals SET body = replace(body, '"amount":5', '"amount":9')"""
    assert await backend.store._change(changed, ()) == 1
    assert await backend.handle_callback(callback_id, approved=True)
    decision = await task
    assert (decision.approved, decision.decided_by) == (False, "system:mismatch")
    await backend.close()


async def test_what_expired_while_nobody_ran(path):
    backend, sender = await opened(path, timeout_seconds=60)
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


@pytest.mark.parametrize("failing", ["refused", "circuit open"])
async def test_a_channel_that_fails_after_a_restart_closes_no_question(path, failing):
    """It was sent before; the person who reads it may be about to answer."""
    request = a_request()
    callback_id = await left_waiting(path, request)
    config = CircuitBreakerConfig(failure_threshold=1)
    backend, sender = await opened(path, *[http(401)] * 2, circuit_breaker_config=config)
    if failing == "circuit open":
        backend._breaker.admit().failed()
    task = asyncio.create_task(backend.request_approval(request, thread_id="user-123"))
    while failing == "refused" and not sender.sent:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert not task.done()
    assert await backend.handle_callback(callback_id, approved=True, decided_by="slack:ann")
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    await backend.close()


async def test_an_answer_between_retries_says_nothing_about_the_channel(path):
    config = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=0)
    store = await SQLiteApprovalStore.from_path(path)
    sender = Sender(*[ConnectionError()] * 9)
    retries = RetryConfig(initial_delay=30, jitter=0)
    backend = PersistentWebhookBackend(
        sender, store, retry_config=retries, circuit_breaker_config=config
    )
    backend._breaker.admit().failed()
    task = asyncio.create_task(backend.request_approval(a_request()))
    await backend.handle_callback(await sender.callback_id(), approved=True)
    assert (await asyncio.wait_for(task, 5)).approved
    assert backend.get_circuit_state() is CircuitState.HALF_OPEN
    assert backend._breaker.admit() is not None
    await backend.close()


async def test_retries_then_success(path):
    backend, sender = await opened(path, ConnectionError(), http(503))
    task = asyncio.create_task(backend.request_approval(a_request()))
    while len(sender.sent) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert len({callback_id for _, callback_id, _ in sender.sent}) == 1
    await backend.handle_callback(sender.sent[0][1], approved=True)
    assert (await task).approved
    assert backend.get_circuit_state() is CircuitState.CLOSED
    await backend.close()


async def test_a_refusal_is_sent_once_and_opens_nothing(path):
    backend, sender = await opened(
        path, *[http(401)] * 9, circuit_breaker_config=CircuitBreakerConfig(failure_threshold=1)
    )
    decision = await backend.request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])
    assert "HTTP 401" in decision.reason
    assert len(sender.sent) == 1
    assert backend.get_circuit_state() is CircuitState.CLOSED
    await backend.close()


async def test_an_open_circuit_is_no_persons_no(path, caplog):
    backend, sender = await opened(
        path,
        *[ConnectionError()] * 8,
        circuit_breaker_config=CircuitBreakerConfig(failure_threshold=2, recovery_timeout=60),
    )
    now = time.monotonic()
    backend._breaker._clock = lambda: now
    for _ in range(2):
        decision = await backend.request_approval(a_request())
        assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])
    assert backend.get_circuit_state() is CircuitState.OPEN
    decision = await backend.request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:circuit_breaker", ["circuit_open"])
    assert len(sender.sent) == 8
    assert "circuit_open" in caplog.text
    now += 60
    assert backend.get_circuit_state() is CircuitState.HALF_OPEN
    task = asyncio.create_task(backend.request_approval(a_request()))
    while backend.get_circuit_state() is not CircuitState.CLOSED:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert len(sender.sent) == 9
    assert not task.done()  # it works again, though nobody answered yet
    await backend.handle_callback(sender.sent[-1][1], approved=False)
    assert not (await task).approved
    await backend.close()


@pytest.mark.parametrize("end", ["timeout", "no", "cancelled"])
async def test_the_breaker_does_not_look_at_people(path, end):
    """Upstream counts a person's time, and a cancellation jams it (security.md 7.2)."""
    config = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=0.0)
    backend, sender = await opened(path, timeout_seconds=0.05, circuit_breaker_config=config)
    for _ in range(5):
        task = asyncio.create_task(backend.request_approval(a_request()))
        callback_id = await sender.callback_id()
        if end == "no":
            await backend.handle_callback(callback_id, approved=False)
        if end == "cancelled":
            task.cancel()
        await asyncio.wait([task])
        assert backend.get_circuit_state() is CircuitState.CLOSED
    await backend.close()


async def test_a_sender_that_hangs_ends_at_the_deadline(path):
    async def hang(request, callback_id, url):
        await asyncio.sleep(60)

    store = await SQLiteApprovalStore.from_path(path)
    config = CircuitBreakerConfig(failure_threshold=1)
    backend = PersistentWebhookBackend(
        hang, store, retry_config=RetryConfig(deadline=0.05), circuit_breaker_config=config
    )
    decision = await asyncio.wait_for(backend.request_approval(a_request()), 5)
    assert decision.tags == ["transport_error"]
    assert backend.get_circuit_state() is CircuitState.OPEN
    await backend.close()


async def test_secrets_stay_out(path, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "xoxb-SECRET"
    backend, _ = await opened(path, *[ConnectionError(secret)] * 4, http(500), RuntimeError(secret))
    for _ in range(2):
        decision = await backend.request_approval(a_request())
        assert "SECRET" not in decision.model_dump_json()
    assert "SECRET" not in caplog.text
    await backend.close()
    assert b"SECRET" not in path.read_bytes()


async def test_a_store_that_fails_is_no_persons_no():
    class Broken(InMemoryApprovalStore):
        async def put(self, record):
            raise OSError("disk SECRET full")

    sender = Sender()
    decision = await PersistentWebhookBackend(sender, Broken()).request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:error", ["store_error"])
    assert "SECRET" not in decision.reason
    assert sender.sent == []


async def test_what_no_store_can_keep_is_named(path):
    backend, sender = await opened(path)
    decision = await backend.request_approval(a_request(tool_args={"x": object()}))
    assert decision.reason == "Not stored: a value of type object cannot be stored"
    assert (decision.tags, sender.sent) == (["store_error"], [])
    await backend.close()


async def test_an_approval_that_cannot_be_taken_is_not_used():
    class Broken(InMemoryApprovalStore):
        async def deliver(self, callback_id, to, over=None):
            raise OSError

    sender = Sender(then=lambda callback_id: backend.handle_callback(callback_id, approved=True))
    backend = PersistentWebhookBackend(sender, Broken())
    decision = await backend.request_approval(a_request())
    assert (decision.approved, decision.tags) == (False, ["store_error"])


async def test_the_wall_clock_may_jump(path, monkeypatch):
    """Upstream's breaker and latency read `time.time` (security.md 7.2)."""
    backend, sender = await opened(path, timeout_seconds=30)
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
def test_a_killed_process_loses_nothing(path_of, how):
    command = [sys.executable, "-c", CHILD, str(path_of)]

    def start():
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    child = start()
    callback_id = child.stdout.readline().decode().strip()
    os.kill(child.pid, how)
    child.communicate(timeout=20)

    async def answer() -> bool:
        backend, _ = await opened(path_of)
        done = await backend.handle_callback(callback_id, approved=True, decided_by="slack:ann")
        await backend.close()
        return done

    assert asyncio.run(answer())
    out, _ = start().communicate(timeout=30)
    assert b"decided_by='slack:ann'" in out
    assert callback_id.encode() not in out  # nobody was asked again


@pytest.fixture
def path_of(tmp_path):
    return tmp_path / "approvals.db"
