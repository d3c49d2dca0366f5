"""The console's screen: looking, and the keys that decide."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from textual.screen import ModalScreen
from textual.timer import Timer

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.review import Act, Kind, Review
from hitloop_tui.tui import verdicts
from hitloop_tui.tui.acting import Acting
from hitloop_tui.tui.claiming import Claiming
from hitloop_tui.tui.content import MUTED, own
from hitloop_tui.tui.deciding import Deciding
from hitloop_tui.tui.dialogs import Dialog
from hitloop_tui.tui.keymap import REPAIRS, VERBS
from hitloop_tui.tui.screens.looking import LookingScreen
from hitloop_tui.tui.setup import Setup
from hitloop_tui.tui.ticking import Ticking

T = TypeVar("T")


class MainScreen(LookingScreen):
    """How verdicts and acts come about is decided elsewhere."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._me = setup.person.decided_by
        self._deciding = Deciding(self, self._holding, self._me, read_only=setup.read_only)
        self._acting = Acting(self, self._holding, read_only=setup.read_only)
        self._claiming = Claiming(self, self._renew_claim)
        self._dialogs: list[tuple[Review, ModalScreen[Any]]] = []
        """The open dialog, with what was on the card when it was opened."""

    def on_mount(self) -> None:
        parts = (self.status.hold, self.card, self.inbox)
        self._ticking = Ticking(parts, self.set_timer, self._time_passed)

    @property
    def opening(self) -> bool:
        """Whether a key has begun something that reads the files, and then asks the person."""
        busy = any(work.is_running and work.group == "marked" for work in self.workers)
        return busy and self.is_current

    # What deciding, acting and claiming need

    async def ask_person(self, dialog: ModalScreen[T]) -> T | None:
        return await self.app.push_screen_wait(dialog)

    async def ask_about(self, review: Review, dialog: ModalScreen[T]) -> T | None:
        self._dialogs.append((review, dialog))
        try:
            return await self.ask_person(dialog)
        finally:
            self._dialogs.remove((review, dialog))

    async def decided(self, review: Review, outcome: Outcome) -> None:
        """A verdict was given or refused: show what is next, or what became of the Review."""
        if self._showing.key != review.key:
            return
        recorded = outcome.outcome == "recorded"
        done_here = outcome.decided_at is not None or review.reading.quorum > 1
        if recorded and done_here and self._next_after(review):
            return
        await self._showing.read()
        if recorded and outcome.decided_at is None:
            self._showing.to_open_action()

    async def acted(self, review: Review, act: Act, outcome: Outcome) -> None:
        """Show what became of it: after an undo the question, after a farewell the next row."""
        if outcome.outcome == "recorded":
            match act:
                case Act.UNDO:
                    self.inbox.select(review.key)
                case Act.DONE | Act.DISMISS if self._showing.key == review.key:
                    self._go_on_from(review.key)
        if self._showing.key == review.key:
            await self._showing.read()

    def _next_after(self, review: Review) -> bool:
        """Show the next Review to decide. A row that went at once has left the cursor on it."""
        row = self._state.row
        if row is None or row.key == review.key or not row.undecided:
            return self.inbox.select_next()
        self._open_selected()
        return True

    def _go_on_from(self, key: str) -> None:
        """The row of a Review is about to go, or has gone from under the cursor already."""
        if self._state.cursor == key:
            self.inbox.leave()
        else:
            self._open_selected()

    def every(self, seconds: float, work: Callable[[], object]) -> Timer:
        return self.set_interval(seconds, work)

    # Keys

    def action_verdict(self, kind: str) -> None:
        self._go(self._deciding.press(Kind(kind)), f"verdict {self._showing.key}")

    def action_act(self, act: str) -> None:
        self._go(self._acting.press(Act(act)), f"act {self._showing.key}")

    def action_watch(self) -> None:
        review = self.card.review
        if review is None or not review.undecided or self._setup.read_only:
            self.flash(own("only a Review that waits for a verdict can be claimed", MUTED))
        else:
            self._go(partial(self._claiming.toggle, review), "claim")

    def action_decide_marked(self, verb: str) -> None:
        rows = [row for row in self._state.shown if row.key in self._state.marks]
        if rows:
            self._go(partial(self._deciding.decide_many, Kind(verb), rows), "marked")
        else:
            self.flash(own("nothing is marked: space marks a Review, * all that are shown", MUTED))

    def action_mark(self) -> None:
        if not self.inbox.mark():
            self.flash(own("only Reviews that wait for a verdict can be marked", MUTED))

    def action_mark_all(self) -> None:
        self.inbox.mark_all()

    def _draw(self) -> None:
        """Also the keys that do something now, open dialogs, and times that run out."""
        super()._draw()
        review = self.card.review
        self.footer.decided = review is not None and not review.undecided
        off = [verb for verb in VERBS if self._deciding.why_not(Kind(verb))]
        off += [act for act in ("undo", *REPAIRS) if self._acting.why_not(Act(act))]
        self.footer.off = frozenset(off)
        self._tell_dialogs()
        if self._claiming.key not in (None, self._showing.key):
            self._go(self._claiming.release, "claim")
        self._ticking.look()

    def _tell_dialogs(self) -> None:
        now = self.card.review
        for shown, dialog in self._dialogs:
            if now is not None and now.key == shown.key and isinstance(dialog, Dialog):
                told = verdicts.news(shown, now, self._me)
                if told is not None:
                    dialog.tell(told)

    def _renew_claim(self) -> None:
        self._go(self._claiming.renew, "claim")

    def _time_passed(self) -> None:
        """A hold or a deadline may be over: the ledger knows."""
        self._go(self.reader.look, "look")
