"""The inbox: a list of any length that draws only the lines on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer

from hitloop_tui.attach.inbox import Row
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.arming import GRACE_S
from hitloop_tui.tui.content import FAINT, fitted, own
from hitloop_tui.tui.countdown import until_next
from hitloop_tui.tui.keymap import Scope, bindings
from hitloop_tui.tui.messages import Marked, Opened, Selected
from hitloop_tui.tui.state import InboxState, Moved, Order
from hitloop_tui.tui.widgets.inbox_rows import Look, draw, due_of, look_at
from hitloop_tui.tui.widgets.rows import differing

Drawn = tuple[Row, Look] | None
"""What is on one place of the screen."""
AGES_S = 10.0
"""How often ages are looked at; only those that read differently are drawn again."""


class InboxList(ScrollView, can_focus=True):
    """A view of an `InboxState`. New rows never move the selected one on the screen."""

    DEFAULT_CSS = """
    InboxList {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        background: $background;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.LIST)]

    row_lines = reactive(1)
    """Lines of one row."""

    def __init__(self, state: InboxState, me: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self._me = me
        self._touched = False
        """Whether the person chose a row. Until then the view stays at the top, for new rows."""
        self._settled = False
        """Whether the first Review has been there long enough to be read."""
        self._settling: Timer | None = None
        self._strips: LRUCache[tuple[Row, Look, bool], list[Strip]] = LRUCache(512)
        self._looks: dict[str, Look] = {}
        """How rows were drawn last, by key."""
        self._loading = True
        self._selected: str | None = None
        self._lost = False
        """Whether the card shows what was selected and went away."""

    def on_mount(self) -> None:
        self.set_interval(AGES_S, self.tick)

    def settle(self) -> None:
        """From now on the selected Review stays selected; until then the newest one is."""
        self._settled = True

    def show_rows(self, rows: Sequence[Row], *, complete: bool = True) -> None:
        """Take a new reading of the inbox."""
        self._loading = not complete
        moved = self._change(partial(self._replace, rows), follow=not self._touched)
        if moved.lost is None:
            self._announce()
        else:  # what became of the lost one stays on the card, until the person moves
            self._selected, self._lost = self.state.cursor, True

    def search(self, words: str) -> None:
        self._change(partial(self.state.search, words))
        self._announce()

    def sort(self, order: Order) -> None:
        self._change(partial(self.state.sort, order))

    def select(self, key: str) -> None:
        """Go to a Review, if it is shown."""
        if (place := self.state.place(key)) >= 0:
            self._go(place)

    def leave(self) -> None:
        """Go to the next row, or to the one before where there is none."""
        last = self.state.index == len(self.state.shown) - 1
        self.action_move(-1 if last else 1)

    def select_next(self) -> bool:
        """Go to the next Review that needs a person; False when there is none."""
        self._touched = True
        old = self.state.index
        if not self.state.next_undecided():
            return False
        self._redraw(old)
        return True

    def action_move(self, by: int) -> None:
        self._touched = True
        old = self.state.index
        self.state.move(by)
        self._redraw(old)

    def action_first(self) -> None:
        self._go(0)
        self._touched = False

    def action_last(self) -> None:
        self._go(len(self.state.shown) - 1)

    def action_half_page(self, direction: int) -> None:
        self.action_move(direction * max(self._page // 2, 1))

    def action_open(self) -> None:
        self._touched = True
        self.post_message(Opened())

    def mark(self) -> bool:
        """Mark the row under the cursor and move on; False when it cannot be marked."""
        self._touched = True
        if not self.state.toggle_mark():
            return False
        self.action_move(1)
        self.post_message(Marked())
        return True

    def mark_all(self) -> None:
        self.state.mark_shown()
        self.refresh()
        self.post_message(Marked())

    def watch_row_lines(self) -> None:
        self._resize()
        self._scroll_to_cursor()

    def on_resize(self) -> None:
        self._resize()
        self._scroll_to_cursor()

    def on_click(self, event: events.Click) -> None:
        place = (event.y + self.scroll_offset.y) // self.row_lines
        if 0 <= place < len(self.state.shown):
            self._go(place)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        place, part = divmod(y + self.scroll_offset.y, self.row_lines)
        if place >= len(self.state.shown):
            return self._empty(y)
        row = self.state.shown[place]
        look = self._looks[row.key] = self._look(row)
        key = (row, look, self.has_focus)
        if (strips := self._strips.get(key)) is None:
            strips = self._strips[key] = [self._strip(row, look, n) for n in range(self.row_lines)]
        return strips[part]

    def _strip(self, row: Row, look: Look, part: int) -> Strip:
        style = self.visual_style
        if look.selected:
            name = "$selected-style" if self.has_focus else "$selected-blurred-style"
            style += Style.parse(name)
        return Strip(draw(row, look)[part].render_segments(style), look.width)

    def _empty(self, y: int) -> Strip:
        first = not self.state.shown and y == 1
        said = f"   {_instead_of_rows(self.state, self._loading)}" if first else ""
        words = fitted(own(said, FAINT), self._width)
        return Strip(words.render_segments(self.visual_style), self._width)

    def on_focus(self) -> None:
        self.refresh_lines(self.state.index * self.row_lines, self.row_lines)

    def on_blur(self) -> None:
        self.refresh_lines(self.state.index * self.row_lines, self.row_lines)

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _page(self) -> int:
        return max(self.size.height // self.row_lines, 1)

    def _go(self, place: int) -> None:
        self._touched = True
        old = self.state.index
        self.state.move_to(place)
        self._redraw(old)

    def _redraw(self, old: int) -> None:
        """Draw the old and the new cursor row again, and say which one is selected."""
        for place in {old, self.state.index}:
            self.refresh_lines(place * self.row_lines, self.row_lines)
        self._scroll_to_cursor()
        self._announce(again=self._lost)

    def _replace(self, rows: Sequence[Row]) -> Moved:
        moved = self.state.replace(rows)
        if self._settled or self._touched:
            return moved
        self.state.move_to(0)
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(GRACE_S, self.settle) if rows else None
        return Moved(0)

    def _change(self, change: Callable[[], Moved], *, follow: bool = False) -> Moved:
        """Change the state, and draw what looks different then."""
        before, top = self._visible(), self.scroll_offset.y
        moved = change()
        self._resize()
        if not follow:
            self.scroll_to(y=top + moved.shift * self.row_lines, animate=False, force=True)
        self._scroll_to_cursor()
        if self.scroll_offset.y == top:
            self._refresh_where(before)
        return moved

    def _announce(self, *, again: bool = False) -> None:
        if self.state.cursor != self._selected or again:
            self._selected, self._lost = self.state.cursor, False
            self.post_message(Selected(self.state.cursor))

    def _visible(self) -> list[Drawn]:
        top = self.scroll_offset.y // self.row_lines
        rows = self.state.shown[top : top + self._page + 1]
        drawn: list[Drawn] = [(row, self._look(row)) for row in rows]
        return drawn + [None] * (self._page + 1 - len(rows))

    def _refresh_where(self, before: list[Drawn]) -> None:
        top = self.scroll_offset.y // self.row_lines
        for place, (old, new) in enumerate(zip(before, self._visible(), strict=True), top):
            if old != new or new is None:
                self.refresh_lines(place * self.row_lines, self.row_lines)

    def _resize(self) -> None:
        self.virtual_size = Size(self._width, len(self.state.shown) * self.row_lines)

    def _scroll_to_cursor(self) -> None:
        top, first = self.scroll_offset.y, self.state.index * self.row_lines
        if first < 0 or not self.size.height:
            return
        last = first + self.row_lines - self.size.height
        if not last <= top <= first:
            self.scroll_to(y=min(max(top, last), first), animate=False, force=True)

    def tick(self) -> float | None:
        """Draw rows again whose age or time left reads differently now; seconds until the next
        deadline does, None without one."""
        top, pauses = self.scroll_offset.y // self.row_lines, list[float]()
        for place, row in enumerate(self.state.shown[top : top + self._page + 1], top):
            before, look = self._looks.get(row.key), self._look(row)
            if before is not None and before != look:
                self._redraw_cells(place, row, before, look)
            if look.due:
                pauses.append(until_next(due_of(row)))
        return min(pauses, default=None)

    def _redraw_cells(self, place: int, row: Row, before: Look, look: Look) -> None:
        top = place * self.row_lines - self.scroll_offset.y
        for n, (old, new) in enumerate(zip(draw(row, before), draw(row, look), strict=False)):
            cells = differing([(Safe(old.plain), "")], [(Safe(new.plain), "")])
            if cells is not None:
                self.refresh(Region(cells[0], top + n, cells[1], 1))

    def _look(self, row: Row) -> Look:
        selected, marked = row.key == self.state.cursor, row.key in self.state.marks
        return look_at(row, self._me, self._width, self.row_lines, selected, marked)


def _instead_of_rows(state: InboxState, loading: bool) -> str:
    if loading:
        return "reading the database"
    if state.filter:
        return f"no match; {state.total} hidden by the filter"
    return "nothing waits for you"
