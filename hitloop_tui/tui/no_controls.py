"""The last line of defence: whatever a widget draws, nothing in it steers the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from hitloop_tui.tui.glyphs import ascii_only

NO_BREAK_SPACE = "\xa0"
"""Not printable to `str.isprintable`, but one cell on any terminal; our own words hold it."""


class NoControls(LineFilter):
    """In place of every control, bidi, zero-width, separator, private-use, unassigned or surrogate
    character stands a mark, and no text is a link.

    The mark of a character without a width takes a blank cell of its line, or the last cell of a
    line that has none: what stands beside the widget stays in its place.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mark = "?" if ascii_only() else "\ufffd"

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(map(_harmless, segments)):
            return segments
        drawn = [each if _harmless(each) else self._made_harmless(each) for each in segments]
        width = _width(segments)
        return Segment.adjust_line_length(_narrowed(drawn, _width(drawn) - width), width)

    def _made_harmless(self, segment: Segment) -> Segment:
        style = segment.style
        return Segment(
            "".join(map(self._drawn, segment.text)),
            style.update_link(None) if style is not None and style.link else style,
        )

    def _drawn(self, char: str) -> str:
        return char if _printable(char) else self._mark * max(cell_len(char), 1)


class Harmless:
    """A report of an error, which may quote an agent, as Rich prints it but for controls."""

    def __init__(self, report: RenderableType) -> None:
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        last_line = NoControls()
        for line in console.render_lines(self._report, options, pad=False):
            yield from last_line.apply(line, Color(0, 0, 0))
            yield Segment.line()


def _harmless(segment: Segment) -> bool:
    if segment.control:
        return True
    return _printable(segment.text) and not (segment.style is not None and segment.style.link)


def _printable(text: str) -> bool:
    return text.isprintable() or text.replace(NO_BREAK_SPACE, " ").isprintable()


def _width(segments: Iterable[Segment]) -> int:
    return sum(segment.cell_length for segment in segments)


def _narrowed(segments: Sequence[Segment], cells: int) -> list[Segment]:
    """Without as many of the blanks at the ends of segments, the last ones first."""
    kept: list[Segment] = []
    for text, style, control in reversed(segments):
        blanks = 0 if control else min(len(text) - len(text.rstrip(" ")), max(cells, 0))
        cells -= blanks
        kept.append(Segment(text[: len(text) - blanks], style, control))
    return kept[::-1]
