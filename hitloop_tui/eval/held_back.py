"""Telemetry of a trial that nobody can read before the trial is over.

The console shows telemetry as it is written. Whoever is asked about an Action must not see there
that it is a wrong one, so what is logged during a trial is written after it, with the time at which
it happened.
"""

from __future__ import annotations

from typing import Any

from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import EventType


class HeldBack(TelemetryLogger):
    """Logs like the logger it stands before, on `release`."""

    def __init__(self, logger: TelemetryLogger) -> None:
        self.db_path = logger.db_path
        self._logger = logger
        self._held: list[tuple[Any, ...]] = []

    def release(self) -> None:
        held, self._held = self._held, []
        for event in held:
            self._logger._put(*event)

    def close(self) -> None:
        """The logger behind stays open."""
        self.release()

    def _put(
        self, at: str, run_id: str, kind: EventType, payload: dict[str, Any], statement: Any = None
    ) -> None:
        self._held.append((at, run_id, kind, payload, statement))
