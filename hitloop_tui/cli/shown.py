"""Reviews as objects with the stable keys that `ls --json` and `show --json` give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.recorded import shown_when_decided
from hitloop_tui.attach.review import OPEN_STATES, Identity, Review, State
from hitloop_tui.attach.session import Session

SOON_S = 600.0
"""A deadline this near is warned of."""
NO_WORKER = "waiting for a worker: none is alive"

_SINCE_2: dict[str, Any] = {
    "acts": [],
    "approved_by": [],
    "claimed_by": None,
    "claimed_until": None,
    "deadline": None,
    "escalated": False,
    "held_until": None,
    "on_deadline": "leave",
    "quorum": 1,
    "signed": False,
}
"""Keys that a Review recorded by an earlier version does not have."""


class Shown:
    """What the files of a session hold."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._escalated = session.ledger.escalated()
        self._workers = bool(live_workers(session.ledger.file))

    def all(self, states: Iterable[str]) -> Iterator[dict[str, Any]]:
        """What is open now; when states are named, also what was decided and is over."""
        states = tuple(states)
        wanted = {State(state) for state in states if state != "all"} or set(OPEN_STATES)
        if "all" in states:
            wanted = set(State)
        listed = set()
        if wanted & OPEN_STATES:
            for review in self._session.inbox.reviews():
                listed.add(review.key)
                if review.state in wanted:
                    yield self.open(review)
        if states:
            past = (record for record in self._session.ledger.records() if record.key not in listed)
            yield from (self.decided(record) for record in past if record.state in wanted)

    def open(self, review: Review) -> dict[str, Any]:
        shown = review.to_json()
        shown["claimed_until"] = None if review.claim is None else review.claim.until
        shown["escalated"] = review.key in self._escalated
        if review.state is State.DECIDED and not (review.detail or self._workers):
            shown["detail"] = NO_WORKER
        seconds = due_in(shown)
        if seconds is not None and review.undecided and seconds < SOON_S:
            near = f"its deadline is in {int(seconds)} s" if seconds else "its deadline has passed"
            shown["warnings"] = [*shown["warnings"], near]
        return shown

    def decided(self, record: Record) -> dict[str, Any]:
        """The Review as it was decided, with what became of it."""
        said = {str(n + 1): verdict.to_json() for n, verdict in enumerate(record.verdicts)}
        return {
            **_SINCE_2,
            **shown_when_decided(record),
            "state": record.state.value,
            "detail": record.detail,
            "allowed": [],
            "escalated": record.key in self._escalated,
            "decided_by": record.decided_by,
            "decided_at": record.decided_at,
            "account": record.account,
            "verdicts": said,
            "answer": record.answer,
        }

    def gone(self, identity: Identity) -> dict[str, Any]:
        """A question that is no longer asked, and was never decided here."""
        return {
            "id": identity.id,
            "key": identity.key,
            "thread_id": identity.thread_id,
            "checkpoint_id": identity.checkpoint_id,
            "interrupt_id": identity.interrupt_id,
            "state": State.STALE.value,
            "detail": "the thread moved on without an answer from here",
            "actions": [],
            "allowed": [],
            "acts": [],
        }


def due_in(shown: dict[str, Any]) -> float | None:
    """Seconds until the deadline, 0 after it; None without one."""
    if shown["deadline"] is None:
        return None
    left = datetime.fromisoformat(shown["deadline"]) - datetime.now(UTC)
    return max(left.total_seconds(), 0.0)
