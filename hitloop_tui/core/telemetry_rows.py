"""Events and runs as rows of the telemetry's tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.core.models import EventType, RunMetadata, TraceEvent

EVENT_COLUMNS = "id, timestamp, run_id, event_type, payload"
RUN_COLUMNS = (
    "run_id, scenario_id, condition_id, agent_version, model, seed,"
    " started_at, finished_at, task_success, validation_details"
)
INT64 = range(-(2**63), 2**63)


def utc(moment: datetime) -> datetime:
    """A time without a zone is taken for UTC, as in files of hitloop 0.5."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def storable_seed(seed: int | None) -> int | str | None:
    """SQLite's integers end at 64 bits, seeds do not."""
    return seed if seed is None or seed in INT64 else hex(seed)


def event_of(row: Sequence[Any]) -> TraceEvent:
    """Raises ValueError or TypeError for a row that is no event, as `run_of` does for runs."""
    seq, at, run_id, kind, payload = row
    return TraceEvent(
        seq=seq,
        timestamp=utc(datetime.fromisoformat(at)),
        run_id=run_id,
        event_type=EventType(kind),
        payload=json.loads(payload),
    )


def run_of(row: Sequence[Any]) -> RunMetadata:
    *texts, seed, started_at, finished_at, success, details = row
    about = dict(zip(RUN_COLUMNS.replace(" ", "").split(","), texts, strict=False))
    return RunMetadata(
        **{name: value or "" for name, value in about.items()},
        seed=int(seed, 16) if isinstance(seed, str) else seed,
        started_at=utc(datetime.fromisoformat(started_at)),
        finished_at=None if finished_at is None else utc(datetime.fromisoformat(finished_at)),
        task_success=None if success is None else bool(success),
        validation_details=json.loads(details) if details else {},
    )
