"""The circuit breaker, against a clock of its own."""

from __future__ import annotations

import sys
import threading
import time
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hitloop_tui.backends import CircuitBreakerConfig, CircuitState
from hitloop_tui.backends.breaker import CircuitBreaker, Permit
from hitloop_tui.errors import BadInput

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def breaker(**config) -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    return CircuitBreaker(CircuitBreakerConfig(**config), clock), clock


def opened(**config) -> tuple[CircuitBreaker, Clock]:
    one, clock = breaker(failure_threshold=1, **config)
    one.admit().failed()
    return one, clock


def test_it_opens_after_failures_in_a_row():
    one, _ = breaker(failure_threshold=3)
    for end in ("failed", "failed", "succeeded", "failed", "abandoned", "failed"):
        getattr(one.admit(), end)()
        assert one.state is CLOSED
    one.admit().failed()
    assert one.state is OPEN
    assert one.admit() is None


def test_it_is_tried_again_and_closes():
    one, clock = opened(recovery_timeout=30)
    clock.now += 29.9
    assert one.admit() is None
    clock.now += 0.1
    assert one.state is HALF_OPEN
    one.admit().succeeded()
    assert one.state is CLOSED


def test_it_is_tried_again_and_stays_open():
    one, clock = opened(recovery_timeout=30)
    clock.now += 30
    one.admit().failed()
    assert one.state is OPEN
    clock.now += 30
    assert one.state is HALF_OPEN


def test_no_more_trials_than_allowed():
    """Upstream admits four when three are allowed (security.md 7.2)."""
    one, clock = opened(recovery_timeout=1, half_open_max_calls=3)
    clock.now += 1
    assert [one.admit() is not None for _ in range(6)] == [True] * 3 + [False] * 3


def test_abandoned_trials_make_room():
    """Upstream is stuck in HALF_OPEN for ever after cancellations (security.md 7.2)."""
    one, clock = opened(recovery_timeout=1, half_open_max_calls=1)
    clock.now += 1
    for _ in range(5):
        one.admit().abandoned()
    one.admit().succeeded()
    assert one.state is CLOSED


def test_what_began_before_says_nothing_now():
    one, clock = breaker(failure_threshold=1, recovery_timeout=1)
    slow, failing = one.admit(), one.admit()
    failing.failed()
    slow.succeeded()
    assert one.state is OPEN
    clock.now += 1
    slow_again = one.admit()
    one.admit().succeeded()
    slow_again.failed()
    assert one.state is CLOSED


def test_an_end_is_said_once():
    one, _ = breaker(failure_threshold=2)
    permit = one.admit()
    permit.failed()
    permit.failed()
    assert one.state is CLOSED


def test_the_clock_is_monotonic():
    assert CircuitBreaker(CircuitBreakerConfig())._clock is time.monotonic


def test_printed_as_the_page_says():
    assert [str(state) for state in CircuitState] == ["CLOSED", "OPEN", "HALF_OPEN"]


@pytest.mark.parametrize(
    "wrong", [{"failure_threshold": 0}, {"recovery_timeout": -1}, {"half_open_max_calls": 0}]
)
def test_senseless_settings(wrong):
    with pytest.raises(BadInput):
        CircuitBreakerConfig(**wrong)


@pytest.mark.parametrize("line", range(10))
def test_threads_get_no_more_trials_than_allowed(line):
    """Graphs ask from several event loops: whichever line of `admit` another thread comes in at."""
    one, _ = opened(recovery_timeout=0, half_open_max_calls=1)
    admitted: list[Permit | None] = []
    other = threading.Thread(target=lambda: admitted.append(one.admit()))
    lines = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == line + 1:
                other.start()
                other.join(0.05)
        return step

    tracing = sys.gettrace()
    sys.settrace(lambda frame, *_: step if frame.f_code.co_name == "admit" else None)
    try:
        admitted.append(one.admit())
    finally:
        sys.settrace(tracing)
    if other.ident is None:  # `admit` has fewer lines
        other.start()
    other.join(10)
    assert sum(permit is not None for permit in admitted) == 1


THRESHOLD, RECOVERY, TRIALS = 3, 10, 2


class BreakerMachine(RuleBasedStateMachine):
    """Against a model: what is said of an attempt counts if nothing opened or closed since."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.clock = breaker(
            failure_threshold=THRESHOLD, recovery_timeout=RECOVERY, half_open_max_calls=TRIALS
        )
        self.opened_at: float | None = None
        self.failures = 0
        self.current: list[Permit] = []
        self.older: list[Permit] = []

    def expected(self) -> CircuitState:
        if self.opened_at is None:
            return CLOSED
        return HALF_OPEN if self.clock.now - self.opened_at >= RECOVERY else OPEN

    def turn(self, opened_at: float | None) -> None:
        self.opened_at = opened_at
        self.older += self.current
        self.current = []

    @rule()
    def begin(self) -> None:
        full = self.expected() is HALF_OPEN and len(self.current) == TRIALS
        permit = self.one.admit()
        assert (permit is None) == (full or self.expected() is OPEN)
        if permit is not None:
            self.current.append(permit)

    @precondition(lambda self: self.current)
    @rule(which=st.integers(0, 100))
    def fail(self, which: int) -> None:
        self.current.pop(which % len(self.current)).failed()
        self.failures += 1
        if self.opened_at is not None or self.failures >= THRESHOLD:
            self.turn(self.clock.now)

    @precondition(lambda self: self.current)
    @rule(which=st.integers(0, 100))
    def succeed(self, which: int) -> None:
        self.current.pop(which % len(self.current)).succeeded()
        self.failures = 0
        if self.opened_at is not None:
            self.turn(None)

    @precondition(lambda self: self.current)
    @rule(which=st.integers(0, 100))
    def abandon(self, which: int) -> None:
        self.current.pop(which % len(self.current)).abandoned()

    @precondition(lambda self: self.older)
    @rule(which=st.integers(0, 100), end=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def end_what_began_before(self, which: int, end: str) -> None:
        getattr(self.older.pop(which % len(self.older)), end)()

    @rule(seconds=st.floats(0, 12))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def as_expected(self) -> None:
        assert self.one.state is self.expected()


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
