"""The keys, made from the table of keys."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from hitloop_tui.tui.content import KEY, MUTED, STRONG, lines, own
from hitloop_tui.tui.content import line as joined
from hitloop_tui.tui.dialogs import Dialog
from hitloop_tui.tui.keymap import SECTIONS, Key
from hitloop_tui.tui.panes import BREAKPOINTS

KEY_WIDTH = 11
COLUMNS = (
    ("Decide", "After a decision", "Several at once", "Find"),
    ("Move", "Trace and panes", "Console"),
)
"""Sections side by side where there is room."""


class HelpScreen(Dialog[None]):
    """Any way out closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        #help {
            width: 104; max-width: 96%; height: auto; max-height: 92%;
            padding: 1 0 0 2;
            border: round $border;
            background: $surface;
            border-title-color: $text;
            scrollbar-size-vertical: 1;
        }
        #columns { layout: horizontal; height: auto; }
        .column { width: 1fr; height: auto; padding-right: 2; }
        Static { height: auto; margin-bottom: 1; }
    }
    HelpScreen.-narrow {
        #columns { layout: vertical; }
        .column { width: 100%; }
    }
    """
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,h", "cancel", "close", show=False),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as body:
            body.border_title = "Keys"
            body.border_subtitle = "esc closes"
            with Container(id="columns"):
                for titles in COLUMNS:
                    with Container(classes="column"):
                        for title in titles:
                            yield Static(_section(title, SECTIONS[title]), markup=False)
            yield Static(
                own(
                    "A verdict goes to the Review that was on the card when the key was pressed. "
                    "Keys that decide wait half a second after the card has changed.",
                    MUTED,
                ),
                markup=False,
            )

    def begin(self) -> None:
        self.query_one("#help").focus()

    def action_scroll(self, by: int) -> None:
        self.query_one("#help", VerticalScroll).scroll_relative(y=by, animate=False)


def _section(title: str, keys: tuple[Key, ...]) -> Content:
    return lines([own(title, STRONG), *(_line(key) for key in keys)])


def _line(key: Key) -> Content:
    return joined(own(key.display.ljust(KEY_WIDTH), KEY), own(key.help))
