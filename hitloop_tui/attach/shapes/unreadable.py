"""A stored value that cannot be decoded: shown as bytes and a hash, and answerable by nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.attach.shapes.free_form import asked
from hitloop_tui.errors import InvalidVerdict

NAME = "unreadable"


class Unreadable:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        if question.undecodable is None:
            return None
        return unread(question, f"the stored question cannot be read: {question.undecodable}")

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        raise InvalidVerdict(review.reading.warnings[0])

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        raise InvalidVerdict(review.reading.warnings[0])


def misread(question: Question, shape: str, error: Exception) -> Reading:
    """A value that looked like a shape and is none: shown as it is, and answerable by nobody."""
    return unread(question, f"the question cannot be read as {shape}: {error!r}")


def unread(question: Question, warning: str) -> Reading:
    return Reading(NAME, (ReviewAction("unreadable", asked(question.value)),), warnings=(warning,))
