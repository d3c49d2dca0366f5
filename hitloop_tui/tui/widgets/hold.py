"""How long the last decision made here can be taken back."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from hitloop_tui.attach.review import State
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.acts import tools
from hitloop_tui.tui.content import KEY, MUTED, STRONG, fitted, line, own, text
from hitloop_tui.tui.countdown import left, until_next
from hitloop_tui.tui.glyphs import state_sign
from hitloop_tui.tui.holding import Given, Holding
from hitloop_tui.tui.keymap import DISPLAY
from hitloop_tui.tui.widgets.rows import differing

TOOL = 20
"""Cells of a tool's name."""


class HoldLine(Widget):
    """The last decision made here, and how long it can be taken back."""

    DEFAULT_CSS = "HoldLine { width: auto; height: 1; margin-left: 2; display: none; }"

    def __init__(self, holding: Holding) -> None:
        super().__init__()
        self._holding = holding
        self._drawn = Content("")

    def tick(self) -> float | None:
        """Draw the seconds that are left anew; how long until they read differently."""
        given = self._holding.last
        before, self._drawn = self._drawn, Content("") if given is None else _held(given)
        self.display = given is not None
        cells = differing([(Safe(before.plain), "")], [(Safe(self._drawn.plain), "")])
        if self._drawn.cell_length != before.cell_length:
            self.refresh(layout=True)
        elif cells is not None:
            self.refresh(Region(cells[0], 0, cells[1], 1))
        return None if given is None else until_next(given.left)

    def render(self) -> Content:
        return self._drawn


def _held(given: Given) -> Content:
    """The number comes first: up to what changes, Textual writes a row again."""
    first, *more = given.reviews
    words = f"{len(given.reviews)} decisions" if more else tools(first)
    what = fitted(text(Safe(words), MUTED), min(cell_len(words), TOOL), MUTED)
    number = own(f"{state_sign(State.HELD).glyph} {left(given.left)}", STRONG)
    return line(number, own("  "), what, own("  "), own(DISPLAY["undo"], KEY), own(" undo", MUTED))
