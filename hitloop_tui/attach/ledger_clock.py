"""Time as the ledger writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """ISO 8601, UTC, milliseconds: such texts sort as the times do."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def held(decided_at: str, held_until: str | None) -> bool:
    """Whether a decision still waits. A clock that was set back ends the wait."""
    return held_until is not None and decided_at <= now() < held_until


def seconds_until(at: str) -> float:
    return (datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds()


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
