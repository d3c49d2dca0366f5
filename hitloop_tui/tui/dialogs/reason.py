"""Asking why, in one line."""

from __future__ import annotations

from textual import getters, on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from hitloop_tui.tui.content import MUTED, own
from hitloop_tui.tui.dialogs.frame import Box, Dialog, Keys


class ReasonDialog(Dialog[str | None]):
    """The reason, empty for none; None when cancelled."""

    DEFAULT_CSS = """
    ReasonDialog Box {
        max-width: 72;
        Input { margin: 1 0 0 0; }
    }
    """

    line = getters.query_one(Input)

    def __init__(self, title: Content, prompt: str) -> None:
        super().__init__()
        self._box_title = title
        self._prompt = prompt

    def compose(self) -> ComposeResult:
        with Box(self._box_title):
            yield Static(own(self._prompt, MUTED))
            yield Input(compact=True)
            yield Keys(("enter", "send"), ("esc", "cancel"))

    def begin(self) -> None:
        self.line.cursor_blink = False

    @on(Input.Submitted)
    def _send(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
