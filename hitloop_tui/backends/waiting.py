"""Waiting for a decision that may be made here, in another thread, or in another process."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hitloop_tui.backends.outcomes import describe, log
from hitloop_tui.persistence import ApprovalStore, StoredDecision


@dataclass(eq=False)
class Waiter:
    """One call that waits, in its own event loop."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[StoredDecision | None]
    _sending: asyncio.Timeout | None = None

    async def send(self, seconds: float, sending: Awaitable[None]) -> bool:
        """Send, for so many seconds; False when the decision came before it was done."""
        try:
            async with asyncio.timeout(seconds) as self._sending:
                await sending
        except TimeoutError:
            if not self.future.done():
                raise
            return False
        finally:
            self._sending = None
        return True

    async def result(self, seconds: float | None) -> StoredDecision | None:
        """The decision, or None when `seconds` pass without one."""
        if seconds is None:
            return await self.future
        end = self.loop.call_later(seconds, self.settle, None)
        try:
            return await self.future
        finally:
            end.cancel()

    def settle(self, stored: StoredDecision | None) -> None:
        if self.future.done():
            return
        self.future.set_result(stored)
        if self._sending is not None and not self._sending.expired():
            self._sending.reschedule(self.loop.time())


class WaitingRoom:
    """Everybody in this process who waits for a decision on one of a store's requests."""

    def __init__(self, store: ApprovalStore) -> None:
        self.store = store
        self._waiters: defaultdict[str, list[Waiter]] = defaultdict(list)
        self._looking: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        self._present: Counter[asyncio.AbstractEventLoop] = Counter()

    @contextmanager
    def waiter(self, callback_id: str) -> Iterator[Waiter]:
        loop = asyncio.get_running_loop()
        waiter = Waiter(loop, loop.create_future())
        self._waiters[callback_id].append(waiter)
        self._present[loop] += 1
        seconds = self.store.look_seconds
        if seconds is not None and loop not in self._looking:
            self._looking[loop] = loop.create_task(self._look(loop, seconds))
        try:
            yield waiter
        finally:
            self._leave(callback_id, waiter)

    def settle(self, callback_id: str, stored: StoredDecision) -> None:
        """Tell everybody who waits for it; from any thread."""
        for waiter in list(self._waiters.get(callback_id, ())):
            if waiter.loop is _running():
                waiter.settle(stored)
            elif not waiter.loop.is_closed():
                waiter.loop.call_soon_threadsafe(waiter.settle, stored)

    def _leave(self, callback_id: str, waiter: Waiter) -> None:
        self._waiters[callback_id].remove(waiter)
        if not self._waiters[callback_id]:
            del self._waiters[callback_id]
        self._present[waiter.loop] -= 1
        if not self._present[waiter.loop]:
            del self._present[waiter.loop]
            if look := self._looking.pop(waiter.loop, None):
                look.cancel()

    async def _look(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            waited_for = [
                callback_id
                for callback_id, waiters in list(self._waiters.items())
                if any(waiter.loop is loop for waiter in waiters)
            ]
            try:
                found = await self.store.decisions(waited_for)
            except Exception as error:
                log.warning("the store cannot be read: %s", describe(error))
                continue
            for callback_id, stored in found.items():
                self.settle(callback_id, stored)


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
