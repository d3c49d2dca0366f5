"""Noticing new decisions and orders, and the end of holds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection

from hitloop_tui.attach.leases import next_release, waiting_threads
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.order_leases import ordered_threads
from hitloop_tui.attach.watch import changes
from hitloop_tui.errors import DatabaseError

OTHERS_S = 1.0
"""What other workers did with decisions and orders is looked at so often; new ones at once."""
CLOCK_S = 1.0
"""A hold ends by the wall clock, which may be set: so long is waited by the other one."""


class LedgerWatch:
    """A connection that only reads: its `data_version` moves with every commit of the others."""

    def __init__(self, file: LedgerFile, worker: str) -> None:
        self._file = file
        self._worker = worker
        self._wake = asyncio.Event()
        self._version: object = None
        self._newest: tuple[int | None, int | None] | None = None
        """The newest decision and the newest order."""
        self._look_at: float | None = 0.0
        """When to look again although nothing new is known; on the monotonic clock, as below."""
        self._release: float | None = None
        """When a hold may have ended."""
        self._following = asyncio.create_task(self._follow(), name="ledger watch")

    async def close(self) -> None:
        self._following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._following

    def wake(self) -> None:
        """Look through all decisions now."""
        self._look_at = 0.0
        self._wake.set()

    async def news(self, seconds: float, *, full: bool) -> None:
        """Return when woken, when something may be due, or after `seconds`. Nothing is due for a
        worker that is `full`: the end of what it does will wake it."""
        now = time.monotonic()
        due = () if full else (self._look_at, self._release)
        known = [at - now for at in due if at is not None]
        timer = asyncio.get_running_loop().call_later(
            max(0.0, min([seconds, *known])), self._wake.set
        )
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            self._wake.clear()

    def waiting_threads(
        self, busy: Collection[str], unable: Collection[int], limit: int
    ) -> list[str]:
        """Up to `limit` threads with something to do, but for `busy` ones and orders in `unable`;
        none when nothing happened since the last call."""
        try:
            return self._found(busy, unable, limit) if self._due() else []
        except DatabaseError:
            self._look_at = time.monotonic() + OTHERS_S
            raise

    def _found(self, busy: Collection[str], unable: Collection[int], limit: int) -> list[str]:
        ordered = [t for t in ordered_threads(self._file, unable) if t not in busy]
        decided = waiting_threads(self._file, self._worker, busy, limit)
        pause = next_release(self._file)
        self._release = None if pause is None else time.monotonic() + min(max(pause, 0), CLOCK_S)
        self._look_at = None
        return list(dict.fromkeys([*ordered, *decided]))[:limit]

    @property
    def holding(self) -> bool:
        """Whether a decision waits for the end of its hold."""
        return self._release is not None

    def _due(self) -> bool:
        now, version = time.monotonic(), self._file.data_version()
        if version != self._version:
            self._version = version
            rows = self._file.rows(
                "SELECT (SELECT max(seq) FROM decisions), (SELECT max(id) FROM orders)"
            )
            newest = (rows[0][0], rows[0][1]) if rows else (None, None)
            if newest != self._newest:
                self._newest = newest
                return True
            if self._look_at is None:
                self._look_at = now + OTHERS_S
        return any(at is not None and at <= now for at in (self._look_at, self._release))

    async def _follow(self) -> None:
        path = self._file.path
        async for _ in changes((path, path.with_name(path.name + "-wal")), self._seen):
            self._wake.set()

    def _seen(self) -> object:
        try:
            return self._file.data_version()
        except DatabaseError as error:  # said by whoever needs the ledger
            return str(error)
