"""Which panes are on the screen at this width, which has the focus, and which is zoomed."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widget import Widget

WIDE = 120
"""Columns from which all three panes have room side by side."""
BESIDE = 90
"""Columns from which the card stands beside the inbox; below, it stands under it."""

BREAKPOINTS = [(0, "-narrow"), (BESIDE, "-beside"), (WIDE, "-wide")]


class Panes:
    """Inbox, card and trace of a screen."""

    def __init__(self, screen: Screen[Any], inbox: Widget, card: Widget, trace: Widget) -> None:
        self._screen = screen
        self._panes = {"inbox": inbox, "card": card, "trace": trace}
        self._trace_wanted: bool | None = None
        """None until the person says: then the width decides."""
        self._zoomed: str | None = None

    @property
    def wide(self) -> bool:
        return self._screen.size.width >= WIDE

    @property
    def beside(self) -> bool:
        return self._screen.size.width >= BESIDE

    @property
    def trace_shown(self) -> bool:
        return self._panes["trace"].display

    @property
    def focused(self) -> str:
        """The pane with the focus; the inbox when none has it."""
        focus = self._screen.focused
        return next((name for name, pane in self._panes.items() if pane is focus), "inbox")

    def arrange(self) -> None:
        """Show what has room; below `WIDE` the trace stands in place of the card."""
        trace = self.wide if self._trace_wanted is None else self._trace_wanted
        shown = {"inbox", "trace" if trace else "card", "card" if self.wide else ""}
        if self._zoomed is not None:
            shown = {self._zoomed}
        for name, pane in self._panes.items():
            pane.display = name in shown
        if self._screen.focused is not None and not self._screen.focused.display:
            self._panes["inbox"].focus()

    def toggle_trace(self) -> None:
        self._zoomed = None
        self._trace_wanted = not self.trace_shown
        self.arrange()

    def focus(self, name: str) -> None:
        """Go to a pane; it is shown if it was hidden."""
        pane = self._panes[name]
        if not pane.display:
            self._zoomed = name if self._zoomed is not None else None
            if name != "inbox":
                self._trace_wanted = name == "trace"
            self.arrange()
        pane.focus()

    def zoom(self) -> None:
        """Give the focused pane all the room, or give it back."""
        self._zoomed = self.focused if self._zoomed is None else None
        self.arrange()
