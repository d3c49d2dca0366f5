"""`interrupt(value, response_schema=...)`: any JSON value that the published schema admits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.attach.shapes.arguments import check_schema
from hitloop_tui.attach.shapes.free_form import asked

NAME = "response_schema"


class SchemaForm:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        schema = question.response_schema
        if schema is None:
            return None
        allowed: tuple[Kind, ...] = (Kind.RESPOND,)
        if schema.get("type") == "boolean":
            allowed = (Kind.APPROVE, Kind.REJECT, Kind.RESPOND)
        action = ReviewAction(
            "question", asked(question.value), allowed=allowed, answer_schema=schema
        )
        return Reading(NAME, (action,))

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        check_schema(_value(verdict), review.question.response_schema or {})

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        return _value(verdicts[0])


def _value(verdict: Verdict) -> Any:
    match verdict.kind:
        case Kind.APPROVE:
            return True
        case Kind.REJECT:
            return False
    return verdict.value
