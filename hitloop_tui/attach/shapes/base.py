"""What every shape adapter does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Question, Reading, Review, Verdict
from hitloop_tui.errors import InvalidVerdict


class Shape(Protocol):
    """One payload shape: how to read it, which answers it takes, and how they are written."""

    @property
    def name(self) -> str: ...

    def read(self, question: Question) -> Reading | None:
        """None when the question has another shape; no Actions when no person may answer it."""
        ...

    def check(self, review: Review, index: int, verdict: Verdict) -> None:
        """Raise InvalidVerdict when the asking code would not take this verdict."""
        ...

    def answer(self, review: Review, verdicts: Sequence[Verdict], person: Person) -> Any:
        """The resume value, with one checked verdict per Action."""
        ...


def moment(value: Any) -> datetime | None:
    """A time in ISO 8601, as UTC; one without a zone is UTC. None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the year 9999 may be over by then in UTC
        return None


def need_text(verdict: Verdict, what: str = "the answer") -> str:
    """The verdict's value as text; InvalidVerdict when it is not."""
    if not isinstance(verdict.value, str):
        kind = type(verdict.value).__name__
        raise InvalidVerdict(f"{what} must be text here, not {kind}: use --text")
    return verdict.value
