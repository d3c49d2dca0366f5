"""Recording a person's verdicts: the one way for console and command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from hitloop_tui.attach import shapes, signing
from hitloop_tui.attach.direct import settle
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.masked import masked_words, unmasked
from hitloop_tui.attach.masks import Masks
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recording import Ballot, FirstAnswer
from hitloop_tui.attach.review import Review, State, Verdict
from hitloop_tui.attach.shapes import stored_request
from hitloop_tui.attach.signing import Signed
from hitloop_tui.errors import Conflict, InvalidVerdict, SigningError

Result = Literal["recorded", "already_decided", "stale", "invalid", "failed"]
"""`failed`: a file could not be read or written, and nothing was recorded, as far as one can know:
the detail says where a disk gave an error too late to tell."""


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
        verdicts = _checked(current, verdicts, inbox.masks)
    except InvalidVerdict as error:  # it may quote a value
        words = masked_words(inbox.masks, current)
        return Outcome(shown.id, "invalid", detail=words(str(error)))
    return _record(inbox, current, verdicts, person)


def _current(inbox: Inbox, shown: Review) -> Review | Outcome:
    current = _look(inbox, shown)
    if isinstance(current, Outcome):
        # The question may be gone because somebody was first, even while this looked.
        first = inbox.ledger.first_answer(shown.key)
        if first is not None:
            return already_decided(shown.id, first)
    return current


def _look(inbox: Inbox, shown: Review) -> Review | Outcome:
    inbox.read_ledger()
    for review in inbox.thread_reviews(shown.thread_id):
        if review.key == shown.key:
            break
    else:
        return Outcome(shown.id, "stale", detail="the thread moved on: this question is gone")
    if review.question.digest != shown.question.digest:
        return Outcome(shown.id, "stale", detail="the question changed since it was shown")
    if not review.undecided:
        detail = f"the Review is {review.state.value}: {review.detail}"
        return Outcome(shown.id, "stale", detail=detail)
    return review


def _checked(review: Review, verdicts: Mapping[int, Verdict], masks: Masks) -> dict[int, Verdict]:
    if not verdicts:
        raise InvalidVerdict("no verdict given")
    count = len(review.actions)
    for index in verdicts:
        if not 0 <= index < count:
            raise InvalidVerdict(f"action {index + 1}: the Review has {count}, counted from 1")
    return {
        index: shapes.check(review, index, unmasked(masks, verdict, review.actions[index]))
        for index, verdict in verdicts.items()
    }


def _record(
    inbox: Inbox, review: Review, verdicts: Mapping[int, Verdict], person: Person
) -> Outcome:
    ledger, hold_s = inbox.ledger, _hold(inbox, review)
    try:
        signed = _signed(review, verdicts, person)
        first: FirstAnswer | int | None
        if _whole(review, verdicts):
            answer = signed.answer if signed else shapes.answer(review, verdicts, person)
            first = ledger.record(review, verdicts, answer, person, hold_s=hold_s, signed=signed)
        else:
            counted = partial(_together, review, person, signed)
            first = ledger.record_part(
                review, verdicts, person, counted, hold_s=hold_s, signed=signed
            )
    except InvalidVerdict as error:
        return Outcome(review.id, "invalid", detail=str(error))
    except Conflict as error:
        return Outcome(review.id, "stale", detail=str(error))
    except SigningError as error:
        return Outcome(review.id, "failed", detail=str(error))
    match first:
        case FirstAnswer():
            return already_decided(review.id, first)
        case int() if first > 0:
            return Outcome(review.id, "recorded", person.decided_by, detail=_missing(review, first))
    record = ledger.of_keys([review.key])[review.key]
    detail = settle(inbox.source, ledger, [record])
    if record.state is State.HELD:
        detail = f"held for {hold_s:g} s: undo takes it back"
    return Outcome(review.id, "recorded", record.decided_by, record.decided_at, detail)


def _signed(review: Review, verdicts: Mapping[int, Verdict], person: Person) -> Signed | None:
    """What this person answers, where they sign it; not while Actions stay open."""
    known = {**review.verdicts, **verdicts}
    if len(known) < len(review.actions):
        return None
    return signing.signed(review, shapes.answer(review, known, person), person)


def _together(review: Review, person: Person, signed: Signed | None, ballot: Ballot) -> Any:
    """What the thread gets of all verdicts. Raises Conflict when that is not what was signed."""
    approved_by = (*review.reading.approvals, *ballot.approved_by)
    answer = shapes.answer(replace(review, approved_by=approved_by), ballot.known, person)
    if signed is not None and review.reading.quorum > 1:
        return signed.with_votes(answer.get("approved_by"), ballot.votes)
    if person.sign is not None and (signed is None or signed.answer != answer):
        raise Conflict("another Action was decided while this one was signed: look again")
    return answer


def _whole(review: Review, verdicts: Mapping[int, Verdict]) -> bool:
    """Whether these verdicts are the decision by themselves."""
    alone = review.reading.quorum == 1 and not review.verdicts
    return alone and len(verdicts) == len(review.actions)


def _hold(inbox: Inbox, review: Review) -> float:
    """Stored requests go straight to who asked: no worker stands in between."""
    return 0.0 if review.reading.shape == stored_request.NAME else inbox.hold.seconds(review.risk)


def _missing(review: Review, count: int) -> str:
    if review.reading.quorum == 1:
        return f"{count} more to decide"
    return f"{count} more {'people' if count > 1 else 'person'} must approve"


def already_decided(review_id: str, first: FirstAnswer) -> Outcome:
    detail = "" if first.action is None else f"action {first.action + 1} was decided already"
    return Outcome(review_id, "already_decided", first.decided_by, first.decided_at, detail)
