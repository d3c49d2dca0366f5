"""The console on a real pty: what it writes, and when."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

CONSOLE = [sys.executable, "-m", "hitloop_tui"]
START_S = 60.0
SIZE = 80, 24


class Pty:
    """A program on a terminal that stamps each piece of output as it comes."""

    def __init__(self, command: Sequence[str], columns: int, lines: int) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment
        )
        os.close(slave)
        self.pid = self._process.pid
        self._rest = b""
        """What came together with what was waited for, after it."""

    def press(self, keys: str) -> float:
        os.write(self._master, keys.encode())
        return time.monotonic()

    def wait_for(self, pattern: str, timeout: float = START_S) -> float:
        """When output matching the regular expression came."""
        seen, wanted = self._rest, re.compile(pattern.encode())
        came, until = time.monotonic(), time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            if found := wanted.search(seen):
                self._rest = seen[found.end() :]
                return came
            seen += self._read(left)
            came = time.monotonic()
        raise AssertionError(f"{pattern} never came; the output ends with {seen[-2000:]!r}")

    def burst(self, quiet_s: float, first_s: float = 2.0) -> tuple[int, float]:
        """Bytes until nothing came for so long, and when the last of them came.

        The first of them may take longer.
        """
        count, last, wait = 0, time.monotonic(), first_s
        while data := self._read(wait):
            count, last, wait = count + len(data), time.monotonic(), quiet_s
        return count, last

    def listen(self, seconds: float) -> bytes:
        until, seen = time.monotonic() + seconds, b""
        while (left := until - time.monotonic()) > 0:
            seen += self._read(left)
        return seen

    def close(self) -> None:
        self._process.terminate()
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.listen(0.2)
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read(self, timeout: float) -> bytes:
        self._rest = b""
        ready, _, _ = select.select([self._master], [], [], timeout)
        return os.read(self._master, 65536) if ready else b""


@contextlib.contextmanager
def console(db: Path, *words: str, rows: int | None = None) -> Iterator[Pty]:
    """The console on a database, drawn and at rest; `rows` of it are pending."""
    pty = Pty([*CONSOLE, str(db), *words], *SIZE)
    try:
        pty.wait_for("waiting" if rows is None else rf"m{rows}\x1b")
        pty.burst(1.5)
        yield pty
    finally:
        pty.close()
