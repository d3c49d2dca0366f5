"""The line above the keys: what just happened, what is wrong, or the filter being typed."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from hitloop_tui.safetext import safe
from hitloop_tui.tui.content import WARN, cut, line, own, text
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.holding import Holding
from hitloop_tui.tui.messages import FilterLeft, FilterTyped
from hitloop_tui.tui.widgets.hold import HoldLine

FLASH_S = 8.0


class FilterInput(Input):
    """Enter keeps the filter, esc clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave(False)", "clear", show=False),
        Binding("enter,down", "leave(True)", "keep", show=False),
    ]

    def action_leave(self, keep: bool) -> None:
        self.post_message(FilterLeft(keep))


class Said(Widget):
    """One line of words; what has no room is counted."""

    words: reactive[Content] = reactive(Content(""))

    def render(self) -> Content:
        return cut(self.words, self.size.width)


class StatusLine(Horizontal):
    """One thing at a time: the filter while it is typed, else a flash, else the trouble."""

    DEFAULT_CSS = """
    StatusLine {
        height: 1;
        padding: 0 1;
        #said { width: 1fr; height: 1; }
        #slash { width: 2; display: none; color: $accent; }
        FilterInput { width: 1fr; display: none; background: $background; }
        &.-typing {
            #said { display: none; }
            #slash, FilterInput { display: block; }
        }
    }
    """

    def __init__(self, holding: Holding) -> None:
        super().__init__()
        self.hold = HoldLine(holding)
        self._trouble = ""
        self._timer: Timer | None = None
        self._flash: Content | None = None

    def compose(self) -> ComposeResult:
        yield Said(id="said")
        yield Static("/", id="slash", markup=False)
        field = FilterInput(placeholder="tool, argument, thread, agent, risk", compact=True)
        field.cursor_blink = False
        yield field
        yield self.hold

    def flash(self, said: Content) -> None:
        """Say something for a few seconds."""
        if self._timer is not None:
            self._timer.stop()
        self._flash = said
        self._timer = self.set_timer(FLASH_S, self._end_flash)
        self._draw()

    def trouble(self, why: str) -> None:
        """Say this until it is over; empty when all is well."""
        self._trouble = why
        self._draw()

    def type_filter(self, words: str) -> None:
        self.add_class("-typing")
        field = self.query_one(FilterInput)
        field.value = words
        field.focus()

    def end_typing(self) -> None:
        self.remove_class("-typing")

    @on(events.DescendantBlur)
    def _left(self) -> None:
        """By Tab or mouse: what happens from here on must be said. A terminal that has lost the
        focus gives it back to the filter."""
        if self.app.app_focus:
            self.end_typing()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.has_class("-typing"):
            self.post_message(FilterTyped(event.value))

    def _end_flash(self) -> None:
        self._flash = None
        self._draw()

    def _draw(self) -> None:
        said = self._flash
        if said is None and self._trouble:
            said = line(own(f"{G.warning} ", WARN), text(safe(self._trouble), WARN))
        self.query_one(Said).words = said or Content("")
