"""The keys that ag-ui-langgraph reads out of an interrupt's value: `message`, `responseSchema`, ...

https://docs.ag-ui.com/concepts/interrupts. By its convention a tool approval is answered with
`{"approved": bool, "editedArgs"?: object}`; any other answer is what the schema says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.attach.shapes.arguments import check_schema
from hitloop_tui.attach.shapes.base import moment
from hitloop_tui.errors import InvalidVerdict

NAME = "ag_ui"

_SCHEMA = ("responseSchema", "response_schema")
_EXPIRES = ("expiresAt", "expires_at")
_SAID = ("message", "reason")


class AgUi:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        value = question.value
        if not isinstance(value, dict) or not _is_envelope(value):
            return None
        schema = _schema(value)
        expires = _first(value, _EXPIRES)
        deadline = moment(expires)
        odd = expires is not None and deadline is None
        return Reading(
            NAME,
            (_action(value, schema),),
            deadline=deadline,
            warnings=("its expiry is no time in ISO 8601, and is not watched",) if odd else (),
        )

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        schema = _schema(review.question.value)
        if schema is not None:
            check_schema(_answer(verdict), schema)

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        return _answer(verdicts[0])


def _is_envelope(value: dict[str, Any]) -> bool:
    says = any(isinstance(value.get(key), str) for key in _SAID)
    return says and (_schema(value) is not None or any(key in value for key in _EXPIRES))


def _action(value: dict[str, Any], schema: dict[str, Any] | None) -> ReviewAction:
    envelope = {*_SCHEMA, *_EXPIRES}
    call = value.get("args")
    edited = _properties(schema).get("editedArgs")
    kinds = [Kind.RESPOND]
    if "approved" in _properties(schema):
        kinds += [Kind.APPROVE, Kind.REJECT]
        if edited is not None and isinstance(call, dict):
            kinds.append(Kind.EDIT)
    shown = {key: item for key, item in value.items() if key not in envelope}
    name = value.get("name") or value.get("toolName")
    if isinstance(name, str) and isinstance(call, dict):
        shown = call
    return ReviewAction(
        tool_name=name if isinstance(name, str) else "question",
        tool_args=shown,
        allowed=tuple(kind for kind in Kind if kind in kinds),
        args_schema=edited if isinstance(edited, dict) and edited.get("properties") else None,
        answer_schema=schema,
        description=next((value[key] for key in _SAID if isinstance(value.get(key), str)), ""),
    )


def _answer(verdict: Verdict) -> Any:
    match verdict.kind:
        case Kind.APPROVE:
            return {"approved": True}
        case Kind.EDIT:
            return {"approved": True, "editedArgs": verdict.args}
        case Kind.REJECT:
            return {"approved": False}
        case Kind.RESPOND:
            return verdict.value
    raise InvalidVerdict(f"{verdict.kind.value} is no answer here")


def _schema(value: dict[str, Any]) -> dict[str, Any] | None:
    found = _first(value, _SCHEMA)
    return found if isinstance(found, dict) else None


def _properties(schema: dict[str, Any] | None) -> dict[str, Any]:
    found = (schema or {}).get("properties")
    return found if isinstance(found, dict) else {}


def _first(value: dict[str, Any], keys: Sequence[str]) -> Any:
    return next((value[key] for key in keys if value.get(key) is not None), None)
