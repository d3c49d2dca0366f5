"""The arguments of a call as a table: name, type and value, row after row, in full.

Every row stands behind the mark of the agent's words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from hitloop_tui.attach.masks import Mask
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import FAINT, MUTED, WARN
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.rows import Line, Part, own
from hitloop_tui.tui.widgets.values import (
    INDENT,
    MAX_CHARS,
    MAX_LINES,
    QUOTED,
    counted,
    line_of_text,
    machine,
    marked,
    scalar,
    type_name,
    unseen,
)

MAX_NAME = 64
"""Characters of a name in its column; a longer one is a text of its own as well."""
NAME_CELLS = 20
"""Widest column of names; longer names push their value to the right."""
TYPE_CELLS = 6
INDENT_LEVELS = 12
"""Deeper levels are numbered."""
LONG_TEXT = 160
"""Characters from which on a text becomes a block of its own."""
CHUNK = 4096
"""Characters of one line that are taken at once."""


@dataclass(slots=True)
class Entry:
    """One name with its value, somewhere inside the arguments."""

    name: Any
    value: Any
    depth: int

    @property
    def indent(self) -> str:
        deeper = self.depth - INDENT_LEVELS
        return "  " * min(self.depth, INDENT_LEVELS) + (f"{deeper}{G.dot}" if deeper > 0 else "")


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
        self.lines: list[Line] = []
        self._names = _name_column(args)
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
            self.lines.append(self._next)
            chars -= sum(len(text) for text, _ in self._next.parts)
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

    def _all(self) -> Iterator[Line]:
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

    def _entry(self, entry: Entry) -> Iterator[Line]:
        name = (own(entry.indent), FAINT), *_name(entry.name)
        gap = " " * (self._names - sum(cell_len(text) for text, _ in name))
        columns = *name, (own(f"{gap}  {type_name(entry.value):<{TYPE_CELLS}}  "), FAINT)
        text = _long_text(entry.value)
        if text is None:
            yield self._row(columns, _inline(entry.value))
        else:
            yield self._row(columns, ((own(_size(text)), FAINT),))
            self._text, self._at = text, 0
            yield from self._block(entry)
        if isinstance(entry.name, str) and len(entry.name) > MAX_NAME:
            self._text, self._at = entry.name, 0
            yield self._row(columns, ((own(f"its name: {_size(entry.name)}"), FAINT),))
            yield from self._block(entry)

    def _row(self, columns: tuple[Part, ...], value: tuple[Part, ...]) -> Line:
        solid = sum(len(text) for text, _ in columns)
        return Line((*columns, *value), (QUOTED,), hang=self._names + TYPE_CELLS + 4, solid=solid)

    def _block(self, entry: Entry) -> Iterator[Line]:
        text, gutter = self._text, (QUOTED, (own(f"{entry.indent}{G.bar} "), FAINT))
        while self._at < len(text):
            end = text.find("\n", self._at, self._at + CHUNK) + 1 or self._at + CHUNK
            yield line_of_text(text[self._at : end], gutter)
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


def _long_text(value: Any) -> str | None:
    """A value that is shown as a block of text."""
    if isinstance(value, dict | list | tuple):
        return None
    text = value if isinstance(value, str) else scalar(value)
    return text if len(text) > LONG_TEXT or "\n" in text else None


def _inline(value: Any) -> tuple[Part, ...]:
    match value:
        case Mask():
            return ((safe(value), WARN),)
        case "":
            return ((own('""'), FAINT), (own("  empty"), FAINT))
        case str():
            return marked(value)
        case dict():
            return ((own(counted(len(value), "key") if value else "{}"), FAINT),)
        case list() | tuple():
            return ((own(counted(len(value), "item") if value else "[]"), FAINT),)
        case _:
            return marked(scalar(value))


def _name(name: Any) -> tuple[Part, ...]:
    """A name fit for its column."""
    if not isinstance(name, str):
        return *machine(scalar(name)[:MAX_NAME], MUTED), (own(f" ({type_name(name)})"), FAINT)
    if not name:
        return ((own('""'), FAINT),)
    more = len(name) - MAX_NAME
    cut = ((own(f"{G.ellipsis}+{more:,}"), WARN),) if more > 0 else ()
    return *machine(name[:MAX_NAME], MUTED), *cut


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
        name = Safe("".join(text for text, _ in _name(entry.name)))
        widest = max(widest, len(entry.indent) + cell_len(name))
        stack.append(_inside(entry))
    return min(widest, NAME_CELLS)


def _size(text: str) -> str:
    lines = text.count("\n") + (not text.endswith("\n"))
    size = counted(len(text), "character")
    return f"{counted(lines, 'line')}, {size}" if lines > 1 else size
