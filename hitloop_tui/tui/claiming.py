"""Telling the others which Review this person is looking at, for as long as it is on the card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from textual.content import Content
from textual.timer import Timer

from hitloop_tui.attach.review import Review
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import MUTED, WARN, own, text
from hitloop_tui.tui.desk import CLAIM_S, Desk
from hitloop_tui.tui.naming import name

RENEW_S = CLAIM_S / 3

T = TypeVar("T")


class Screen(Protocol):
    """What claiming needs of the screen."""

    async def ask(self, work: Callable[[Desk], T]) -> T: ...

    def flash(self, said: Content) -> None: ...

    def every(self, seconds: float, work: Callable[[], object]) -> Timer: ...


class Claiming:
    """At most one claim: on what is on the card."""

    def __init__(self, screen: Screen, renew: Callable[[], object]) -> None:
        """`renew` is called when it is time to call `renew` of this object."""
        self._screen = screen
        self._due = renew
        self._timer: Timer | None = None
        self.key: str | None = None
        """The Review that is claimed from here."""

    async def toggle(self, review: Review) -> None:
        """Claim the Review, or let it go."""
        if self.key == review.key:
            await self.release()
            self._screen.flash(own("the others no longer see you looking at it", MUTED))
            return
        await self.release()
        other = await self._screen.ask(lambda desk: desk.claim(review.key))
        if other is not None:
            who = Safe(f"{name(other.by)} is looking at it; you can still decide")
            self._screen.flash(text(who, WARN))
            return
        self.key = review.key
        self._timer = self._screen.every(RENEW_S, self._due)
        self._screen.flash(own("the others see you looking at it, while it is on your card", MUTED))

    async def renew(self) -> None:
        if (key := self.key) is not None:
            await self._screen.ask(lambda desk: desk.claim(key))

    async def release(self) -> None:
        if (key := self.key) is not None:
            self.key = None
            if self._timer is not None:
                self._timer.stop()
            await self._screen.ask(lambda desk: desk.release(key))
