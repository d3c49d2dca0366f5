"""deepagents' `hook_invocation`: one program asks another. Never offered to a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Question, Reading, Review, Verdict
from hitloop_tui.errors import InvalidVerdict

NAME = "machine"


class Machine:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        match question.value:
            case {"type": "hook_invocation"}:
                return Reading(NAME, ())
        return None

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        raise InvalidVerdict("a program asks this of another program")

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        raise InvalidVerdict("a program asks this of another program")
