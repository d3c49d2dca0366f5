"""Carrying out an order: an answer is cleared, or a foreign one is run again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from hitloop_tui.attach import order_leases
from hitloop_tui.attach.choosing import Blocked, Choice
from hitloop_tui.attach.order_leases import Order
from hitloop_tui.attach.outcomes import MOVED_ON, STOPPED, Kind, Outcome
from hitloop_tui.attach.review import Act, Question
from hitloop_tui.attach.running import Bench, Questions, drop_leftover, run
from hitloop_tui.attach.saver_file import SaverFile
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.stored_answers import StoredAnswers
from hitloop_tui.attach.stream_events import RunEvents, error_text
from hitloop_tui.attach.trouble import TROUBLE, patiently
from hitloop_tui.errors import DatabaseError
from hitloop_tui.safetext import safe

_log = logging.getLogger(__name__)

GONE = Outcome("stale", "no answer is stored any more: the question can be decided")
CONSUMED = Outcome("stale", "its task has ended with the answer: nothing is left to clear")
NAMELESS = Outcome(
    "failed",
    "several questions are open, and the other program's answer names none of them: clear it",
)


@dataclass(slots=True)
class OrderRun:
    """One order in this worker's hands."""

    bench: Bench
    order: Order
    outcomes: list[str] = field(default_factory=list)
    unable: bool = False
    """No graph of this worker can do it: the order waits for another worker."""
    _resuming: bool = False

    async def carry_out(self) -> None:
        """Never raises but when cancelled; then an order to clear waits for the next worker."""
        try:
            await self._settle(await self._carried_out())
        except Blocked as reason:
            await self._put_back(str(reason))
        except Exception as error:
            _log.exception("thread %s", safe(self.order.thread_id))
            kind: Kind = "uncertain" if self._resuming else "failed"
            await self._settle(Outcome(kind, error_text(error)))
        except asyncio.CancelledError:
            self._last_words()
            raise

    async def _carried_out(self) -> Outcome:
        if self.order.kind is Act.CLEAR:
            return await patiently(self._clear, self.bench.patience_s)
        return await self._run_again()

    async def _clear(self) -> Outcome:
        return await clear(self.bench.source, self.bench.saver, self.order)

    async def _run_again(self) -> Outcome:
        ready = await patiently(self._look_again, self.bench.patience_s)
        if isinstance(ready, Outcome):
            return ready
        choice, question, questions = ready
        if question.answered:
            await drop_leftover(choice, questions)
        events = RunEvents(self.bench.log, self.order.thread_id, choice.name, None)
        events.add("resume", {"ids": [question.identity.id], "order": self.order.kind})
        others = [other for other in questions.values() if other is not question]
        choice = choice.again(f"order {self.order.id}")
        ended = await run(self.bench, choice, events, {}, others, self._started)
        return ended.outcome(question.identity)

    async def _look_again(self) -> tuple[Choice, Question, Questions] | Outcome:
        questions = await self.bench.questions(self.order.thread_id)
        question = questions.get(self.order.key)
        if question is None:
            return MOVED_ON
        if not question.answered and (not question.leftover_answer or question.leftover_spent):
            return GONE
        others = [q for q in questions.values() if q is not question and not q.answered]
        if not question.answered and others:
            return NAMELESS
        choice = await self.bench.choose(self.order.thread_id, question.graph_id, questions)
        return choice, question, questions

    def _started(self) -> None:
        self._resuming = True

    async def _settle(self, outcome: Outcome) -> None:
        await patiently(lambda: asyncio.to_thread(self._settle_now, outcome), float("inf"))
        self.outcomes.append(outcome.kind)

    async def _put_back(self, detail: str) -> None:
        leases = self.bench.leases
        await asyncio.to_thread(
            order_leases.put_back, leases.file, self.order, leases.worker, detail
        )
        self.unable = True
        self.outcomes.append("blocked")
        _log.info("thread %s: %s: %s", safe(self.order.thread_id), self.order.kind, safe(detail))

    def _settle_now(self, outcome: Outcome) -> None:
        self.bench.log.flush()
        leases = self.bench.leases
        order_leases.finish_order(
            leases.file, self.order, leases.worker, outcome.kind, outcome.detail
        )
        said = self.order.kind, outcome.kind, safe(outcome.detail)
        _log.info("thread %s: %s %s %s", safe(self.order.thread_id), *said)

    def _last_words(self) -> None:
        """Without `await`: the loop may be closing."""
        try:
            if self._resuming:
                self._settle_now(STOPPED)
                self.outcomes.append("uncertain")
            else:
                leases = self.bench.leases
                order_leases.put_back(leases.file, self.order, leases.worker, "")
        except TROUBLE as error:
            _log.error("thread %s: %s", safe(self.order.thread_id), error)


async def clear(source: Source, saver: SaverFile, order: Order) -> Outcome:
    """Take away the answer that would be given to a question again; doing so twice is harmless."""
    if saver.place() is None:
        raise DatabaseError(f"{saver.path} is missing")
    found = await asyncio.to_thread(source.thread_questions, order.thread_id)
    question = next((one for one in found if one.identity.key == order.key), None)
    if question is None:
        return MOVED_ON
    if question.consumed:
        return CONSUMED
    if question.leftover_answer or question.answered:
        await StoredAnswers(await saver.open(), order.thread_id).clear(question)
    return Outcome("applied")
