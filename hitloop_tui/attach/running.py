"""One run of a thread's graph, from the first row to the look at what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.errors import UnknownInterruptError
from langgraph.types import Command

from hitloop_tui.attach.choosing import Choice, choose
from hitloop_tui.attach.event_log import EventLog
from hitloop_tui.attach.graphs import HostedGraph
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.outcomes import REPLACED, Outcome, after_error, after_run
from hitloop_tui.attach.review import Identity, Question
from hitloop_tui.attach.saver_file import SaverFile
from hitloop_tui.attach.shapes.breakpoint import PREFIX
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.stored_answers import StoredAnswers, leftover
from hitloop_tui.attach.stream_events import RunEvents
from hitloop_tui.attach.trouble import TROUBLE, patiently
from hitloop_tui.safetext import safe

_log = logging.getLogger(__name__)

Questions = dict[str, Question]
"""By key."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a worker lends to each run."""

    graphs: Mapping[str, HostedGraph]
    source: Source
    ledger: Ledger
    leases: Leases
    log: EventLog
    saver: SaverFile
    patience_s: float
    """How long a database in trouble is waited for, before anything is run."""

    async def questions(self, thread_id: str) -> Questions:
        """The open questions of a thread, in another thread: a locked file may take seconds."""
        found = await asyncio.to_thread(self.source.thread_questions, thread_id)
        return {question.identity.key: question for question in found}

    async def choose(self, thread_id: str, graph_id: str | None, questions: Questions) -> Choice:
        """The graph of a thread. `graph_id` is what an earlier checkpoint said of it: a head that
        somebody else's run wrote may have lost the name."""
        saver = await self.saver.open()
        metadata = await asyncio.to_thread(self.source.metadata, thread_id)
        if "graph_id" not in metadata and graph_id is not None:
            metadata = {**metadata, "graph_id": graph_id}
        ids = (question.identity.interrupt_id for question in questions.values())
        pending = {interrupt_id for interrupt_id in ids if not interrupt_id.startswith(PREFIX)}
        return await choose(self.graphs, thread_id, metadata, pending, saver)


@dataclass(frozen=True, slots=True)
class Ended:
    """What is known after a run."""

    choice: Choice
    events: RunEvents
    open_now: tuple[Question, ...]
    error: BaseException | None
    replaced: bool

    def outcome(self, question: Identity) -> Outcome:
        """What became of one of the answers of this run."""
        if self.replaced:
            return REPLACED
        if self.error is None:
            return after_run(question, self.open_now)
        superstep = self.choice.superstep
        return after_error(question, self.open_now, superstep, self.events, self.error)


async def run(
    bench: Bench,
    choice: Choice,
    events: RunEvents,
    answers: Mapping[str, Any],
    others: Collection[Question],
    started: Callable[[], None],
) -> Ended:
    """Resume a thread with `answers` by interrupt id; without any, with what is stored.

    LangGraph runs every unfinished task of the superstep again, whatever is answered: the stored
    answers to `others`, whose tasks raised, are set aside meanwhile, so that none of their tools
    runs again unasked.

    Raises UnknownInterruptError when somebody else was faster and nothing was run.
    """
    place = bench.saver.place()
    stored = StoredAnswers(choice.saver, choice.thread_id)
    aside = [(other, await stored.set_aside(other)) for other in others if other.clearable]
    started()
    error: BaseException | None = None
    try:
        await _stream(choice, Command(resume=dict(answers)) if answers else None, events)
    except (Exception, SystemExit) as raised:
        if isinstance(raised, UnknownInterruptError) and not events.started:
            await _put_back(stored, aside)
            raise
        error = raised
    await bench.saver.release()
    open_now = await patiently(lambda: bench.questions(choice.thread_id))
    places = {question.place for question in open_now.values()}
    await _put_back(stored, [(other, answers) for other, answers in aside if other.place in places])
    replaced = bench.saver.place() != place
    return Ended(choice, events, tuple(open_now.values()), error, replaced)


async def drop_leftover(choice: Choice, questions: Questions) -> None:
    """Neutralise what a plain resume left on the head, before the next question gets it."""
    question = leftover(questions.values())
    if question is not None:
        await StoredAnswers(choice.saver, choice.thread_id).drop_leftover(question)


async def _put_back(stored: StoredAnswers, aside: Collection[tuple[Question, list[Any]]]) -> None:
    try:
        for other, answers in aside:
            await stored.put_back(other, answers)
    except TROUBLE as error:  # their questions are asked again
        _log.warning("thread %s: an answer is lost: %s", safe(stored.thread_id), error)


async def _stream(choice: Choice, given: Command[Any] | None, events: RunEvents) -> None:
    async for part in choice.graph.astream(
        given,
        choice.config,
        stream_mode=["tasks", "updates", "custom", "messages"],
        subgraphs=True,
        version="v2",
        durability="sync",
    ):
        events.part(part)
