"""A last look before something that reaches far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from hitloop_tui.tui.dialogs.frame import Box, Dialog, Keys, Told
from hitloop_tui.tui.widgets.rows import Line


class ConfirmDialog(Dialog[bool]):
    """True only for the key that the dialog names; with `danger` that is not enter. A key that was
    pressed before the dialog could be read says nothing."""

    DEFAULT_CSS = """
    ConfirmDialog Box {
        max-width: 80;
        Told { max-height: 14; }
        &.-danger { border: round $warning; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "plain_yes", "yes", show=False),
        Binding("Y", "yes", "yes", show=False),
    ]

    def __init__(self, title: Content, lines: Sequence[Line], danger: bool = False) -> None:
        super().__init__()
        self._box_title = title
        self._said = lines
        self._danger = danger
        self._shown_at = math.inf
        self._pressed_at = 0.0

    def compose(self) -> ComposeResult:
        with Box(self._box_title, classes="-danger" if self._danger else ""):
            yield Told(self._said)
            yield Keys(("Y (shift+y)" if self._danger else "enter", "yes"), ("esc", "no"))

    def begin(self) -> None:
        self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        self._shown_at = monotonic()

    def on_key(self, event: events.Key) -> None:
        self._pressed_at = event.time

    def action_plain_yes(self) -> None:
        if not self._danger:
            self.action_yes()

    def action_yes(self) -> None:
        if self._pressed_at >= self._shown_at:
            self.dismiss(True)

    def action_cancel(self) -> None:
        self.dismiss(False)
