"""A request of a backend that asks through a store (`hitloop_tui.backends.ConsoleBackend`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import (
    RISK_ORDER,
    Kind,
    Question,
    Reading,
    Review,
    ReviewAction,
    Verdict,
)
from hitloop_tui.attach.shapes.base import need_text

NAME = "stored_request"
NAMESPACE = "approvals"
"""Of the identity of a stored request; a checkpoint's has a colon or is empty."""

OPTIONAL = {"edit": Kind.EDIT, "respond": Kind.RESPOND}
NOT_JSON = "the arguments hold values that JSON cannot say: they are shown as text, editing is off"


class StoredRequest:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        if question.identity.checkpoint_ns != NAMESPACE:
            return None
        return _reading(question.value["request"], exact=question.value["exact"])

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        if verdict.kind is Kind.RESPOND:
            need_text(verdict)

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        (verdict,) = verdicts
        approved = verdict.kind in (Kind.APPROVE, Kind.EDIT)
        return {
            "approved": approved,
            "decided_by": person.decided_by,
            "decided_at": now(),
            "reason": verdict.reason or ("Approved" if approved else "Rejected"),
            "edited_args": verdict.args if verdict.kind is Kind.EDIT else None,
            "response": verdict.value if verdict.kind is Kind.RESPOND else None,
        }


def _reading(asked: dict[str, Any], *, exact: bool) -> Reading:
    metadata = asked.get("metadata")
    named = metadata.get("allowed") if isinstance(metadata, dict) else None
    optional = {
        kind for name, kind in OPTIONAL.items() if isinstance(named, list) and name in named
    }
    if not exact:
        optional.discard(Kind.EDIT)
    allowed = {Kind.APPROVE, Kind.REJECT} | optional
    risk = asked.get("risk_class")
    action = ReviewAction(
        tool_name=asked["tool_name"],
        tool_args=asked["tool_args"],
        risk_class=risk if risk in RISK_ORDER else None,
        side_effects=_texts(asked.get("side_effects")),
        rationale=str(asked.get("rationale") or ""),
        context_refs=_texts(asked.get("context_refs")),
        allowed=tuple(kind for kind in Kind if kind in allowed),
        description=str(asked.get("summary_context") or ""),
    )
    warnings = [] if exact else [NOT_JSON]
    if expires := asked.get("expires_at"):
        warnings.append(f"unanswered, it ends as not approved at {expires}")
    return Reading(
        NAME,
        (action,),
        policy_name=str(asked.get("policy_name") or ""),
        policy_reason=_policy_reason(asked),
        warnings=tuple(warnings),
    )


def _policy_reason(asked: dict[str, Any]) -> str:
    reason = str(asked.get("policy_reason") or "")
    people = asked.get("quorum", 1)
    if people == 1:
        return reason
    already = ", ".join(_texts(asked.get("approvals"))) or "nobody"
    return f"{reason} (needs {people} people; approved so far by {already})"


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
