"""What the console does with the files: plain calls, made on the reader's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hitloop_tui.attach import acts, orders
from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recorded import with_record
from hitloop_tui.attach.review import Act, Claim, Review, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.source import Message
from hitloop_tui.errors import DatabaseError

FIRST = 50
"""Rows read before the first paint; the rest follows."""
CONTEXT = 6
"""Messages of a thread shown below a Review."""
CLAIM_S = 60.0
"""A claim ends by itself after so long, when its console dies without a word."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the card shows."""

    review: Review
    messages: list[Message]


class Feed:
    """The open rows and the trace, kept up to date."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._trace = session.trace()

    def newest(self) -> list[Row]:
        self.session.inbox.load_newest(FIRST)
        return self.session.inbox.rows()

    def load(self) -> list[Row]:
        self.session.inbox.load()
        return self.session.inbox.rows()

    def refresh(self) -> list[Row] | None:
        """All rows, or None when nothing changed since the last call."""
        return self.session.inbox.rows() if self.session.inbox.refresh() else None

    def trace_of(self, thread_id: str | None) -> None:
        """From now on trace one thread, or all; the recent past is told again."""
        self._trace = self.session.trace(thread_id)

    def events(self) -> list[Event]:
        return self._trace.poll()

    def workers(self) -> int:
        return len(live_workers(self.session.ledger.file))


class Desk:
    """Opens Reviews and records verdicts, on connections of its own.

    The feed notices a change by the version of the database, and SQLite does not count a
    connection's own writes: a shared connection would hide our decisions from the inbox.
    """

    def __init__(self, session: Session, person: Person) -> None:
        self.session = session
        self.person = person
        self._claimed: set[str] = set()

    def card(self, row: Row) -> Card | None:
        """The whole Review of a row as it stands now; None when it is no longer open."""
        review = self._now(row.thread_id, row.key)
        if review is None:
            return None
        return Card(review, self.session.source.messages(row.thread_id, CONTEXT))

    def reviews(self, rows: Sequence[Row]) -> list[Review]:
        """The Reviews of rows as they stand now, without those that are no longer open."""
        inbox = self.session.inbox
        inbox.read_ledger()
        wanted = {row.key for row in rows}
        threads = dict.fromkeys(row.thread_id for row in rows)
        found = (review for thread in threads for review in inbox.thread_reviews(thread))
        return [review for review in found if review.key in wanted]

    def became(self, review: Review) -> Review:
        """What happened to a Review that is no longer open."""
        record = self.session.ledger.of_keys([review.key]).get(review.key)
        if record is not None:
            return with_record(review, record)
        detail = "this question is gone: the thread moved on without this console"
        return replace(review, state=State.STALE, detail=detail)

    def decide(self, shown: Review, verdicts: Mapping[int, Verdict]) -> tuple[Outcome, Review]:
        """Record verdicts: what came of it, and the Review after it.

        Raises DatabaseError only where it cannot be told whether they were recorded.
        """
        try:
            outcome = decide(self.session.inbox, shown, verdicts, self.person)
        except DatabaseError as error:
            outcome = self._after_error(shown, verdicts, error)
        try:
            return outcome, self.became(shown) if outcome.decided_at else shown
        except DatabaseError:
            return outcome, shown

    def act(self, shown: Review, act: Act) -> Outcome:
        """Undo, retry, clear, done or dismiss, if the Review still is what the person saw."""
        if act is not Act.UNDO:
            current = self._now(shown.thread_id, shown.key)
            if current is not None and _standing(current) != _standing(shown):
                now = f"it is {current.state.value} by now"
                return Outcome(shown.id, "stale", detail=f"{now}: look again")
        return acts.act(self.session.inbox, shown, act, self.person)

    def claim(self, key: str) -> Claim | None:
        """Say that this person looks at a Review; who does, when it is somebody else."""
        other = orders.claim(self.session.ledger, key, self.person, CLAIM_S)
        if other is None:
            self._claimed.add(key)
        return other

    def release(self, key: str) -> None:
        self._claimed.discard(key)
        orders.release(self.session.ledger, key, self.person)

    def leave(self) -> None:
        """The console ends: nobody looks from here any more."""
        for key in list(self._claimed):
            self.release(key)

    def _now(self, thread_id: str, key: str) -> Review | None:
        inbox = self.session.inbox
        inbox.read_ledger()
        return next((r for r in inbox.thread_reviews(thread_id) if r.key == key), None)

    def _after_error(
        self, shown: Review, verdicts: Mapping[int, Verdict], error: DatabaseError
    ) -> Outcome:
        """A write that failed, or one that was followed by a failing read?"""
        me, ledger = self.person.decided_by, self.session.ledger
        try:
            record = ledger.of_keys([shown.key]).get(shown.key)
            said = ledger.said().get(shown.key, ())
        except DatabaseError:
            raise DatabaseError(f"whether this was recorded is not known: {error}") from error
        if record is not None and record.decided_by == me:
            return Outcome(shown.id, "recorded", me, record.decided_at, f"though {error}")
        if any(each.by == me and each.action in verdicts for each in said):
            return Outcome(shown.id, "recorded", me, detail=f"though {error}")
        return Outcome(shown.id, "failed", detail=str(error))


def _standing(review: Review) -> tuple[object, ...]:
    return review.state, review.detail, review.decided_at
