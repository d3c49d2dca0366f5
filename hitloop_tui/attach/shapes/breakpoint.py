"""A static breakpoint of a graph (`interrupt_before`, `interrupt_after`): the run may go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict

NAME = "breakpoint"
PREFIX = "breakpoint:"
"""Of the interrupt id, which LangGraph makes of 32 hex digits."""

UNSURE = (
    "a checkpoint cannot tell a pause from a run in progress: if the application has continued"
    " this thread itself, approving runs the same nodes a second time"
)


class Breakpoint:
    name = NAME

    def read(self, question: Question) -> Reading | None:
        if not question.identity.interrupt_id.startswith(PREFIX):
            return None
        paused, next_ = question.value["paused"], question.value["next"]
        action = ReviewAction(
            "continue",
            {"next": next_},
            allowed=(Kind.APPROVE,),
            description=f"paused {paused} {', '.join(question.value['nodes'])}: continue?",
        )
        raised = [f"it was continued before, and raised {question.error}"] if question.error else []
        return Reading(NAME, (action,), warnings=(UNSURE, *raised))

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        """Approving is all that can be done."""

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        """The graph gets none: its run goes on with no input."""
        return None
