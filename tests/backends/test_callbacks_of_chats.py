"""Buttons in Slack and Discord: their signatures, their payloads, their replies."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitloop_tui.backends import DiscordVerifier, SlackVerifier, WebhookBackend
from hitloop_tui.backends.callbacks import Reply
from hitloop_tui.errors import BadInput, NotVerified
from tests.backends.desk import Sender, asking

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
