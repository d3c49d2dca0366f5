"""The first line: how much waits, where, and whether somebody applies what is decided."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import (
    ACCENT,
    FAINT,
    GOOD,
    MUTED,
    STRONG,
    WARN,
    fitted,
    line,
    own,
    text,
)
from hitloop_tui.tui.glyphs import G, risk_sign


class HeaderLine(Widget):
    """No clock: nothing here changes unless something happened."""

    DEFAULT_CSS = "HeaderLine { height: 1; padding: 0 1; }"

    waiting = reactive(0)
    high = reactive(0)
    stuck = reactive(0)
    marked = reactive(0)
    alive: reactive[int | None] = reactive(None)
    """Workers alive; None before it is known."""

    def __init__(self, database: Safe, *, read_only: bool) -> None:
        super().__init__()
        self._database = database
        self._read_only = read_only

    def render(self) -> Content:
        left = line(own("hitloop", f"bold {ACCENT}"), own("   "), self._counts())
        room = self.size.width - left.cell_length - 2
        right = self._right(room)
        return line(fitted(left, self.size.width - right.cell_length), right)

    def _counts(self) -> Content:
        parts = [own(str(self.waiting), STRONG), own(" "), own("waiting", MUTED)]
        if self.high:
            high = risk_sign("high")
            parts += [own("   "), own(f"{high.glyph} {self.high} high", high.style)]
        if self.stuck:
            parts += [own("   "), own(f"{G.failed} {self.stuck} stuck", WARN)]
        if self.marked:
            parts += [own("   "), own(f"{G.mark} {self.marked} marked", ACCENT)]
        return line(*parts)

    def _right(self, room: int) -> Content:
        worker = self._worker()
        database = text(self._database, MUTED)
        both = line(database, own("   "), worker)
        return both if both.cell_length <= room else fitted(worker, min(worker.cell_length, room))

    def _worker(self) -> Content:
        if self._read_only:
            return own("read-only", WARN)
        if self.alive is None:
            return own("")
        if self.alive == 0:
            return line(own(f"{G.dead} no worker:", WARN), own(" "), own("decisions wait", MUTED))
        many = f" {G.dot} {self.alive}" if self.alive > 1 else ""
        return line(own(G.live, GOOD), own(" "), own("worker alive", MUTED), own(many, FAINT))
