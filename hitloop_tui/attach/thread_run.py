"""The decisions on one thread: look again, choose the graph, resume, record the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import UnknownInterruptError
from langgraph.types import Command

from hitloop_tui.attach.checkpoint_sql import NULL_TASK
from hitloop_tui.attach.choosing import Blocked, Choice, choose
from hitloop_tui.attach.event_log import EventLog
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.graphs import HostedGraph
from hitloop_tui.attach.interrupt_rows import INTERRUPT_ID
from hitloop_tui.attach.leases import Lease, Leases
from hitloop_tui.attach.ledger import Ledger, Record
from hitloop_tui.attach.outcomes import (
    MOVED_ON,
    NOT_STARTED,
    STOPPED,
    Kind,
    Outcome,
    after_error,
    after_run,
    second_look,
)
from hitloop_tui.attach.review import ID_LENGTH, Question
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.stream_events import RunEvents, error_text
from hitloop_tui.safetext import safe

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a worker lends to each run."""

    graphs: Mapping[str, HostedGraph]
    source: Source
    ledger: Ledger
    leases: Leases
    log: EventLog
    saver: Callable[[], Awaitable[BaseCheckpointSaver[Any]]]


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
                self._settle_now(key, STOPPED if self._resuming else NOT_STARTED)

    async def _apply(self) -> None:
        self._records = self.bench.ledger.of_keys(self._open)
        questions = self._questions()
        for key, record in self._records.items():
            refused = second_look(questions.get(key), record.digest)
            if refused is not None:
                await self._settle(key, refused)
        asked = {key: questions[key] for key in self._open}
        if not asked:
            return
        _require_ids(asked.values())
        saver = await self.bench.saver()
        choice = await choose(
            self.bench.graphs,
            self.thread_id,
            self._metadata(next(iter(asked.values()))),
            {question.identity.interrupt_id for question in questions.values()},
            saver,
        )
        self._graph_id = choice.name
        await _neutralise(saver, asked.values())
        await self._resume(choice, asked)

    def _questions(self) -> dict[str, Question]:
        found = self.bench.source.thread_questions(self.thread_id)
        return {question.identity.key: question for question in found}

    def _metadata(self, question: Question) -> Mapping[str, Any]:
        """The head's; a head that somebody else's run wrote may have lost the graph's name."""
        metadata = self.bench.source.metadata(self.thread_id)
        if "graph_id" in metadata or question.graph_id is None:
            return metadata
        return {**metadata, "graph_id": question.graph_id}

    async def _resume(self, choice: Choice, asked: Mapping[str, Question]) -> None:
        if not asked:
            return
        attempt = next(iter(self._open.values())).attempt
        events = RunEvents(self.bench.log, self.thread_id, choice.name, attempt)
        answers = {q.identity.interrupt_id: self._records[key].answer for key, q in asked.items()}
        events.add("resume", {"ids": [q.identity.id for q in asked.values()]})
        ids = " ".join(q.identity.id for q in asked.values())
        _log.info("thread %s: resuming %s with %s", safe(self.thread_id), choice.name, ids)
        self._resuming = True
        try:
            await _stream(choice, answers, events)
        except (Exception, SystemExit) as error:
            if isinstance(error, UnknownInterruptError) and not events.started:
                await self._resume(choice, await self._without(error, asked))
                return
            open_now = list(self._questions().values())
            for key, question in asked.items():
                ended = after_error(question.identity, open_now, choice.superstep, events, error)
                await self._settle(key, ended)
        else:
            open_now = list(self._questions().values())
            for key, question in asked.items():
                await self._settle(key, after_run(question.identity, open_now))

    async def _without(
        self, error: UnknownInterruptError, asked: Mapping[str, Question]
    ) -> Mapping[str, Question]:
        """The other questions, when the application itself was faster with some."""
        ids = {question.identity.interrupt_id for question in asked.values()}
        gone = ids & set(error.interrupt_ids) or ids
        for key, question in asked.items():
            if question.identity.interrupt_id in gone:
                await self._settle(key, MOVED_ON)
        return {key: question for key, question in asked.items() if key in self._open}

    async def _settle_all(self, outcome: Outcome) -> None:
        for key in list(self._open):
            await self._settle(key, outcome)

    async def _settle(self, key: str, outcome: Outcome) -> None:
        await asyncio.to_thread(self._settle_now, key, outcome)

    def _settle_now(self, key: str, outcome: Outcome) -> None:
        """Record an outcome; the events that led to it are in the ledger first."""
        lease = self._open.pop(key, None)
        if lease is None:
            return
        self.bench.log.flush()
        self.bench.leases.finish(lease, outcome.kind, outcome.detail)
        self.outcomes.append(outcome.kind)
        data = {"id": key[:ID_LENGTH], "detail": outcome.detail}
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


async def _stream(choice: Choice, answers: Mapping[str, Any], events: RunEvents) -> None:
    async for part in choice.graph.astream(
        Command(resume=dict(answers)),
        choice.config,
        stream_mode=["tasks", "updates", "custom", "messages"],
        subgraphs=True,
        version="v2",
        durability="sync",
    ):
        events.part(part)


def _require_ids(questions: Iterable[Question]) -> None:
    for question in questions:
        if not INTERRUPT_ID.fullmatch(question.identity.interrupt_id):
            raise Blocked(
                f"the interrupt's id is {question.identity.interrupt_id or 'missing'}: LangGraph"
                " resumes only ids of its own making"
            )


async def _neutralise(saver: BaseCheckpointSaver[Any], questions: Iterable[Question]) -> None:
    """Take away the answer that a plain resume left behind, or the next question would get it."""
    for question in questions:
        if question.leftover_answer:
            place = question.identity
            await saver.aput_writes(
                {
                    "configurable": {
                        "thread_id": place.thread_id,
                        "checkpoint_ns": place.checkpoint_ns,
                        "checkpoint_id": place.checkpoint_id,
                    }
                },
                [("__resume__", None)],
                NULL_TASK,
            )
            return
