"""Decisions made at this console that can still be taken back, the newest last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hitloop_tui.attach.review import Review, State
from hitloop_tui.tui.countdown import held_for


@dataclass(frozen=True, slots=True)
class Given:
    """What one key decided: one Review, or all that were marked."""

    reviews: tuple[Review, ...]
    """As they were recorded."""

    @property
    def left(self) -> float:
        """Seconds until none of them can be taken back any more."""
        return max(map(held_for, self.reviews), default=0.0)


class Holding:
    """A stack: undo takes back the last thing that was done."""

    def __init__(self) -> None:
        self._given: list[Given] = []

    @property
    def last(self) -> Given | None:
        """The newest that is still held."""
        self._given = [given for given in self._given if given.left > 0]
        return self._given[-1] if self._given else None

    def add(self, reviews: Iterable[Review]) -> None:
        held = tuple(review for review in reviews if review.state is State.HELD)
        if held:
            self._given.append(Given(held))

    def forget(self, reviews: Iterable[Review]) -> None:
        """These were taken back, or it is too late for that."""
        keys = {review.key for review in reviews}
        left = (tuple(r for r in given.reviews if r.key not in keys) for given in self._given)
        self._given = [Given(kept) for kept in left if kept]
