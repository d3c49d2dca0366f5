"""The only clock of the screen: it runs while some time is running out, and draws only that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from textual.timer import Timer

LATE_S = 0.02
"""A look comes this much after the moment, so that it is over then."""


class Running(Protocol):
    def tick(self) -> float | None:
        """Draw the time that is left; seconds until it reads differently, None for never."""
        ...


class Ticking:
    """Looks at the moments at which some text changes, and not in between."""

    def __init__(
        self,
        parts: Sequence[Running],
        after: Callable[[float, Callable[[], object]], Timer],
        passed: Callable[[], object],
    ) -> None:
        """`after` is a screen's `set_timer`; `passed` is called when such a moment has passed."""
        self._parts = parts
        self._after = after
        self._passed = passed
        self._timer: Timer | None = None

    def look(self) -> None:
        """Draw what reads differently by now, and wait for the next time."""
        if self._timer is not None:
            self._timer.stop()
        pauses = [pause for part in self._parts if (pause := part.tick()) is not None]
        self._timer = self._after(min(pauses) + LATE_S, self._pass) if pauses else None

    def _pass(self) -> None:
        self.look()
        self._passed()
