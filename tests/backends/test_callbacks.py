"""Callbacks from outside: verified, then read, then recorded once."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.backends import DiscordVerifier, SlackVerifier, StandardWebhooks, WebhookBackend
from hitloop_tui.backends.callbacks import Reply
from hitloop_tui.backends.standard_webhooks import sign
from hitloop_tui.errors import ConfigError
from tests.backends.desk import Sender, asking

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()
NOW = 1_800_000_000


def said(callback_id: str, **changes) -> bytes:
    return json.dumps(
        {"callback_id": callback_id, "approved": True, "user": "ann"} | changes
    ).encode()


async def test_a_signed_callback_decides():
    backend, sender, task = asking(StandardWebhooks(SECRET, channel="slack"))
    body = said(await sender.callback_id(), reason="fine", tags=["vip"], decided_by="human:boss")
    reply = await backend.receive(sign(SECRET, "msg_1", body), body)
    assert (reply.status, reply.body["status"], reply.body["approved"]) == (200, "recorded", True)
    decision = await task
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")
    assert (decision.reason, decision.tags) == ("fine", ["vip"])


async def test_the_same_delivery_is_answered_the_same():
    backend, sender, task = asking(StandardWebhooks(SECRET))
    body = said(await sender.callback_id())
    headers = sign(SECRET, "msg_1", body)
    replies = [await backend.receive(headers, body) for _ in range(5)]
    assert all(reply == replies[0] for reply in replies)
    assert replies[0].status == 200
    await task


async def test_the_second_to_answer_is_told_who_was_first():
    backend, sender, task = asking(StandardWebhooks(SECRET))
    callback_id = await sender.callback_id()
    first, second = said(callback_id), said(callback_id, approved=False, user="bob")
    await backend.receive(sign(SECRET, "msg_1", first), first)
    reply = await backend.receive(sign(SECRET, "msg_2", second), second)
    assert (reply.status, reply.body["status"]) == (409, "already_decided")
    assert (reply.body["decided_by"], reply.body["approved"]) == ("webhook:ann", True)
    assert (await task).approved


async def test_unknown_and_expired():
    backend = WebhookBackend(Sender(), verifier=StandardWebhooks(SECRET))
    body = said("nobody")
    assert (await backend.receive(sign(SECRET, "m", body), body)).status == 404


FORGED = {
    "no headers": lambda headers, body: ({}, body),
    "other secret": lambda headers, body: (sign(OTHER, "msg_1", body), body),
    "other body": lambda headers, body: (headers, body.replace(b"true", b"false")),
    "other id": lambda headers, body: (headers | {"webhook-id": "msg_2"}, body),
    "dotted id": lambda headers, body: (sign(SECRET, "msg.1", body), body),
    "old": lambda headers, body: (sign(SECRET, "msg_1", body, time.time() - 301), body),
    "future": lambda headers, body: (sign(SECRET, "msg_1", body, time.time() + 302), body),
    "no comma": lambda headers, body: (headers | {"webhook-signature": "v1"}, body),
    "not ascii": lambda headers, body: (headers | {"webhook-signature": "v1,é"}, body),
    "asymmetric": lambda headers, body: (
        headers | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")},
        body,
    ),
    "fraction": lambda headers, body: (
        headers | {"webhook-timestamp": headers["webhook-timestamp"] + ".9"},
        body,
    ),
    "other digits": lambda headers, body: (headers | {"webhook-timestamp": "١٨٠٠٠٠٠٠٠٠"}, body),
    "large": lambda headers, body: (sign(SECRET, "m", body + b" " * 70000), body + b" " * 70000),
    "not utf-8": lambda headers, body: (headers, b"\xff" + body),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_forged_callbacks_decide_nothing_and_look_alike(forge):
    """Upstream asks for no proof at all (security.md 7.1, 1)."""
    backend, sender, task = asking(StandardWebhooks(SECRET))
    body = said(await sender.callback_id())
    reply = await backend.receive(*forge(sign(SECRET, "msg_1", body), body))
    assert reply == Reply(401, {"error": "not verified"})
    assert not task.done()
    assert await backend.store.list_pending()
    task.cancel()


async def test_without_a_verifier_nothing_is_believed():
    backend, sender, task = asking(None)
    body = said(await sender.callback_id())
    assert (await backend.receive(sign(SECRET, "m", body), body)).status == 401
    task.cancel()


async def test_a_signed_message_answers_the_request_it_names():
    """A captured approval cannot be replayed to another request's address."""
    backend, sender, task = asking(StandardWebhooks(SECRET))
    callback_id = await sender.callback_id()
    body = said("another")
    reply = await backend.receive(sign(SECRET, "m", body), body, callback_id)
    assert reply.status == 400
    assert not task.done()
    task.cancel()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"callback_id": "x", "approved": "true", "user": "ann"}',
        b'{"callback_id": "x", "approved": 1, "user": "ann"}',
        b'{"callback_id": "x", "approved": true}',
        b'{"callback_id": "x", "approved": true, "user": " "}',
        b'{"callback_id": 5, "approved": true, "user": "ann"}',
        b'{"callback_id": "x", "approved": false, "approved": true, "user": "ann"}',
        b'{"callback_id": "x", "approved": true, "user": "ann", "x": NaN}',
        b'{"callback_id": "x", "approved": true, "user": "ann", "tags": "vip"}',
        b'{"callback_id": "x", "approved": true, "user": "ann", "tags": [5]}',
        json.dumps({"callback_id": "x", "approved": True, "user": "a" * 201}).encode(),
        json.dumps(
            {"callback_id": "x", "approved": True, "user": "a", "reason": "r" * 4001}
        ).encode(),
        b"[" * 60000,
    ],
)
async def test_signed_nonsense_is_refused(body):
    backend = WebhookBackend(Sender(), verifier=StandardWebhooks(SECRET))
    assert (await backend.receive(sign(SECRET, "m", body), body)).status == 400


@given(st.binary(max_size=200), st.dictionaries(st.text(), st.text()))
def test_no_bytes_break_it(body, headers):
    backend = WebhookBackend(Sender(), verifier=StandardWebhooks(SECRET))
    assert asyncio.run(backend.receive(headers, body)).status == 401
    signed = asyncio.run(backend.receive(sign(SECRET, "m", body), body))
    assert signed.status in (400, 404)


@given(
    st.binary(min_size=1, max_size=90),
    st.text("abcXYZ019_", min_size=1),
    st.binary(min_size=24, max_size=64),
)
def test_signatures_are_those_of_the_standard(body, message_id, key):
    """Against the reference implementation, in both directions."""
    secret = "whsec_" + base64.b64encode(key).decode()
    reference = standardwebhooks.Webhook(secret)
    text = json.dumps({"callback_id": body.hex(), "approved": True, "user": "ann"})
    headers = sign(secret, message_id, text.encode())
    assert reference.verify(text, headers) == json.loads(text)
    moment = datetime.now(UTC)
    theirs = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": reference.sign(message_id, moment, text),
    }
    assert StandardWebhooks(secret).verify(theirs, text.encode()).callback_id == body.hex()


def test_the_standards_own_example():
    """standardwebhooks' test of `sign`, published in all its reference libraries."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, 1614265330)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_several_signatures_and_several_secrets():
    body = said("x")
    old, new = sign(OTHER, "m", body, NOW), sign(SECRET, "m", body, NOW)
    both = f"{old['webhook-signature']} {new['webhook-signature']}"
    only_new = StandardWebhooks(SECRET, clock=lambda: NOW)
    assert only_new.verify(new | {"webhook-signature": both}, body).approved
    rotating = StandardWebhooks(SECRET, OTHER, clock=lambda: NOW)
    assert rotating.verify(old, body).approved


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all!"])
def test_weak_secrets_are_refused_and_not_quoted(secret):
    with pytest.raises(ConfigError) as caught:
        StandardWebhooks(secret)
    assert len(secret) < 7 or secret not in str(caught.value)


def test_wrong_settings():
    with pytest.raises(ConfigError):
        DiscordVerifier("abc")
    with pytest.raises(ConfigError):
        SlackVerifier("")
    with pytest.raises(ConfigError):
        StandardWebhooks()
