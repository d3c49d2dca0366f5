"""Decision keys wait until the card has been on the screen long enough to be read."""

from __future__ import annotations

from collections.abc import Callable

GRACE_S = 0.5


class Arming:
    """Armed half a second after what is shown has last changed.

    Keys typed ahead would otherwise decide a card that nobody has seen.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shown: object = None
        self._since: float | None = None

    def disarm(self) -> None:
        """Something else was selected and is not on the card yet."""
        self._shown = self._since = None

    def show(self, what: object) -> None:
        """`what` is on the card now; showing the same thing again changes nothing."""
        if what != self._shown:
            self._shown, self._since = what, self._clock()

    @property
    def armed(self) -> bool:
        return self._since is not None and self._clock() - self._since >= GRACE_S
