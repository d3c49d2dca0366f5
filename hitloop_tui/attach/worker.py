"""The worker: applies recorded decisions to the threads of the graphs it hosts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from hitloop_tui.attach.breakpoints import Breakpoints
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.deadlines import Deadlines
from hitloop_tui.attach.event_log import EventLog
from hitloop_tui.attach.graphs import Graph, HostedGraph
from hitloop_tui.attach.heartbeat import Heartbeat
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.ledger_watch import LedgerWatch
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.order_leases import take_order
from hitloop_tui.attach.order_run import OrderRun
from hitloop_tui.attach.running import Bench
from hitloop_tui.attach.saver_file import SaverFile
from hitloop_tui.attach.sources import Sources
from hitloop_tui.attach.thread_run import ThreadRun
from hitloop_tui.attach.trouble import PATIENCE_S
from hitloop_tui.errors import DatabaseError, HitloopError
from hitloop_tui.paths import ledger_path
from hitloop_tui.safetext import safe

_log = logging.getLogger(__name__)

CONCURRENCY = 8
"""Threads resumed at the same time."""
GRACE_S = 10.0
"""How long running resumes may go on after the worker was told to stop."""
LAST_WORDS_S = 2.0
"""How long cancelled resumes may take to record that they were."""
RETRY_S = 0.5
"""When a thread that cannot be leased now is tried again."""
DEADLINES_S = 1.0
"""How often deadlines are compared with the clock."""
LOOK_S = 60.0
"""When everything is looked through although nothing was heard of."""


class Worker:
    """Hosts graphs and applies decisions while its `async with` block lasts.

    `once` ends when nothing that is recorded can be applied any more; wait with `ended()`.
    """

    def __init__(
        self,
        graphs: Mapping[str, Graph | HostedGraph],
        db: Path | str,
        ledger: Path | str | None = None,
        *,
        once: bool = False,
        concurrency: int = CONCURRENCY,
        grace_s: float = GRACE_S,
        masks: Masks = MASKS,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        """Attempts and orders by how they ended."""
        self.cut_off = False
        """A resume was cancelled; its node may still run in a thread."""
        self._graphs = {
            name: graph if isinstance(graph, HostedGraph) else HostedGraph(graph)
            for name, graph in graphs.items()
        }
        self._db = Path(db)
        self._ledger = Path(ledger) if ledger else ledger_path(self._db)
        self._once = once
        self._concurrency = concurrency
        self._grace_s = grace_s
        self._masks = masks
        self._running: dict[str, asyncio.Task[None]] = {}
        self._elsewhere: dict[str, float] = {}
        """Threads that could not be leased, and when to try again."""
        self._unable: set[int] = set()
        """Orders that need a graph of another worker."""
        self._stopping = False

    @property
    def id(self) -> str:
        return self._leases.worker

    async def __aenter__(self) -> Self:
        # Three connections, so that the event loop's reads never wait for a thread's commit.
        durable = LedgerFile(self._ledger, beside=self._db)
        telemetry = LedgerFile(self._ledger, beside=self._db, durable=False)
        reading = LedgerFile(self._ledger, beside=self._db)
        self._files = (durable, telemetry, reading)
        stops = {name: hosted.stops() for name, hosted in self._graphs.items()}
        self._leases = Leases(durable, stops, pulse=telemetry)
        checkpoints = Checkpoints(self._db)
        self._source = Sources(checkpoints, Breakpoints(checkpoints, reading))
        self._leases.register()
        self._watch = LedgerWatch(reading, self._leases.worker)
        self._heartbeat = Heartbeat(self._leases, lambda: bool(self._running))
        self._log = EventLog(telemetry, self._masks)
        self._saver = SaverFile(self._db)
        self._bench = Bench(
            self._graphs,
            self._source,
            Ledger(reading),
            self._leases,
            self._log,
            self._saver,
            PATIENCE_S if self._once else math.inf,
        )
        self._deadlines = Deadlines(Checkpoints(self._db), Ledger(durable))
        self._serving = asyncio.create_task(self._serve(), name="worker")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        await asyncio.wait([self._serving])
        await self._watch.close()
        await self._end_runs()
        self._heartbeat.close()
        with contextlib.suppress(HitloopError):
            self._leases.retire()
        self._log.close()
        for file in self._files:
            file.close()
        self._source.close()
        self._deadlines.close()
        await self._saver.close()

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping = True
        self._watch.wake()

    def hurry(self) -> None:
        """End what runs now, without the grace."""
        self._grace_s = 0.0
        self._cancel(self._running.values())

    async def ended(self) -> None:
        """Return when the worker was stopped, or has nothing left to do with `once`."""
        await asyncio.shield(self._serving)

    async def _serve(self) -> None:
        keeping = asyncio.create_task(self._keep_deadlines(), name="deadlines")
        try:
            if self._once:
                await keeping
            await self._work()
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep_deadlines(self) -> None:
        """Until cancelled; with `once`, those that have passed by now."""
        while True:
            try:
                await asyncio.to_thread(self._deadlines.enforce)
            except DatabaseError as error:
                _log.warning("deadlines: %s", error)
            if self._once:
                return
            await asyncio.sleep(DEADLINES_S)

    async def _work(self) -> None:
        while not self._stopping:
            for thread_id in self._look():
                self._start(thread_id)
            if self._once and not self._running and not self._watch.holding:
                return
            again = min(self._elsewhere.values(), default=None)
            await self._watch.news(
                LOOK_S if again is None else again - time.monotonic(),
                full=len(self._running) >= self._concurrency,
            )

    def _look(self) -> list[str]:
        """Threads to start on now."""
        now = time.monotonic()
        for thread_id in [t for t, again in self._elsewhere.items() if again <= now]:
            del self._elsewhere[thread_id]
            self._watch.wake()
        free = self._concurrency - len(self._running)
        if free <= 0:
            return []
        try:
            return self._watch.waiting_threads(
                {*self._running, *self._elsewhere}, self._unable, free
            )
        except Exception:
            if self._once:
                raise
            _log.exception("the ledger cannot be read")
            return []

    def _start(self, thread_id: str) -> None:
        task = asyncio.create_task(self._apply(thread_id), name=f"thread {thread_id}")
        self._running[thread_id] = task

        def done(task: asyncio.Task[None]) -> None:
            del self._running[thread_id]
            error = None if task.cancelled() else task.exception()
            if isinstance(error, DatabaseError):
                _log.warning("thread %s: %s", safe(thread_id), error)
            elif error is not None:
                _log.error("thread %s", safe(thread_id), exc_info=error)
            self._watch.wake()

        task.add_done_callback(done)

    async def _apply(self, thread_id: str) -> None:
        self._elsewhere[thread_id] = time.monotonic() + RETRY_S
        order = await asyncio.to_thread(
            take_order, self._leases.file, self.id, thread_id, self._unable
        )
        if order is not None:
            self._elsewhere.pop(thread_id, None)
            ordered = OrderRun(self._bench, order)
            try:
                await ordered.carry_out()
            finally:
                self.outcomes.update(ordered.outcomes)
                if ordered.unable:
                    self._unable.add(order.id)
            return
        among = await self._answered_elsewhere(thread_id)
        leases = await asyncio.to_thread(self._leases.take, thread_id, among)
        if not leases:
            return
        self._elsewhere.pop(thread_id, None)
        run = ThreadRun(self._bench, thread_id, leases)
        try:
            await run.apply()
        finally:
            self.outcomes.update(run.outcomes)

    async def _answered_elsewhere(self, thread_id: str) -> set[str] | None:
        """Questions that another program may be running with an answer of its own, if there are
        any: to resume a question beside them would run their tools a second time."""
        questions = await self._bench.questions(thread_id)
        found = {k for k, q in questions.items() if q.leftover_answer and not q.leftover_spent}
        return found or None

    def _cancel(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        for task in tasks:
            self.cut_off = True
            task.cancel()

    async def _end_runs(self) -> None:
        running = set(self._running.values())
        if running:
            _log.info("waiting up to %.0f s for %d threads", self._grace_s, len(running))
            _, running = await asyncio.wait(running, timeout=self._grace_s)
        if running:
            self._cancel(running)
            _, deaf = await asyncio.wait(running, timeout=LAST_WORDS_S)
            for task in deaf:
                _log.error("%s ignores its cancellation", task.get_name())
