"""What happened in a run, as events that outlive it.

    with TelemetryLogger("experiment.db") as logger:
        logger.log_run_start(RunMetadata(run_id="r1", condition_id="risk_based", seed=42))
        logger.log_action_proposed("r1", action)
        logger.log_run_end("r1", success=True)
        logger.get_events("r1")

The events are there as soon as the logger itself is asked; other processes see them after at most
50 ms. `core.telemetry_schema` describes the tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hitloop_tui import __version__
from hitloop_tui.core.models import (
    Action,
    ApprovalRequest,
    Decision,
    EventType,
    RunMetadata,
    ToolResult,
    TraceEvent,
)
from hitloop_tui.core.telemetry_file import Durability, Row, Statement, TelemetryFile
from hitloop_tui.core.telemetry_json import as_text, to_json
from hitloop_tui.core.telemetry_schema import MEMORY

RUN_COLUMNS = (
    "run_id, scenario_id, condition_id, agent_version, model, seed,"
    " started_at, finished_at, task_success, validation_details"
)
INT64 = range(-(2**63), 2**63)


class TelemetryLogger:
    """Writes events to SQLite, from any number of threads and processes at once.

    What a crash can take is set by `durability`:

    `batch`  events of the last 50 ms, or since `flush()`, when the process is killed
    `event`  nothing when the process is killed; the last events when the power fails
    `full`   nothing at all; every call waits for the disk

    Threads that log at the same time share a commit. Logging in batches never raises: what cannot
    be written is kept, tried again, and reported to Python's `logging`.
    """

    def __init__(self, db_path: str | Path = MEMORY, durability: Durability = "batch") -> None:
        self.db_path = str(db_path)
        self._file = TelemetryFile(self.db_path, durability)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def flush(self) -> None:
        """Return when all events logged so far are on the disk, safe from a power failure."""
        self._file.sync()

    def close(self) -> None:
        """Write what is left and close the file; logging afterwards raises."""
        self._file.close()

    def log_event(self, event: TraceEvent) -> None:
        """Any event, also one of your own making."""
        at, run_id = _utc(event.timestamp).isoformat(), as_text(event.run_id)
        self._file.put([(at, run_id, event.event_type.value, to_json(event.payload))])

    def log_run_start(self, metadata: RunMetadata) -> None:
        """A run that was started before keeps its first metadata."""
        about = metadata.model_dump(
            include={"run_id", "scenario_id", "condition_id", "agent_version", "model", "seed"}
        )
        marks = ",".join("?" * 10)
        sql = f"INSERT INTO runs ({RUN_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        texts = [as_text(str(value)) for name, value in about.items() if name != "seed"]
        started = _utc(metadata.started_at).isoformat()
        details = to_json(metadata.validation_details) if metadata.validation_details else None
        finished = _utc(metadata.finished_at).isoformat() if metadata.finished_at else None
        ending = (started, finished, metadata.task_success, details)
        self._log(
            metadata.run_id,
            EventType.RUN_START,
            {**about, "library": f"hitloop-tui {__version__}"},
            (sql, (*texts, _small(metadata.seed), *ending)),
        )

    def log_run_end(
        self, run_id: str, success: bool, validation_details: dict[str, Any] | None = None
    ) -> None:
        details = validation_details or {}
        sql = (
            "UPDATE runs SET finished_at=?, task_success=?,"
            " validation_details=coalesce(?, validation_details) WHERE run_id=?"
        )
        ending = (_now(), int(success), to_json(details) if details else None, as_text(run_id))
        payload = {"task_success": success, "validation_details": details}
        self._log(run_id, EventType.RUN_END, payload, (sql, ending))

    def log_llm_call(
        self,
        run_id: str,
        prompt_hash: str | None = None,
        template_id: str | None = None,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        latency_ms: float | None = None,
        model: str | None = None,
    ) -> None:
        payload = {
            "prompt_hash": prompt_hash,
            "template_id": template_id,
            "tokens_in": tokens_in,
            "tokens_out": tokens_out,
            "latency_ms": latency_ms,
            "model": model,
        }
        self._log(run_id, EventType.LLM_CALL, payload)

    def log_action_proposed(
        self, run_id: str, action: Action, injected_error: bool = False
    ) -> None:
        """The whole call, so that a decision about it can be judged again later."""
        digest = action.digest()
        payload = {
            "action_id": action.id,
            "tool_name": action.tool_name,
            "tool_args": action.tool_args,
            "args_hash": digest[:16],
            "digest": digest,
            "risk_class": action.risk_class.value,
            "side_effects": action.side_effects,
            "rationale": action.rationale,
            "injected_error": injected_error,
        }
        self._log(run_id, EventType.ACTION_PROPOSED, payload)
        if injected_error:
            label = {"action_id": action.id, "tool_name": action.tool_name}
            self._log(run_id, EventType.INJECTED_ERROR, label)

    def log_approval_requested(
        self, run_id: str, request: ApprovalRequest, channel: str = "unknown"
    ) -> None:
        """`channel` is where the person is asked: `cli`, `interrupt`, `webhook`, ..."""
        payload: dict[str, Any] = {
            "action_id": request.action.id,
            "channel": channel,
            "policy_name": request.policy_name,
            "policy_reason": request.policy_reason,
            "summary_context": request.summary_context,
            "requested_at": _now(),
        }
        if request.quorum > 1:
            payload |= {"quorum": request.quorum, "approvals": request.approvals}
        self._log(run_id, EventType.APPROVAL_REQUESTED, payload)

    def log_approval_decided(
        self, run_id: str, decision: Decision, channel: str = "unknown"
    ) -> None:
        payload = {
            "action_id": decision.action_id,
            "approved": decision.approved,
            "decision": decision.approved,
            "reason": decision.reason,
            "tags": decision.tags,
            "decided_by": decision.decided_by,
            "latency_ms": decision.latency_ms,
            "channel": channel,
            "decided_at": _now(),
            "digest": decision.digest,
        }
        extras = ("edited_args", "proposed", "response", "approvals")
        payload |= {name: value for name in extras if (value := getattr(decision, name))}
        self._log(run_id, EventType.APPROVAL_DECIDED, payload)

    def log_tool_execution_start(self, run_id: str, action: Action) -> None:
        payload = {"action_id": action.id, "tool_name": action.tool_name, "started_at": _now()}
        self._log(run_id, EventType.TOOL_EXECUTION_START, payload)

    def log_tool_execution_end(self, run_id: str, result: ToolResult) -> None:
        finished_at = result.finished_at
        payload = {
            "action_id": result.action_id,
            "success": result.success,
            "error": result.error,
            "error_class": result.error_class,
            "retry_count": result.retry_count,
            "execution_time_ms": result.execution_time_ms(),
            "finished_at": _now() if finished_at is None else _utc(finished_at).isoformat(),
        }
        self._log(run_id, EventType.TOOL_EXECUTION_END, payload)

    def log_error(
        self, run_id: str, error: BaseException, context: dict[str, Any] | None = None
    ) -> None:
        payload = {
            "error_type": type(error).__name__,
            "error_message": str(error),
            "context": context or {},
        }
        self._log(run_id, EventType.ERROR, payload)

    def get_events(
        self,
        run_id: str | None = None,
        event_type: EventType | None = None,
        limit: int | None = None,
        after: int = 0,
    ) -> list[TraceEvent]:
        """Events in the order they were written; `after` is the `seq` of the last one known."""
        where: dict[str, Any] = {"id > ?": after}
        if run_id is not None:
            where["run_id = ?"] = as_text(run_id)
        if event_type is not None:
            where["event_type = ?"] = event_type.value
        rows = self._file.rows(
            "SELECT id, timestamp, run_id, event_type, payload FROM trace_events"
            f" WHERE {' AND '.join(where)} ORDER BY id LIMIT ?",
            [*where.values(), -1 if limit is None else limit],
        )
        return [_event(row) for row in rows]

    def get_run_metadata(self, run_id: str) -> RunMetadata | None:
        sql = f"SELECT {RUN_COLUMNS} FROM runs WHERE run_id=?"
        return next(map(_run, self._file.rows(sql, [as_text(run_id)])), None)

    def get_all_runs(self) -> list[RunMetadata]:
        """All runs, the one started first at the top."""
        sql = f"SELECT {RUN_COLUMNS} FROM runs ORDER BY started_at, id"
        return [_run(row) for row in self._file.rows(sql)]

    def _log(
        self,
        run_id: str,
        kind: EventType,
        payload: dict[str, Any],
        statement: Statement | None = None,
    ) -> None:
        row: Row = (_now(), as_text(run_id), kind.value, to_json(payload))
        self._file.put([row], statement)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _utc(moment: datetime) -> datetime:
    """A time without a zone is taken for UTC, as in files of hitloop 0.5."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _small(seed: int | None) -> int | str | None:
    """SQLite's integers end at 64 bits, seeds do not."""
    return seed if seed is None or seed in INT64 else hex(seed)


def _event(row: Sequence[Any]) -> TraceEvent:
    seq, at, run_id, kind, payload = row
    return TraceEvent(
        seq=seq,
        timestamp=_utc(datetime.fromisoformat(at)),
        run_id=run_id,
        event_type=EventType(kind),
        payload=json.loads(payload),
    )


def _run(row: Sequence[Any]) -> RunMetadata:
    *texts, seed, started_at, finished_at, success, details = row
    about = dict(zip(RUN_COLUMNS.replace(" ", "").split(","), texts, strict=False))
    return RunMetadata(
        **{name: value or "" for name, value in about.items()},
        seed=int(seed, 16) if isinstance(seed, str) else seed,
        started_at=_utc(datetime.fromisoformat(started_at)),
        finished_at=None if finished_at is None else _utc(datetime.fromisoformat(finished_at)),
        task_success=None if success is None else bool(success),
        validation_details=json.loads(details) if details else {},
    )
