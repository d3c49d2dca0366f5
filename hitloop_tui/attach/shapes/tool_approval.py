"""LangChain's `HumanInTheLoopMiddleware(interrupt_mode="per_call")`: one call, one decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.attach.shapes.arguments import check_schema
from hitloop_tui.attach.shapes.base import need_text
from hitloop_tui.attach.shapes.batched import decision

NAME = "tool_approval"


class ToolApproval:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        match question.value:
            case {"type": "tool_approval", "name": str(name), "args": dict(args)}:
                branches = _branches(question.response_schema or {})
                action = ReviewAction(
                    tool_name=name,
                    tool_args=args,
                    allowed=tuple(kind for kind in Kind if kind.value in branches),
                    args_schema=_args_schema(branches, question.response_schema or {}),
                    description=str(question.value.get("description") or ""),
                )
                return Reading(NAME, (action,))
        return None

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        if verdict.kind is Kind.RESPOND:
            need_text(verdict)
        schema = review.question.response_schema
        if schema:
            check_schema(decision(review.actions[0], verdict), schema)

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        return decision(review.actions[0], verdicts[0])


def _branches(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema's decision objects by their `type` constant.

    Without a schema (a graph saved by an older LangGraph) every decision is possible but unchecked.
    """
    if not schema:
        return {kind.value: {} for kind in (Kind.APPROVE, Kind.EDIT, Kind.REJECT, Kind.RESPOND)}
    options = schema.get("oneOf") or schema.get("anyOf") or [schema]
    found = {}
    for option in options:
        branch = _resolved(option, schema)
        match branch.get("properties"):
            case {"type": {"const": str(name)}} | {"type": {"enum": [str(name)]}}:
                found[name] = branch
    return found


def _args_schema(
    branches: dict[str, dict[str, Any]], schema: dict[str, Any]
) -> dict[str, Any] | None:
    edit = branches.get(Kind.EDIT.value) or {}
    action = _resolved((edit.get("properties") or {}).get("edited_action"), schema)
    args = _resolved((action.get("properties") or {}).get("args"), schema)
    return {**args, "$defs": schema.get("$defs", {})} if args else None


def _resolved(part: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """`part`, or the definition that its `$ref` names."""
    if not isinstance(part, dict):
        return {}
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    target = (schema.get("$defs") or {}).get(name, part)
    return target if isinstance(target, dict) else {}
