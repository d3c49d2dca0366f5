"""Reviews as the ledger keeps them: what was decided, also when the thread has gone on since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

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
    return () if record.order_open else _ACTS.get(record.state, ())


def recorded_review(record: Record) -> Review:
    """The Review as it was decided, without the question's own value: nobody answers it again."""
    shown = record.review
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
