"""The arguments of a call as a table: name, type and value, row after row, in full.

Every row stands behind the mark of the agent's words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import WARN
from hitloop_tui.tui.widgets.argument_lines import (
    MAX_NAME,
    ROW,
    SIZE,
    TEXT,
    ArgumentLines,
    Told,
    indent,
    long_text,
    name_of,
    size_of,
)
from hitloop_tui.tui.widgets.rows import Line, own
from hitloop_tui.tui.widgets.values import (
    INDENT,
    MAX_CHARS,
    MAX_LINES,
    counted,
    type_name,
    unseen,
)

NAME_CELLS = 20
"""Widest column of names; longer names push their value to the right."""
CHUNK = 4096
"""Characters of one line that are taken at once."""


@dataclass(slots=True)
class Entry:
    """One name with its value, somewhere inside the arguments."""

    name: Any
    value: Any
    depth: int


@dataclass(slots=True)
class Level:
    """Where a walk stands inside one list or object."""

    entries: Iterator[Entry]
    left: int


class Arguments:
    """The lines of all arguments. They are made as far as somebody reads: there may be 10 MB.

    Lines stay what and where they are when more are made.
    """

    def __init__(
        self, args: dict[Any, Any], chars: int = MAX_CHARS, lines: int = MAX_LINES
    ) -> None:
        self.lines = ArgumentLines(_name_column(args))
        self._levels = [Level(_items(args, 0), len(args))]
        self._text, self._at = "", 0
        """A long text that is being told, and how far it is."""
        self._walk = self._all()
        self._next = next(self._walk, None)
        self.missing = ""
        """What was not made yet, in words; empty when all was."""
        self.read_on(chars, lines)

    def read_on(self, chars: int = MAX_CHARS, lines: int = MAX_LINES) -> None:
        """Make lines up to about so many more characters, or so many more lines."""
        while self._next is not None and chars > 0 and lines > 0:
            chars -= self.lines.add(self._next)
            lines -= 1
            self._next = next(self._walk, None)
        self.missing = "" if self._next is None else self._left()

    def _left(self) -> str:
        outer, *inner = self._levels
        several = [(outer.left, "argument"), (sum(level.left for level in inner), "item")]
        parts = [counted(number, noun) for number, noun in several if number]
        text = unseen(len(self._text) - self._at, self._text.count("\n", self._at))
        more = [f"+{', '.join(parts)} not shown"] if parts else []
        return "; ".join([*([text] if text else []), *more])

    def _all(self) -> Iterator[Told]:
        """Iterative, since nesting is the agent's choice. What was told is counted after `yield`:
        the walk is always one line ahead."""
        while self._levels:
            level = self._levels[-1]
            if not level.left:
                if len(self._levels) == 1:
                    return
                self._levels.pop()
                continue
            entry = next(level.entries)
            rows = self._entry(entry)
            yield next(rows)
            level.left -= 1
            yield from rows
            self._levels.append(_inside(entry))

    def _entry(self, entry: Entry) -> Iterator[Told]:
        name, value, depth = entry.name, entry.value, entry.depth
        text = long_text(value)
        if text is None:
            yield ROW, depth, name, value
        else:
            yield SIZE, depth, name, type_name(value), size_of(text)
            yield from self._block(text, depth)
        if isinstance(name, str) and len(name) > MAX_NAME:
            yield SIZE, depth, name, type_name(value), f"its name: {size_of(name)}"
            yield from self._block(name, depth)

    def _block(self, text: str, depth: int) -> Iterator[Told]:
        self._text, self._at = text, 0
        while self._at < len(text):
            end = text.find("\n", self._at, self._at + CHUNK) + 1 or self._at + CHUNK
            yield TEXT, depth, text, self._at, end
            self._at = min(end, len(text))


def arguments_table(args: dict[Any, Any]) -> list[Line]:
    """As many lines as are shown at first, with a note about the others."""
    table = Arguments(args)
    return [*table.lines, *([note(table.missing)] if table.missing else [])]


def note(words: str) -> Line:
    """What is not shown. Our own words: no mark of the agent's stands before them."""
    return Line(((own(words), WARN),), (INDENT,))


def _inside(entry: Entry) -> Level:
    value, depth = entry.value, entry.depth + 1
    if isinstance(value, dict):
        return Level(_items(value, depth), len(value))
    if isinstance(value, list | tuple):
        return Level((Entry(str(n), v, depth) for n, v in enumerate(value)), len(value))
    return Level(iter(()), 0)


def _items(value: dict[Any, Any], depth: int) -> Iterator[Entry]:
    return (Entry(name, inner, depth) for name, inner in value.items())


def _name_column(args: dict[Any, Any]) -> int:
    """Cells of the widest name, as far as the first few hundred tell."""
    widest, stack = 0, [Level(_items(args, 0), len(args))]
    for _ in range(500):
        while stack and not stack[-1].left:
            stack.pop()
        if not stack:
            break
        stack[-1].left -= 1
        entry = next(stack[-1].entries)
        name = Safe("".join(text for text, _ in name_of(entry.name)))
        widest = max(widest, len(indent(entry.depth)) + cell_len(name))
        stack.append(_inside(entry))
    return min(widest, NAME_CELLS)
