"""Callbacks of Slack and Discord buttons, verified as those services sign them.

A button carries the callback id: in Slack `action_id="approve"` or `"reject"` with the id as
`value` (or `action_id="approve_ID"`), in Discord `custom_id="approve:ID"`.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from hitloop_tui.backends.callbacks import (
    Callback,
    Reply,
    json_object,
    sentence_of,
    text_at,
)
from hitloop_tui.backends.standard_webhooks import fresh
from hitloop_tui.errors import BadInput, ConfigError, NotVerified
from hitloop_tui.persistence import Resolution

VERDICTS = {"approve": True, "reject": False}

PING, COMPONENT = 1, 3
PONG, MESSAGE, ONLY_FOR_THIS_PERSON = 1, 4, 64


class SlackVerifier:
    """Slack's `v0` signatures and `block_actions` messages."""

    def __init__(self, signing_secret: str, clock: Callable[[], float] = time.time) -> None:
        if not signing_secret:
            raise ConfigError("a Slack signing secret is needed")
        self._key = signing_secret.encode()
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> Callback | Reply:
        sent_at = headers["x-slack-request-timestamp"]
        fresh(sent_at, self._clock())
        signed = f"v0:{sent_at}:".encode() + body
        expected = "v0=" + hmac.new(self._key, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), headers["x-slack-signature"].encode()):
            raise NotVerified("wrong signature")
        return _slack(body)

    def reply(self, resolution: Resolution) -> Reply:
        text = html.escape(sentence_of(resolution), quote=False)  # Slack's own rule for &, < and >
        return Reply(200, {"response_type": "ephemeral", "text": text})


class DiscordVerifier:
    """Discord's Ed25519 signatures and interactions; needs the extra `server`."""

    def __init__(self, public_key: str, clock: Callable[[], float] = time.time) -> None:
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError:
            raise ConfigError("DiscordVerifier needs hitloop-tui[server]") from None
        try:
            self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        except ValueError:
            raise ConfigError("the Discord public key must be 64 hex digits") from None
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> Callback | Reply:
        sent_at = headers["x-signature-timestamp"]
        fresh(sent_at, self._clock())
        self._key.verify(bytes.fromhex(headers["x-signature-ed25519"]), sent_at.encode() + body)
        data = json_object(body)
        return Reply(200, {"type": PONG}) if data.get("type") == PING else _discord(data)

    def reply(self, resolution: Resolution) -> Reply:
        said = {
            "content": sentence_of(resolution),
            "allowed_mentions": {"parse": []},
            "flags": ONLY_FOR_THIS_PERSON,
        }
        return Reply(200, {"type": MESSAGE, "data": said})


def _slack(body: bytes) -> Callback:
    try:
        payloads = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)["payload"]
    except (KeyError, ValueError):
        raise BadInput("the body holds no payload") from None
    data = json_object(payloads[0].encode())
    actions = data.get("actions")
    if data.get("type") != "block_actions" or not isinstance(actions, list) or len(actions) != 1:
        raise BadInput("not one pressed button")
    button, user = _object(actions[0]), _object(data.get("user"))
    verb, _, within = text_at(button, "action_id", 255).partition("_")
    return Callback(
        callback_id=within or text_at(button, "value"),
        approved=_verdict(verb),
        decided_by=f"slack:{text_at(user, 'id')}",
        delivery_id=f"slack:{text_at(user, 'id')}:{text_at(button, 'action_ts')}",
    )


def _discord(data: dict[str, Any]) -> Callback:
    if data.get("type") != COMPONENT:
        raise BadInput("not a pressed button")
    pressed = text_at(_object(data.get("data")), "custom_id")
    verb, _, callback_id = pressed.partition(":")
    member = data.get("member")
    user = _object(_object(member).get("user") if member is not None else data.get("user"))
    return Callback(
        callback_id=callback_id,
        approved=_verdict(verb),
        decided_by=f"discord:{text_at(user, 'id')}",
        delivery_id=f"discord:{text_at(data, 'id')}",
    )


def _verdict(verb: str) -> bool:
    if verb not in VERDICTS:
        raise BadInput("the button must say approve or reject")
    return VERDICTS[verb]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("the message is not of the expected form")
    return value
