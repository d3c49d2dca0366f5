"""deepagents' `ask_user`: one or more questions, each text, multiple choice or multi select."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.errors import InvalidVerdict

NAME = "ask_user"


class AskUser:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        match question.value:
            case {"type": "ask_user", "questions": [_, *_] as asked} if all(map(_is_asked, asked)):
                return Reading(NAME, tuple(_action(item) for item in asked))
        return None

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        if verdict.kind is Kind.RESPOND:
            _answer(review.question.value["questions"][index], verdict.value)

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        """`cancelled` is one word for the whole set: it stands when any question was ignored."""
        asked = review.question.value["questions"]
        if any(verdict.kind is Kind.IGNORE for verdict in verdicts):
            return {"status": "cancelled", "answers": [""] * len(asked)}
        pairs = zip(asked, verdicts, strict=True)
        return {"answers": [_answer(item, verdict.value) for item, verdict in pairs]}


def _is_asked(item: Any) -> bool:
    match item:
        case {"question": str()}:
            return True
    return False


def _action(item: dict[str, Any]) -> ReviewAction:
    return ReviewAction(
        "ask_user", item, allowed=(Kind.RESPOND, Kind.IGNORE), answer_schema=_answer_schema(item)
    )


def _answer_schema(item: dict[str, Any]) -> dict[str, Any] | None:
    """For a form. A multiple choice leaves room for an answer that is none of the choices."""
    choices = [_choice(choice) for choice in item.get("choices") or []]
    if item.get("type") == "multi_select" and choices:
        return {"type": "array", "items": {"enum": choices}}
    if choices:
        return {"anyOf": [{"enum": choices}, {"type": "string"}]}
    return None


def _answer(item: dict[str, Any], value: Any) -> str:
    """One string per question; multi select is a JSON list as a string."""
    choices = [_choice(choice) for choice in item.get("choices") or []]
    many = item.get("type") == "multi_select"
    chosen = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in chosen) or (len(chosen) != 1 and not many):
        raise InvalidVerdict(f"answer to {item['question']!r}: must be text")
    if item.get("required", True) and not any(chosen):
        raise InvalidVerdict(f"answer to {item['question']!r}: required")
    if many and choices:
        for one in chosen:
            if one not in choices:
                raise InvalidVerdict(f"{one!r} is none of: {', '.join(choices)}")
    return json.dumps(chosen) if many else str(chosen[0])


def _choice(choice: Any) -> str:
    return str(choice.get("value")) if isinstance(choice, dict) else str(choice)
