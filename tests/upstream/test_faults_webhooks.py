"""Faults of the webhook backends: what comes back, what a restart loses, where requests go."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from tests.upstream.desk import SECONDS, Sender, a_record, a_request, backend, replies, service
from tests.upstream.faults import fault, part

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
NO_VERIFIER = "nothing verifies a callback"


def a_webhook(sender: Any, **options: Any) -> Any:
    """A plain `WebhookBackend`."""
    return part("backends").WebhookBackend(send_request=sender, **options)


def signed(callback_id: str, secret: str = SECRET, **more: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body of a callback, as a service sends it."""
    said = {"callback_id": callback_id, "approved": True, "user": "ann", **more}
    body = json.dumps(said).encode()
    return part("backends.standard_webhooks").sign(secret, "message-1", body), body


@fault("security 7.1.1", "security W1", absent=NO_VERIFIER)
async def test_a_forged_callback_decides_nothing():
    sender = Sender()
    desk = a_webhook(sender, verifier=part("backends").StandardWebhooks(SECRET))
    asked = asyncio.create_task(desk.request_approval(a_request()))
    callback_id = await sender.callback_id()
    headers, body = signed(callback_id, SECRET[:-8] + "AAAAAAA=")
    assert (await desk.receive(headers, body)).status == 401
    assert (await desk.receive(*signed(callback_id))).status == 200
    assert (await asked).decided_by == "webhook:ann"


@fault("security W2", absent=NO_VERIFIER)
async def test_the_same_delivery_twice_is_one_decision():
    sender = Sender()
    desk = a_webhook(sender, verifier=part("backends").StandardWebhooks(SECRET))
    asked = asyncio.create_task(desk.request_approval(a_request()))
    message = signed(await sender.callback_id())
    first, second = [await desk.receive(*message) for _ in range(2)]
    assert (first.status, first.body) == (second.status, second.body)
    assert first.status == 200
    assert (await asked).approved


@fault("security 7.1.2")
async def test_a_callback_id_cannot_be_guessed():
    sender = Sender()
    await a_webhook(sender, timeout_seconds=0.01).request_approval(a_request())
    await backend(sender, timeout_seconds=0.01).request_approval(a_request())
    for callback_id in sender.ids:
        bits_each = 4 if set(callback_id) <= set("0123456789abcdef-") else 6
        assert len(callback_id) * bits_each >= 256


@fault("security 7.1.3", absent=NO_VERIFIER)
async def test_who_has_seen_the_url_cannot_decide():
    sender = Sender()
    desk = a_webhook(sender, verifier=part("backends").StandardWebhooks(SECRET))
    asked = asyncio.create_task(desk.request_approval(a_request()))
    callback_id = await sender.callback_id()
    _, body = signed(callback_id)
    assert (await desk.receive({}, body, callback_id)).status == 401
    assert not asked.done()
    asked.cancel()


def a_slow_store() -> Any:
    """As one over a network: reading it lets others run."""

    class Slow(part("persistence").InMemoryApprovalStore):  # type: ignore[misc]
        async def get(self, callback_id: str) -> Any:
            await asyncio.sleep(0)
            return await super().get(callback_id)

    return Slow()


@fault("security 7.1.4")
async def test_of_two_callbacks_at_once_one_is_told_that_it_was_late():
    sender = Sender()
    desk = backend(sender, a_slow_store())
    asked = asyncio.create_task(desk.request_approval(a_request()))
    callback_id = await sender.callback_id()
    taken = await asyncio.gather(
        desk.handle_callback(callback_id, True, decided_by="human:ann"),
        desk.handle_callback(callback_id, False, decided_by="human:bob"),
        return_exceptions=True,
    )
    assert taken == [True, False]
    assert (await asked).decided_by == "human:ann"


@fault("security 7.1.5", "security 2.8a")
async def test_a_decision_that_comes_after_a_restart_is_delivered():
    store = part("persistence").InMemoryApprovalStore()
    await store.put(a_record())
    desk = backend(Sender(), store)
    assert await desk.handle_callback("one", True, decided_by="human:ann")
    future = desk.register_pending(a_record())
    done, _ = await asyncio.wait([future], timeout=1)
    assert done, "the decision is lost"
    assert (future.result().approved, future.result().decided_by) == (True, "human:ann")


@fault("security 7.1.6", "security 2.8b")
async def test_a_shutdown_keeps_what_waits():
    store, sender = part("persistence").InMemoryApprovalStore(), Sender()
    asked = asyncio.create_task(backend(sender, store).request_approval(a_request()))
    callback_id = await sender.callback_id()
    asked.cancel()
    await asyncio.wait([asked])
    assert [one.callback_id for one in await store.list_pending()] == [callback_id]


@fault("security 7.1.7")
async def test_a_yes_to_a_request_that_is_gone_approves_nothing():
    store, sender = part("persistence").InMemoryApprovalStore(), Sender()
    request = a_request()
    desk = backend(sender, store, timeout_seconds=0.3)
    asked = asyncio.create_task(desk.request_approval(request))
    callback_id = await sender.callback_id()
    await store.delete(callback_id)
    await desk.handle_callback(callback_id, True)
    decision = await asked
    assert (decision.approved, decision.action_id) == (False, request.action.id)


@fault("security 7.1.8a")
@pytest.mark.parametrize("shown", ["she asked for it", "email_sent", "the third this week"])
async def test_all_that_a_person_needs_outlives_a_restart(shown):
    store, sender = part("persistence").InMemoryApprovalStore(), Sender()
    asked = asyncio.create_task(backend(sender, store).request_approval(a_request()))
    record = await store.get(await sender.callback_id())
    asked.cancel()
    assert shown in json.dumps(record.to_dict(), default=str)


@fault("security 7.1.8b", absent="stores keep no decisions")
async def test_a_decision_is_stored():
    store = part("persistence").InMemoryApprovalStore()
    await store.put(a_record())
    assert await backend(Sender(), store).handle_callback("one", False, "too dear", "human:ann")
    decision = (await store.decisions(["one"]))["one"].decision
    assert (decision.approved, decision.reason, decision.decided_by) == (
        False,
        "too dear",
        "human:ann",
    )


@fault("security 7.1.9a")
async def test_a_store_that_is_down_is_a_decision_and_no_exception():
    class Down(part("persistence").InMemoryApprovalStore):  # type: ignore[misc]
        async def put(self, record: Any) -> None:
            raise ConnectionError("postgresql://user:pass@db is down")

    try:
        decision = await backend(Sender(), Down()).request_approval(a_request())
    except ConnectionError as error:
        pytest.fail(f"raised into the agent: {error}")
    assert not decision.approved
    assert "pass" not in decision.reason


@fault("security 7.1.14")
async def test_no_secret_gets_into_a_reason():
    failure = RuntimeError("POST https://hooks.slack.example/services/T0/B0/SECRET failed")
    decision = await backend(Sender(failure)).request_approval(a_request())
    assert not decision.approved
    assert "SECRET" not in str(decision)


@fault("security 7.1.15")
async def test_the_time_a_person_took_is_known():
    sender = Sender()
    desk = a_webhook(sender)
    asked = asyncio.create_task(desk.request_approval(a_request()))
    callback_id = await sender.callback_id()
    await asyncio.sleep(0.05)
    await desk.handle_callback(callback_id, True)
    assert (await asked).latency_ms >= 50


@fault("security 7.1.19a", "security W3")
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://2130706433/",
        "http://10.0.0.1/approvals",
        "http://approvals.example/",
        "file:///etc/passwd",
    ],
)
def test_requests_go_over_https_or_stay_on_this_machine(url):
    with pytest.raises(Exception, match="outbound_url"):
        part("backends").SimpleHTTPWebhookBackend(outbound_url=url)


async def _post(url: str) -> Any:
    desk = part("backends").SimpleHTTPWebhookBackend(outbound_url=url, timeout_seconds=0.5)
    try:
        return await asyncio.wait_for(desk.request_approval(a_request()), SECONDS)
    except RuntimeError as error:  # what hitloop 0.5.1 raises for an HTTP error
        return error


@fault("security 7.1.19b", "security W3")
async def test_a_redirect_is_not_followed():
    with (
        service(replies(200)) as inner,
        service(replies(307, location=inner.url)) as outer,
    ):
        await _post(outer.url)
        assert (len(outer.asked), inner.asked) == (1, [])


@fault("security 7.1.19c")
async def test_a_service_that_does_not_answer_is_given_up(monkeypatch):
    if hasattr(part("backends"), "HTTPSender"):  # its limit of 10 s, for the sake of the test
        monkeypatch.setattr(part("backends.http_webhook"), "POST_SECONDS", 0.3)
    with service(lambda asked, _: asked.released.wait(60)) as silent:
        try:
            decision = await _post(silent.url)
        except TimeoutError:
            pytest.fail("still waiting, as aiohttp does for five minutes")
        assert len(silent.asked) == 1
    assert not decision.approved
