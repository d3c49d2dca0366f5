"""The cells of a running console's screen, and which of them are an agent's to fill."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.style import Style
from textual.app import App
from textual.errors import NoWidget
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, RadioButton, SelectionList

from hitloop_tui.tui.dialogs.frame import FAULT, Box, Editor
from hitloop_tui.tui.glyphs import RISK_WIDTH
from hitloop_tui.tui.widgets.card_sections import DOUBTED
from hitloop_tui.tui.widgets.inbox import InboxList
from hitloop_tui.tui.widgets.inbox_rows import AGE, NAME, _standing
from hitloop_tui.tui.widgets.rows import Wrapped, cells_of
from hitloop_tui.tui.widgets.rows_view import LinesView, RowsView
from hitloop_tui.tui.widgets.status import Said
from hitloop_tui.tui.widgets.trace import TracePane
from hitloop_tui.tui.widgets.values import QUOTED, TOLD

Cell = tuple[str, Style]
Span = tuple[int, int, int]
"""Row, first cell, and the cell after the last one."""
GUTTERS = (QUOTED, TOLD, DOUBTED, FAULT)
TITLES = ("Not read to the end: ", "Edit ", "Reject ", "Answer ")
BUTTON = 4
"""Cells of a radio button and the space after it."""


@dataclass
class Shot:
    """One look at the screen."""

    name: str
    cells: list[list[Cell]]
    boxes: set[Span]

    @property
    def text(self) -> str:
        return "\n".join("".join(char for char, _ in row) for row in self.cells)


def shot(name: str, app: App[None]) -> Shot:
    return Shot(name, cells(app), set(boxes(app)))


def cells(app: App[None]) -> list[list[Cell]]:
    """A wide character stands in its first cell; the second is empty text."""
    rows: list[list[Cell]] = []
    for strip in app.screen._compositor.render_strips():
        row: list[Cell] = []
        for text, style, _ in strip:
            look = (style or Style()).clear_meta_and_links()
            for char in text:
                if cell_len(char):
                    row += [(char, look), *[("", look)] * (cell_len(char) - 1)]
                elif row:
                    row[-1] = row[-1][0] + char, look
        rows.append(row)
    return rows


def boxes(app: App[None]) -> Iterator[Span]:
    """Of what is on top, and of what is seen beside it."""
    covered: list[Region] = []
    for screen in reversed(app.screen_stack):
        for y, start, stop in _on(screen):
            yield from _uncovered(y, start, stop, covered)
        covered += [box.region for box in screen.query("Box, #help")]


def _uncovered(y: int, start: int, stop: int, covered: list[Region]) -> Iterator[Span]:
    free = [x for x in range(start, stop) if not any(each.contains(x, y) for each in covered)]
    if free:
        yield y, free[0], free[-1] + 1


def _on(screen: Screen[object]) -> Iterator[Span]:
    for widget in screen.query(Widget):
        try:
            seen = screen.find_widget(widget).visible_region
        except NoWidget:
            continue
        for y, start, stop in _in(widget) if seen else ():
            if seen.y <= y < seen.bottom and start < stop:
                yield y, start, stop


def _in(widget: Widget) -> Iterator[Span]:
    inner = widget.content_region
    match widget:
        case RowsView():
            yield from _quoted(widget)
        case InboxList():
            yield from _rows(widget)
        case Box():
            title = widget._border_title.plain if widget._border_title else ""
            for words in TITLES:
                if title.startswith(words):
                    left = widget.region.x + 3  # corner, line, blank
                    yield widget.region.y, left + len(words), left + cell_len(title)
        case Editor():
            for y in range(inner.y, inner.bottom):
                yield y, inner.x + widget.gutter_width, widget.scrollable_content_region.right
        case Input():
            yield inner.y, inner.x, inner.right
        case Said():
            yield inner.y, inner.x + 2, inner.right
        case RadioButton() | SelectionList():
            for y in range(inner.y, inner.bottom):
                yield y, inner.x + BUTTON, widget.scrollable_content_region.right


def _quoted(view: RowsView) -> Iterator[Span]:
    """Right of the mark, up to what is ours at the right edge."""
    inner = view.content_region
    top = view.scroll_offset.y
    for y in range(top, min(top + inner.height, view.row_count)):
        wrapped, index = _line_of(view, y)
        line = wrapped.line
        marks = [part for part in line.gutter if part in GUTTERS]
        if not marks or index >= len(wrapped._ends):
            continue
        left = inner.x + view.margin_cells
        right = cells_of(line.right) if index == 0 and wrapped._right_fits else 0
        start = cells_of(line.lead) + cells_of(line.gutter)
        yield inner.y + y - top, left + start, left + wrapped.width - right


def _line_of(view: RowsView, y: int) -> tuple[Wrapped, int]:
    """The line of a row, and which of its rows that is."""
    if isinstance(view, LinesView):
        place = view.place(y)
        return place.wrapped, place.row
    assert isinstance(view, TracePane)
    index = bisect_right(view._tops, y) - 1
    rest = y - view._tops[index]
    for each in view._wrapped(view._blocks[index]):
        if rest < each.height:
            return each, rest
        rest -= each.height
    raise AssertionError(y)


def _rows(inbox: InboxList) -> Iterator[Span]:
    """Between the sign of the risk and what is known about the row: tool, summary, thread, who."""
    inner, lines, top = inbox.content_region, inbox.row_lines, inbox.scroll_offset.y
    width = inbox.scrollable_content_region.width
    for y in range(inner.height):
        place, part = divmod(y + top, lines)
        if place >= len(inbox.state.shown):
            return
        row = inbox.state.shown[place]
        look = inbox._look(row)
        known = _standing(row, replace(look, looking=None)).cell_length
        if look.looking and cell_len(look.looking) <= NAME:
            known += len(" looking")
        if lines == 1:
            start, end = 3 + RISK_WIDTH + 2, width - known - AGE - 1
        elif part == 0:
            start, end = 5, width - AGE - 1
        else:
            start, end = 5 + RISK_WIDTH, width - known - 1
        yield inner.y + y, inner.x + start, inner.x + end
