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

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

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
from hitloop_tui.core.telemetry_rows import (
    EVENT_COLUMNS,
    RUN_COLUMNS,
    event_of,
    run_of,
    storable_seed,
    utc,
)
from hitloop_tui.core.telemetry_schema import MEMORY

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class TelemetryLogger:
    """Writes events to SQLite, from any number of threads and processes at once.

    The console on `agents.db` shows them live when the file is called `agents.telemetry.db`, when
    it is the database itself or its ledger, or when it is named with `--telemetry`.

    What a crash can take is set by `durability`:

    `batch`  events of the last 50 ms, or since `flush()`, when the process is killed
    `event`  nothing when the process is killed; the last events when the power fails
    `full`   nothing at all; every call waits for the disk

    Threads that log at the same time share a commit. What cannot be written is kept and tried
    again. Logging in batches never raises, but reports it to Python's `logging`; the other two
    raise DatabaseError, and keep the event all the same.
    """

    thread_of_caller: ClassVar[Callable[[], str | None]] = staticmethod(lambda: None)
    """The LangGraph thread whose node logs; `hitloop_tui.langgraph` knows how to find out."""

    def __init__(self, db_path: str | Path = MEMORY, durability: Durability = "batch") -> None:
        self.db_path = str(db_path)
        self._file = TelemetryFile(self.db_path, durability)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def flush(self) -> None:
        """Return when all events logged so far are on the disk, safe from a power failure."""
        self._file.sync()

    def close(self) -> None:
        """Write what is left and close the file; logging afterwards raises."""
        self._file.close()

    def log_event(self, event: TraceEvent) -> None:
        """Any event, also one of your own making."""
        self._put(utc(event.timestamp).isoformat(), event.run_id, event.event_type, event.payload)

    def log_run_start(self, metadata: RunMetadata) -> None:
        """A run that was started before keeps its first metadata."""
        about = metadata.model_dump(
            include={"run_id", "scenario_id", "condition_id", "agent_version", "model", "seed"}
        )
        marks = ",".join("?" * 10)
        sql = f"INSERT INTO runs ({RUN_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        texts = [as_text(str(value)) for name, value in about.items() if name != "seed"]
        started = utc(metadata.started_at).isoformat()
        details = to_json(metadata.validation_details) if metadata.validation_details else None
        finished = utc(metadata.finished_at).isoformat() if metadata.finished_at else None
        ending = (started, finished, metadata.task_success, details)
        self._log(
            metadata.run_id,
            EventType.RUN_START,
            {**about, "library": f"hitloop-tui {__version__}"},
            (sql, (*texts, storable_seed(metadata.seed), *ending)),
        )

    def log_run_end(
        self, run_id: str, success: bool, validation_details: dict[str, Any] | None = None
    ) -> None:
        details = validation_details or {}
        sql = (
            "UPDATE runs SET finished_at=?, task_success=?,"
            " validation_details=coalesce(?, validation_details) WHERE run_id=?"
        )
        stored = to_json(details) if details else None
        ending = (_now(), int(bool(success)), stored, as_text(run_id))
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
            "finished_at": _now() if finished_at is None else utc(finished_at).isoformat(),
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
            f"SELECT {EVENT_COLUMNS} FROM trace_events"
            f" WHERE {' AND '.join(where)} ORDER BY id LIMIT ?",
            [*where.values(), -1 if limit is None else limit],
        )
        return list(self._readable(rows, event_of))

    def get_run_metadata(self, run_id: str) -> RunMetadata | None:
        sql = f"SELECT {RUN_COLUMNS} FROM runs WHERE run_id=?"
        return next(self._readable(self._file.rows(sql, [as_text(run_id)]), run_of), None)

    def get_all_runs(self) -> list[RunMetadata]:
        """All runs, the one started first at the top."""
        sql = f"SELECT {RUN_COLUMNS} FROM runs ORDER BY started_at, id"
        return list(self._readable(self._file.rows(sql), run_of))

    def _log(
        self,
        run_id: str,
        kind: EventType,
        payload: dict[str, Any],
        statement: Statement | None = None,
    ) -> None:
        self._put(_now(), run_id, kind, payload, statement)

    def _put(
        self,
        at: str,
        run_id: str,
        kind: EventType,
        payload: dict[str, Any],
        statement: Statement | None = None,
    ) -> None:
        thread_id = TelemetryLogger.thread_of_caller()
        thread = as_text(thread_id) if thread_id else None
        row: Row = (at, as_text(run_id), kind.value, to_json(payload), thread)
        self._file.put([row], statement)

    def _readable(self, rows: list[Any], read: Callable[[Any], _T]) -> Iterator[_T]:
        """What the rows say; one that another program has spoiled does not hide the others."""
        for row in rows:
            try:
                yield read(row)
            except (ValueError, TypeError, RecursionError) as error:
                _log.warning("telemetry %s: row %s is left out: %s", self.db_path, row[0], error)


def _now() -> str:
    return datetime.now(UTC).isoformat()
