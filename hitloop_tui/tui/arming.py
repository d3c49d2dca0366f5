"""Decision keys wait until the card has been on the screen long enough to be read."""

from __future__ import annotations

from collections.abc import Callable

GRACE_S = 0.5
LOOK = "the card has just changed: look, then press again"
HIDDEN = "the card is not on the screen: 2 shows it"


class Arming:
    """Armed half a second after what is on the screen has last changed.

    Keys typed ahead would otherwise decide a card that nobody has seen.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.shown: object = None
        """What is on the screen; None while that is on its way."""
        self._since: float | None = None

    def disarm(self) -> None:
        """Something else was selected and is not on the screen yet."""
        self.shown = self._since = None

    def show(self, what: object) -> None:
        """`what` is on the screen now; showing the same thing again changes nothing."""
        if what != self.shown:
            self.shown, self._since = what, self._clock()

    def armed(self, waited: float) -> bool:
        """Whether a key counts that has lain in queues for `waited` seconds.

        While the app is busy drawing a card, keys pile up that were pressed before it was seen.
        """
        return self._since is not None and self._clock() - waited - self._since >= GRACE_S
