"""Which Review is on the card, and since when: the card follows the selection, never the other way.

A Review that is decided elsewhere or moves on stays on the card, with what became of it, until the
person moves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import Review
from hitloop_tui.attach.source import Message
from hitloop_tui.tui.arming import Arming
from hitloop_tui.tui.desk import Desk
from hitloop_tui.tui.widgets.card import Card

T = TypeVar("T")


class Ask(Protocol):
    """`Reader.ask`."""

    def __call__(self, work: Callable[[Desk], T]) -> Awaitable[T]: ...


class Showing:
    """Puts Reviews on the card and arms the decision keys."""

    def __init__(self, card: Card, ask: Ask, clock: Callable[[], float]) -> None:
        self._card = card
        self._ask = ask
        self._arming = Arming(clock)
        self._row: Row | None = None
        """The row whose Review belongs on the card; it may not be read yet."""
        self._messages: list[Message] = []

    @property
    def key(self) -> str | None:
        return self._row.key if self._row is not None else None

    @property
    def shown(self) -> bool:
        """Whether what belongs on the card is there already."""
        return self._card.review is not None and self._card.review.key == self.key

    def drew(self, question: object) -> None:
        """This has reached the screen: from now on the person can read it."""
        if question is not None and question == self._card.question:
            self._arming.show(question)

    @property
    def drawn(self) -> bool:
        """Whether what is on the card has reached the screen."""
        return self._arming.shown is not None

    def armed(self, waited: float) -> bool:
        return self._arming.armed(waited)

    def select(self, row: Row | None) -> None:
        """Another Review belongs on the card: what is still there cannot be decided any more."""
        if row is None or row.key != self.key:
            self._arming.disarm()
        self._row = row

    def changed(self, row: Row) -> bool:
        """Take a new reading of the shown row; whether it differs, so that `read` is due."""
        old, self._row = self._row, row
        return row is not old

    async def read(self) -> None:
        """Read the Review that belongs on the card, and show it."""
        row = self._row
        if row is None:
            self._show(None)
            return
        card = await self._ask(lambda desk: desk.card(row))
        if card is None:
            await self.gone()
        else:
            self._messages = card.messages
            self._show(card.review)

    async def gone(self) -> None:
        """The shown Review is open no more: say what became of it."""
        shown = self._card.review
        if shown is not None and self.shown:
            self._show(await self._ask(lambda desk: desk.became(shown)))

    def step_action(self, by: int) -> None:
        """Show another Action of the same Review."""
        if by > 0:
            self._card.next_action()
        else:
            self._card.previous_action()
        self._rearm()

    def to_open_action(self) -> None:
        """After a verdict on one Action of several: show the next one that needs a verdict."""
        review = self._card.review
        if review is None:
            return
        count = len(review.actions)
        later = ((self._card.action_index + n) % count for n in range(count))
        self._card.action_index = next((n for n in later if n not in review.verdicts), 0)
        self._rearm()

    def _show(self, review: Review | None) -> None:
        self._card.show(review, self._messages if review is not None else [])
        self._rearm()

    def _rearm(self) -> None:
        """No key decides before the card is drawn, unless the same question was there before."""
        question = self._card.question
        if question is None or question != self._arming.shown:
            self._arming.disarm()
        if self._card.drawn:
            self.drew(question)
