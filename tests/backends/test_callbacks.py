"""Callbacks from outside: verified, then read, then recorded once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.backends import DiscordVerifier, SlackVerifier, StandardWebhooks, WebhookBackend
from hitloop_tui.backends.callbacks import Reply
from hitloop_tui.backends.standard_webhooks import sign
from hitloop_tui.errors import BadInput, ConfigError, NotVerified
from tests.backends.desk import Sender, a_request

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()
NOW = 1_800_000_000


def asking(verifier):
    sender = Sender()
    backend = WebhookBackend(sender, verifier=verifier)
    return backend, sender, asyncio.create_task(backend.request_approval(a_request()))


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


SLACK = "8f742231b10e8888abcd99yyyzzz85a5"


def slack(callback_id, action_id="approve", now=None, secret=SLACK, **changes):
    button = {"action_id": action_id, "value": callback_id, "action_ts": "1.5"}
    payload = {"type": "block_actions", "user": {"id": "U123", "name": "ann"}, "actions": [button]}
    body = urlencode({"payload": json.dumps(payload | changes)}).encode()
    sent_at = str(int(now or time.time()))
    digest = hmac.new(secret.encode(), f"v0:{sent_at}:".encode() + body, hashlib.sha256)
    headers = {
        "X-Slack-Request-Timestamp": sent_at,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }
    return headers, body


def test_slacks_own_example():
    """https://docs.slack.dev/authentication/verifying-requests-from-slack (no button's)."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": (
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        ),
    }
    verifier = SlackVerifier(SLACK, clock=lambda: 1531420618)
    with pytest.raises(BadInput, match="payload"):
        verifier.verify(headers, body)
    with pytest.raises(NotVerified):
        verifier.verify(headers, body + b"&")


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("in_action_id", [True, False])
async def test_a_slack_button(verb, in_action_id):
    backend, sender, task = asking(SlackVerifier(SLACK))
    callback_id = await sender.callback_id()
    action_id = f"{verb}_{callback_id}" if in_action_id else verb
    for _ in range(2):
        reply = await backend.receive(*slack(callback_id, action_id))
        assert reply.status == 200
        assert reply.body["text"].startswith("Recorded: ")
    decision = await task
    assert (decision.approved, decision.decided_by) == (verb == "approve", "slack:U123")


async def test_a_second_slack_user_is_told():
    backend, sender, task = asking(SlackVerifier(SLACK))
    callback_id = await sender.callback_id()
    await backend.handle_callback(callback_id, True, decided_by="<!channel> & co")
    reply = await backend.receive(*slack(callback_id, "reject"))
    assert reply.body["text"].startswith("Already approved by &lt;!channel&gt; &amp; co.")
    await task


async def test_slack_forgeries():
    backend, sender, task = asking(SlackVerifier(SLACK))
    callback_id = await sender.callback_id()
    headers, body = slack(callback_id)
    for forged in (
        ({}, body),
        slack(callback_id, secret="other"),
        slack(callback_id, now=time.time() - 400),
        (headers, body + b"&x=1"),
        (headers | {"X-Slack-Signature": "v0=é"}, body),
        (headers | {"X-Slack-Request-Timestamp": "abc"}, body),
    ):
        assert (await backend.receive(*forged)).status == 401
    for odd in (
        slack(callback_id, "delete"),
        slack(callback_id, actions=[]),
        slack(callback_id, actions=[{}, {}]),
        slack(callback_id, type="view_submission"),
        slack(callback_id, user="U123"),
    ):
        assert (await backend.receive(*odd)).status == 400
    assert not task.done()
    task.cancel()


KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()


def discord(now=None, key=KEY, **data):
    body = json.dumps(data).encode()
    sent_at = str(int(now or time.time()))
    headers = {
        "X-Signature-Timestamp": sent_at,
        "X-Signature-Ed25519": key.sign(sent_at.encode() + body).hex(),
    }
    return headers, body


def pressed(custom_id, **changes):
    data = {"type": 3, "id": "i1", "data": {"custom_id": custom_id}}
    return data | {"member": {"user": {"id": "42"}}} | changes


async def test_a_discord_button():
    backend, sender, task = asking(DiscordVerifier(PUBLIC))
    callback_id = await sender.callback_id()
    for _ in range(2):
        reply = await backend.receive(*discord(**pressed(f"approve:{callback_id}")))
        assert reply.status == 200
        assert reply.body["data"]["content"] == "Recorded: approved."
        assert reply.body["data"]["allowed_mentions"] == {"parse": []}
    decision = await task
    assert (decision.approved, decision.decided_by) == (True, "discord:42")


async def test_discord_pings_and_probes_with_wrong_signatures():
    backend = WebhookBackend(Sender(), verifier=DiscordVerifier(PUBLIC))
    assert await backend.receive(*discord(type=1)) == Reply(200, {"type": 1})
    other = Ed25519PrivateKey.generate()
    headers, body = discord(type=1)
    for forged in (
        discord(type=1, key=other),
        discord(type=1, now=time.time() - 400),
        (headers, body + b" "),
        (headers | {"X-Signature-Ed25519": "zz"}, body),
        ({}, body),
    ):
        assert (await backend.receive(*forged)).status == 401
    for odd in (pressed("maybe:x"), pressed("approve:x", member=5), pressed(7), {"type": 2}):
        assert (await backend.receive(*discord(**odd))).status == 400
    unknown = await backend.receive(*discord(**pressed("approve:")))
    assert unknown.body["data"]["content"] == "This request is not known."


def test_wrong_settings():
    with pytest.raises(ConfigError):
        DiscordVerifier("abc")
    with pytest.raises(ConfigError):
        SlackVerifier("")
    with pytest.raises(ConfigError):
        StandardWebhooks()
