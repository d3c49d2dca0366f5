"""Terminals of every size, pastes and slow lines: the console stays, and nobody decides by them.

python -m tests.figures.terminals [--n RESIZES] resizes so often; every 100 times it pastes 1 MB
into each place, too. Every console runs in a real pty.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pexpect

from hitloop_tui.paths import ledger_path
from tests.e2e.terminal import Terminal, terminal
from tests.figures.arena import Score, main
from tests.figures.hangups import (
    ARMED_S,
    SAID,
    asked_in,
    copied,
    decision,
    held_by_somebody,
    press_armed,
)

CONSOLE = [sys.executable, "-m", "hitloop_tui"]
COLUMNS, LINES = 80, 24
WIDEST, HIGHEST = 500, 200
HARMLESS = ("j", "k", "J", "K", "g", "G", "o", "m", "t", "?", "1", "2", "3", "/", "\x1b", "\t")
"""Keys that only look. After `/` they are typed into the filter."""
ROUND = 100
"""Resizes of one console."""
LARGE = 1_000_000
SMALL = 150
DECIDING = "aariecu CDx!AR\r\n\tyY{}"
"""What pasted text is made of: all keys that decide or confirm."""
BYTE_S = 0.01
GONE_S = 20.0
BROKEN = re.compile(rb"did not work|Traceback")

Place = Callable[[Terminal], None]
"""Goes to where something is pasted."""


def figure(folder: Path, n: int, score: Score) -> None:
    fresh, rounds = asked_in(folder / "fresh.db"), max(1, n // ROUND)
    resizes(fresh, n, score)
    for place in PLACES:
        pastes(fresh, place, rounds, LARGE, score)
    pieces(fresh, rounds, score)
    slow_lines(fresh, rounds, score)


def resizes(fresh: Path, n: int, score: Score) -> None:
    """At random, with keys in between; in the end the console decides as ever."""
    crashes, decided, stuck = list[str](), 0, list[str]()
    counts = [min(ROUND, n - at) for at in range(0, n, ROUND)]
    for number, count in enumerate(counts):
        with console(fresh, f"resized{number}") as (running, db):
            for _ in range(count):
                size = random.randint(1, WIDEST), random.randint(1, HIGHEST)
                running.child.setwinsize(*reversed(size))
                _write(running, random.choice(HARMLESS))
                if why := _skim(running, 0.03):
                    crashes.append(f"{size}: {why}")
                    break
            decided += decision(db) is not None
            stuck += _does_not_decide(running, db)
    score.add("resizes: crashes", crashes, n)
    score.add("resizes: decisions by keys that only look", decided, len(counts))
    score.add("resizes: no decision possible afterwards", stuck, len(counts))


def in_the_inbox(running: Terminal) -> None:
    running.press("1")


def in_the_card(running: Terminal) -> None:
    running.press("2")


def in_the_filter(running: Terminal) -> None:
    running.press("/")
    running.wait_for("tool, argument")


def in_the_reason(running: Terminal) -> None:
    press_armed(running, "r", "Why?")


def in_the_editor(running: Terminal) -> None:
    press_armed(running, "e", "compare old and new")


def in_the_answer(running: Terminal) -> None:
    press_armed(running, "c", "Answer")


PLACES: tuple[Place, ...] = (
    in_the_inbox,
    in_the_card,
    in_the_filter,
    in_the_reason,
    in_the_editor,
    in_the_answer,
)


def pastes(fresh: Path, place: Callable[[Terminal], None], n: int, size: int, score: Score) -> None:
    """Marked as a paste by the terminal, as all of today do."""
    what, send = place.__name__.replace("_", " "), partial(_paste, size=size)
    _typed(fresh, f"pastes of {size:,} bytes {what}", place, send, n, score)


def pieces(fresh: Path, n: int, score: Score) -> None:
    """Pastes that arrive byte by byte."""
    what = f"pastes of {SMALL} bytes, one every {BYTE_S * 1000:g} ms"
    _typed(fresh, what, in_the_inbox, _paste_slowly, n, score)


def _typed(
    fresh: Path,
    what: str,
    place: Place,
    send: Callable[[Terminal], None],
    n: int,
    score: Score,
) -> None:
    crashes, decided, stuck = list[str](), 0, list[str]()
    for number in range(n):
        with console(fresh, f"{what}{number}") as (running, db):
            place(running)
            send(running)
            crashes += filter(None, [_skim(running, 1.0)])
            decided += decision(db) is not None
            stuck += _does_not_decide(running, db)
    score.add(f"{what}: crashes", crashes, n)
    score.add("  decisions", decided, n)
    score.add("  no decision possible afterwards", stuck, n)


def slow_lines(fresh: Path, n: int, score: Score) -> None:
    """The terminal takes a byte every 10 ms while somebody decides, and then is closed."""
    left, false, locked = list[str](), 0, list[str]()
    for number in range(n):
        with console(fresh, f"slow{number}") as (running, db):
            for key in ("?", "\x1b", "T", "a"):
                _write(running, key)
                _trickle(running, 1.0)
            said = running.shows(SAID)
            false += said and decision(db) is None
            running.child.kill(signal.SIGTERM)
            _trickle(running, 1.0)
            if not running.wait_dead(GONE_S):
                left.append(f"{db}: still running")
        locked += filter(None, (held_by_somebody(path) for path in (db, ledger_path(db))))
    score.add("a line of 100 bytes a second: still running after SIGTERM", left, n)
    score.add('  false "recorded"', false, n)
    score.add("  files left locked", locked, n)


@contextlib.contextmanager
def console(fresh: Path, name: str) -> Iterator[tuple[Terminal, Path]]:
    """A console on a copy, with the question on the card, long enough to be decided."""
    db = copied(fresh, name)
    environment = {"HITLOOP_HOLD": "5", "XDG_STATE_HOME": str(db.parent)}
    command = [*CONSOLE, str(db), "--as", "ann"]
    with terminal(command, COLUMNS, LINES, environment) as running:
        running.wait_for("due$|it is due")
        time.sleep(ARMED_S)
        yield running, db


def _does_not_decide(running: Terminal, db: Path) -> list[str]:
    """Back to the list; why the question cannot be decided there."""
    try:
        running.child.setwinsize(HIGHEST, WIDEST)
        for key in ("\x1b", "\x1b", "\x1b", "1"):
            _write(running, key)
            if why := _skim(running, 0.3):
                return [why]
        running.child.setwinsize(LINES, COLUMNS)  # all of it is drawn anew, and read
        running.press("/refund\r2")
        running.wait_for(r"1 of 2(.|\n)*it is due")
        time.sleep(ARMED_S)
        press_armed(running, "a", SAID)
    except (AssertionError, OSError) as error:
        return [str(error)]
    return [] if decision(db) is not None else ["said to be recorded, and is not"]


def _paste(running: Terminal, size: int) -> None:
    _write(running, f"\x1b[200~{_text(size)}\x1b[201~")


def _paste_slowly(running: Terminal) -> None:
    for byte in f"\x1b[200~{_text(SMALL)}\x1b[201~":
        _write(running, byte)
        _skim(running, BYTE_S)


def _text(size: int) -> str:
    return "".join(random.choices(DECIDING, k=size))


def _write(running: Terminal, text: str) -> None:
    """Send all of it, and meanwhile take what the program writes, as terminals do."""
    data, handle = text.encode(), running.child.child_fd
    os.set_blocking(handle, False)
    try:
        while data:
            readable, writable, _ = select.select([handle], [handle], [])
            if readable:
                os.read(handle, 65536)
            if writable:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(handle, data[:1024]) :]
    finally:
        os.set_blocking(handle, True)


def _skim(running: Terminal, seconds: float) -> str:
    """Let it write for a while; what went wrong, or nothing."""
    until, seen = time.monotonic() + seconds, b""
    with contextlib.suppress(pexpect.EOF, OSError):
        while time.monotonic() < until:
            with contextlib.suppress(pexpect.TIMEOUT):
                seen += running.child.read_nonblocking(65536, timeout=0.01)
    if found := BROKEN.search(seen):
        return seen[found.start() :][:200].decode(errors="replace")
    return "" if running.child.isalive() else "it has ended"


def _trickle(running: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    with contextlib.suppress(pexpect.EOF, pexpect.TIMEOUT, OSError):
        while time.monotonic() < until:
            running.child.read_nonblocking(1, timeout=1.0)
            time.sleep(BYTE_S)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    main(__doc__ or "", 1000, figure)
