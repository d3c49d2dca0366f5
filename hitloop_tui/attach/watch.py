"""Noticing that another process has committed: `PRAGMA data_version`, woken by file events.

A file event can come before the commit is visible, and several commits can share one event, so an
event only ends idleness: the version is then looked at after 1, 2, 4 and 8 ms, and at frame rate
until nothing has changed for a while. A slow poll stands behind the events, for file systems that
send none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from watchfiles import awatch

AFTER_EVENT_S = (0.001, 0.002, 0.004, 0.008)
"""Looks at the version after an event, until the commit that it announced is visible."""
FRAME_S = 0.016
FADING = 0.1
"""Each look comes later by this share of the time since the last event or change: a commit may
become visible long after its event, when the disk is slow."""
SLOW_POLL_S = 1.0
STEP_MS = 50
"""How often watchfiles looks for events: every 50 ms costs 0.2 % CPU, every 10 ms 0.9 %."""


async def changes(watched: Sequence[Path], version: Callable[[], object]) -> AsyncIterator[None]:
    """Yield after each change of `version()`, until cancelled.

    `watched` are the database files; their directories are watched, since `-wal` files come and go.
    """
    alarm = asyncio.Event()
    watcher = asyncio.create_task(_ring(watched, alarm))
    last, pauses = version(), _pauses()
    try:
        while True:
            if alarm.is_set():
                alarm.clear()
                pauses = _pauses()
            current = version()
            if current != last:
                last, pauses = current, _pauses()
                yield
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(next(pauses)):
                    await alarm.wait()
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


def _pauses() -> Iterator[float]:
    """How long to wait before each look after an event or a change."""
    yield from AFTER_EVENT_S
    began = time.monotonic()
    while True:
        yield min(max(FRAME_S, FADING * (time.monotonic() - began)), SLOW_POLL_S)


async def _ring(watched: Sequence[Path], alarm: asyncio.Event) -> None:
    """Ring when a watched file is written; without file events the slow poll has to do."""
    names = {path.absolute() for path in watched}
    parents = {path.parent for path in names}
    while True:
        folders = [folder for folder in parents if folder.is_dir()]
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(None if len(folders) == len(parents) else SLOW_POLL_S):
                async for path in _events(folders):
                    if path in names:
                        alarm.set()
        # A folder is missing, or went away: look whether it is there now.
        await asyncio.sleep(SLOW_POLL_S)
        alarm.set()


def _events(folders: Sequence[Path]) -> AsyncIterator[Path]:
    """Files written in the folders, until one of them goes away."""
    return _inotify(folders) if sys.platform == "linux" else _watchfiles(folders)


async def _inotify(folders: Sequence[Path]) -> AsyncIterator[Path]:
    """On Linux the kernel wakes the event loop itself: 0.5 ms, and nothing at all when idle."""
    from asyncinotify import Inotify, Mask

    gone = Mask.DELETE_SELF | Mask.MOVE_SELF
    news = Mask.MODIFY | Mask.CREATE | Mask.MOVED_TO | Mask.DELETE
    with Inotify() as inotify:
        for folder in folders:
            inotify.add_watch(folder, news | gone)
        async for event in inotify:
            if event.mask & (gone | Mask.IGNORED):
                return
            if event.path is not None:
                yield event.path


async def _watchfiles(folders: Sequence[Path]) -> AsyncIterator[Path]:
    async for found in awatch(
        *folders, debounce=STEP_MS, step=STEP_MS, recursive=False, watch_filter=None
    ):
        for _change, path in found:
            yield Path(path)
