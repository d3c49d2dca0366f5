"""One run of the log, read into figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hitloop_tui.core.models import EventType, RunMetadata, TraceEvent
from hitloop_tui.eval.outcomes import Outcome, actor_kind, read_outcome


@dataclass
class RunMetrics:
    """The figures of one run. None is "not known" or "did not happen", never zero."""

    run_id: str
    scenario_id: str = ""
    condition_id: str = ""
    policy_name: str = ""
    seed: int | None = None
    task_success: bool | None = None
    approval_requested: bool = False
    approval_granted: bool | None = True
    """None while a question is open."""
    human_latency_ms: float | None = None
    """Until somebody answered; None for a timeout."""
    time_to_complete_ms: float | None = None
    injected_error: bool = False
    error_caught: bool = False
    tool_failure: bool = False
    tokens_used: int = 0
    llm_calls: int = 0
    trial_number: int | None = None
    item_id: str = ""
    injection_type: str = ""
    outcome: Outcome = Outcome.UNASKED
    operator: str = ""
    actor_kind: str = ""
    executed: bool = False
    escaped: bool = False
    """The injected error was executed."""


@dataclass
class _Reading:
    """What the events of one run say, by Action."""

    asked: dict[str, str] = field(default_factory=dict)
    """The policy that asked."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    unasked: dict[str, str] = field(default_factory=dict)
    """The policy that decided by itself."""
    refused: bool = False
    wrong: set[str] = field(default_factory=set)
    executed: set[str] = field(default_factory=set)
    latencies: list[float] = field(default_factory=list)


def read_run(run_id: str, metadata: RunMetadata | None, events: Iterable[TraceEvent]) -> RunMetrics:
    """The figures of a run, whether an experiment logged it or a gate in an agent."""
    metrics, reading = RunMetrics(run_id), _Reading()
    if metadata is not None:
        metrics.scenario_id, metrics.condition_id = metadata.scenario_id, metadata.condition_id
        metrics.seed, metrics.task_success = metadata.seed, metadata.task_success
        metrics.time_to_complete_ms = metadata.duration_ms()
    for event in events:
        _count(metrics, event)
        _note(reading, event)
    _conclude(metrics, reading)
    _correct(metrics, metadata.validation_details if metadata else {})
    if metrics.escaped and metrics.task_success:
        metrics.task_success = False  # hitloop 0.5 logs it as a success
    return metrics


def _count(metrics: RunMetrics, event: TraceEvent) -> None:
    payload = event.payload
    match event.event_type:
        case EventType.LLM_CALL:
            metrics.llm_calls += 1
            metrics.tokens_used += (payload.get("tokens_in") or 0) + (
                payload.get("tokens_out") or 0
            )
        case EventType.TOOL_EXECUTION_END:
            metrics.tool_failure |= payload.get("success") is False


def _note(reading: _Reading, event: TraceEvent) -> None:
    payload = event.payload
    action = str(payload.get("action_id", ""))
    match event.event_type:
        case EventType.INJECTED_ERROR:
            reading.wrong.add(action)
        case EventType.ACTION_PROPOSED if payload.get("injected_error"):
            reading.wrong.add(action)
        case EventType.TOOL_EXECUTION_START | EventType.TOOL_EXECUTION_END:
            reading.executed.add(action)
        case EventType.APPROVAL_REQUESTED:
            reading.asked[action] = payload.get("policy_name", "")
        case EventType.APPROVAL_DECIDED:
            who, _, name = str(payload.get("decided_by", "")).partition(":")
            if who == "policy":
                reading.unasked[action] = name
                reading.refused |= not payload.get("approved")
            else:
                reading.answers[action] = payload


def _conclude(metrics: RunMetrics, reading: _Reading) -> None:
    outcomes = dict.fromkeys(reading.asked, Outcome.OPEN)
    for action, answer in reading.answers.items():
        outcomes[action] = outcome = _outcome(answer)
        latency = answer.get("latency_ms") or 0.0
        if outcome.decided and latency > 0:  # 0.0 is "unknown" in a Decision
            reading.latencies.append(latency)
        metrics.operator = answer.get("decided_by", "")
        metrics.actor_kind = actor_kind(metrics.operator)
    metrics.approval_requested = bool(outcomes)
    metrics.human_latency_ms = sum(reading.latencies) if reading.latencies else None
    names = [name for name in (*reading.asked.values(), *reading.unasked.values()) if name]
    metrics.policy_name = names[0] if names else ""
    metrics.injected_error = bool(reading.wrong)
    about_wrong = [outcomes[action] for action in reading.wrong if action in outcomes]
    metrics.error_caught = any(outcome.stopped for outcome in about_wrong)
    unasked = Outcome.REFUSED if reading.refused else Outcome.UNASKED
    metrics.outcome = next(reversed([*outcomes.values(), *about_wrong]), unasked)
    granted = not reading.refused and all(one.get("approved") for one in reading.answers.values())
    still_open = Outcome.OPEN in outcomes.values()
    metrics.approval_granted = None if granted and still_open else granted
    metrics.executed = bool(reading.executed)
    metrics.escaped = bool(reading.wrong & reading.executed) and not metrics.error_caught


def _outcome(answer: dict[str, Any]) -> Outcome:
    return read_outcome(
        bool(answer.get("approved")),
        str(answer.get("decided_by", "")),
        answer.get("tags") or (),
        edited=answer.get("edited_args") is not None,
        answered=answer.get("response") is not None,
    )


_KNOWN_BETTER = (
    "policy_name",
    "approval_granted",
    "error_caught",
    "trial_number",
    "item_id",
    "injection_type",
    "executed",
    "escaped",
)


def _correct(metrics: RunMetrics, details: dict[str, Any]) -> None:
    """What the events cannot say and our runner wrote down: whether an edit removed the error."""
    if "trial_number" not in details:
        return
    for name in _KNOWN_BETTER:
        if details.get(name) is not None:
            setattr(metrics, name, details[name])
    metrics.outcome = Outcome(details.get("outcome", metrics.outcome))
