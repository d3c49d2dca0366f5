"""What becomes of questions that nobody has answered in time.

Deadlines of pending questions are kept in memory and read again where the source changed, so that
looking every second costs nothing. They are wall-clock times that the asking code has written: one
passes when this computer's clock says so.
"""

from __future__ import annotations

import heapq
import logging
import math
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from hitloop_tui.attach import journal, recording, shapes
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, OnDeadline, Question, Review, State, Verdict
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.standing import Standing
from hitloop_tui.errors import InvalidVerdict
from hitloop_tui.safetext import safe

_log = logging.getLogger(__name__)

TIMEOUT = Person("timeout", {}, kind="system")
REASON = "nobody answered before the deadline"


class Deadlines:
    """Not thread-safe: one call at a time. `source` is its own, for it follows what changed."""

    def __init__(self, source: Source, ledger: Ledger) -> None:
        self._source = source
        self._ledger = ledger
        self._next: dict[str, float] = {}
        """The first deadline to come of each thread; seconds since the epoch."""
        self._coming: list[tuple[float, str]] = []
        """The same as a heap, and some that were replaced since."""
        self._passed: set[str] = set()
        """Threads with a deadline that has passed."""
        self._version: object = None
        self._withdrawn = 0

    def enforce(self) -> None:
        """Reject or escalate what is due. Raises DatabaseError; the next call tries again."""
        self._refresh()
        late = self._late()
        self._passed |= late
        if self._passed:
            rows = self._ledger.file.rows("SELECT count(*) FROM withdrawals")
            withdrawn = rows[0][0] if rows else 0
            if late or withdrawn != self._withdrawn:
                self._act()
            self._withdrawn = withdrawn

    def close(self) -> None:
        self._source.close()

    def _refresh(self) -> None:
        version = self._source.data_version()
        if version == self._version:
            return
        changed = self._source.changed_threads()
        if changed is None:
            self._next.clear()
            self._coming.clear()
            self._passed.clear()
            for question in self._source.questions():
                self._note(question.identity.thread_id, [question])
        else:
            self._passed -= changed
            for thread_id in changed:
                self._next.pop(thread_id, None)
                self._note(thread_id, self._source.thread_questions(thread_id))
        self._version = version

    def _note(self, thread_id: str, questions: Iterable[Question]) -> None:
        deadlines = [at.timestamp() for question in questions if (at := _deadline(question))]
        first = min(deadlines, default=math.inf)
        if first < self._next.get(thread_id, math.inf):
            self._next[thread_id] = first
            heapq.heappush(self._coming, (first, thread_id))

    def _late(self) -> set[str]:
        """Threads whose first deadline has passed since the last call."""
        late = set()
        while self._coming and self._coming[0][0] <= time.time():
            at, thread_id = heapq.heappop(self._coming)
            if self._next.get(thread_id) == at:
                del self._next[thread_id]
                late.add(thread_id)
        return late

    def _act(self) -> None:
        found = {t: self._source.thread_questions(t) for t in self._passed}
        keys = [question.identity.key for asked in found.values() for question in asked]
        standing = Standing.read(self._ledger, self._ledger.of_keys(keys).values())
        for thread_id, questions in found.items():
            to_come = [q for q in questions if (at := _deadline(q)) and at > datetime.now(UTC)]
            for question in questions:
                self._enforce(standing, question)
            self._note(thread_id, to_come)
            if len(to_come) == len(questions):  # the clock was set back, or they are gone
                self._passed.discard(thread_id)

    def _enforce(self, standing: Standing, question: Question) -> None:
        """Only an open question is anybody's to close: not one that may be running."""
        reading = shapes.read(question)
        review = None if reading is None else standing.join(Review(question, reading))
        if review is None or review.state is not State.EXPIRED:
            return
        if review.reading.on_deadline is OnDeadline.REJECT:
            try:
                self._reject(review)
            except InvalidVerdict as error:
                _log.warning("%s cannot be rejected: %s", review.id, safe(str(error)))
                self._escalate(review)
        elif review.reading.on_deadline is OnDeadline.ESCALATE:
            self._escalate(review)

    def _reject(self, review: Review) -> None:
        """The whole Review, whatever was said about parts of it: it was not approved in time."""
        no = Verdict(Kind.REJECT, reason=REASON)
        verdicts = {n: shapes.check(review, n, no) for n in range(len(review.actions))}
        answer = shapes.answer(review, verdicts, TIMEOUT)
        with self._ledger.file.transaction() as connection:
            if recording.standing(connection, review.key) is None:
                recording.insert_decision(connection, review, verdicts, answer, TIMEOUT)
                _log.info("%s: %s", review.id, REASON)

    def _escalate(self, review: Review) -> None:
        """Once, whoever notices."""
        with self._ledger.file.transaction() as connection:
            done = connection.execute(
                "INSERT OR IGNORE INTO escalations (key, at) VALUES (?,?)", (review.key, now())
            )
            if done.rowcount:
                assert done.lastrowid is not None
                journal.seal(connection, "escalation", done.lastrowid)
                recording.insert_event(connection, review, "escalated", TIMEOUT.decided_by)
                _log.info("%s: escalated, %s", review.id, REASON)


def _deadline(question: Question) -> datetime | None:
    """The deadline that somebody must act on."""
    reading = shapes.read_undoubted(question)
    if reading is None or reading.on_deadline is OnDeadline.LEAVE:
        return None
    return reading.deadline
