"""The decisions on one thread: look again, choose the graph, resume, record the outcome."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from langgraph.errors import UnknownInterruptError

from hitloop_tui.attach import journal
from hitloop_tui.attach.choosing import Blocked, Choice
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.interrupt_values import INTERRUPT_ID
from hitloop_tui.attach.leases import Lease
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.order_leases import was_cleared
from hitloop_tui.attach.outcomes import (
    ENDED,
    MOVED_ON,
    NOT_AS_WRITTEN,
    NOT_STARTED,
    OTHER_ANSWER,
    STOPPED,
    TAKEN_BACK,
    Kind,
    Outcome,
    same_answer,
    second_look,
)
from hitloop_tui.attach.review import ID_LENGTH, Act, Question
from hitloop_tui.attach.running import Bench, Questions, drop_leftover, run
from hitloop_tui.attach.shapes.breakpoint import PREFIX
from hitloop_tui.attach.stored_answers import StoredAnswers
from hitloop_tui.attach.stream_events import RunEvents, error_text
from hitloop_tui.attach.trouble import TROUBLE, patiently
from hitloop_tui.errors import DatabaseError
from hitloop_tui.safetext import safe

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ThreadRun:
    """One pass over the leased decisions of one thread."""

    bench: Bench
    thread_id: str
    leases: Sequence[Lease]
    outcomes: list[str] = field(default_factory=list)
    _open: dict[str, Lease] = field(init=False)
    """Leases without an outcome, by key."""
    _records: dict[str, Record] = field(default_factory=dict)
    _graph_id: str | None = None
    _resuming: bool = False

    def __post_init__(self) -> None:
        self._open = {lease.key: lease for lease in self.leases}

    async def apply(self) -> None:
        """Never raises but when cancelled; every lease has an outcome afterwards."""
        try:
            await self._apply()
        except Blocked as reason:
            await self._settle_all(Outcome("blocked", str(reason)))
        except Exception as error:
            _log.exception("thread %s", safe(self.thread_id))
            kind: Kind = "uncertain" if self._resuming else "blocked"
            await self._settle_all(Outcome(kind, error_text(error)))
        finally:
            # Only a cancelled run gets here with open leases. No `await`: the loop may be closing.
            for key in list(self._open):
                self._last_words(key, STOPPED if self._resuming else NOT_STARTED)

    async def _apply(self) -> None:
        while self._open:
            ready = await patiently(self._look_again, self.bench.patience_s)
            if ready is None:
                return
            choice, questions = ready
            try:
                await self._run(choice, questions)
                return
            except UnknownInterruptError as error:
                self._resuming = False
                await self._settle_gone(error, questions)
            except TROUBLE:
                if self._resuming or self.bench.patience_s < math.inf:
                    raise

    async def _look_again(self) -> tuple[Choice, Questions] | None:
        """What may be resumed, after a second look at the thread. It touches nothing, so it can be
        done anew while the database is in trouble."""
        self._records = self.bench.ledger.of_keys(self._open)
        for key in self._open.keys() - self._records.keys():
            await self._settle(key, TAKEN_BACK)
        for key, record in list(self._records.items()):
            if not journal.as_written(self.bench.ledger.file.rows, "decision", record.seq):
                del self._records[key]
                await self._settle(key, NOT_AS_WRITTEN)
        if self.bench.saver.place() is None:
            raise DatabaseError(f"{self.bench.saver.path} is missing")
        questions = await self.bench.questions(self.thread_id)
        onward = {key for key in self._open if key not in questions and await self._ours(key)}
        for key, record in self._records.items():
            refused = None if key in onward else second_look(questions.get(key), record)
            if refused is None and key not in onward:
                refused = await self._other_answer(questions[key], record)
            if refused is not None:
                await self._settle(key, refused)
        if not self._open:
            return None
        _require_ids(questions[key] for key in self._open if key in questions)
        choice = await self.bench.choose(self.thread_id, self._named(), questions)
        for key in list(self._open):
            question = questions.get(key)
            if question is None:
                await self._settle_ended(key, choice, questions)
            elif question.identity.checkpoint_id != choice.head:
                await self._settle(key, MOVED_ON)
        return choice, questions

    async def _ours(self, key: str) -> bool:
        """Whether the head is where the attempt before left the thread: an answer that was taken,
        and then a later node failed or the worker died."""
        before = self._open[key].before
        if self._records[key].ordered is not Act.RETRY or before is None:
            return False
        at: datetime | None = await asyncio.to_thread(self.bench.source.head_at, self.thread_id)
        return at is not None and at <= before

    async def _settle_ended(self, key: str, choice: Choice, questions: Questions) -> None:
        """Nothing is tried again where nothing is left, or where somebody else has resumed."""
        if not choice.goes_on:
            await self._settle(key, ENDED)
        elif not questions:
            given = await StoredAnswers(choice.saver, self.thread_id).plain(choice.head)
            if given is not None:
                await self._settle(key, MOVED_ON)

    async def _other_answer(self, question: Question, record: Record) -> Outcome | None:
        if not question.answered:
            return None
        assert question.place is not None
        stored = StoredAnswers(await self.bench.saver.open(), self.thread_id)
        answers = await stored.of(question.place)
        at = question.identity.answers
        if question.consumed and len(answers) <= at:  # LangGraph does not keep a task's last one
            return None
        return None if same_answer(answers[at:], [record.answer]) else OTHER_ANSWER

    def _named(self) -> str | None:
        """The graph that the thread belonged to when its questions were decided."""
        return next((r.graph_id for r in self._records.values() if r.graph_id), None)

    async def _run(self, choice: Choice, questions: Questions) -> None:
        self._graph_id = choice.name
        await drop_leftover(choice, questions)
        if not await asyncio.to_thread(self._still_ours):
            return
        attempt = next(iter(self._open.values())).attempt
        events = RunEvents(self.bench.log, self.thread_id, choice.name, attempt)
        ids = [key[:ID_LENGTH] for key in self._open]
        events.add("resume", {"ids": ids})
        what = choice.name, " ".join(ids)
        _log.info("thread %s: resuming %s with %s", safe(self.thread_id), *what)
        # What is stored runs again by itself; given once more, it would answer the next question.
        answers = {
            questions[key].identity.interrupt_id: self._records[key].answer
            for key in self._open
            if key in questions and _by_id(questions[key])
        }
        others = [question for key, question in questions.items() if key not in self._open]
        if any(map(self._anew, self._open)):
            choice = choice.again(f"attempt {attempt}")
        ended = await run(self.bench, choice, events, answers, others, self._started)
        for key in list(self._open):
            await self._settle(key, ended.outcome(self._records[key].identity))

    def _anew(self, key: str) -> bool:
        """Whether a person has ordered a call that may have been made before."""
        ordered = self._records[key].ordered is Act.RETRY
        return ordered or was_cleared(self.bench.ledger.file, key)

    def _still_ours(self) -> bool:
        """False when a person took this worker for dead meanwhile, and ordered something else."""
        for key, lease in list(self._open.items()):
            if not self.bench.leases.holds(lease):
                del self._open[key]
                _log.warning("%s: somebody took this worker for dead", key[:ID_LENGTH])
        return bool(self._open)

    def _started(self) -> None:
        self._resuming = True

    async def _settle_gone(self, error: UnknownInterruptError, questions: Questions) -> None:
        """The application itself was faster with some."""
        asked = {k: questions[k].identity.interrupt_id for k in self._open if k in questions}
        gone = set(asked.values()) & set(error.interrupt_ids) or set(asked.values())
        for key, interrupt_id in asked.items():
            if interrupt_id in gone:
                await self._settle(key, MOVED_ON)

    async def _settle_all(self, outcome: Outcome) -> None:
        for key in list(self._open):
            await self._settle(key, outcome)

    async def _settle(self, key: str, outcome: Outcome) -> None:
        """However long it takes to write it down: only a dead worker's decisions are uncertain."""
        await patiently(lambda: asyncio.to_thread(self._settle_now, key, outcome), float("inf"))

    def _last_words(self, key: str, outcome: Outcome) -> None:
        try:
            self._settle_now(key, outcome)
        except TROUBLE as error:
            _log.error("%s: %s is not recorded: %s", key[:ID_LENGTH], outcome.kind, error)

    def _settle_now(self, key: str, outcome: Outcome) -> None:
        """Record an outcome; the events that led to it are in the ledger first."""
        lease = self._open.get(key)
        if lease is None:
            return
        self.bench.log.flush()
        self.bench.leases.finish(lease, outcome.kind, outcome.detail)
        del self._open[key]
        self.outcomes.append(outcome.kind)
        data: dict[str, Any] = {"id": key[:ID_LENGTH], "detail": outcome.detail}
        self.bench.log.add(
            Event(
                self.thread_id,
                outcome.kind,
                graph_id=self._graph_id,
                attempt=lease.attempt,
                data=data,
            )
        )
        said = key[:ID_LENGTH], outcome.kind, safe(outcome.detail)
        _log.info("thread %s: %s %s %s", safe(self.thread_id), *said)


def _by_id(question: Question) -> bool:
    """Whether an answer must be given: not at a breakpoint, nor where it lies stored already."""
    return not (question.answered or question.identity.interrupt_id.startswith(PREFIX))


def _require_ids(questions: Iterable[Question]) -> None:
    for question in questions:
        if _by_id(question) and not INTERRUPT_ID.fullmatch(question.identity.interrupt_id):
            raise Blocked(
                f"the interrupt's id is {question.identity.interrupt_id or 'missing'}: LangGraph"
                " resumes only ids of its own making"
            )
