"""A last look before something that reaches far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.dialogs.frame import Box, Dialog, Keys, Told
from hitloop_tui.tui.widgets.rows import line


class ConfirmDialog(Dialog[bool]):
    """True only for the key that the dialog names; with `danger` that is not enter."""

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

    def __init__(self, title: Safe, lines: Sequence[Safe], danger: bool = False) -> None:
        super().__init__()
        self._box_title = title
        self._said = lines
        self._danger = danger

    def compose(self) -> ComposeResult:
        with Box(self._box_title, classes="-danger" if self._danger else ""):
            yield Told([line((each, "")) for each in self._said])
            yield Keys(("Y (shift+y)" if self._danger else "enter", "yes"), ("esc", "no"))

    def action_plain_yes(self) -> None:
        if not self._danger:
            self.dismiss(True)

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_cancel(self) -> None:
        self.dismiss(False)
