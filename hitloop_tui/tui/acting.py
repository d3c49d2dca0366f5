"""From a key to an undo, retry, clear, done or dismiss: what is asked first, what is said after.

Like a verdict, each goes to the Review that was on the card when the key was pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

from textual.content import Content
from textual.screen import ModalScreen

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import Act, Review, State
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui import acts
from hitloop_tui.tui.arming import HIDDEN, LOOK
from hitloop_tui.tui.content import MUTED, STRONG, WARN, own, text
from hitloop_tui.tui.desk import Desk
from hitloop_tui.tui.dialogs import ConfirmDialog
from hitloop_tui.tui.holding import Holding
from hitloop_tui.tui.widgets.card import Card
from hitloop_tui.tui.widgets.rows import BLANK, Line
from hitloop_tui.tui.widgets.values import QUOTED, machine, quoted

MAX_DETAIL = 400
"""Cells of what is told about a Review before it is acted on."""
UNCERTAIN = "Nobody knows whether the tool has run: look before you go on."

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, None]]


class Screen(Protocol):
    """What acting needs of the screen it happens on."""

    @property
    def card(self) -> Card: ...

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        ...

    @property
    def armed(self) -> bool: ...

    async def ask(self, work: Callable[[Desk], T]) -> T: ...

    async def ask_about(self, review: Review, dialog: ModalScreen[T]) -> T | None: ...

    def flash(self, said: Content) -> None: ...

    async def acted(self, review: Review, act: Act, outcome: Outcome) -> None: ...


class Acting:
    """Everything that can be done about a decision."""

    def __init__(self, screen: Screen, holding: Holding, *, read_only: bool) -> None:
        self._screen = screen
        self._holding = holding
        self._read_only = read_only
        self._under_way: set[str] = set()

    def why_not(self, act: Act) -> str | None:
        """Why this cannot be done now; None when it can."""
        if self._read_only:
            return "this console is read-only"
        if act is Act.UNDO:
            return None if self._can_undo() else "no decision is held: nothing can be taken back"
        review = self._screen.card.review
        if review is not None and review.key in self._under_way:
            return f"{act.value} is under way"
        return acts.why_not(review, act)

    def press(self, act: Act) -> Work | None:
        """A key was pressed: what to do about it, or None when it does nothing."""
        card = self._screen.card
        shown = card.review
        if (why := self.why_not(act)) is not None:
            self._screen.flash(text(safe(why), WARN))
        elif act is Act.UNDO:
            return self._undo
        elif not self._screen.armed:
            self._screen.flash(own(LOOK if card.in_view else HIDDEN, MUTED))
        elif shown is not None:
            return partial(self._act, act, shown)
        return None

    def _can_undo(self) -> bool:
        return self._held_row() is not None or self._holding.last is not None

    def _held_row(self) -> Row | None:
        row = self._screen.row
        return row if row is not None and Act.UNDO in row.acts else None

    async def _undo(self) -> None:
        """Take back the held decision under the cursor; else the last one made here."""
        row, last = self._held_row(), self._holding.last
        if row is not None:
            reviews = await self._screen.ask(lambda desk: desk.reviews([row]))
        else:
            reviews = list(last.reviews) if last is not None else []
        outcomes = await self._screen.ask(lambda desk: [desk.act(r, Act.UNDO) for r in reviews])
        self._holding.forget(reviews)
        self._screen.flash(acts.undone(reviews, outcomes))
        if reviews:
            await self._screen.acted(reviews[-1], Act.UNDO, outcomes[-1])

    async def _act(self, act: Act, shown: Review) -> None:
        self._under_way.add(shown.key)
        try:
            if act in acts.ASKED and not await self._screen.ask_about(shown, _confirm(act, shown)):
                return
            outcome = await self._screen.ask(lambda desk: desk.act(shown, act))
        finally:
            self._under_way.discard(shown.key)
        self._screen.flash(acts.said(outcome, shown, act))
        await self._screen.acted(shown, act, outcome)


def _confirm(act: Act, review: Review) -> ConfirmDialog:
    lines = [
        Line(((acts.tools(review), ""),), (QUOTED,), ((Safe("tool    "), ""),)),
        Line(machine(review.thread_id), (QUOTED,), ((Safe("thread  "), ""),)),
        *([Line(quoted(review.detail, MAX_DETAIL), (QUOTED,))] if review.detail else []),
        BLANK,
        *(Line(((Safe(words), ""),)) for words in acts.ASKED[act]),
    ]
    if review.state is State.UNCERTAIN and act is not Act.DONE:
        lines.append(Line(((Safe(UNCERTAIN), ""),)))
    return ConfirmDialog(own(f"{act.value.capitalize()}?", STRONG), lines, danger=True)
