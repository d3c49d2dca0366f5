"""`results.csv` and `summary.json`: which columns and keys, in which order."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hitloop_tui.eval.runs import RunMetrics

if TYPE_CHECKING:
    from hitloop_tui.eval.metrics import ConditionMetrics

COLUMNS = (
    "run_id",
    "scenario_id",
    "condition_id",
    "policy_name",
    "task_success",
    "approval_requested",
    "injected_error",
    "error_caught",
    "seed",
    "approval_granted",
    "human_latency_ms",
    "time_to_complete_ms",
    "tool_failure",
    "tokens_used",
    "llm_calls",
    "trial_number",
    "item_id",
    "injection_type",
    "outcome",
    "operator",
    "actor_kind",
    "executed",
    "escaped",
)
KEYS = (
    "n_runs",
    "success_rate",
    "approval_rate",
    "error_catch_rate",
    "false_reject_rate",
    "human_latency_mean_ms",
    "policy_name",
    "human_latency_p95_ms",
    "time_to_complete_mean_ms",
    "time_to_complete_p95_ms",
    "tool_failure_rate",
    "cost_proxy",
    "human_latency_median_ms",
    "n_injected",
    "n_asked",
    "n_decided",
    "d_prime",
    "criterion",
    "actor_kinds",
)
RATE_DIGITS, MS_DIGITS = 4, 2


def write_results(path: Path, runs: Iterable[RunMetrics]) -> None:
    """One row per run; truth values as 0 and 1, unknown ones empty.

    Texts stand as they were logged. A spreadsheet takes one that begins with `=`, `+`, `-` or `@`
    for a formula: import the columns as text.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_cell(getattr(run, name)) for name in COLUMNS] for run in runs)


def write_summary(path: Path, conditions: Mapping[str, ConditionMetrics]) -> None:
    path.write_text(json.dumps(summary(conditions), indent=2) + "\n", encoding="utf-8")


def summary(conditions: Mapping[str, ConditionMetrics]) -> dict[str, dict[str, Any]]:
    """The document that `summary.json` holds."""
    return {name: _figures(metrics) for name, metrics in conditions.items()}


def _figures(metrics: ConditionMetrics) -> dict[str, Any]:
    figures = {name: _rounded(name, getattr(metrics, name)) for name in KEYS}
    further = {
        name: _rounded(name, share.value)
        for name, share in metrics.shares.items()
        if name not in figures
    }
    counts = {
        name: {
            "k": share.k,
            "n": share.n,
            "wilson_95": share.interval and [round(bound, RATE_DIGITS) for bound in share.interval],
        }
        for name, share in metrics.shares.items()
    }
    return {**figures, **further, "counts": counts}


def _rounded(name: str, value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, MS_DIGITS if name.endswith("_ms") else RATE_DIGITS)


def _cell(value: Any) -> Any:
    match value:
        case bool():
            return int(value)
        case float():
            return round(value, MS_DIGITS)
        case None:
            return ""
    return value
