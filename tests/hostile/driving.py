"""Reading all that a console shows, on a real terminal, as fast as it draws."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

import pexpect

HITLOOP = [sys.executable, "-m", "hitloop_tui"]
START_S, FIRST_S, QUIET_S = 60.0, 0.08, 0.015
"""How long to wait for the first card, for what a key does, and for more of it."""
A_PAGE = 400
"""Bytes; a key that changes less than that has moved nothing."""
MAX_PAGES = 300
ESCAPE = "\x1b[27u"
"""As kitty's keyboard protocol says it: no other key can be taken for a part of it."""
DIALOGS = (
    "e",
    "r",
    "c",
    "?",
    ":",
    "v",
    "m",
    "f",
    "o",
    "*A",
    "*R",
    "u",
    "!",
    "C",
    "D",
    "w",
    "z",
    "T",
)
"""Keys that open something or show more; an escape closes it."""
PALETTE = ":"
AGAIN = {"*A": "*", "*R": "*", "f": "f", "z": "z", "T": "T", "v": "v"}
"""What takes back that an escape leaves."""


class Screen:
    """A program on a terminal that nobody draws: only its bytes are kept."""

    def __init__(self, child: pexpect.spawn) -> None:
        self.raw = bytearray()
        self.child = child

    def press(self, keys: str, first_s: float = FIRST_S) -> int:
        """How many bytes came, until nothing came any more."""
        os.write(self.child.child_fd, keys.encode())
        return self.settle(first_s)

    def settle(self, first_s: float = FIRST_S) -> int:
        before, wait = len(self.raw), first_s
        while self._ready(wait):
            try:
                data = os.read(self.child.child_fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.raw += data
            wait = QUIET_S
        return len(self.raw) - before

    def wait_for(self, words: bytes) -> None:
        until = time.monotonic() + START_S
        while words not in self.raw:
            assert time.monotonic() < until, bytes(self.raw[-2000:])
            self.settle()

    def end(self) -> int:
        """Its exit code, minus the signal that ended it."""
        until = time.monotonic() + START_S
        while self.child.isalive() and time.monotonic() < until:
            self.settle()
        self.settle()
        assert not self.child.isalive(), "it still runs"
        signal = self.child.signalstatus
        return -signal if signal is not None else self.child.exitstatus

    def _ready(self, seconds: float) -> bool:
        return bool(select.select([self.child.child_fd], [], [], seconds)[0])


@contextlib.contextmanager
def screen(
    command: Sequence[str], columns: int, lines: int, environment: Mapping[str, str]
) -> Iterator[Screen]:
    settings = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    child = pexpect.spawn(
        command[0],
        list(command[1:]),
        dimensions=(lines, columns),
        env={**os.environ, **settings, **environment},
        echo=False,
    )
    try:
        yield Screen(child)
    finally:
        child.close(force=True)


def read_cards(console: Screen, count: int) -> int:
    """Every card to its end, with nothing else on the screen; the pages that were read."""
    pages = 0
    console.press("1g2z")
    for _ in range(count):
        console.press("m", 0.02)
        pages += read_on(console, " ")
        console.press("G", 0.05)
        console.press("J")
    console.press("z1g")
    return pages


def read_on(console: Screen, key: str) -> int:
    """Press the key until it moves nothing; how often it did."""
    for pages in range(MAX_PAGES):
        if console.press(key) < A_PAGE:
            return pages
    return MAX_PAGES


def walk(console: Screen, count: int, spots: Sequence[tuple[int, int]], stride: int) -> None:
    """Down the inbox; on every `stride`th card something is opened, and clicked on."""
    dialogs = itertools.cycle(DIALOGS)
    for number in range(count):
        if number % stride == 0:
            open_and_close(console, next(dialogs), spots)
        console.press("j")


def open_and_close(console: Screen, keys: str, spots: Sequence[tuple[int, int]]) -> None:
    for key in keys:
        console.press(key)
    for number, again in enumerate((ESCAPE, ESCAPE, AGAIN.get(keys, ""))):
        if number or keys != PALETTE:  # a click on one of its commands is meant
            click(console, spots)
        console.press(again, 0.05)
    console.press("1", 0.02)


def click(console: Screen, spots: Sequence[tuple[int, int]]) -> None:
    for column, line in spots:
        console.press("".join(f"\x1b[<0;{column};{line}{end}" for end in "Mm"), 0.02)


def leave(console: Screen) -> int:
    """Close what is open and quit; the exit code."""
    for key in (ESCAPE, ESCAPE, ESCAPE, "q"):
        console.press(key)
    return console.end()


def read_trace(console: Screen) -> int:
    """The trace from its start to its end, alone on the screen."""
    console.press("T")
    console.press("3z")
    console.press("g")
    pages = read_on(console, "\x04")
    console.press("z1")
    return pages
