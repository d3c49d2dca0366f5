"""A circuit breaker around sending: it never sees how long a person thinks."""

from __future__ import annotations

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
    """Counts failures in a row. One attempt is one `Permit`."""

    def __init__(
        self, config: CircuitBreakerConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.config = config
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._trials = 0
        self._period = 0
        """Counts state changes: a permit of an earlier period says nothing about this one."""

    @property
    def state(self) -> CircuitState:
        if self._opened_at is None:
            return CircuitState.CLOSED
        waited = self._clock() - self._opened_at
        return (
            CircuitState.HALF_OPEN if waited >= self.config.recovery_timeout else CircuitState.OPEN
        )

    def admit(self) -> Permit | None:
        """Leave for one attempt; None when it must not be made."""
        trial = self.state is CircuitState.HALF_OPEN
        if self.state is CircuitState.OPEN or (
            trial and self._trials >= self.config.half_open_max_calls
        ):
            return None
        self._trials += trial
        return Permit(self, self._period, trial)

    def _succeeded(self) -> None:
        self._failures = 0
        if self._opened_at is not None:
            self._opened_at = None
            self._turn()

    def _failed(self) -> None:
        self._failures += 1
        if self._opened_at is not None or self._failures >= self.config.failure_threshold:
            self._opened_at = self._clock()
            self._turn()

    def _turn(self) -> None:
        self._period += 1
        self._trials = 0


@dataclass
class Permit:
    """One attempt under way. How it ended is said once; what is said later counts for nothing."""

    breaker: CircuitBreaker
    period: int
    trial: bool
    _open: bool = True

    def succeeded(self) -> None:
        if self._end():
            self.breaker._succeeded()

    def failed(self) -> None:
        if self._end():
            self.breaker._failed()

    def abandoned(self) -> None:
        """Neither worked nor failed, for instance because the caller was cancelled."""
        self._end()

    def _end(self) -> bool:
        current = self._open and self.period == self.breaker._period
        if current and self.trial:
            self.breaker._trials -= 1
        self._open = False
        return current
