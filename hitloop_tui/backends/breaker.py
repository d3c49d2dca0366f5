"""A circuit breaker around sending: it never sees how long a person thinks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from hitloop_tui.errors import BadInput


class CircuitState(Enum):
    """Whether messages are sent."""

    CLOSED = "closed"
    OPEN = "open"
    """Too many failed; none is sent until `recovery_timeout` has passed."""
    HALF_OPEN = "half_open"
    """A few are sent, to see whether the channel works again."""

    def __str__(self) -> str:
        return self.name


@dataclass
class CircuitBreakerConfig:
    """When the circuit opens, and how it closes again."""

    failure_threshold: int = 5
    """Failures in a row that open it."""
    recovery_timeout: float = 30.0
    """Seconds before it is tried again."""
    half_open_max_calls: int = 3
    """How many may be under way at once while it is tried."""

    def __post_init__(self) -> None:
        if self.failure_threshold < 1 or self.recovery_timeout < 0 or self.half_open_max_calls < 1:
            raise BadInput(f"this circuit breaker makes no sense: {self}")


class CircuitBreaker:
    """Counts failures in a row, from any thread. One attempt is one `Permit`."""

    def __init__(
        self, config: CircuitBreakerConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._trials = 0
        self._period = 0
        """Counts openings and closings: a permit of an earlier period says nothing about this."""

    @property
    def state(self) -> CircuitState:
        opened_at = self._opened_at
        if opened_at is None:
            return CircuitState.CLOSED
        waited = self._clock() - opened_at
        return (
            CircuitState.HALF_OPEN if waited >= self.config.recovery_timeout else CircuitState.OPEN
        )

    def admit(self) -> Permit | None:
        """Leave for one attempt; None when it must not be made."""
        with self._lock:
            state = self.state
            trial = state is CircuitState.HALF_OPEN
            if state is CircuitState.OPEN:
                return None
            if trial and self._trials >= self.config.half_open_max_calls:
                return None
            self._trials += trial
            return Permit(self, self._period, trial)

    def _ended(self, permit: Permit, well: bool | None) -> None:
        with self._lock:
            counts = permit.under_way and permit.period == self._period
            permit.under_way = False
            if not counts:
                return
            self._trials -= permit.trial
            if well is not None:
                self._count(well)

    def _count(self, well: bool) -> None:
        was_open = self._opened_at is not None
        self._failures = 0 if well else self._failures + 1
        if well and was_open:
            self._turn(None)
        elif not well and (was_open or self._failures >= self.config.failure_threshold):
            self._turn(self._clock())

    def _turn(self, opened_at: float | None) -> None:
        self._opened_at = opened_at
        self._period += 1
        self._trials = 0


@dataclass
class Permit:
    """One attempt under way. How it ended is said once; what is said later counts for nothing."""

    breaker: CircuitBreaker
    period: int
    trial: bool
    under_way: bool = True

    def succeeded(self) -> None:
        self.breaker._ended(self, True)

    def failed(self) -> None:
        self.breaker._ended(self, False)

    def abandoned(self) -> None:
        """Neither worked nor failed: the caller was cancelled, or needs it no more."""
        self.breaker._ended(self, None)
