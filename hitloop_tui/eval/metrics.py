"""The metrics of an experiment, out of its log.

A run is one trial. A question is *decided* when somebody answered it; a timeout, a cancelled or a
failed request is not an answer. Shares over nothing are None (null in JSON), never zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import TraceEvent
from hitloop_tui.eval import tables
from hitloop_tui.eval.outcomes import Outcome
from hitloop_tui.eval.rates import Share, mean, quantile, sensitivity
from hitloop_tui.eval.runs import RunMetrics, read_run

__all__ = ["ConditionMetrics", "MetricsCalculator", "RunMetrics"]


@dataclass
class ConditionMetrics:
    """The figures of one condition."""

    condition_id: str
    policy_name: str = ""
    n_runs: int = 0
    success_rate: float | None = None
    """The right thing was done / runs that ended. A stopped mistake is safe, not done."""
    approval_rate: float | None = None
    """Somebody was asked / runs."""
    human_latency_mean_ms: float | None = None
    """Over decided questions."""
    human_latency_p95_ms: float | None = None
    """Of type 7 (`rates.quantile`), as are all quantiles here."""
    time_to_complete_mean_ms: float | None = None
    time_to_complete_p95_ms: float | None = None
    error_catch_rate: float | None = None
    """Stopped or corrected by whoever was asked / injected errors, asked about or not."""
    false_reject_rate: float | None = None
    """Stopped / decided questions about right Actions."""
    tool_failure_rate: float | None = None
    """Failed / runs in which a tool was called."""
    cost_proxy: float | None = None
    """Tokens, or LLM calls where tokens are not known; None when no LLM call was logged."""
    human_latency_median_ms: float | None = None
    n_injected: int = 0
    n_asked: int = 0
    n_decided: int = 0
    d_prime: float | None = None
    criterion: float | None = None
    actor_kinds: dict[str, int] = field(default_factory=dict)
    """Who answered, human or simulated: figures of both together mean nothing."""
    shares: dict[str, Share] = field(default_factory=dict)
    """All rates, with what they are shares of."""


class MetricsCalculator:
    """Reads the log once per call."""

    def __init__(self, logger: TelemetryLogger) -> None:
        self.logger = logger

    def compute_run_metrics(self, run_id: str) -> RunMetrics:
        metadata = self.logger.get_run_metadata(run_id)
        return read_run(run_id, metadata, self.logger.get_events(run_id=run_id))

    def compute_condition_metrics(
        self, condition_id: str | None = None, run_ids: Collection[str] | None = None
    ) -> ConditionMetrics:
        """Of one condition, of the runs named, or of all runs. No runs named means none."""
        runs = self.runs(run_ids)
        if run_ids is None and condition_id is not None:
            runs = [run for run in runs if run.condition_id == condition_id]
        name = condition_id or ("all" if runs else "unknown")
        return summarize(name, runs)

    def compute_all_conditions(
        self, run_ids: Collection[str] | None = None
    ) -> dict[str, ConditionMetrics]:
        """By condition, in the order in which they were first run."""
        found: dict[str, list[RunMetrics]] = {}
        for run in self.runs(run_ids):
            if run.condition_id:
                found.setdefault(run.condition_id, []).append(run)
        return {name: summarize(name, runs) for name, runs in found.items()}

    def runs(self, run_ids: Collection[str] | None = None) -> list[RunMetrics]:
        """The figures of all runs, or of those named, the one started first at the top."""
        wanted = None if run_ids is None else set(run_ids)
        found = self.logger.get_all_runs()
        if wanted is not None:
            found = [run for run in found if run.run_id in wanted]
        if not found:
            return []
        events: dict[str, list[TraceEvent]] = {run.run_id: [] for run in found}
        for event in self.logger.get_events():
            if event.run_id in events:
                events[event.run_id].append(event)
        return [read_run(run.run_id, run, events[run.run_id]) for run in found]

    def export_results_csv(
        self, output_path: Path | str, run_ids: Collection[str] | None = None
    ) -> None:
        """One row per run."""
        tables.write_results(Path(output_path), self.runs(run_ids))

    def export_summary_json(
        self,
        output_path: Path | str,
        by_condition: bool = True,
        run_ids: Collection[str] | None = None,
    ) -> None:
        """One object per condition, or one for everything."""
        if by_condition:
            found = self.compute_all_conditions(run_ids)
        else:
            found = {"overall": summarize("overall", self.runs(run_ids))}
        tables.write_summary(Path(output_path), found)


Test = Callable[[RunMetrics], bool]


def summarize(condition_id: str, runs: Iterable[RunMetrics]) -> ConditionMetrics:
    """The figures of these runs."""
    runs = list(runs)
    shares = _shares(runs)
    latencies = [run.human_latency_ms for run in runs if run.human_latency_ms is not None]
    times = [run.time_to_complete_ms for run in runs if run.time_to_complete_ms is not None]
    signal = _sensitivity(runs)
    return ConditionMetrics(
        condition_id=condition_id,
        policy_name=next((run.policy_name for run in runs if run.policy_name), ""),
        n_runs=len(runs),
        success_rate=shares["success_rate"].value,
        approval_rate=shares["approval_rate"].value,
        human_latency_mean_ms=mean(latencies),
        human_latency_p95_ms=quantile(latencies, 0.95),
        time_to_complete_mean_ms=mean(times),
        time_to_complete_p95_ms=quantile(times, 0.95),
        error_catch_rate=shares["error_catch_rate"].value,
        false_reject_rate=shares["false_reject_rate"].value,
        tool_failure_rate=shares["tool_failure_rate"].value,
        cost_proxy=_cost(runs),
        human_latency_median_ms=quantile(latencies, 0.5),
        n_injected=sum(run.injected_error for run in runs),
        n_asked=sum(run.approval_requested for run in runs),
        n_decided=sum(run.outcome.decided for run in runs),
        d_prime=signal[0] if signal else None,
        criterion=signal[1] if signal else None,
        actor_kinds=dict(Counter(run.actor_kind for run in runs if run.actor_kind)),
        shares=shares,
    )


def _shares(runs: list[RunMetrics]) -> dict[str, Share]:
    def share(part: Test, *whole: Test) -> Share:
        among = [run for run in runs if all(test(run) for test in whole)]
        return Share(sum(bool(part(run)) for run in among), len(among))

    def asked(run: RunMetrics) -> bool:
        return run.approval_requested

    def decided(run: RunMetrics) -> bool:
        return run.approval_requested and run.outcome.decided

    def injected(run: RunMetrics) -> bool:
        return run.injected_error

    def clean(run: RunMetrics) -> bool:
        return not run.injected_error

    return {
        "success_rate": share(lambda r: bool(r.task_success), lambda r: r.task_success is not None),
        "approval_rate": share(asked),
        "error_catch_rate": share(lambda r: r.error_caught, injected),
        "false_reject_rate": share(lambda r: r.outcome.stopped, clean, decided),
        "tool_failure_rate": share(lambda r: r.tool_failure, lambda r: r.executed),
        "coverage_injected": share(asked, injected),
        "coverage_clean": share(asked, clean),
        "catch_rate": share(lambda r: r.error_caught, injected, decided),
        "catch_rate_itt": share(lambda r: r.error_caught, injected, asked),
        "escape_rate": share(lambda r: r.escaped, injected),
        "benign_loss": share(lambda r: not r.executed, clean),
        "timeout_rate": share(lambda r: r.outcome is Outcome.TIMEOUT, asked),
        "edit_share": share(lambda r: r.outcome is Outcome.EDIT, decided),
    }


def _sensitivity(runs: list[RunMetrics]) -> tuple[float, float] | None:
    """Over decided questions; an alarm is a stop, or an edit that removed the error."""
    decided = [run for run in runs if run.approval_requested and run.outcome.decided]
    signals = [run.error_caught for run in decided if run.injected_error]
    noises = [run.outcome.stopped for run in decided if not run.injected_error]
    hits, alarms = sum(signals), sum(noises)
    return sensitivity(hits, len(signals) - hits, alarms, len(noises) - alarms)


def _cost(runs: list[RunMetrics]) -> float | None:
    calls = sum(run.llm_calls for run in runs)
    tokens = sum(run.tokens_used for run in runs)
    return float(tokens or calls) if calls else None
