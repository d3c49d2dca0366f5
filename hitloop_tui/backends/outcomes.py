"""Decisions that no person made, each with a name of its own.

Nobody answering, a channel that is down and a message that could not be sent all leave an Action
unapproved, yet none of them is a person's no: `decided_by` starts with `system:`, and the first tag
says which it was.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from hitloop_tui.core.models import Action, ApprovalRequest, Decision
from hitloop_tui.errors import HitloopError

TIMEOUT = "timeout"
CIRCUIT_OPEN = "circuit_open"
TRANSPORT_ERROR = "transport_error"
STORE_ERROR = "store_error"
CANCELLED = "cancelled"
NO_INPUT = "no_input"
TAKEN = "taken"
MISMATCH = "mismatch"

DECIDED_BY = {
    TIMEOUT: "system:timeout",
    CIRCUIT_OPEN: "system:circuit_breaker",
    TRANSPORT_ERROR: "system:error",
    STORE_ERROR: "system:error",
    CANCELLED: "system:cancelled",
    NO_INPUT: "system:no_input",
    TAKEN: "system:taken",
    MISMATCH: "system:mismatch",
}

log = logging.getLogger("hitloop_tui.backends")


def by_system(request: ApprovalRequest, tag: str, reason: str) -> Decision:
    """Not approved, for a reason that is no person's."""
    log.warning("not decided by a person: %s: %s (tool %r)", tag, reason, request.action.tool_name)
    return decided(request.action, False, reason, DECIDED_BY[tag], [tag])


def not_sent(request: ApprovalRequest, error: Exception) -> Decision:
    """Nobody was asked: the channel failed."""
    return by_system(request, TRANSPORT_ERROR, f"Not sent: {describe(error)}")


def decided(
    action: Action, approved: bool, reason: str, decided_by: str, tags: list[str] | None = None
) -> Decision:
    """A decision bound to the call it is about."""
    return Decision(
        action_id=action.id,
        approved=approved,
        reason=reason,
        decided_by=decided_by,
        tags=tags or [],
        digest=action.digest(),
    )


def is_systems(decision: Decision) -> bool:
    """No person made it."""
    return decision.decided_by.startswith("system:")


def describe(error: BaseException) -> str:
    """What went wrong, without a foreign error's own text: that may hold addresses with secrets."""
    if isinstance(error, HitloopError):
        return str(error)
    status = status_of(error)
    return type(error).__name__ + (f", HTTP {status}" if status else "")


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error of httpx, aiohttp, requests, slack_sdk, ... carries."""
    for one in chain(error):
        for holder in (one, getattr(one, "response", None)):
            for name in ("status_code", "status"):
                value = getattr(holder, name, None)
                if isinstance(value, int) and not isinstance(value, bool):
                    return int(value)
    return None


def chain(error: object) -> Iterator[BaseException]:
    """An error and those it wraps: senders wrap their client's, clients those of the system."""
    seen: set[int] = set()  # `raise error from error` makes a ring
    while isinstance(error, BaseException) and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or next(iter(error.args), None)
