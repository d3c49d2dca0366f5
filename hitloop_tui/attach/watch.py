"""Noticing that another process has committed: `PRAGMA data_version`, woken by file events.

A file event can come before the commit is visible, and several commits can share one event, so an
event only ends idleness: the version is then polled at frame rate until nothing has changed for a
while. A slow poll stands behind the events, for file systems that send none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from watchfiles import awatch

FRAME_S = 0.016
BUSY_S = 0.5
"""How long after the last event or change the version is polled at frame rate."""
SLOW_POLL_S = 1.0
STEP_MS = 50
"""How often watchfiles looks for events: every 50 ms costs 0.2 % CPU, every 10 ms 0.9 %."""


async def changes(watched: Sequence[Path], version: Callable[[], object]) -> AsyncIterator[None]:
    """Yield after each change of `version()`, until cancelled.

    `watched` are the database files; their directories are watched, since `-wal` files come and go.
    """
    alarm = asyncio.Event()
    watcher = asyncio.create_task(_ring(watched, alarm))
    last, busy_until = version(), 0.0
    try:
        while True:
            if alarm.is_set():
                alarm.clear()
                busy_until = time.monotonic() + BUSY_S
            current = version()
            if current != last:
                last, busy_until = current, time.monotonic() + BUSY_S
                yield
            await _pause(alarm, busy=time.monotonic() < busy_until)
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


async def _pause(alarm: asyncio.Event, *, busy: bool) -> None:
    if busy:
        await asyncio.sleep(FRAME_S)
        return
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(alarm.wait(), SLOW_POLL_S)


async def _ring(watched: Sequence[Path], alarm: asyncio.Event) -> None:
    """Ring when a watched file is written; without file events the slow poll has to do."""
    names = {path.absolute() for path in watched}
    folders = [folder for folder in {path.parent for path in names} if folder.is_dir()]
    written = _inotify(folders) if sys.platform == "linux" else _watchfiles(folders)
    with contextlib.suppress(OSError, RuntimeError):
        async for path in written:
            if path in names:
                alarm.set()


async def _inotify(folders: Sequence[Path]) -> AsyncIterator[Path]:
    """On Linux the kernel wakes the event loop itself: 0.5 ms, and nothing at all when idle."""
    from asyncinotify import Inotify, Mask

    with Inotify() as inotify:
        for folder in folders:
            inotify.add_watch(folder, Mask.MODIFY | Mask.CREATE | Mask.MOVED_TO | Mask.DELETE)
        async for event in inotify:
            if event.path is not None:
                yield event.path


async def _watchfiles(folders: Sequence[Path]) -> AsyncIterator[Path]:
    async for found in awatch(
        *folders, debounce=STEP_MS, step=STEP_MS, recursive=False, watch_filter=None
    ):
        for _change, path in found:
            yield Path(path)
