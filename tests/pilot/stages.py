"""Decisions that went wrong in every way, on the ledger of a real database; no worker needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Kind, Review, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.hold import NO_HOLD, Hold

BOB = Person("bob", {"login": "bob"})
APPROVE = Verdict(Kind.APPROVE)
WHY = "ValueError: no such order"


@contextlib.contextmanager
def session(db: Path, hold: Hold = NO_HOLD) -> Iterator[Session]:
    opened = Session.open(db, hold=hold)
    try:
        yield opened
    finally:
        opened.close()


def review_of(at: Session, thread: str) -> Review:
    at.inbox.read_ledger()
    [review] = at.inbox.thread_reviews(thread)
    return review


def decided(db: Path, thread: str, person: Person = BOB, hold: Hold = NO_HOLD) -> Outcome:
    """Somebody at another console approves."""
    with session(db, hold) as at:
        outcome = decide(at.inbox, review_of(at, thread), {0: APPROVE}, person)
        assert outcome.outcome == "recorded"
        return outcome


def attempted(db: Path, thread: str, outcome: str | None, detail: str = WHY) -> None:
    """A worker tries; `None`: it is still at it."""
    with session(db) as at:
        leases = Leases(at.ledger.file, ["g"])
        leases.register()
        [lease] = leases.take(thread)
        if outcome is not None:
            leases.finish(lease, outcome, detail)
            leases.retire()


def orders(db: Path) -> list[tuple[Act, str]]:
    """What was ordered, and by whom."""
    with session(db) as at:
        rows = at.ledger.file.rows("SELECT kind, by FROM orders ORDER BY id")
        return [(Act(row["kind"]), row["by"]) for row in rows]


def standing(db: Path) -> list[tuple[str, str]]:
    """Thread and person of the decisions that were not taken back."""
    with session(db) as at:
        return [(r.identity.thread_id, r.decided_by) for r in at.ledger.records()]
