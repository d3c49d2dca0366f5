"""Noticing new decisions: `PRAGMA data_version`, often while something happens, else less often."""

from __future__ import annotations

import asyncio
import time

from hitloop_tui.attach.leases import attempted_through, next_release, waiting_threads
from hitloop_tui.attach.ledger_file import LedgerFile

BUSY_S = 0.02
IDLE_S = 0.04
"""Half of it is the average delay of the first decision after a quiet time."""
QUIET_AFTER_S = 3.0
OTHERS_S = 1.0
"""While the ledger changes, decisions that another worker could not apply are noticed this often; a
new decision is seen at once."""
FROM_THE_START_S = 60.0
"""Otherwise only what follows the last settled decision is read: 60 ms for 100,000 decisions."""


class LedgerWatch:
    """A connection that only reads: its `data_version` moves with every commit of the others."""

    def __init__(self, file: LedgerFile, worker: str) -> None:
        self._file = file
        self._worker = worker
        self._wake = asyncio.Event()
        self._version = -1
        self._last: tuple[int | None, int | None] = (-1, -1)
        """The newest decision and the newest order."""
        self._release: float | None = None
        """When the next hold ends, on the monotonic clock."""
        self._changed_at = 0.0
        self._looked_at = 0.0
        self._from_start_at = 0.0
        self._settled = 0
        self._dirty = True

    def wake(self) -> None:
        """Look through all decisions now."""
        self._dirty = True
        self._wake.set()

    async def news(self, *, busy: bool) -> None:
        """Return after the time to the next look, or when woken."""
        recently = time.monotonic() - self._changed_at < QUIET_AFTER_S
        pause = BUSY_S if busy or recently else IDLE_S
        timer = asyncio.get_running_loop().call_later(pause, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            self._wake.clear()

    def waiting_threads(self) -> list[str]:
        """Threads with decisions to apply; none when nothing happened since the last call."""
        if not self._due():
            return []
        self._dirty = False
        self._looked_at = time.monotonic()
        if self._looked_at - self._from_start_at > FROM_THE_START_S:
            self._settled, self._from_start_at = 0, self._looked_at
        found = waiting_threads(self._file, self._worker, after=self._settled)
        self._settled = attempted_through(self._file, self._settled)
        pause = next_release(self._file, self._settled)
        self._release = None if pause is None else time.monotonic() + max(pause, 0.0)
        return found

    @property
    def holding(self) -> bool:
        """Whether a decision waits for the end of its hold."""
        return self._release is not None

    def _due(self) -> bool:
        version = self._file.data_version()
        if version == self._version:
            return self._dirty or (self.holding and time.monotonic() >= (self._release or 0.0))
        self._version = version
        newest = self._file.rows(
            "SELECT (SELECT max(seq) FROM decisions), (SELECT max(id) FROM orders)"
        )
        last = (newest[0][0], newest[0][1]) if newest else (None, None)
        if last != self._last:
            if last[1] != self._last[1]:
                self._settled = 0  # an order to try again is about an old decision
            self._last, self._changed_at = last, time.monotonic()
            return True
        if time.monotonic() - self._looked_at > OTHERS_S:
            return True
        return self._dirty
