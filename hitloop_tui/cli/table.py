"""The inbox as a table for a terminal of any width: what is wider goes on in a marked row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from hitloop_tui.attach.inline import inline
from hitloop_tui.attach.summary import one_line
from hitloop_tui.cli.shown import due_in
from hitloop_tui.plain_rows import LEAST_ROOM, cells, terminal_width
from hitloop_tui.safetext import Safe, safe

SHORT_ID = 8
GAP = "  "
MORE = "    ┆ "
"""Before what goes on in another row of the terminal."""
PIPE = 160
"""Cells of a line where there is no terminal."""
_COLUMNS = (
    *(("ID", 8), ("RISK", 7), ("STATE", 9), ("TOOL", 18), ("AGENT", 10), ("THREAD", 14)),
    *(("NOTE", 24), ("AGE", 4)),
)
"""Titles and greatest widths; what is left of the terminal is for the arguments."""
_NOTE = 6
_COLOURS = {"high": "red", "medium": "yellow", "low": "green"}


def print_inbox(found: Sequence[dict[str, Any]]) -> None:
    """A Review is one row where there is room, else several."""
    if not found:
        click.echo("nothing waits", err=True)
        return
    table = [_columns(shown) for shown in found]
    shown_at = [n for n in range(len(_COLUMNS)) if n != _NOTE or any(row[n] for row in table)]
    widths = {n: _width(n, table) for n in shown_at}
    width = terminal_width() or PIPE
    folded = list(_folded(widths, width))
    titles = [Safe(title) for title, _ in _COLUMNS]
    _print_row(folded, widths, titles, "ARGUMENTS", None)
    room = _room(folded[-1], widths, width)
    for shown, row in zip(found, table, strict=True):
        colour = _COLOURS.get(shown["risk_class"] or "")
        _print_row(folded, widths, row, _arguments(shown, room), colour)


def _columns(shown: dict[str, Any]) -> list[Safe]:
    tools = [action["tool_name"] for action in shown["actions"]] or ["-"]
    more = f" +{len(tools) - 1}" if len(tools) > 1 else ""
    return [
        safe(shown["id"][:SHORT_ID]),
        safe((shown["risk_class"] or "unrated").upper()),
        safe(shown["state"]),
        Safe(safe(inline(tools[0])) + more),
        safe(inline(shown["graph_id"] or "-")),
        safe(inline(shown["thread_id"])),
        safe(_note(shown)),
        Safe(_age(shown["requested_at"])),
    ]


def _width(number: int, table: list[list[Safe]]) -> int:
    title, most = _COLUMNS[number]
    return max(len(title), min(most, max(cells(row[number]) for row in table)))


def _folded(widths: dict[int, int], terminal: int) -> Iterator[list[int]]:
    """Columns by row; the last row, which may have none, holds the arguments as well."""
    row: list[int] = []
    room = terminal
    for number, width in widths.items():
        if row and width > room:
            yield row
            row, room = [], terminal - len(MORE)
        row.append(number)
        room -= width + len(GAP)
    yield row
    if room < LEAST_ROOM:
        yield []


def _room(last: list[int], widths: dict[int, int], terminal: int) -> int:
    """Cells for the arguments, in the last row."""
    used = sum(widths[number] + len(GAP) for number in last)
    return max(terminal - used - (len(MORE) if 0 not in last else 0), LEAST_ROOM)


def _print_row(
    folded: list[list[int]],
    widths: dict[int, int],
    row: list[Safe],
    arguments: str,
    colour: str | None,
) -> None:
    for place, numbers in enumerate(folded):
        shown = [_fitted(row[number], widths[number]) for number in numbers]
        if 1 in numbers:
            shown[numbers.index(1)] = click.style(shown[numbers.index(1)], fg=colour)
        if place == len(folded) - 1:
            shown.append(arguments)
        click.echo((MORE if place else "") + GAP.join(shown).rstrip())


def _arguments(shown: dict[str, Any], width: int) -> str:
    start = one_line(shown["actions"][0]["tool_args"] if shown["actions"] else {})
    return cut(safe(start.text), width, start.hidden, counted=start.counted)


def _note(shown: dict[str, Any]) -> str:
    """What there is to know or to do besides the state."""
    notes, due = [], due_in(shown)
    if due is not None and shown["allowed"]:
        notes.append(f"due in {span(due)}")
    if shown["escalated"]:
        notes.append("escalated")
    if shown["quorum"] > 1 and shown["allowed"]:
        notes.append(f"{len(shown['approved_by'])} of {shown['quorum']} approved")
    if shown["claimed_by"]:
        notes.append(f"{shown['claimed_by']} looks")
    if shown["acts"]:
        notes.append("/".join(shown["acts"]))
    return ", ".join(notes)


def _fitted(cell: str, width: int) -> str:
    shown = cut(cell, width)
    return shown + " " * (width - cells(shown))


def cut(text: str, width: int, hidden: int = 0, *, counted: bool = True) -> str:
    """`text` in at most `width` cells, with the number of characters that are not shown.

    `hidden` of them are missing from its end already, or more where they were not `counted`.
    """
    if not hidden and len(text) <= width and cells(text) <= width:
        return text
    kept = text[:width]
    while True:
        mark = f"…+{len(text) - len(kept) + hidden:,}{'' if counted else '+'}"
        if not kept or cells(kept) + len(mark) <= width:
            return kept + mark
        kept = kept[:-1]


def _age(asked: str) -> str:
    return span(max(0, time.time() - datetime.fromisoformat(asked).timestamp()))


def span(seconds: float) -> str:
    """A time in its greatest unit, as in `3h`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
