"""A real pty with a real terminal's screen behind it."""

from __future__ import annotations

import contextlib
import os
import re
import termios
import time
import tty
from collections.abc import Iterator, Mapping, Sequence

import pexpect
import pyte

WAIT_S = 30.0


class Terminal:
    """A program on a terminal of a given size: press keys, read the screen."""

    def __init__(self, child: pexpect.spawn, columns: int, lines: int) -> None:
        self.child = child
        self.raw = b""
        """Every byte the program wrote."""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        self._read()
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def wait_for(self, pattern: str, timeout: float = WAIT_S) -> str:
        """The screen once it matches the regular expression; AssertionError with the screen."""
        return self._wait(lambda text: re.search(pattern, text) is not None, pattern, timeout)

    def shows(self, pattern: str) -> bool:
        """Whether the screen matches the regular expression now, without waiting for more."""
        self._read(0)
        return re.search(pattern, "\n".join(self._screen.display)) is not None

    def wait_gone(self, pattern: str, timeout: float = WAIT_S) -> str:
        return self._wait(lambda text: re.search(pattern, text) is None, f"no {pattern}", timeout)

    def wait_end(self, timeout: float = WAIT_S) -> int | None:
        """Wait for the program's end; its exit code, or minus its signal."""
        until = time.monotonic() + timeout
        while self.child.isalive() and time.monotonic() < until:
            self._read()
        self._read()
        assert not self.child.isalive(), f"still running:\n{self.text}"
        return (
            self.child.exitstatus if self.child.signalstatus is None else -self.child.signalstatus
        )

    def hang_up(self) -> None:
        """The line drops: the kernel sends SIGHUP, and nobody reads what is written."""
        self.child.ptyproc.fileobj.close()

    def wait_dead(self, timeout: float = WAIT_S) -> bool:
        """Wait for the end of a program whose line has dropped; False when it goes on."""
        until = time.monotonic() + timeout
        while self.child.isalive() and time.monotonic() < until:
            time.sleep(0.02)
        return not self.child.isalive()

    @property
    def cooked(self) -> bool:
        """Whether the terminal shows and edits lines again, as shells leave and expect it."""
        flags = termios.tcgetattr(self.child.child_fd)[tty.LFLAG]
        return flags & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON

    def _wait(self, seen: object, what: str, timeout: float) -> str:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            text = self.text
            if seen(text):  # type: ignore[operator]
                return text
        raise AssertionError(f"{what} never came; the screen:\n{self.text}")

    def _read(self, wait_s: float = 0.05) -> None:
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF, OSError):
            data = self.child.read_nonblocking(65536, timeout=wait_s)
            self.raw += data
            # pyte draws private sequences it does not know (kitty keys, mode queries) as text.
            self._stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;]*[uq]|\x1b\[\?[0-9;]*\$p", b"", data))


@contextlib.contextmanager
def terminal(
    command: Sequence[str], columns: int, lines: int, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run a command on a new terminal; it is killed at the end of the block if it still runs."""
    child = pexpect.spawn(
        command[0],
        list(command[1:]),
        dimensions=(lines, columns),
        env={
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            **(environment or {}),
        },
        timeout=WAIT_S,
    )
    try:
        yield Terminal(child, columns, lines)
    finally:
        child.close(force=True)
