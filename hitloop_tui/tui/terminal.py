"""The terminal may go away at any time: a dropped ssh line, a closed window, a frozen link."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

LAST_S = 5.0
"""After a signal the console leaves by itself, or after so long without ado: a terminal that takes
no more output, or a locked file, may keep it from leaving."""


class ConsoleDriver(LinuxDriver):
    """Textual's, for which a terminal that is gone is no error."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._file: Any = _Unbreakable(self._file)

    def run_input_thread(self) -> None:
        try:
            super().run_input_thread()
        except OSError:  # EIO: nobody is there any more
            self._loop.call_soon_threadsafe(self._app.exit)


class _Unbreakable:
    """Takes writes to a terminal that is gone. An error would end Textual's writing thread, and
    everybody who writes would wait for it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> int:
        try:
            return int(self._file.write(text))
        except OSError:
            return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def leave_on_signals(leave: Callable[[], object]) -> None:
    """Call `leave` on the running loop on SIGTERM and SIGHUP, and end the process if that fails."""
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        last = threading.Timer(LAST_S, os._exit, (128 + number,))
        last.daemon = True
        last.start()
        loop.call_soon_threadsafe(leave)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
