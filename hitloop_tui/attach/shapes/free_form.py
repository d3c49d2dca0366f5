"""`interrupt(anything)`: nobody knows what the code does with an answer, so a person writes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict

NAME = "free_form"


class FreeForm:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        action = ReviewAction("question", asked(question.value), allowed=(Kind.RESPOND,))
        return Reading(NAME, (action,))

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        """Any text and any JSON value may be an answer."""

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        return verdicts[0].value


def asked(value: Any) -> dict[str, Any]:
    """The interrupt's value as named arguments, for the card; a name may be no text."""
    match value:
        case dict():
            return value
        case str():
            return {"question": value}
    return {"value": value}
