"""An app with nothing but the widget under test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from hitloop_tui.tui.theme import DARK, THEMES


class Bare(App[None]):
    """Shows widgets; keeps what dialogs answer."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self._widgets = widgets
        self.answers: list[Any] = []
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK

    def compose(self) -> Iterable[Widget]:
        return self._widgets

    def open(self, dialog: Screen[Any]) -> None:
        self.push_screen(dialog, self.answers.append)


def screen_text(app: App[Any]) -> str:
    """What the screen shows, row by row."""
    strips: list[Strip] = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)
