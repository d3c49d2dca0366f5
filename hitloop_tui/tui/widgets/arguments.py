"""The arguments of a call as a table: name, type and value, in full, or said where not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.cells import cell_len

from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import FAINT, MUTED, WARN
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.rows import Line, Part, own
from hitloop_tui.tui.widgets.values import (
    Budget,
    counted,
    marked,
    scalar,
    text_lines,
    type_name,
    unseen,
)

MAX_ARGUMENTS = 1000
MAX_DEPTH = 64
MAX_NAME = 200
"""Characters of a name that are shown."""
NAME_CELLS = 20
"""Widest column of names; longer names push their value to the right."""
TYPE_CELLS = 6
INDENT_LEVELS = 12
LONG_TEXT = 160
"""Characters from which on a text becomes a block of its own."""


@dataclass(slots=True)
class Entry:
    """One name with its value, somewhere inside the arguments."""

    name: Any
    value: Any
    depth: int

    @property
    def indent(self) -> str:
        return "  " * min(self.depth, INDENT_LEVELS)


@dataclass(slots=True)
class Level:
    """Where a walk stands inside one list or object."""

    entries: Iterator[Entry]
    left: int


@dataclass(frozen=True, slots=True)
class Table:
    """Lines, and whether they leave something out."""

    lines: list[Line]
    cut: bool


def arguments_table(args: dict[Any, Any], pages: int = 1) -> Table:
    """All arguments; each may take `pages` times the usual room."""
    names = _name_column(args)
    missing = len(args) - MAX_ARGUMENTS * pages
    lines: list[Line] = []
    cut = missing > 0
    for name, value in islice(args.items(), MAX_ARGUMENTS * pages):
        budget = Budget.pages(pages)
        lines += _argument(Entry(name, value, 0), names, budget)
        cut |= budget.cut
    if missing > 0:
        lines.append(_note(f"+{counted(missing, 'argument')} not shown"))
    return Table(lines, cut)


def _argument(entry: Entry, names: int, budget: Budget) -> Iterator[Line]:
    """One argument with everything inside it; iterative, since nesting is the agent's choice."""
    yield from _entry(entry, names, budget)
    stack = [_inside(entry)]
    while stack:
        level = stack[-1]
        if not level.left:
            stack.pop()
        elif budget.spent or len(stack) > MAX_DEPTH:
            budget.cut = True
            why = "" if budget.spent else f": nested deeper than {MAX_DEPTH} levels"
            yield _note(f"+{counted(level.left, 'item')} not shown{why}", len(stack))
            stack.pop()
        else:
            level.left -= 1
            child = next(level.entries)
            yield from _entry(child, names, budget)
            stack.append(_inside(child))


def _inside(entry: Entry) -> Level:
    value, depth = entry.value, entry.depth + 1
    if isinstance(value, dict):
        return Level((Entry(k, v, depth) for k, v in value.items()), len(value))
    if isinstance(value, list | tuple):
        return Level((Entry(str(n), v, depth) for n, v in enumerate(value)), len(value))
    return Level(iter(()), 0)


def _entry(entry: Entry, names: int, budget: Budget) -> list[Line]:
    name, missing = _name(entry.name)
    budget.cut |= bool(missing)
    notes = [_note(missing, entry.depth)] if missing else []
    start = (own(f"{entry.indent}{name}".ljust(names)), MUTED)
    kind = (own(f"  {type_name(entry.value):<{TYPE_CELLS}}  "), FAINT)
    value = entry.value
    if isinstance(value, str) and (len(value) > LONG_TEXT or "\n" in value):
        gutter: Part = (own(f"  {entry.indent}{G.bar} "), FAINT)
        block = text_lines(value, (gutter,), budget)
        return [*notes, _row((start, kind, (own(_size(value)), FAINT)), names), *block]
    budget.lines -= 1
    return [_row((start, kind, *_inline(value, budget)), names), *notes]


def _row(parts: tuple[Part, ...], names: int) -> Line:
    columns = len(parts[0][0]) + len(parts[1][0])
    return Line(parts, ((own("  "), ""),), hang=names + TYPE_CELLS + 4, solid=columns)


def _inline(value: Any, budget: Budget) -> tuple[Part, ...]:
    match value:
        case "":
            return ((own('""'), FAINT), (own("  empty"), FAINT))
        case str():
            budget.chars -= len(value)
            return marked(value)
        case dict():
            return ((own(counted(len(value), "key") if value else "{}"), FAINT),)
        case list() | tuple():
            return ((own(counted(len(value), "item") if value else "[]"), FAINT),)
        case _:
            text = scalar(value)
            shown = text[: max(budget.chars, 1)]
            budget.chars -= len(shown)
            budget.cut |= len(shown) < len(text)
            missing = unseen(len(text) - len(shown))
            return (*marked(shown), *(((own(f" {missing}"), WARN),) if missing else ()))


def _name(name: Any) -> tuple[Safe, str]:
    """A name fit for its column, and what of it is not shown."""
    if not isinstance(name, str):
        return own(f"{safe(scalar(name)[:MAX_NAME])} ({type_name(name)})"), ""
    if not name:
        return own('""'), ""
    return safe(name[:MAX_NAME]), unseen(max(len(name) - MAX_NAME, 0))


def _name_column(args: dict[Any, Any]) -> int:
    """Cells of the widest name, as far as the first few hundred tell."""
    widest, stack = 0, [_inside(Entry("", args, -1))]
    for _ in range(500):
        while stack and not stack[-1].left:
            stack.pop()
        if not stack or len(stack) > MAX_DEPTH:
            break
        stack[-1].left -= 1
        entry = next(stack[-1].entries)
        widest = max(widest, len(entry.indent) + cell_len(_name(entry.name)[0]))
        stack.append(_inside(entry))
    return min(widest, NAME_CELLS)


def _note(words: str, depth: int = 0) -> Line:
    """What is not shown, at the indentation of what it is missing from."""
    return Line(((own(words), WARN),), ((own("  " * min(depth + 1, INDENT_LEVELS)), ""),))


def _size(text: str) -> str:
    lines = text.count("\n") + (not text.endswith("\n"))
    size = counted(len(text), "character")
    return f"{counted(lines, 'line')}, {size}" if lines > 1 else size
