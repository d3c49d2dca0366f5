"""Signatures as standardwebhooks.com specifies them, for both directions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any

from hitloop_tui.backends.callbacks import (
    MAX_TEXT,
    Callback,
    Reply,
    json_object,
    reply_of,
    text_at,
)
from hitloop_tui.errors import BadInput, ConfigError, NotVerified
from hitloop_tui.persistence import Resolution

PREFIX = "whsec_"
SHORTEST = 24
TOLERANCE_SECONDS = 300
MAX_TAGS = 20


class StandardWebhooks:
    """Verifies callbacks of the form `{"callback_id", "approved", "user", "reason"?, "tags"?}`.

    The message id is the delivery id. Whoever holds the secret is believed to know its `user`.
    """

    def __init__(
        self,
        *secrets: str,
        channel: str = "webhook",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Several secrets are all valid, so that one can be replaced while messages arrive."""
        if not secrets:
            raise ConfigError("a webhook secret is needed")
        self._keys = [key_of(secret) for secret in secrets]
        self._channel = channel
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> Callback | Reply:
        message_id, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
        fresh(sent_at, self._clock())
        if not message_id or "." in message_id:  # `.` separates what is signed
            raise NotVerified("no message id")
        given = headers["webhook-signature"].split(" ")[:10]
        expected = [_signature(key, message_id, sent_at, body) for key in self._keys]
        matches = [
            hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected
        ]
        if not any(matches):
            raise NotVerified("wrong signature")
        return self._read(json_object(body), message_id)

    def reply(self, resolution: Resolution) -> Reply:
        return reply_of(resolution)

    def _read(self, data: dict[str, Any], message_id: str) -> Callback:
        if not isinstance(data.get("approved"), bool):
            raise BadInput("approved must be true or false")
        tags = data.get("tags", [])
        if not isinstance(tags, list) or len(tags) > MAX_TAGS:
            raise BadInput("tags must be a list of texts")
        return Callback(
            callback_id=text_at(data, "callback_id"),
            approved=data["approved"],
            decided_by=f"{self._channel}:{text_at(data, 'user')}",
            reason=text_at(data, "reason", MAX_TEXT, need=False),
            delivery_id=message_id,
            tags=tuple(text_at({"tags": tag}, "tags") for tag in tags),
        )


def sign(secret: str, message_id: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """The headers that prove `body` comes from a holder of the secret."""
    sent_at = str(int(time.time() if now is None else now))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": _signature(key_of(secret), message_id, sent_at, body),
    }


def key_of(secret: str) -> bytes:
    """The key's bytes: base64, with or without `whsec_`. Raises ConfigError; never quotes it."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ConfigError("a webhook secret must be base64 (whsec_...)") from None
    if len(key) < SHORTEST:
        raise ConfigError(f"a webhook secret must have at least {SHORTEST} bytes")
    return key


def fresh(sent_at: str, now: float) -> None:
    """Raises NotVerified unless `sent_at` is a whole number of seconds close to now."""
    if not (sent_at.isascii() and sent_at.isdecimal() and len(sent_at) < 13):
        raise NotVerified("no timestamp")
    if abs(now - int(sent_at)) > TOLERANCE_SECONDS:
        raise NotVerified("too old")


def _signature(key: bytes, message_id: str, sent_at: str, body: bytes) -> str:
    signed = f"{message_id}.{sent_at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
