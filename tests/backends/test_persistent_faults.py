"""A channel or a store that fails: no person's no, no question closed, no secret told."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from hitloop_tui.backends import (
    CircuitBreakerConfig,
    CircuitState,
    PersistentWebhookBackend,
    RetryConfig,
)
from hitloop_tui.persistence import InMemoryApprovalStore, SQLiteApprovalStore
from tests.backends.desk import Sender, a_request, http, left_waiting, opened


@pytest.mark.parametrize("failing", ["refused", "circuit open"])
async def test_a_channel_that_fails_after_a_restart_closes_no_question(db, failing):
    """It was sent before; the person who reads it may be about to answer."""
    request = a_request()
    callback_id = await left_waiting(db, request)
    config = CircuitBreakerConfig(failure_threshold=1)
    backend, sender = await opened(db, *[http(401)] * 2, circuit_breaker_config=config)
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


async def test_an_answer_between_retries_says_nothing_about_the_channel(db):
    config = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=0)
    store = await SQLiteApprovalStore.from_path(db)
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


async def test_retries_then_success(db):
    backend, sender = await opened(db, ConnectionError(), http(503))
    task = asyncio.create_task(backend.request_approval(a_request()))
    while len(sender.sent) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert len({callback_id for _, callback_id, _ in sender.sent}) == 1
    await backend.handle_callback(sender.sent[0][1], approved=True)
    assert (await task).approved
    assert backend.get_circuit_state() is CircuitState.CLOSED
    await backend.close()


async def test_a_refusal_is_sent_once_and_opens_nothing(db):
    backend, sender = await opened(
        db, *[http(401)] * 9, circuit_breaker_config=CircuitBreakerConfig(failure_threshold=1)
    )
    decision = await backend.request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])
    assert "HTTP 401" in decision.reason
    assert len(sender.sent) == 1
    assert backend.get_circuit_state() is CircuitState.CLOSED
    await backend.close()


async def test_an_open_circuit_is_no_persons_no(db, caplog):
    backend, sender = await opened(
        db,
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
async def test_the_breaker_does_not_look_at_people(db, end):
    """Upstream counts a person's time, and a cancellation jams it (security.md 7.2)."""
    config = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=0.0)
    backend, sender = await opened(db, timeout_seconds=0.05, circuit_breaker_config=config)
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


async def test_a_sender_that_hangs_ends_at_the_deadline(db):
    async def hang(request, callback_id, url):
        await asyncio.sleep(60)

    store = await SQLiteApprovalStore.from_path(db)
    config = CircuitBreakerConfig(failure_threshold=1)
    backend = PersistentWebhookBackend(
        hang, store, retry_config=RetryConfig(deadline=0.05), circuit_breaker_config=config
    )
    decision = await asyncio.wait_for(backend.request_approval(a_request()), 5)
    assert decision.tags == ["transport_error"]
    assert backend.get_circuit_state() is CircuitState.OPEN
    await backend.close()


async def test_secrets_stay_out(db, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "xoxb-SECRET"
    backend, _ = await opened(db, *[ConnectionError(secret)] * 4, http(500), RuntimeError(secret))
    for _ in range(2):
        decision = await backend.request_approval(a_request())
        assert "SECRET" not in decision.model_dump_json()
    assert "SECRET" not in caplog.text
    await backend.close()
    assert b"SECRET" not in db.read_bytes()


async def test_a_store_that_fails_is_no_persons_no():
    class Broken(InMemoryApprovalStore):
        async def put(self, record):
            raise OSError("disk SECRET full")

    sender = Sender()
    decision = await PersistentWebhookBackend(sender, Broken()).request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:error", ["store_error"])
    assert "SECRET" not in decision.reason
    assert sender.sent == []


async def test_what_no_store_can_keep_is_named(db):
    backend, sender = await opened(db)
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
