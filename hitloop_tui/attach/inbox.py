"""The open Reviews of one database, joined with the ledger and kept up to date.

Rows are light, so that 100,000 of them fit; the whole Review is read again when it is opened.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hitloop_tui.attach import shapes
from hitloop_tui.attach.direct import settled
from hitloop_tui.attach.inline import Start
from hitloop_tui.attach.ledger import Ledger, Record
from hitloop_tui.attach.masked import masked_review
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.recorded import without_question
from hitloop_tui.attach.review import OPEN_STATES, Act, Question, Review, State
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.standing import Standing
from hitloop_tui.attach.summary import summarise
from hitloop_tui.hold import NO_HOLD, Hold

DELETIONS_S = 0.5
DELETIONS_SHARE = 50
"""Deleted threads are looked for so seldom, in seconds and in times of what the look takes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the inbox. Text is raw: it passes `safetext` where it is shown."""

    key: str
    id: str
    thread_id: str
    graph_id: str | None
    state: State
    risk: str | None
    tool: str
    """The first Action's."""
    summary: Start
    """The arguments that matter, in one line."""
    requested_at: float
    """Seconds since the epoch."""
    actions: int
    warnings: int
    decided_by: str | None
    undecided: bool
    """Whether a person may still give a verdict."""
    claimed_by: str | None = None
    deadline: float | None = None
    """Seconds since the epoch."""
    acts: tuple[Act, ...] = ()

    @classmethod
    def of(cls, review: Review, masks: Masks = MASKS) -> Row:
        deadline = review.reading.deadline
        return cls(
            key=review.key,
            id=review.id,
            thread_id=review.thread_id,
            graph_id=review.question.graph_id,
            state=review.state,
            risk=review.risk,
            tool=review.actions[0].tool_name if review.actions else "?",
            summary=summarise(masked_review(masks, review)),
            requested_at=review.question.requested_at.timestamp(),
            actions=len(review.actions),
            warnings=len(review.reading.warnings),
            decided_by=review.decided_by,
            undecided=review.undecided,
            claimed_by=None if review.claim is None else review.claim.by,
            deadline=None if deadline is None else deadline.timestamp(),
            acts=review.acts,
        )


class Inbox:
    """Open Reviews by key. Not thread-safe: use it from one thread, hand `rows()` to others."""

    def __init__(
        self, source: Source, ledger: Ledger, hold: Hold = NO_HOLD, masks: Masks = MASKS
    ) -> None:
        self.source = source
        self.ledger = ledger
        self.hold = hold
        """How long decisions made over this inbox wait for an undo."""
        self.masks = masks
        """What its rows and warnings keep to themselves; Reviews are whole."""
        self._rows: dict[str, Row] = {}
        self._threads: dict[str, set[str]] = {}
        """Keys by thread, to replace a thread's rows without looking at the others."""
        self._standing = Standing()
        self._unsettled: dict[str, list[Record]] = {}
        """Decisions that are not over, by thread: the thread may have gone on, and failed."""
        self._late_from = time.time()
        """Deadlines before this were looked at."""
        self._source_version: object = None
        self._ledger_version: int | None = None
        self._stamp: tuple[Any, ...] | None = None
        self._failed = False
        self._deletions = _Deletions()

    def rows(self) -> list[Row]:
        """All open rows, newest first."""
        return sorted(self._rows.values(), key=lambda row: (-row.requested_at, row.key))

    def load_newest(self, limit: int) -> None:
        """Fill an empty inbox with the newest questions only, for a first screen."""
        self.read_ledger()
        self._replace(self._asked(self.source.newest(limit)))

    def load(self) -> None:
        """Read every pending question of the database."""
        self._failed = True
        self._source_version = self.source.data_version()
        self._ledger_version = self.ledger.file.data_version()
        self.source.changed_threads()
        self.read_ledger()
        self._rows.clear()
        self._threads.clear()
        self._replace(self._open(self.source.questions(), self._unsettled))
        self._failed = False

    def refresh(self) -> bool:
        """Read what changed since the last call; False when nothing did.

        After an error the next call reads everything: what had changed was told only once.
        """
        touched = None if self._failed else self._touched()
        if touched is None:
            self.load()
            return True
        for thread_id in touched:
            self._reread(thread_id)
        self._failed = False
        return bool(touched)

    def _touched(self) -> set[str] | None:
        """Threads to read again; None for all of them."""
        self._failed = True
        source_version = self.source.data_version()
        ledger_version = self.ledger.file.data_version()
        touched: set[str] | None = set()
        if source_version != self._source_version:
            self._source_version = source_version
            self._deletions.suspect()
            touched = self.source.changed_threads()
        if touched is None:
            return None
        touched |= self._deletions.found(self.source, self._threads)
        if ledger_version != self._ledger_version or self._standing.restless():
            self._ledger_version = ledger_version
            touched |= self.read_ledger()
        return touched | self._past_deadline()

    def _past_deadline(self) -> set[str]:
        """Threads with a question whose time ended since the last call."""
        before, self._late_from = self._late_from, time.time()
        return {
            row.thread_id
            for row in self._rows.values()
            if row.deadline is not None and before <= row.deadline <= self._late_from
        }

    def review(self, key: str) -> Review | None:
        """The whole Review as it stands now; None when it is no longer open."""
        row = self._rows.get(key)
        if row is None:
            return None
        return next((r for r in self.thread_reviews(row.thread_id) if r.key == key), None)

    def thread_reviews(self, thread_id: str) -> list[Review]:
        """All open Reviews of a thread, read now."""
        return list(self._open(self.source.thread_questions(thread_id), [thread_id]))

    def reviews(self) -> Iterator[Review]:
        """All open Reviews of the database, whole, read now."""
        self.read_ledger()
        return self._open(self.source.questions(), self._unsettled)

    def read_ledger(self) -> set[str]:
        """Read the ledger anew; the threads whose Reviews may look different now."""
        stamp = self.ledger.stamp()
        if stamp == self._stamp and not self._standing.restless():
            return set()
        self._stamp = stamp
        before = self._standing
        self._standing = Standing.read(self.ledger, settled(self.source, self.ledger))
        self._unsettled = {}
        for record in self._standing.records.values():
            if not record.over:
                self._unsettled.setdefault(record.identity.thread_id, []).append(record)
        records = {**before.records, **self._standing.records}
        changed = self._standing.changed(before)
        threads = {records[key].identity.thread_id for key in changed if key in records}
        return threads | {self._rows[key].thread_id for key in changed if key in self._rows}

    def _open(self, questions: Iterable[Question], threads: Iterable[str]) -> Iterator[Review]:
        """What the questions of `threads` ask, and what was decided there and is not over."""
        asked = set()
        for review in self._asked(questions):
            asked.add(review.key)
            yield review
        for thread_id in threads:
            for record in self._unsettled.get(thread_id, ()):
                if record.key not in asked and self._not_over(record):
                    yield without_question(record)

    def _not_over(self, record: Record) -> bool:
        """Whether a decision still matters to a thread whose head does not ask about it.

        A thread that moved after a failed or interrupted attempt was taken on by somebody.
        """
        if record.state is State.STALE:
            return True
        moved_at = self.source.head_at(record.identity.thread_id)
        if moved_at is None:
            return False
        ended = record.state in (State.FAILED, State.UNCERTAIN)
        return not (ended and record.attempted_until and moved_at > record.attempted_until)

    def _asked(self, questions: Iterable[Question]) -> Iterator[Review]:
        for question in questions:
            reading = shapes.read(question, self.masks)
            if reading is None:
                continue
            record = self._standing.records.get(question.identity.key)
            if record is not None and record.over:
                continue
            review = self._standing.join(Review(question, reading))
            if review.state in OPEN_STATES:
                yield review

    def _reread(self, thread_id: str) -> None:
        for key in self._threads.pop(thread_id, ()):
            self._rows.pop(key, None)
        self._replace(self.thread_reviews(thread_id))

    def _replace(self, reviews: Iterable[Review]) -> None:
        for review in reviews:
            self._rows[review.key] = Row.of(review, self.masks)
            self._threads.setdefault(review.thread_id, set()).add(review.key)


class _Deletions:
    """Deleted threads leave no row behind that tells of it, so the listed ones are looked up."""

    def __init__(self) -> None:
        self._suspected = False
        self._next = 0.0

    def suspect(self) -> None:
        """Something was committed."""
        self._suspected = True

    def found(self, source: Source, threads: Collection[str]) -> set[str]:
        """Those of `threads` that are gone; none while the last look is too recent."""
        began = time.monotonic()
        if not self._suspected or began < self._next:
            return set()
        gone = source.gone(threads)
        self._suspected = False
        self._next = began + max(DELETIONS_S, DELETIONS_SHARE * (time.monotonic() - began))
        return gone
