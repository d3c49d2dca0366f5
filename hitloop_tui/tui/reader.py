"""Reading and deciding off the screen's thread.

One thread with an event loop of its own owns every SQLite object. The screen asks it with
coroutines, and hears from it by messages into which bursts of changes coalesce.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from textual.message import Message

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.trace import SETTLE_S
from hitloop_tui.attach.watch import changes
from hitloop_tui.errors import HitloopError
from hitloop_tui.paths import approvals_path
from hitloop_tui.tui.desk import Desk, Feed
from hitloop_tui.tui.messages import InboxRead, TraceRead, Trouble, WorkersRead
from hitloop_tui.tui.setup import Setup

FRAME_S = 1 / 60
"""At most so often is the database read anew while it changes all the time."""
REST = 3
"""Times as long as a reading took is the pause after it: a large inbox leaves the cores alone."""
LOOK_S = 2.0
"""A worker that dies, or a file that goes away, writes nothing: look as often as this."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Reader:
    """The thread behind the screen."""

    def __init__(self, setup: Setup, post: Callable[[Message], object]) -> None:
        self._setup = setup
        self._db = setup.db
        self._post = post
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._main: asyncio.Task[None] | None = None
        self._attached = asyncio.Event()
        self._news = asyncio.Event()
        self._reading = asyncio.Lock()
        self._feed: Feed
        self._desk: Desk
        self._loaded = False
        self._traced = False
        self._trouble = ""
        self._workers: int | None = None

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def mute(self) -> None:
        """Tell nothing any more."""
        self._post = lambda message: False

    def stop(self) -> None:
        """End the thread and close the files; returns when that is done."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop ended by itself
                self._loop.call_soon_threadsafe(self._cancel)
            self._thread.join(timeout=3)

    async def ask(self, work: Callable[[Desk], T]) -> T:
        """Do something at the desk."""

        async def at_desk() -> T:
            await self._attached.wait()
            return work(self._desk)

        return await self._elsewhere(at_desk)

    async def reload(self) -> None:
        """Read the whole database anew."""
        await self._elsewhere(self._load)

    async def look(self) -> None:
        """Read what has changed since, though no file may have."""
        await self._elsewhere(self._refresh)

    async def trace(self, shown: bool, thread_id: str | None = None) -> None:
        """Tell the trace of one thread or of all, from the recent past on; or no more."""

        async def switch() -> None:
            await self._attached.wait()
            self._traced = shown
            if shown:
                self._feed.trace_of(thread_id)
                await self._safely(self._tell_events)

        await self._elsewhere(switch)

    async def _elsewhere(self, work: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await work()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), self._loop))

    def _run(self) -> None:
        with (
            asyncio.Runner(loop_factory=lambda: self._loop) as runner,
            suppress(asyncio.CancelledError),
        ):
            runner.run(self._live())

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    async def _live(self) -> None:
        self._main = asyncio.current_task()
        sessions = [await self._attach(), await self._attach()]
        self._feed, self._desk = Feed(sessions[0]), Desk(sessions[1], self._setup.person)
        self._attached.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._trace())
                group.create_task(self._look())
        finally:
            with suppress(HitloopError):
                self._desk.leave()
            for session in sessions:
                session.close()

    async def _attach(self) -> Session:
        while True:
            try:
                files = self._setup.ledger, self._setup.telemetry
                return Session.open(self._db, *files, self._setup.hold, self._setup.masks)
            except HitloopError as error:
                self._say(str(error))
                await asyncio.sleep(LOOK_S)

    async def _follow(self) -> None:
        await self._safely(self._first)
        await self._load()
        async for _ in changes(self._feed.session.watched, self._version):
            began = time.monotonic()
            await self._refresh()
            await asyncio.sleep(max(FRAME_S, REST * (time.monotonic() - began)))

    def _version(self) -> object:
        """An error is news, too."""
        try:
            return self._feed.session.version()
        except HitloopError as error:
            self._say(str(error))
            return str(error)

    async def _look(self) -> None:
        while True:
            await self._safely(self._look_at_workers)
            if not (self._db.exists() or approvals_path(self._db).exists()):
                self._say(f"waiting for {self._db.name}: there is no such file yet")
            await asyncio.sleep(LOOK_S)
            await self._refresh()

    async def _look_at_workers(self) -> None:
        alive = self._feed.workers()
        if alive != self._workers:
            self._workers = alive
            self._post(WorkersRead(alive))

    async def _first(self) -> None:
        self._tell(self._feed.newest(), complete=False)

    async def _load(self) -> None:
        self._loaded = False
        await self._refresh()

    async def _refresh(self) -> None:
        async with self._reading:
            await self._safely(self._read_changes)

    async def _read_changes(self) -> None:
        if self._loaded:
            rows = self._feed.refresh()
        else:
            rows = await asyncio.to_thread(self._feed.load)
            self._loaded = True
        if rows is not None:
            self._tell(rows, complete=True)
        self._news.set()

    async def _trace(self) -> None:
        """Tell events a moment after they were noticed, for the trace keeps the newest back."""
        while True:
            await self._news.wait()
            self._news.clear()
            await asyncio.sleep(SETTLE_S)
            if self._traced and self._loaded:
                await self._safely(self._tell_events)

    async def _tell_events(self) -> None:
        if events := self._feed.events():
            self._post(TraceRead(events))

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        """Files may be locked, replaced or deleted at any time: say so, and read all later."""
        try:
            await work()
        except HitloopError as error:
            self._loaded = False
            self._say(str(error))
        except Exception as error:
            _log.exception("reading %s", self._db)
            self._loaded = False
            self._say(f"cannot read {self._db.name}: {error!r}")
        else:
            if self._db.exists():
                self._say("")

    def _tell(self, rows: Sequence[Row], *, complete: bool) -> None:
        self._post(InboxRead(rows, complete))

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._post(Trouble(trouble))
