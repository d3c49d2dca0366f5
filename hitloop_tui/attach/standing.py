"""What the ledger knows of Reviews, as one picture, and what it makes of a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.attach.interrupt_rows import CANCELLED
from hitloop_tui.attach.ledger import Ledger, Record
from hitloop_tui.attach.recorded import with_record
from hitloop_tui.attach.recording import Said, count
from hitloop_tui.attach.records import ForeignOrder
from hitloop_tui.attach.review import Act, Claim, OnDeadline, Question, Review, State


@dataclass(frozen=True, slots=True)
class Standing:
    """Decisions, words, claims and escalations at one moment, by key."""

    records: Mapping[str, Record] = field(default_factory=dict)
    said: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    escalated: frozenset[str] = frozenset()
    orders: Mapping[str, ForeignOrder] = field(default_factory=dict)

    @classmethod
    def read(cls, ledger: Ledger, records: Iterable[Record]) -> Standing:
        return cls(
            {record.key: record for record in records},
            ledger.said(),
            ledger.claims(),
            ledger.escalated(),
            ledger.foreign_orders(),
        )

    def changed(self, before: Standing) -> set[str]:
        """Keys about which the two pictures differ."""
        keys = self.escalated ^ before.escalated
        for mine, theirs in (
            (_looks(self.records), _looks(before.records)),
            (self.said, before.said),
            (self.claims, before.claims),
            (self.orders, before.orders),
        ):
            keys |= {key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)}
        return set(keys)

    def restless(self) -> bool:
        """Whether time alone can change the picture: a worker dies, a hold ends, without a word."""
        moving = (State.APPLYING, State.HELD)
        waiting = any(order.waits for order in self.orders.values())
        at_it = any(record.state in moving for record in self.records.values())
        return bool(self.claims) or waiting or at_it

    def join(self, review: Review) -> Review:
        """The Review with everything that was said and done about it."""
        review = replace(review, claim=self.claims.get(review.key))
        record = self.records.get(review.key)
        if record is not None:
            return _without_clear(with_record(review, record))
        order = self.orders.get(review.key)
        if order is not None and order.waits:
            return replace(review, state=State.UNCERTAIN, detail=order.text, acts=order.acts)
        if (elsewhere := _answered_elsewhere(review.question)) is not None:
            if order is not None:
                elsewhere |= {"state": State.UNCERTAIN, "detail": order.text}
            return replace(review, **elsewhere)
        words = self._words(review)
        ballot = count(review, words)
        if broken := [said.unreadable for said in words if said.unreadable]:
            warned = replace(review.reading, warnings=(*review.reading.warnings, *broken))
            review = replace(review, reading=warned)
        approved_by = (*review.reading.approvals, *ballot.approved_by)
        review = replace(review, verdicts=ballot.known, approved_by=approved_by)
        return self._late(review)

    def _words(self, review: Review) -> tuple[Said, ...]:
        digest = review.question.digest
        return tuple(said for said in self.said.get(review.key, ()) if said.digest == digest)

    def _late(self, review: Review) -> Review:
        deadline = review.reading.deadline
        if deadline is None or datetime.now(UTC) < deadline:
            return review
        if review.key in self.escalated:
            what = "it was escalated: another person must look"
        elif review.reading.on_deadline is OnDeadline.REJECT:
            what = "no person may answer it any more: a worker rejects it"
        else:
            what = "it can still be answered"
        detail = f"its deadline passed at {deadline:%Y-%m-%d %H:%M:%S} UTC; {what}"
        return replace(review, state=State.EXPIRED, detail=detail)


def _answered_elsewhere(question: Question) -> dict[str, Any] | None:
    """State, detail and acts of a question that somebody answered without this console."""
    if question.consumed:
        return _consumed(question)
    if question.answered and question.error == CANCELLED:
        detail = "answered, then stopped because a task beside it failed: the tool may have run"
        return {"state": State.UNCERTAIN, "detail": detail, "acts": (Act.RETRY, Act.CLEAR)}
    if question.answered:
        detail = f"answered outside this console: {question.error}"
        return {"state": State.FAILED, "detail": detail, "acts": (Act.RETRY, Act.CLEAR)}
    if question.leftover_answer and not question.leftover_spent:
        detail = (
            "another program answered this and may be running it now; if it is gone, retry runs it"
            " with that answer, clear takes the answer away"
        )
        return {"state": State.UNCERTAIN, "detail": detail, "acts": (Act.RETRY, Act.CLEAR)}
    return None


def _consumed(question: Question) -> dict[str, Any]:
    if question.error and question.error != CANCELLED:
        detail = f"answered outside this console; what followed in its subgraph: {question.error}"
        return {"state": State.FAILED, "detail": detail, "acts": (Act.RETRY,)}
    detail = (
        "another program answered this, its task has ended, and what follows in its subgraph may be"
        " running now; if that program is gone, retry lets it run on"
    )
    return {"state": State.UNCERTAIN, "detail": detail, "acts": (Act.RETRY,)}


def _without_clear(review: Review) -> Review:
    """What its task has ended with can no longer be cleared."""
    if not review.question.consumed:
        return review
    return replace(review, acts=tuple(act for act in review.acts if act is not Act.CLEAR))


def _looks(records: Mapping[str, Record]) -> dict[str, tuple[State, str, bool]]:
    return {key: (record.state, record.detail, record.over) for key, record in records.items()}
