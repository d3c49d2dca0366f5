"""The circuit breaker, against a clock of its own."""

from __future__ import annotations

import time

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


class BreakerMachine(RuleBasedStateMachine):
    """Whatever happens: failures in a row open it, trials are bounded, it is never stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.clock = breaker(
            failure_threshold=3, recovery_timeout=10, half_open_max_calls=2
        )
        self.under_way: list[Permit] = []

    @rule()
    def begin(self) -> None:
        state = self.one.state
        permit = self.one.admit()
        assert (permit is None) <= (state is not CLOSED)
        assert (permit is not None) <= (state is not OPEN)
        if permit is not None:
            self.under_way.append(permit)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100), end=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def end(self, which: int, end: str) -> None:
        before = self.one.state
        getattr(self.under_way.pop(which % len(self.under_way)), end)()
        if end == "abandoned":
            assert self.one.state is before
        if end == "succeeded":
            assert self.one.state in (before, CLOSED)

    @rule(seconds=st.floats(0, 12))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def trials_are_bounded(self) -> None:
        period = self.one._period
        trials = sum(permit.trial and permit.period == period for permit in self.under_way)
        assert trials == self.one._trials <= 2

    @invariant()
    def never_stuck(self) -> None:
        if self.one.state is HALF_OPEN and not self.one._trials:
            permit = self.one.admit()
            assert permit is not None
            permit.abandoned()


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
