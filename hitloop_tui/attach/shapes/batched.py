"""LangChain's `HumanInTheLoopMiddleware`, batched: N tool calls in one interrupt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.attach.shapes.base import need_text

NAME = "hitl_batched"


class Batched:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        match question.value:
            case {"action_requests": [_, *_] as requests, "review_configs": list() as configs}:
                pass
            case _:
                return None
        # The lists go by position: the same tool may be called twice with other rules.
        if len(requests) != len(configs) or not all(map(_is_request, requests)):
            return None
        pairs = zip(requests, configs, strict=True)
        return Reading(NAME, tuple(_action(request, config) for request, config in pairs))

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        if verdict.kind is Kind.RESPOND:
            need_text(verdict)

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        pairs = zip(review.actions, verdicts, strict=True)
        return {"decisions": [decision(action, verdict) for action, verdict in pairs]}


def decision(action: ReviewAction, verdict: Verdict) -> dict[str, Any]:
    """One decision object of the middleware."""
    match verdict.kind:
        case Kind.EDIT:
            edited = {"name": action.tool_name, "args": verdict.args}
            return {"type": "edit", "edited_action": edited}
        case Kind.RESPOND:
            return {"type": "respond", "message": verdict.value}
        case Kind.REJECT if verdict.reason:
            return {"type": "reject", "message": verdict.reason}
        case kind:
            return {"type": kind.value}


def _is_request(item: Any) -> bool:
    match item:
        case {"name": str()}:
            return True
    return False


def _action(request: dict[str, Any], config: Any) -> ReviewAction:
    # langchain sends `args`; agent-inbox and older clients wrote `arguments`.
    args = request.get("args", request.get("arguments"))
    named = config.get("allowed_decisions") if isinstance(config, dict) else None
    schema = config.get("args_schema") if isinstance(config, dict) else None
    return ReviewAction(
        tool_name=request["name"],
        tool_args=args if isinstance(args, dict) else {"value": args},
        allowed=tuple(kind for kind in Kind if kind.value in (named or [])),
        args_schema=schema if isinstance(schema, dict) else None,
        description=str(request.get("description") or ""),
    )
