"""The rows of a table of arguments, made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from rich.cells import cell_len
from textual.cache import LRUCache

from hitloop_tui.attach.masks import Mask
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import FAINT, MUTED, WARN
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.rows import Line, Part, own
from hitloop_tui.tui.widgets.values import (
    QUOTED,
    counted,
    line_of_text,
    machine,
    marked,
    scalar,
    type_name,
)

MAX_NAME = 64
"""Characters of a name in its column; a longer one is a text of its own as well."""
TYPE_CELLS = 6
INDENT_LEVELS = 12
"""Deeper levels are numbered."""
LONG_TEXT = 160
"""Characters from which on a text becomes a block of its own."""
KEPT = 1024

ROW, SIZE, TEXT = range(3)
Told = tuple[Any, ...]
"""What a line tells. ROW, depth, name, value; SIZE, depth, name, type, size of what follows; or
TEXT, depth, text, start, end. Half a million `Line`s would take 400 MB, and the garbage collector
would look at each again and again; it leaves plain tuples of texts and numbers alone.
"""


class ArgumentLines(Sequence[Line]):
    """Lines that are forgotten, and made again when they are drawn."""

    def __init__(self, names: int) -> None:
        """`names` is the width of the column of names."""
        self._names = names
        self._told: list[Told] = []
        self._made: LRUCache[int, Line] = LRUCache(KEPT)

    def add(self, told: Told) -> int:
        """Add a line at the end; how many characters it has."""
        self._told.append(told)
        return sum(len(text) for text, _ in self[-1].parts)

    def __len__(self) -> int:
        return len(self._told)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        places = range(len(self._told))[index]
        return self._line(places) if isinstance(places, int) else [self._line(n) for n in places]

    def _line(self, index: int) -> Line:
        made = self._made.get(index)
        if made is None:
            made = self._made[index] = self._make(*self._told[index])
        return made

    def _make(self, kind: int, depth: int, *told: Any) -> Line:
        if kind == ROW:
            name, value = told
            return self._row(depth, name, type_name(value), _inline(value))
        if kind == SIZE:
            name, type_, size = told
            return self._row(depth, name, type_, ((own(size), FAINT),))
        text, start, end = told
        return line_of_text(text[start:end], (QUOTED, (own(f"{indent(depth)}{G.bar} "), FAINT)))

    def _row(self, depth: int, name: Any, type_: str, value: tuple[Part, ...]) -> Line:
        label = (own(indent(depth)), FAINT), *name_of(name)
        gap = " " * (self._names - sum(cell_len(text) for text, _ in label))
        columns = *label, (own(f"{gap}  {type_:<{TYPE_CELLS}}  "), FAINT)
        solid = sum(len(text) for text, _ in columns)
        return Line((*columns, *value), (QUOTED,), hang=self._names + TYPE_CELLS + 4, solid=solid)


def indent(depth: int) -> str:
    deeper = depth - INDENT_LEVELS
    return "  " * min(depth, INDENT_LEVELS) + (f"{deeper}{G.dot}" if deeper > 0 else "")


def name_of(name: Any) -> tuple[Part, ...]:
    """A name fit for its column."""
    if not isinstance(name, str):
        return *machine(scalar(name)[:MAX_NAME], MUTED), (own(f" ({type_name(name)})"), FAINT)
    if not name:
        return ((own('""'), FAINT),)
    more = len(name) - MAX_NAME
    cut = ((own(f"{G.ellipsis}+{more:,}"), WARN),) if more > 0 else ()
    return *machine(name[:MAX_NAME], MUTED), *cut


def long_text(value: Any) -> str | None:
    """A value that is shown as a block of text."""
    if isinstance(value, dict | list | tuple):
        return None
    text = value if isinstance(value, str) else scalar(value)
    return text if len(text) > LONG_TEXT or "\n" in text else None


def size_of(text: str) -> Safe:
    lines = text.count("\n") + (not text.endswith("\n"))
    size = counted(len(text), "character")
    return own(f"{counted(lines, 'line')}, {size}" if lines > 1 else size)


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
