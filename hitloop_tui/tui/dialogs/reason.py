"""Asking why, in one line."""

from __future__ import annotations

from textual import getters, on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import MUTED, own
from hitloop_tui.tui.dialogs.frame import Box, Dialog, Keys, Notice


class ReasonDialog(Dialog[str | None]):
    """The reason, empty for none; None when cancelled."""

    DEFAULT_CSS = """
    ReasonDialog Box {
        max-width: 72;
        Input { margin: 1 0 0 0; }
        Notice { display: none; }
        Notice.-shown { display: block; }
    }
    """

    line = getters.query_one(Input)
    notice = getters.query_one(Notice)

    def __init__(self, title: Safe, prompt: str, required: bool = False) -> None:
        super().__init__()
        self._box_title = title
        self._prompt = prompt
        self._required = required

    def compose(self) -> ComposeResult:
        with Box(self._box_title):
            yield Static(own(self._prompt, MUTED))
            yield Input(compact=True)
            yield Notice()
            yield Keys(("enter", "send"), ("esc", "cancel"))

    def on_mount(self) -> None:
        self.line.cursor_blink = False

    @on(Input.Submitted)
    def _send(self, event: Input.Submitted) -> None:
        reason = event.value.strip()
        if self._required and not reason:
            self.notice.add_class("-shown")
            self.notice.problem(Safe("a reason is needed here"))
            return
        self.dismiss(reason)
