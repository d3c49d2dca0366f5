"""How far a long experiment is, on standard error."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from hitloop_tui.safetext import safe

QUIET_S = 1.0
"""Nothing is said about experiments shorter than this."""
EVERY_S = {True: 0.1, False: 10.0}
"""Between two lines, on a terminal and elsewhere."""
SLOW_S = 1.0
"""A trial that takes longer has asked a person, perhaps on this very terminal: the line stays, and
the question comes below it."""


class Progress:
    """Call it like a `progress_callback`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._live = self.stream.isatty()
        self._started = time.monotonic()
        self._called = self._started
        self._said = self._started + QUIET_S - EVERY_S[self._live]
        self._open_line = False

    def __call__(self, current: int, total: int, message: str) -> None:
        """Trial `current` of `total` begins."""
        now = time.monotonic()
        slow, self._called = now - self._called >= SLOW_S, now
        if now - self._said < EVERY_S[self._live] or now - self._started < QUIET_S:
            return
        self._said = now
        done = current - 1
        seconds = (now - self._started) / done * (total - done) if done else 0.0
        left = f"  about {_span(seconds)} left" if done else ""
        line = f"{done}/{total}  {100 * done // total}%{left}  {safe(message)}"
        if not self._live:
            self._write(f"{line}\n")
            return
        self._open_line = not slow
        width = shutil.get_terminal_size().columns - 1  # a wrapped line could not be taken back
        self._write(f"\r\x1b[K{line[:width]}" + ("\n" if slow else ""))

    def end(self) -> None:
        """Clear the line."""
        if self._open_line:
            self._write("\r\x1b[K")
            self._open_line = False

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
