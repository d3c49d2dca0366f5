"""Our own gate (`hitloop_tui.langgraph`): an agent-inbox request carrying the Action as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.remembered import Remembered
from hitloop_tui.attach.review import (
    RISK_ORDER,
    Kind,
    OnDeadline,
    Question,
    Reading,
    Review,
    ReviewAction,
    Verdict,
)
from hitloop_tui.attach.shapes.base import moment, need_text
from hitloop_tui.core.digest import action_digest

NAME = "hitloop"
REFUSALS = (Kind.REJECT, Kind.IGNORE)

_FORGED: Remembered[list[str]] = Remembered()
"""By the digest of the question."""


class HitloopGate:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        match question.value:
            case [
                {"action_request": {} as asked, "hitloop": {"version": 1, "action": {} as action}}
            ]:
                pass
            case _:
                return None
        ours = question.value[0]["hitloop"]
        shown = _action(action, _config(question.value[0]))
        forged = _FORGED.of(question.digest, lambda: _forged(shown, asked, ours.get("digest")))
        if forged:
            shown = replace(shown, allowed=tuple(k for k in shown.allowed if k in REFUSALS))
        error = ours.get("error")
        warnings = [*forged, *([f"the gate refused an earlier answer: {error}"] if error else [])]
        return Reading(
            NAME,
            (shown,),
            policy_name=str(ours.get("policy") or ""),
            policy_reason=str(ours.get("policy_reason") or ""),
            warnings=tuple(warnings),
            quorum=_quorum(ours.get("quorum")),
            approvals=_texts(ours.get("approvals")),
            deadline=moment(ours.get("deadline")),
            on_deadline=_on_deadline(ours.get("on_deadline")),
            signed=ours.get("signed") is True,
        )

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        if verdict.kind is Kind.RESPOND:
            need_text(verdict)

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        (verdict,) = verdicts
        action = review.actions[0]
        answer: dict[str, Any] = {
            "approved": verdict.kind in (Kind.APPROVE, Kind.EDIT),
            "decided_by": person.decided_by,
            "decided_at": now(),
            "reason": verdict.reason or "",
        }
        if Kind.APPROVE in action.allowed:  # else the gate would refuse the refusal, too
            answer["digest"] = action_digest(action.tool_name, action.tool_args)
        if review.reading.quorum > 1 and answer["approved"]:
            answer["approved_by"] = list(review.approved_by)
        if person.kind == "system":
            answer["tags"] = [person.name]
        match verdict.kind:
            case Kind.EDIT:
                answer["edited_args"] = verdict.args
            case Kind.RESPOND:
                answer["response"] = verdict.value
            case Kind.IGNORE:
                answer["ignored"] = True
        return answer


def _config(item: dict[str, Any]) -> dict[str, Any]:
    config = item.get("config")
    return config if isinstance(config, dict) else {}


def _action(action: dict[str, Any], config: dict[str, Any]) -> ReviewAction:
    args = action.get("tool_args")
    risk = action.get("risk_class")
    optional = {
        Kind.EDIT: "allow_edit",
        Kind.RESPOND: "allow_respond",
        Kind.IGNORE: "allow_ignore",
    }
    allowed = [Kind.APPROVE, Kind.REJECT]
    allowed += [kind for kind, key in optional.items() if config.get(key, True)]
    return ReviewAction(
        tool_name=str(action.get("tool_name")),
        tool_args=args if isinstance(args, dict) else {"value": args},
        risk_class=risk if risk in RISK_ORDER else None,
        side_effects=_texts(action.get("side_effects")),
        rationale=str(action.get("rationale") or ""),
        context_refs=_texts(action.get("context_refs")),
        allowed=tuple(kind for kind in Kind if kind in allowed),
    )


def _quorum(value: Any) -> int:
    return value if type(value) is int and value > 1 else 1


def _on_deadline(value: Any) -> OnDeadline:
    known = value in tuple(OnDeadline) if isinstance(value, str) else False
    return OnDeadline(value) if known else OnDeadline.LEAVE


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _forged(shown: ReviewAction, asked: dict[str, Any], digest: Any) -> list[str]:
    """Why the call must not be approved: what is shown is not what the gate asked about."""
    if digest != action_digest(shown.tool_name, shown.tool_args):
        return ["the call does not match its digest: it was changed, or has values JSON cannot say"]
    if asked.get("action") != shown.tool_name:
        return ["the question names two different tools"]
    return []
