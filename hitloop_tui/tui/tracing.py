"""What the trace pane is fed with: nothing while it is hidden, one thread or all of them."""

from __future__ import annotations

from hitloop_tui.tui import titles
from hitloop_tui.tui.reader import Reader
from hitloop_tui.tui.widgets.trace import TracePane


class Tracing:
    """Starts and stops the reading behind a trace pane."""

    def __init__(self, pane: TracePane, reader: Reader) -> None:
        self._pane = pane
        self._reader = reader
        self._shown = False
        self.thread_id: str | None = None
        """The only thread traced; None for all."""

    def show(self, shown: bool) -> bool:
        """Begin or end reading; whether `read` is due."""
        before, self._shown = self._shown, shown
        return shown != before

    def only(self, thread_id: str | None) -> bool:
        """Trace one thread or all; whether `read` is due."""
        before, self.thread_id = self.thread_id, thread_id
        self.draw_title()
        return self._shown and thread_id != before

    def draw_title(self) -> None:
        titles.put(self._pane, titles.trace(self.thread_id, following=self._pane.following))

    def follow(self, thread_id: str) -> bool:
        """Another thread is selected; whether `read` is due, since only one is traced."""
        return self.thread_id is not None and self.only(thread_id)

    async def read(self) -> None:
        """Tell the recent past anew, and go on from there."""
        self._pane.thread_filter = self.thread_id
        self._pane.clear()
        await self._reader.trace(self._shown, self.thread_id)
