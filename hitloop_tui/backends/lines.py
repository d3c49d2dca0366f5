"""Lines that a person types, without blocking the event loop and without stale ones."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

MAX_LINE = 4096
"""What a terminal in line mode gives at most."""


def from_terminal() -> str:
    """The next line of standard input, in a way that a process can end while it waits."""
    if (stream := sys.stdin) is None:
        raise EOFError
    if not stream.isatty():
        line = stream.readline()
    else:  # not through the stream: its lock, held by a waiting thread, aborts the interpreter
        try:
            line = os.read(stream.fileno(), MAX_LINE).decode(errors="replace")
        except OSError:  # the window was closed
            raise EOFError from None
    if not line:
        raise EOFError
    return line


class Lines:
    """Calls a blocking `read` in a thread, one line at a time.

    A read cannot be taken back when its question times out. It stays, and the line it brings
    belongs to the question that is on the screen by then; a line that came while none was is
    dropped.
    """

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._reading = False
        self._got: deque[str | BaseException] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def forget_typed(self) -> None:
        """Drop what was typed before the question was on the screen."""
        self._got.clear()
        if self._read is from_terminal and sys.stdin is not None and sys.stdin.isatty():
            import termios

            with suppress(termios.error, OSError):
                termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)

    async def next(self) -> str:
        """The next line. Raises EOFError or KeyboardInterrupt as `read` does."""
        waiter = None
        with self._lock:
            if not self._got:
                waiter = self._waiter = asyncio.get_running_loop().create_future()
            if waiter and not self._reading:
                self._reading = True
                # A daemon: a person who never answers must not keep the process from ending.
                threading.Thread(target=self._run, daemon=True).start()
        if waiter:
            await waiter
        got = self._got.popleft()
        if isinstance(got, StopIteration):
            raise EOFError
        if isinstance(got, BaseException):
            raise got
        return got

    def _run(self) -> None:
        try:
            got: str | BaseException = self._read()
        except BaseException as error:
            got = error
        with self._lock:
            self._got.append(got)
            self._reading = False
            waiter, self._waiter = self._waiter, None
        if waiter is not None:
            with suppress(RuntimeError):  # its event loop is closed
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
