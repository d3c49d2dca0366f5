"""From a callback's bytes to a decision: verified first, read second, recorded once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hitloop_tui.errors import BadInput
from hitloop_tui.persistence import Outcome, Resolution

MAX_BODY = 64 * 1024
MAX_TEXT = 4000
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Callback:
    """What a verified message says."""

    callback_id: str
    approved: bool
    decided_by: str
    reason: str = ""
    delivery_id: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send back."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)


class Verifier(Protocol):
    """Knows how one service signs, what its messages look like and what it wants to hear."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> Callback | Reply:
        """What the message says, or a reply to one that decides nothing.

        Header names come in lower case. Raises NotVerified, or any other error but BadInput, when
        the signature is not right; BadInput when it is and the message still makes no sense.
        """
        ...

    def reply(self, resolution: Resolution) -> Reply:
        """How the service is told what came of it."""
        ...


class Desk(Protocol):
    """Where decisions are recorded."""

    async def resolve(
        self,
        callback_id: str,
        approved: bool,
        reason: str = "",
        decided_by: str = "human",
        tags: list[str] | None = None,
        *,
        delivery_id: str | None = None,
    ) -> Resolution: ...


STATUS = {
    Outcome.RECORDED: 200,
    Outcome.REPEATED: 200,
    Outcome.ALREADY_DECIDED: 409,
    Outcome.EXPIRED: 410,
    Outcome.UNKNOWN: 404,
}
UNAUTHORIZED = Reply(401, {"error": "not verified"})


async def answer(
    desk: Desk,
    verifier: Verifier | None,
    headers: Mapping[str, str],
    body: bytes,
    callback_id: str | None = None,
) -> Reply:
    """Verify, read, record, and say what came of it.

    `callback_id` is the one in the address; what is signed must name the same.
    """
    if verifier is None or len(body) > MAX_BODY:
        return UNAUTHORIZED
    try:
        said = verifier.verify({name.lower(): value for name, value in headers.items()}, body)
    except BadInput as error:
        return Reply(400, {"error": str(error)})
    except Exception:  # of any kind: verifiers parse bytes of strangers
        return UNAUTHORIZED
    if isinstance(said, Reply):
        return said
    if callback_id not in (None, said.callback_id):
        return Reply(400, {"error": "the message is about another request"})
    resolution = await desk.resolve(
        said.callback_id,
        said.approved,
        said.reason,
        said.decided_by,
        list(said.tags),
        delivery_id=said.delivery_id,
    )
    return verifier.reply(resolution)


def reply_of(resolution: Resolution) -> Reply:
    """In plain HTTP: the same message again is answered as it was the first time."""
    outcome, first = resolution.outcome, resolution.first
    said = Outcome.RECORDED if resolution.accepted else outcome
    body: dict[str, Any] = {"status": said.value}
    if first is not None:
        body |= {"approved": first.decision.approved, "decided_by": first.decision.decided_by}
        body["decided_at"] = first.decided_at.isoformat()
    return Reply(STATUS[outcome], body)


def sentence_of(resolution: Resolution) -> str:
    """In words, for a person in a chat."""
    first = resolution.first
    if first is None:
        expired = resolution.outcome is Outcome.EXPIRED
        return "This request has expired." if expired else "This request is not known."
    verb = "approved" if first.decision.approved else "rejected"
    if resolution.accepted:
        return f"Recorded: {verb}."
    return f"Already {verb} by {first.decision.decided_by}. Your answer was not recorded."


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object without doubled keys and NaN. Raises BadInput."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise BadInput("a key appears twice")
        return dict(pairs)

    def refuse(name: str) -> None:
        raise BadInput(f"{name} is not JSON")

    try:
        data = json.loads(body, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise BadInput("the body is not JSON") from None
    if not isinstance(data, dict):
        raise BadInput("the body is no JSON object")
    return data


def text_at(data: Mapping[str, Any], key: str, limit: int = MAX_NAME, *, need: bool = True) -> str:
    """The text at `key`. Raises BadInput when it is missing, no text, or too long."""
    value = data.get(key)
    if value is None and not need:
        return ""
    if not isinstance(value, str) or (need and not value.strip()):
        raise BadInput(f"{key} must be a text")
    if len(value) > limit:
        raise BadInput(f"{key} is longer than {limit} characters")
    return value
