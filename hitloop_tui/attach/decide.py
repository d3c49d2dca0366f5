"""Recording a person's verdicts: the one way for console and command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hitloop_tui.attach import shapes
from hitloop_tui.attach.direct import settle
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recording import FirstAnswer
from hitloop_tui.attach.review import Review, State, Verdict
from hitloop_tui.errors import InvalidVerdict

Result = Literal["recorded", "already_decided", "stale", "invalid", "failed"]
"""`failed`: a file could not be read or written, and nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one decision command."""

    id: str
    outcome: Result
    decided_by: str | None = None
    decided_at: str | None = None
    detail: str = ""

    def to_json(self) -> dict[str, str | None]:
        return {
            "id": self.id,
            "outcome": self.outcome,
            "decided_by": self.decided_by,
            "decided_at": self.decided_at,
            "detail": self.detail,
        }


def decide(inbox: Inbox, shown: Review, verdicts: Mapping[int, Verdict], person: Person) -> Outcome:
    """Record verdicts on the Actions of a Review, by index from 0.

    `shown` is the Review the person looked at. It is read again, and the decision is refused when
    the thread has moved on or the question's content differs. A set that leaves Actions open is
    kept; the one that completes it becomes the decision.
    """
    current = _current(inbox, shown)
    if isinstance(current, Outcome):
        return current
    try:
        verdicts = _checked(current, verdicts)
    except InvalidVerdict as error:
        return Outcome(shown.id, "invalid", detail=str(error))
    return _record(inbox, current, verdicts, person)


def _current(inbox: Inbox, shown: Review) -> Review | Outcome:
    first = inbox.ledger.first_answer(shown.key)
    if first is not None:
        return already_decided(shown.id, first)
    inbox.read_ledger()
    for review in inbox.thread_reviews(shown.thread_id):
        if review.key == shown.key:
            break
    else:
        return Outcome(shown.id, "stale", detail="the thread moved on: this question is gone")
    if review.question.digest != shown.question.digest:
        return Outcome(shown.id, "stale", detail="the question changed since it was shown")
    if review.state is not State.PENDING:
        detail = f"the Review is {review.state.value}: {review.detail}"
        return Outcome(shown.id, "stale", detail=detail)
    return review


def _checked(review: Review, verdicts: Mapping[int, Verdict]) -> dict[int, Verdict]:
    if not verdicts:
        raise InvalidVerdict("no verdict given")
    count = len(review.actions)
    for index in verdicts:
        if not 0 <= index < count:
            raise InvalidVerdict(f"action {index + 1}: the Review has {count}, counted from 1")
    return {index: shapes.check(review, index, verdict) for index, verdict in verdicts.items()}


def _record(
    inbox: Inbox, review: Review, verdicts: Mapping[int, Verdict], person: Person
) -> Outcome:
    whole = len(verdicts) == len(review.actions) and not review.verdicts
    try:
        if whole:
            answer = shapes.answer(review, verdicts, person)
            first: FirstAnswer | int | None = inbox.ledger.record(review, verdicts, answer, person)
        else:
            first = inbox.ledger.record_part(
                review, verdicts, person, lambda known: shapes.answer(review, known, person)
            )
    except InvalidVerdict as error:
        return Outcome(review.id, "invalid", detail=str(error))
    match first:
        case FirstAnswer():
            return already_decided(review.id, first)
        case int() if first > 0:
            return Outcome(
                review.id, "recorded", person.decided_by, detail=f"{first} more to decide"
            )
    record = inbox.ledger.of_keys([review.key])[review.key]
    detail = settle(inbox.source, inbox.ledger, [record])
    return Outcome(review.id, "recorded", record.decided_by, record.decided_at, detail)


def already_decided(review_id: str, first: FirstAnswer) -> Outcome:
    detail = "" if first.action is None else f"action {first.action + 1} was decided already"
    return Outcome(review_id, "already_decided", first.decided_by, first.decided_at, detail)
