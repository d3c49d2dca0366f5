"""What the console does with the files: plain calls, made on the reader's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recorded import with_record
from hitloop_tui.attach.review import Review, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.source import Message

FIRST = 50
"""Rows read before the first paint; the rest follows."""
CONTEXT = 6
"""Messages of a thread shown below a Review."""


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

    def card(self, row: Row) -> Card | None:
        """The whole Review of a row as it stands now; None when it is no longer open."""
        inbox = self.session.inbox
        inbox.read_ledger()
        found = (r for r in inbox.thread_reviews(row.thread_id) if r.key == row.key)
        review = next(found, None)
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

    def decide(self, shown: Review, verdicts: Mapping[int, Verdict]) -> Outcome:
        return decide(self.session.inbox, shown, verdicts, self.person)
