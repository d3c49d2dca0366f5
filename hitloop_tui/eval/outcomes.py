"""What became of a question: a person's answer, or one of the ways to get none."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from hitloop_tui.core.models import Decision


class Outcome(StrEnum):
    """How one proposed Action was dealt with."""

    UNASKED = "unasked"
    OPEN = "open"
    """Asked, and neither answered nor given up."""
    REFUSED = "refused"
    """By the policy; nobody was asked."""
    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    ERROR = "error"

    @property
    def decided(self) -> bool:
        """Somebody answered. A timeout is no answer, even though nothing runs after it."""
        return self in _DECIDED

    @property
    def stopped(self) -> bool:
        """Somebody kept the Action from running."""
        return self in (Outcome.REJECT, Outcome.RESPOND)


_DECIDED = (Outcome.APPROVE, Outcome.EDIT, Outcome.REJECT, Outcome.RESPOND)
_ANSWERING = ("human", "simulated", "policy")
"""Who answers, by the first word of `decided_by`; what follows it is a name, whatever it says."""
_TIMEOUT = {"timeout", "expired"}
_CANCELLED = {"cancelled", "canceled", "cancel"}


def outcome_of(decision: Decision) -> Outcome:
    """The outcome of a question that was asked."""
    edited, answered = decision.edited_args is not None, decision.response is not None
    return read_outcome(
        decision.approved, decision.decided_by, decision.tags, edited=edited, answered=answered
    )


def read_outcome(
    approved: bool,
    decided_by: str,
    tags: Collection[str] = (),
    *,
    edited: bool = False,
    answered: bool = False,
) -> Outcome:
    """The outcome by what telemetry keeps of a Decision, also of one of hitloop 0.5.

    A yes that a backend gives itself because nobody answered is a timeout, too.
    """
    who, _, name = decided_by.partition(":")
    words: set[str] = set() if who in _ANSWERING else {name, *tags}
    if words & _TIMEOUT:
        return Outcome.TIMEOUT
    if words & _CANCELLED:
        return Outcome.CANCELLED
    if who == "system":
        return Outcome.ERROR
    if approved:
        return Outcome.EDIT if edited else Outcome.APPROVE
    return Outcome.RESPOND if answered else Outcome.REJECT


def actor_kind(decided_by: str) -> str:
    """`human`, `simulated`, `policy`, `system` or `unknown`. Kinds must not be pooled."""
    who, _, name = decided_by.partition(":")
    if who in ("policy", "system", "simulated", "human"):
        return who
    if who in ("auto", "scripted") or name == "auto":
        return "simulated"
    if name in ("timeout", "error"):
        return "system"
    return "unknown" if who in ("", "unknown") else "human"
