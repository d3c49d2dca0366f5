"""Telemetry of a trial that nobody can read before the trial is over.

The console shows telemetry as it is written. Whoever is asked about an Action must not see there
that it is a wrong one, so what is logged during a trial is written after it, with the time at which
it happened.
"""

from __future__ import annotations

from typing import Any

from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import EventType, TraceEvent


class HeldBack(TelemetryLogger):
    """Logs like the logger it stands before, on `release`."""

    def __init__(self, logger: TelemetryLogger) -> None:
        self.db_path = logger.db_path
        self._logger = logger
        self._held: list[TraceEvent] = []

    def release(self) -> None:
        held, self._held = self._held, []
        for event in held:
            self._logger.log_event(event)

    def close(self) -> None:
        """The logger behind stays open."""
        self.release()

    def log_event(self, event: TraceEvent) -> None:
        self._held.append(event)

    def _log(
        self, run_id: str, kind: EventType, payload: dict[str, Any], statement: Any = None
    ) -> None:
        assert statement is None, "runs start and end on the logger itself"
        self._held.append(TraceEvent(run_id=run_id, event_type=kind, payload=payload))
