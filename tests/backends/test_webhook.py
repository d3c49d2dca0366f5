"""Asking through a callback, in one process."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from hitloop_tui.backends import WebhookBackend
from hitloop_tui.backends.waiting import Waiter
from hitloop_tui.core.models import Decision
from hitloop_tui.errors import BadInput
from hitloop_tui.persistence import Outcome, StoredDecision
from tests.backends.desk import Sender, a_request


async def answered(backend, sender, **said) -> Decision:
    """Ask, answer over the callback, return what the asker got."""
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    assert await backend.handle_callback(callback_id, **said)
    return await task


@pytest.mark.parametrize("approved", [True, False])
async def test_a_persons_answer(approved):
    sender = Sender()
    backend = WebhookBackend(send_request=sender, callback_base_url="https://app.example/cb/")
    said = {"approved": approved, "decided_by": "slack:ann", "reason": "why", "tags": ["vip"]}
    decision = await answered(backend, sender, **said)
    assert (decision.approved, decision.reason, decision.tags) == (approved, "why", ["vip"])
    assert decision.decided_by == "slack:ann"
    request, callback_id, url = sender.sent[0]
    assert decision.action_id == request.action.id
    assert decision.digest == request.action.digest()
    assert url == f"https://app.example/cb/{callback_id}"
    assert backend.get_pending_count() == 0


async def test_ids_cannot_be_guessed():
    """Upstream's have 32 bits (security.md 7.1, 2)."""
    sender = Sender()
    backend = WebhookBackend(sender, timeout_seconds=0.01)
    await asyncio.gather(*(backend.request_approval(a_request()) for _ in range(50)))
    ids = {callback_id for _, callback_id, _ in sender.sent}
    assert len(ids) == 50
    assert all(len(callback_id) >= 43 for callback_id in ids)  # base64 of 256 bits


async def test_latency_is_the_persons():
    """Upstream says 0.0 (security.md 7.1, 15)."""
    sender = Sender()
    backend = WebhookBackend(sender)
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    await asyncio.sleep(0.05)
    await backend.handle_callback(callback_id, approved=True)
    assert 50 <= (await task).latency_ms < 5000


async def test_a_timeout_is_no_persons_no(caplog):
    sender = Sender()
    decision = await WebhookBackend(sender, timeout_seconds=0.05).request_approval(a_request())
    assert (decision.approved, decision.decided_by) == (False, "system:timeout")
    assert decision.tags == ["timeout"]
    assert "timeout" in caplog.text


async def test_a_late_answer_is_told_so():
    sender = Sender()
    backend = WebhookBackend(sender, timeout_seconds=0.01)
    await backend.request_approval(a_request())
    late = await backend.resolve(sender.sent[0][1], approved=True)
    assert late.outcome is Outcome.ALREADY_DECIDED
    assert late.first.decision.decided_by == "system:timeout"
    assert await backend.handle_callback(sender.sent[0][1], approved=True) is False


async def test_ones_own_timeout_handler():
    async def escalate(request):
        return Decision(action_id=request.action.id, approved=True, decided_by="human:boss")

    backend = WebhookBackend(Sender(), timeout_seconds=0.01, on_timeout=escalate)
    decision = await backend.request_approval(a_request())
    assert (decision.approved, decision.decided_by) == (True, "human:boss")
    assert decision.tags == ["timeout"]


async def test_a_failing_timeout_handler_is_a_timeout():
    async def broken(request):
        raise RuntimeError("SECRET")

    backend = WebhookBackend(Sender(), timeout_seconds=0.01, on_timeout=broken)
    decision = await backend.request_approval(a_request())
    assert decision.decided_by == "system:timeout"
    assert "SECRET" not in decision.model_dump_json()


async def test_a_timeout_handler_that_says_nothing_is_a_timeout():
    async def silent(request):
        return None

    backend = WebhookBackend(Sender(), timeout_seconds=0.01, on_timeout=silent)
    decision = await backend.request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:timeout", ["timeout"])


async def test_an_action_that_changes_while_a_person_thinks_is_not_approved():
    sender = Sender()
    backend = WebhookBackend(sender)
    request = a_request()
    task = asyncio.create_task(backend.request_approval(request))
    callback_id = await sender.callback_id()
    request.action.tool_args["amount"] = 1_000_000
    assert await backend.handle_callback(callback_id, approved=True)
    decision = await task
    assert (decision.approved, decision.decided_by) == (False, "system:mismatch")


async def test_what_could_not_be_sent_is_no_persons_no(caplog):
    """Upstream puts the error's text, with the hook's address, into the reason (7.1, 14)."""
    caplog.set_level(logging.DEBUG)
    secret = "https://hooks.slack.com/services/T0/B0/SECRET"
    backend = WebhookBackend(Sender(ConnectionError(f"cannot reach {secret}")))
    decision = await backend.request_approval(a_request())
    assert (decision.approved, decision.decided_by) == (False, "system:error")
    assert decision.tags == ["transport_error"]
    assert "ConnectionError" in decision.reason
    assert "SECRET" not in decision.model_dump_json() + caplog.text


async def test_two_clicks_are_one_decision():
    """Upstream raises InvalidStateError for the second (security.md 7.1, 4)."""
    sender = Sender()
    backend = WebhookBackend(sender)
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    clicks = [backend.handle_callback(callback_id, approved=n % 2 == 0) for n in range(10)]
    assert (await asyncio.gather(*clicks)).count(True) == 1
    again = await backend.resolve(callback_id, approved=False)
    assert again.outcome is Outcome.ALREADY_DECIDED
    assert again.first.decision.approved is (await task).approved


async def test_the_same_delivery_again():
    sender = Sender()
    backend = WebhookBackend(sender)
    task = asyncio.create_task(backend.request_approval(a_request()))
    callback_id = await sender.callback_id()
    outcomes = [
        (await backend.resolve(callback_id, True, delivery_id="msg-1")).outcome for _ in range(3)
    ]
    assert outcomes == [Outcome.RECORDED, Outcome.REPEATED, Outcome.REPEATED]
    assert (await task).approved


async def test_unknown_callbacks():
    backend = WebhookBackend(Sender())
    assert await backend.handle_callback("nobody", approved=True) is False


@pytest.mark.parametrize("said", ["yes", "false", 1, None])
async def test_only_a_bool_decides(said):
    with pytest.raises(BadInput):
        await WebhookBackend(Sender()).handle_callback("x", approved=said)


async def test_pending_ones_and_withdrawing():
    sender = Sender()
    backend = WebhookBackend(sender)
    request = a_request()
    task = asyncio.create_task(backend.request_approval(request))
    callback_id = await sender.callback_id()
    assert backend.get_pending_count() == 1
    assert backend.get_pending_requests() == [(callback_id, request)]
    assert await backend.cancel_pending(callback_id, "no longer needed")
    decision = await task
    assert (decision.approved, decision.decided_by) == (False, "system:cancelled")
    assert (decision.reason, decision.tags) == ("no longer needed", ["cancelled"])
    assert not await backend.cancel_pending(callback_id)


async def test_an_answer_before_the_sending_is_done():
    """A slow chat service does not hold up the person's answer."""
    backend: WebhookBackend

    async def slow(request, callback_id, url):
        await backend.handle_callback(callback_id, approved=True)
        await asyncio.sleep(60)

    backend = WebhookBackend(slow)
    decision = await asyncio.wait_for(backend.request_approval(a_request()), 5)
    assert decision.approved


async def test_an_answer_although_the_sending_failed():
    backend: WebhookBackend

    async def odd(request, callback_id, url):
        await backend.handle_callback(callback_id, approved=True, decided_by="slack:ann")
        raise ConnectionResetError

    backend = WebhookBackend(odd)
    decision = await backend.request_approval(a_request())
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")


async def test_an_answer_in_the_moment_in_which_the_sending_ends():
    loop = asyncio.get_running_loop()
    waiter = Waiter(loop, loop.create_future())
    stored = StoredDecision(Decision(action_id="a", approved=True), datetime.now(UTC))
    failed: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, about: failed.append(about))

    async def slow() -> None:
        loop.call_soon(waiter.settle, stored)  # right after the time limit's own callback
        await asyncio.sleep(60)

    assert await waiter.send(0, slow()) is False
    assert await waiter.result(0) is stored
    assert failed == []


async def test_a_decision_nobody_waited_for_reaches_who_asks_next():
    sender = Sender()
    backend = WebhookBackend(sender)
    request = a_request()
    task = asyncio.create_task(backend.request_approval(request))
    callback_id = await sender.callback_id()
    task.cancel()
    await asyncio.wait([task])
    assert await backend.handle_callback(callback_id, approved=True, decided_by="slack:ann")
    decision = await backend.request_approval(request)
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    assert len(sender.sent) == 1
    # ... and only to that one: a third call is a new question
    third = asyncio.create_task(backend.request_approval(request))
    assert await sender.callback_id() != callback_id
    third.cancel()
    await asyncio.wait([third])


async def test_the_same_action_asked_twice_at_once_is_two_questions():
    sender = Sender()
    backend = WebhookBackend(sender, timeout_seconds=0.05)
    request = a_request()
    await asyncio.gather(*(backend.request_approval(request) for _ in range(3)))
    assert len({callback_id for _, callback_id, _ in sender.sent}) == 3


def test_a_callback_from_another_thread():
    """A web server's thread answers a graph that runs in another loop."""
    sent: list[str] = []

    async def note(request, callback_id, url):
        sent.append(callback_id)

    backend = WebhookBackend(note)
    decisions: list[Decision] = []
    graph = threading.Thread(
        target=lambda: decisions.append(asyncio.run(backend.request_approval(a_request())))
    )
    graph.start()
    while not sent:
        pass
    assert asyncio.run(backend.handle_callback(sent[0], approved=True))
    graph.join(5)
    assert decisions[0].approved


async def test_many_at_once():
    sender = Sender()
    backend = WebhookBackend(sender)
    tasks = [asyncio.create_task(backend.request_approval(a_request())) for _ in range(500)]
    await asyncio.sleep(0.2)
    assert len(sender.sent) == 500
    for n, (_, callback_id, _) in enumerate(sender.sent):
        await backend.handle_callback(callback_id, approved=n % 2 == 0)
    decisions = await asyncio.gather(*tasks)
    by_action = {request.action.id: n % 2 == 0 for n, (request, _, _) in enumerate(sender.sent)}
    assert all(decision.approved is by_action[decision.action_id] for decision in decisions)


async def test_any_arguments_that_python_can_copy():
    sender = Sender(then=lambda callback_id: backend.handle_callback(callback_id, approved=True))
    backend = WebhookBackend(sender)
    odd = {"x": object, "when": 1j}
    assert (await backend.request_approval(a_request(tool_args=odd))).approved
