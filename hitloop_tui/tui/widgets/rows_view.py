"""Scrolling views that draw only the rows on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.widgets.measured import Measured
from hitloop_tui.tui.widgets.rows import Line, Row, Wrapped, differing, plain


class RowsView(ScrollView, can_focus=True):
    """Base of views over rows; a subclass says how many there are and what each shows."""

    DEFAULT_CSS = """
    RowsView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size: 0 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("ctrl+d", "half_page(1)", "Half a page down", show=False),
        Binding("ctrl+u", "half_page(-1)", "Half a page up", show=False),
        Binding("g", "scroll_home", "To the start", show=False),
        Binding("G", "scroll_end", "To the end", show=False),
    ]

    margin_cells: ClassVar[int] = 1
    """Empty cells left and right of the text."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(512)
        self._styles: dict[str, RichStyle] = {}

    @property
    def row_count(self) -> int:
        raise NotImplementedError

    def row(self, y: int) -> Row:
        raise NotImplementedError

    @property
    def text_width(self) -> int:
        """Cells that text may use."""
        return self.scrollable_content_region.width - 2 * self.margin_cells

    @property
    def allow_select(self) -> bool:
        return True

    def rows_changed(self) -> None:
        """Draw anew, over as many rows as there are now."""
        self._strips.clear()
        size = Size(self.scrollable_content_region.width, self.row_count)
        if self.show_vertical_scrollbar and size.height > self.size.height:
            # The same, without a layout of the whole screen: that costs as much as drawing it.
            self.set_reactive(RowsView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            self.scroll_y = self.validate_scroll_y(self.scroll_y)
        else:
            self.virtual_size = size
        self.refresh()

    def visible_rows(self) -> list[Row]:
        top = self.scroll_offset.y
        return [self.row(y) for y in range(top, min(top + self.size.height, self.row_count))]

    def cells_changed(self, before: Sequence[Row]) -> None:
        """As many rows as before, drawn anew only where they differ from the visible ones then."""
        self._strips.clear()
        for y, (old, new) in enumerate(zip(before, self.visible_rows(), strict=True)):
            if (cells := differing(old, new)) is not None:
                first, count = cells
                self.refresh(Region(self.margin_cells + first, y, count, 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()

    def selection_updated(self, selection: Selection | None) -> None:
        self._strips.clear()
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = "\n".join(plain(self.row(y)) for y in range(self.row_count))
        return selection.extract(text), "\n"

    def action_half_page(self, direction: int) -> None:
        self.scroll_relative(y=direction * max(self.size.height // 2, 1), animate=False)

    def action_scroll_down(self) -> None:
        self.scroll_relative(y=1, animate=False)

    def action_scroll_up(self) -> None:
        self.scroll_relative(y=-1, animate=False)

    def action_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        self.scroll_page_up(animate=False)

    def action_scroll_home(self) -> None:
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        self.scroll_end(animate=False)

    def render_line(self, y: int) -> Strip:
        at, width = self.scroll_offset.y + y, self.size.width
        strip = self._strips.get((at, width))
        if strip is None:
            strip = self._strip(at, width)
            self._strips[at, width] = strip
        return strip

    def _strip(self, y: int, width: int) -> Strip:
        base = self.rich_style
        if y >= self.row_count:
            return Strip.blank(width, base)
        row = _blanks_first(self.row(y))
        strip = Strip([Segment(text, base + self._style(style)) for text, style in row])
        strip = self._selected(strip, y).apply_offsets(0, y)
        strip = strip.crop_extend(0, max(width - 2 * self.margin_cells, 0), base)
        margin = Strip.blank(self.margin_cells, base)
        return Strip.join([margin, strip, margin])

    def _selected(self, strip: Strip, y: int) -> Strip:
        selection = self.text_selection
        span = selection.get_span(y) if selection is not None else None
        if span is None:
            return strip
        length = strip.cell_length
        start, end = span[0], length if span[1] == -1 else min(span[1], length)
        if start >= end:
            return strip
        style = self.screen.get_component_rich_style("screen--selection")
        inside = strip.crop(start, end).apply_style(style)
        return Strip.join([strip.crop(0, start), inside, strip.crop(end)])

    def _style(self, style: str) -> RichStyle:
        found = self._styles.get(style)
        if found is None:
            found = Style.parse(style).rich_style if style else RichStyle.null()
            self._styles[style] = found
        return found


def _blanks_first(row: Row) -> Row:
    """No part but a blank one starts with blanks: some viewers of SVG screenshots drop those."""
    moved: Row = []
    for text, style in row:
        rest = Safe(text.lstrip(" "))
        blanks = Safe(text[: len(text) - len(rest)])
        if blanks and moved:
            before, its_style = moved[-1]
            moved[-1] = (Safe(before + blanks), its_style)
        elif blanks:
            moved.append((blanks, ""))
        if rest:
            moved.append((rest, style))
    return moved


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a `LinesView`."""

    part: int
    line: int
    """Of the part, from 0."""
    row: int
    """Of the line, from 0."""
    wrapped: Wrapped


class LinesView(RowsView):
    """Shows lines, each wrapped to the width."""

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._parts: list[Measured] = []
        self._shown: tuple[Sequence[Line], ...] = (lines,)
        self._count = 0
        self._width = 0

    @property
    def row_count(self) -> int:
        return self._count

    def row(self, y: int) -> Row:
        place = self.place(y)
        return place.wrapped.row(place.row)

    def place(self, y: int) -> Place:
        """What a row belongs to."""
        part, first = 0, 0
        while y - first >= self._parts[part].count:
            first += self._parts[part].count
            part += 1
        lines = self._parts[part]
        line = lines.line_at(y - first)
        return Place(part, line, y - first - lines.start(line), lines.wrapped(line))

    def part(self, index: int) -> tuple[int, Measured]:
        """One of the parts, and its first row."""
        return sum(each.count for each in self._parts[:index]), self._parts[index]

    def show_lines(self, lines: Sequence[Line]) -> None:
        self.show_parts(lines)

    def show_parts(self, *parts: Sequence[Line]) -> None:
        """Draws only what differs from the lines before, where the number of rows stays.

        A part that is the same object may have more lines at its end: only those are measured.
        """
        if self.text_width != self._width or self._width <= 0:
            self._shown = parts
            self._wrap()
            return
        if len(parts) == len(self._parts) and all(map(Measured.shows, self._parts, parts)):
            return
        before, count = self.visible_rows(), self._count
        self._shown = parts
        self._measure()
        if self._count == count:
            self.cells_changed(before)
        else:
            self.rows_changed()

    def on_resize(self, event: events.Resize) -> None:
        if self.text_width != self._width:
            top = self.place(self.scroll_offset.y) if self._count else None
            self._wrap()
            if top is not None and (top.part or top.line) and self._count:
                first, lines = self.part(top.part)
                self.scroll_to(y=first + lines.start(top.line), animate=False)

    def _wrap(self) -> None:
        """Everything anew, for another width."""
        self._width = self.text_width
        if self._width > 0:
            self._parts = []
            self._measure()
            self.rows_changed()

    def _measure(self) -> None:
        known = {id(each.lines): each for each in self._parts}
        self._parts = [known.get(id(each)) or Measured(each, self._width) for each in self._shown]
        for each in self._parts:
            each.measure()
        self._count = sum(each.count for each in self._parts)
