"""What the trace pane is fed with: nothing while it is hidden, one thread or all of them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

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

    def show(self, shown: bool) -> Coroutine[Any, Any, None] | None:
        """Begin or end reading; None when nothing changes."""
        if shown == self._shown:
            return None
        self._shown = shown
        return self._anew()

    def only(self, thread_id: str | None) -> Coroutine[Any, Any, None] | None:
        """Trace one thread or all; None when nothing changes."""
        if thread_id == self.thread_id:
            return None
        self.thread_id = thread_id
        self.draw_title()
        return self._anew() if self._shown else None

    def draw_title(self) -> None:
        self._pane.border_title = titles.trace(self.thread_id, following=self._pane.following)

    async def _anew(self) -> None:
        self._pane.clear()
        await self._reader.trace(self._shown, self.thread_id)
