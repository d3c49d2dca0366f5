"""LangChain's agent-inbox `HumanInterrupt`: one, a list of several, or either as JSON text."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hitloop_tui.attach.oddities import in_json
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.attach.shapes.base import need_text
from hitloop_tui.core.plain_json import sayable

NAME = "agent_inbox"

# The payload has no word for *reject*; `ignore` is what its clients send for one.
_ALLOWED = {
    Kind.APPROVE: "allow_accept",
    Kind.EDIT: "allow_edit",
    Kind.REJECT: "allow_ignore",
    Kind.RESPOND: "allow_respond",
    Kind.IGNORE: "allow_ignore",
}


class AgentInbox:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        requests = _requests(question.value)
        if not requests:
            return None
        actions = tuple(_action(request) for request in requests)
        return Reading(NAME, actions, warnings=tuple(_doubts(question.value)))

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        if verdict.kind is Kind.RESPOND:
            need_text(verdict)

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        """Always a list, with one `HumanResponse` per request."""
        pairs = zip(review.actions, verdicts, strict=True)
        return [_response(action, verdict) for action, verdict in pairs]


def _requests(value: Any) -> list[dict[str, Any]]:
    value = _parsed(value)
    items = [_parsed(item) for item in value] if isinstance(value, list) else [value]
    return items if items and all(map(_is_request, items)) else []


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _doubts(value: Any) -> Iterator[str]:
    """What the JSON text of a request holds beside what was read from it."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield from in_json(item)
            inner = json.loads(item)
            if isinstance(inner, list):
                yield from _doubts([each for each in inner if isinstance(each, str)])


def _is_request(item: Any) -> bool:
    match item:
        case {"action_request": {"action": str()}, "config": {}}:
            return True
    return False


def _action(request: dict[str, Any]) -> ReviewAction:
    asked, config = request["action_request"], request["config"]
    args = asked.get("args")
    return ReviewAction(
        tool_name=asked["action"],
        tool_args=args if isinstance(args, dict) else {"value": args},
        allowed=tuple(kind for kind in Kind if config.get(_ALLOWED[kind])),
        description=str(request.get("description") or ""),
    )


def _response(action: ReviewAction, verdict: Verdict) -> dict[str, Any]:
    match verdict.kind:
        case Kind.APPROVE:
            # As its clients do; but a call that would come back as another one is left out.
            given_back = Kind.EDIT in action.allowed and sayable(action.tool_args)
            return {"type": "accept", "args": _request(action) if given_back else None}
        case Kind.EDIT:
            return {"type": "edit", "args": {**_request(action), "args": verdict.args}}
        case Kind.RESPOND:
            return {"type": "response", "args": verdict.value}
        case Kind.REJECT | Kind.IGNORE:
            return {"type": "ignore", "args": None}


def _request(action: ReviewAction) -> dict[str, Any]:
    return {"action": action.tool_name, "args": action.tool_args}
