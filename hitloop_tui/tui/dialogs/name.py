"""Approving high risk without having read it all: only by the tool's name."""

from __future__ import annotations

from textual import getters, on
from textual.app import ComposeResult
from textual.widgets import Input

from hitloop_tui.safetext import safe
from hitloop_tui.tui.content import STRONG, WARN
from hitloop_tui.tui.dialogs.frame import Box, Dialog, Keys, Notice, Told, about
from hitloop_tui.tui.seen import Share
from hitloop_tui.tui.widgets.rows import BLANK, Line, line, own
from hitloop_tui.tui.widgets.values import QUOTED, machine


class NameDialog(Dialog[bool]):
    """True when the name was typed as it is shown; None when left."""

    AUTO_FOCUS = "Input"

    DEFAULT_CSS = """
    NameDialog Box {
        max-width: 72;
        border: round $warning;
        Told { max-height: 10; margin-bottom: 1; }
        Notice { margin-top: 1; }
    }
    """

    name_typed = getters.query_one(Input)
    notice = getters.query_one(Notice)

    def __init__(self, tool_name: str, share: Share | None) -> None:
        """`share` is how much of the arguments was on the screen."""
        super().__init__()
        self.tool_name = tool_name
        self._share = share

    def compose(self) -> ComposeResult:
        seen = f": {self._share.words}" if self._share is not None else ""
        told = [
            line((own(f"High risk, and not all of it was on the screen{seen}."), WARN)),
            line((own("Go back and read on, or type the tool's name to go on without."), "")),
            BLANK,
            Line(machine(self.tool_name, STRONG), (QUOTED,)),
        ]
        with Box(about("Not read to the end:", self.tool_name)):
            yield Told(told)
            yield Input(compact=True)
            yield Notice()
            yield Keys(("enter", "go on without"), ("esc", "back to read on"))

    def begin(self) -> None:
        self.name_typed.cursor_blink = False

    @on(Input.Submitted)
    def _send(self, event: Input.Submitted) -> None:
        if event.value and event.value in (self.tool_name, safe(self.tool_name)):
            self.dismiss(True)
        else:
            self.notice.problem("this is not the tool's name")
