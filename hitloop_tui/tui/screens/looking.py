"""Inbox, card and trace on one screen, and the keys that only look."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, TypeVar

from textual import events, getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.worker import WorkType

from hitloop_tui.attach.inbox import Row
from hitloop_tui.errors import HitloopError
from hitloop_tui.safetext import safe
from hitloop_tui.tui import messages, titles
from hitloop_tui.tui.content import BAD, MUTED, own, text
from hitloop_tui.tui.desk import Desk
from hitloop_tui.tui.holding import Holding
from hitloop_tui.tui.keymap import Scope, bindings
from hitloop_tui.tui.panes import BREAKPOINTS, Panes
from hitloop_tui.tui.reader import Reader
from hitloop_tui.tui.screens.help import HelpScreen
from hitloop_tui.tui.setup import Setup
from hitloop_tui.tui.showing import Showing
from hitloop_tui.tui.state import InboxState
from hitloop_tui.tui.tracing import Tracing
from hitloop_tui.tui.verdicts import clipping
from hitloop_tui.tui.widgets.card import Card
from hitloop_tui.tui.widgets.footer import FooterLine
from hitloop_tui.tui.widgets.header import HeaderLine
from hitloop_tui.tui.widgets.inbox import InboxList
from hitloop_tui.tui.widgets.status import StatusLine
from hitloop_tui.tui.widgets.trace import TracePane

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, object]]

_log = logging.getLogger(__name__)


class LookingScreen(Screen[None]):
    """Connects the panes: what is read goes to them, what they tell to the others."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.SCREEN)]
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS

    header = getters.query_one(HeaderLine)
    inbox = getters.query_one(InboxList)
    card = getters.query_one(Card)
    trace = getters.query_one(TracePane)
    status = getters.query_one(StatusLine)
    footer = getters.query_one(FooterLine)

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.reader = Reader(setup, self.post_message)
        self.key_waited = 0.0
        self._setup = setup
        self._state = InboxState()
        self._holding = Holding()

    def compose(self) -> ComposeResult:
        me = self._setup.person.decided_by
        yield HeaderLine(safe(self._setup.db.name), read_only=self._setup.read_only)
        with Container(id="panes"):
            yield InboxList(self._state, me, id="inbox")
            yield Card(me, self._setup.masks, id="card")
            yield TracePane(id="trace")
        yield StatusLine(self._holding)
        yield FooterLine()

    def on_mount(self) -> None:
        self._showing = Showing(self.card, self.reader.ask, self._setup.clock)
        self._panes = Panes(self, self.inbox, self.card, self.trace)
        self.watch(self.card, "action_index", self._draw, init=False)
        self._tracing = Tracing(self.trace, self.reader)
        self.watch(self.trace, "following", self._tracing.draw_title)
        self.inbox.focus()
        self._arrange()
        self.reader.start()

    def on_resize(self) -> None:
        self._arrange()

    @property
    def row(self) -> Row | None:
        return self._state.row

    @property
    def armed(self) -> bool:
        """Whether the card shows what is selected, and has for long enough to be read."""
        shown = self.card.in_view and self._showing.key == self._state.cursor
        return shown and self._showing.armed(self.key_waited)

    async def ask(self, work: Callable[[Desk], T]) -> T:
        return await self.reader.ask(work)

    def flash(self, said: Content) -> None:
        self.status.flash(said)

    # What the reader tells

    @on(messages.InboxRead)
    def _inbox_read(self, message: messages.InboxRead) -> None:
        self.inbox.show_rows(message.rows, complete=message.complete)
        key = self._showing.key
        place = self._state.place(key) if key is not None else -1
        if place >= 0:
            if self._showing.changed(self._state.shown[place]):
                self._go(self._showing.read, "card")
        elif key is not None and message.complete and not self._state.knows(key):
            self._go(self._showing.gone, "card")
            if not self._showing.shown:
                self._open_selected()
        elif message.complete and self._state.row is None:
            self._open_selected()
        self._draw()

    @on(messages.WorkersRead)
    def _workers_read(self, message: messages.WorkersRead) -> None:
        self.header.alive = self.card.alive = message.alive

    @on(messages.TraceRead)
    def _trace_read(self, message: messages.TraceRead) -> None:
        self.trace.add(message.events)

    @on(messages.Trouble)
    def _trouble(self, message: messages.Trouble) -> None:
        self.status.trouble(message.text)

    # What the panes tell

    @on(messages.Selected)
    def _open_selected(self) -> None:
        row = self._state.row
        self._showing.select(row)
        self._go(self._showing.read, "card")
        if row is not None and self._tracing.follow(row.thread_id):
            self._go(self._tracing.read, "trace")

    @on(messages.Drawn)
    def _card_drawn(self, message: messages.Drawn) -> None:
        self._showing.drew(message.question)

    @on(messages.ReadOn)
    def _draw_card_title(self) -> None:
        card = self.card
        shown = titles.card(card.review, card.action_index, card.share, focused=card.has_focus)
        titles.put(card, shown)

    @on(events.ScreenResume)
    def _uncovered(self) -> None:
        """What a dialog covered was not on the screen: it is painted again, and counts."""
        self.card.refresh()

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self._draw_card_title()

    @on(messages.Opened)
    def _opened(self) -> None:
        if self._state.row is not None:
            self._panes.focus("card")
            if self._showing.key != self._state.cursor:
                self._open_selected()

    @on(messages.Marked)
    def _marked(self) -> None:
        self._draw()

    @on(messages.FilterTyped)
    def _filter_typed(self, message: messages.FilterTyped) -> None:
        self.inbox.search(message.text)
        self._draw()

    @on(messages.FilterLeft)
    def _filter_left(self, message: messages.FilterLeft) -> None:
        self.status.end_typing()
        if not message.keep:
            self.inbox.search("")
        self.inbox.focus()
        self._draw()

    # Keys

    def action_step_action(self, by: int) -> None:
        self._showing.step_action(by)

    def action_step(self, by: int) -> None:
        self.inbox.action_move(by)

    def action_back(self) -> None:
        if self.focused is self.inbox and self._state.filter:
            self.inbox.search("")
            self._draw()
        self._panes.focus("inbox")

    def action_pane(self, name: str) -> None:
        self._panes.focus(name)
        self._arrange()

    def action_zoom(self) -> None:
        self._panes.zoom()
        self._arrange()

    def action_filter(self) -> None:
        self.status.type_filter(self._state.filter)

    def action_sort(self) -> None:
        self.inbox.sort(self._state.order.next)
        self._draw()

    def action_toggle_trace(self) -> None:
        self._panes.toggle_trace()
        self._arrange()

    def action_follow(self) -> None:
        self.trace.toggle_follow()

    def action_trace_thread(self) -> None:
        row = self._state.row if self._tracing.thread_id is None else None
        if self._tracing.only(row.thread_id if row is not None else None):
            self._go(self._tracing.read, "trace")

    def action_refresh(self) -> None:
        self._go(self.reader.reload, "reload")
        self.flash(own("reading the database anew", MUTED))

    def action_copy(self, what: str) -> None:
        if self.card.told is not None:
            clip = clipping(self.card.told, self.card.action_index, what)
            self.app.copy_to_clipboard(clip)
            self.flash(own(f"{len(clip)} characters copied", MUTED))

    def action_reveal(self) -> None:
        if not self.card.reveal():
            self.flash(own("nothing on this card is masked", MUTED))

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen())

    def _arrange(self) -> None:
        """After anything that changes which panes there are."""
        self._panes.arrange()
        self.inbox.row_lines = 2 if self._panes.beside else 1
        if self._tracing.show(self._panes.trace_shown):
            self._go(self._tracing.read, "trace")
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        """Titles and counts."""
        state = self._state
        self.header.waiting, self.header.high = state.waiting, state.high
        self.header.stuck, self.header.marked = state.stuck, len(state.marks)
        self._tracing.draw_title()
        titles.put(self.inbox, titles.inbox(state))
        self._draw_card_title()

    def _go(self, work: Work | None, group: str) -> None:
        """Do something beside the message loop; the newest of a group wins, verdicts all count."""
        if work is not None:
            newest = group in ("card", "trace", "reload")
            run: WorkType[None] = partial(self._safely, work)
            # Without a description Textual writes out `run`, with all arguments of the Review.
            self.run_worker(run, group=group, description=group, exclusive=newest)

    async def _safely(self, work: Work) -> None:
        with suppress(NoMatches):  # the console was left meanwhile
            try:
                await work()
            except HitloopError as error:
                self.flash(text(safe(str(error)), BAD))
            except Exception as error:
                _log.exception("in the console")
                self.flash(text(safe(f"this did not work: {error!r}"), BAD))
            self._draw()
