"""What a worker's graphs print, and what it says itself, as text that steers no terminal.

A person looks at it on the worker's terminal, or in the log of one that was started in the
background. Graphs print what agents wrote.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from hitloop_tui.safetext import Safe

OURS = "hitloop_tui"
GUTTER = "  | "
"""Before every line that is not the worker's own, so that none can pass for one."""
MAX_LINE = 65_536
"""Bytes; of a longer line the rest is shown as another one."""
LAST_WORDS_S = 1.0
"""At the end, how long a process that a graph has started may keep the output open."""


@contextlib.contextmanager
def inert_output() -> Iterator[TextIO]:
    """Within it, all that this process and its children print comes out on standard error, each
    line behind a gutter. Yields a stream for the worker's own words."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    reading, writing = os.pipe()
    for stream in (1, 2):
        os.dup2(writing, stream)
    os.close(writing)
    with _said(os.dup(kept[1])) as own:
        passing_on = threading.Thread(target=_pass_on, args=(reading, own), daemon=True)
        passing_on.start()
        try:
            yield own
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for stream, before in enumerate(kept, 1):
                os.dup2(before, stream)
                os.close(before)
            passing_on.join(LAST_WORDS_S)


@contextlib.contextmanager
def _said(terminal: int) -> Iterator[TextIO]:
    """A stream to a terminal that may go away."""
    stream = open(terminal, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    try:
        yield stream
    finally:
        with contextlib.suppress(OSError):
            stream.close()


@contextlib.contextmanager
def narrating(own: TextIO) -> Iterator[None]:
    """Within it, this package's log from INFO on, and warnings of others, are written to `own`."""
    handler = logging.StreamHandler(own)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger(OURS).setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Formatter(logging.Formatter):
    """Records may quote an agent, and other libraries' records do."""

    def format(self, record: logging.LogRecord) -> str:
        first, *more = super().format(record).split("\n")
        first = Safe(first) if record.name.startswith(f"{OURS}.") else _behind_gutter(first)
        return "\n".join([first, *map(_behind_gutter, more)])


def _pass_on(reading: int, own: TextIO) -> None:
    rest = b""
    with contextlib.suppress(ValueError), open(reading, "rb", buffering=0) as printed:
        while data := printed.read(MAX_LINE):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > MAX_LINE:
                lines, rest = [*lines, rest], b""
            _write(own, lines)
        _write(own, [rest] if rest else [])


def _write(own: TextIO, lines: list[bytes]) -> None:
    texts = (line.decode(errors="backslashreplace").removesuffix("\r") for line in lines)
    with contextlib.suppress(OSError):  # the terminal is gone: a graph may print on all the same
        own.write("".join(f"{_behind_gutter(text)}\n" for text in texts))


def _behind_gutter(text: str) -> str:
    return GUTTER + Safe(text.expandtabs())
