"""Safe text on a plain terminal: how wide it is, and rows of it that cannot pose as something else.

A terminal goes on at the left edge when a line is too long for it, which is where our own words
begin. So whoever prints to one divides long lines first, and marks every row.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator

from hitloop_tui.safetext import Safe, safe

LONG_BLANK = 8
"""Blanks in the middle of a line from which on they are spelled out."""
LONG_INDENT = 40
"""The same at its start, where code has many."""
LEAST_ROOM = 20
"""Cells that are worth a row."""

_BLANKS = re.compile(rf" +$|(?<=[^ ]) {{{LONG_BLANK},}}|^ {{{LONG_INDENT + 1},}}")
_PIECE = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})|.", re.DOTALL)
_ONE_CELL = re.compile(r"[ -\[\]-~]*")


def terminal_width() -> int | None:
    """Cells of a row of the terminal on standard output; None where there is none.

    The variable COLUMNS is not asked: readline exports it, and then the terminal changes.
    """
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def spelled(text: str) -> Safe:
    """`safe(text)`, with the blanks that an eye cannot see or count as escapes, too."""
    return Safe(_BLANKS.sub(lambda blanks: r"\x20" * len(blanks[0]), safe(text)))


def cells(text: str) -> int:
    """Terminal cells: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in ("Mn", "Me") for char in text)


def rows(text: Safe, width: int) -> Iterator[Safe]:
    """`text` in pieces of at most `width` cells, divided after a blank where there is one. No
    escape is divided, no mark taken from its letter; a character that is wider than all of the
    width is a row of its own."""
    start = 0
    while start < len(text):
        end = _end(text, start, width)
        if end < len(text):
            end = text.rfind(" ", (start + end) // 2, end) + 1 or end
        yield Safe(text[start:end])
        start = end


def marked_rows(line: Safe, width: int | None, more: str) -> Iterator[Safe]:
    """`line` in rows of a terminal, all but the first behind `more`; in one without a width."""
    if width is None or cells(line) <= width:
        yield line
        return
    first = next(rows(line, width))
    yield first
    for row in rows(Safe(line[len(first) :]), max(width - len(more), LEAST_ROOM)):
        yield Safe(more + row)


def _end(text: str, start: int, width: int) -> int:
    """How far a row goes that starts here."""
    end = start + width
    if _ONE_CELL.fullmatch(text, start, end):
        return min(end, len(text))
    used, end = 0, start
    for piece in _PIECE.finditer(text, start):
        used += cells(piece[0])
        if used > width and end > start:
            return end
        end = piece.end()
    return end
