"""Reviews as the ledger keeps them: what was decided, also when the thread has gone on since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.attach.decode import UNREADABLE, fingerprint
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import (
    Act,
    Kind,
    Question,
    Reading,
    Review,
    ReviewAction,
    State,
)
from hitloop_tui.attach.shapes import unreadable


def with_record(review: Review, record: Record) -> Review:
    return replace(
        review,
        state=record.state,
        detail=record.detail,
        decided_by=record.decided_by,
        decided_at=record.decided_at,
        verdicts=dict(enumerate(record.verdicts)),
        held_until=record.held_until if record.state is State.HELD else None,
        acts=_acts(record),
    )


def without_question(record: Record) -> Review:
    """A decision whose question the thread asks no more."""
    review = recorded_review(record)
    return replace(review, acts=_AFTER.get(record.state, ()) if review.acts else ())


_ACTS = {
    State.HELD: (Act.UNDO,),
    State.FAILED: (Act.RETRY, Act.CLEAR),
    State.UNCERTAIN: (Act.RETRY, Act.CLEAR, Act.DONE),
    State.STALE: (Act.DISMISS,),
}
_AFTER = {
    State.HELD: (Act.UNDO,),
    State.FAILED: (Act.RETRY, Act.DISMISS),
    State.UNCERTAIN: (Act.RETRY, Act.DONE),
    State.STALE: (Act.DISMISS,),
}


def _acts(record: Record) -> tuple[Act, ...]:
    return () if record.order_open or record.unreadable else _ACTS.get(record.state, ())


def recorded_review(record: Record) -> Review:
    """The Review as it was decided, without the question's own value: nobody answers it again."""
    try:
        return _as_decided(record, record.review)
    except UNREADABLE as error:
        return _unreadable(record, error)


def shown_when_decided(record: Record) -> dict[str, Any]:
    """`Review.to_json()` as it was then."""
    review = recorded_review(record)
    return review.to_json() if review.reading.shape == unreadable.NAME else record.review


def _unreadable(record: Record, error: Exception) -> Review:
    why = record.unreadable or f"the Review in this decision cannot be read: {error!r}"
    question = Question(
        identity=record.identity,
        value={"stored Review": fingerprint(record.review_json)},
        response_schema=None,
        digest=record.digest,
        requested_at=datetime.fromtimestamp(0, UTC),
        graph_id=record.graph_id,
        undecodable=why,
    )
    return with_record(Review(question, unreadable.unread(question, why)), record)


def _as_decided(record: Record, shown: Mapping[str, Any]) -> Review:
    if record.unreadable:
        raise ValueError(record.unreadable)
    question = Question(
        identity=record.identity,
        value=None,
        response_schema=None,
        digest=record.digest,
        requested_at=datetime.fromisoformat(shown["requested_at"]),
        node=shown["node"],
        graph_id=record.graph_id,
    )
    reading = Reading(
        record.shape,
        tuple(_action(action) for action in shown["actions"]),
        policy_name=shown["policy_name"],
        policy_reason=shown["policy_reason"],
        warnings=tuple(shown["warnings"]),
    )
    return with_record(Review(question, reading), record)


def _action(shown: Mapping[str, Any]) -> ReviewAction:
    lists = {name: tuple(shown[name]) for name in ("side_effects", "context_refs")}
    allowed = tuple(Kind(kind) for kind in shown["allowed"])
    return ReviewAction(**{**shown, **lists, "allowed": allowed})
