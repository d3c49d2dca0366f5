"""The trace: what threads did and do, newest at the end."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from textual import events
from textual.reactive import reactive
from textual.timer import Timer

from hitloop_tui.attach.events import Event
from hitloop_tui.tui.content import MUTED
from hitloop_tui.tui.widgets.rows import BLANK, Line, Row, Wrapped, line, own
from hitloop_tui.tui.widgets.rows_view import RowsView
from hitloop_tui.tui.widgets.trace_buffer import Entry, TraceBuffer

REMOTE = "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ
FLUSH_S = 0.25 if REMOTE else 0.1


@dataclass(slots=True, eq=False)
class Block:
    """The rows of one entry. Only their number is kept: few of 5,000 entries are ever drawn."""

    entry: Entry | None
    """None for a note of our own."""
    note: Line = BLANK
    height: int = 1

    def lines(self, *, with_thread: bool) -> list[Line]:
        return [self.note] if self.entry is None else self.entry.lines(with_thread=with_thread)


class TracePane(RowsView):
    """Follows the newest events until the person scrolls up. Does nothing while hidden."""

    HELP = "What threads did and do. Scrolling up holds it still; G follows again."

    following: reactive[bool] = reactive(True, init=False)
    """Whether the newest line stays in view."""
    thread_filter: reactive[str | None] = reactive(None, init=False)
    """The only thread that is shown; None for all."""
    unread: reactive[int] = reactive(0, init=False)
    """Events that came while the pane was held still."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.buffer = TraceBuffer()
        self._waiting: list[Event] = []
        self._blocks: list[Block] = []
        self._drawn: tuple[Block | None, list[Wrapped]] = (None, [])
        self._tops: list[int] = []
        """The first row of each block."""
        self._count = 0
        self._noted = 0
        """How many dropped events the note at the top tells of."""
        self._width = 0
        self._flushed = 0.0
        self._timer: Timer | None = None

    @property
    def row_count(self) -> int:
        return self._count

    def row(self, y: int) -> Row:
        index = bisect_right(self._tops, y) - 1
        rest = y - self._tops[index]
        for each in self._to_draw(self._blocks[index]):
            if rest < each.height:
                return each.row(rest)
            rest -= each.height
        return []

    def add(self, events: Sequence[Event]) -> None:
        """Take new events, oldest first; they show with the next flush."""
        self._waiting += events
        excess = len(self._waiting) - self.buffer.limit
        if excess > 0:
            del self._waiting[:excess]
            self.buffer.dropped += excess
        self._flush_soon()

    def clear(self) -> None:
        self._waiting.clear()
        self.buffer.clear()
        self.unread = 0
        self._rebuild()

    def toggle_follow(self) -> None:
        self.following = not self.following

    def watch_following(self, following: bool) -> None:
        if following:
            self.unread = 0
            self.scroll_end(animate=False)

    def watch_thread_filter(self) -> None:
        self.unread = 0
        self._rebuild()

    def on_show(self) -> None:
        self._flush_soon()

    def on_resize(self, event: events.Resize) -> None:
        if self.text_width != self._width:
            self._rebuild()
        self._flush_soon()

    def on_mouse_scroll_up(self) -> None:
        self.following = False

    def on_scroll_to(self) -> None:
        self.following = False

    def action_scroll_up(self) -> None:
        self.following = False
        super().action_scroll_up()

    def action_page_up(self) -> None:
        self.following = False
        super().action_page_up()

    def action_scroll_home(self) -> None:
        self.following = False
        super().action_scroll_home()

    def action_half_page(self, direction: int) -> None:
        self.following = self.following and direction > 0
        super().action_half_page(direction)

    def action_scroll_end(self) -> None:
        self.following = True
        super().action_scroll_end()

    def _flush_soon(self) -> None:
        """Now if the last flush is long ago, else when its time has come. Idle costs nothing."""
        if not self._waiting or not self.display or self._timer is not None:
            return
        wait = self._flushed + FLUSH_S - monotonic()
        if wait <= 0:
            self._flush()
        else:
            self._timer = self.set_timer(wait, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if not self.display or self._width <= 0:
            return
        self._flushed = monotonic()
        batch, self._waiting = self._waiting, []
        added = self.buffer.add(batch)
        lost = self._forget(added.dropped)
        changed = self._grow(added.grown)
        self._append([entry for entry in added.new if self._wanted(entry)])
        if not self.following:
            self.unread += len(added.new)
        self._settle(lost if changed or added.new or lost else None)

    def _settle(self, lost: int | None) -> None:
        """Draw; `lost` rows are gone from the top, None when nothing changed at all."""
        if lost is None:
            return
        self.rows_changed()
        if self.following:
            self.scroll_end(animate=False, immediate=True, force=True)
        elif lost:
            self.scroll_to(y=max(self.scroll_offset.y - lost, 0), animate=False, immediate=True)

    def _wanted(self, entry: Entry) -> bool:
        return self.thread_filter is None or entry.thread_id == self.thread_filter

    def _forget(self, entries: Sequence[Entry]) -> int:
        """Take dropped entries from the top; the number of rows that went."""
        if self.buffer.dropped == self._noted:
            return 0
        before, self._noted = self._count, self.buffer.dropped
        gone = set(map(id, entries))
        kept = [b for b in self._blocks if b.entry is not None and id(b.entry) not in gone]
        self._blocks = [Block(None, self.buffer.note()), *kept]
        self._measure(0)
        return before - self._count

    def _grow(self, entries: Sequence[Entry]) -> bool:
        places = {id(entry) for entry in entries}
        first = None
        for index in range(len(self._blocks) - 1, -1, -1):
            if not places:
                break
            entry = self._blocks[index].entry
            if entry is not None and id(entry) in places:
                places.discard(id(entry))
                self._blocks[index] = self._block(entry)
                first = index
        if first is not None:
            self._measure(first)
        return first is not None

    def _append(self, entries: Sequence[Entry]) -> None:
        if entries and self._blocks and self._blocks[0].entry is None and not self.buffer.dropped:
            self._blocks.clear()  # the note that nothing has happened yet
        first = len(self._blocks)
        self._blocks += map(self._block, entries)
        self._measure(first)

    def _rebuild(self) -> None:
        self._width = self.text_width
        if self._width <= 0:
            return
        entries = self.buffer.of_thread(self.thread_filter)
        self._blocks = [self._block(entry) for entry in entries]
        self._noted = self.buffer.dropped
        if self.buffer.dropped:
            self._blocks.insert(0, Block(None, self.buffer.note()))
        elif not self._blocks:
            self._blocks = [Block(None), Block(None, _NOTHING)]
        self._measure(0)
        self._settle(0)

    def _measure(self, first: int) -> None:
        """Place the blocks from `first` on."""
        del self._tops[first:]
        self._count = self._tops[-1] + self._blocks[first - 1].height if self._tops else 0
        for block in self._blocks[first:]:
            self._tops.append(self._count)
            self._count += block.height

    def _block(self, entry: Entry) -> Block:
        block = Block(entry)
        block.height = sum(each.height for each in self._wrapped(block))
        return block

    def _to_draw(self, block: Block) -> list[Wrapped]:
        """Rows are drawn one after the other: those of a long message are wrapped once."""
        if self._drawn[0] is not block:
            self._drawn = (block, self._wrapped(block))
        return self._drawn[1]

    def _wrapped(self, block: Block) -> list[Wrapped]:
        lines = block.lines(with_thread=self.thread_filter is None)
        return [Wrapped(each, self._width) for each in lines]


_NOTHING = line((own("Nothing has happened yet."), MUTED))
