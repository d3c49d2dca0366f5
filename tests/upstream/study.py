"""Small experiments on the package under test."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.upstream.faults import part

models, evals = part("core.models"), part("eval")
backends, policies, scenarios = part("backends"), part("policies"), part("scenarios")


def ask_always() -> Any:
    return policies.RiskBasedPolicy(require_approval_for_medium=True)


class Person(part("core.interfaces").ApprovalBackend):  # type: ignore[misc, name-defined]
    """Answers as told, and keeps what was asked."""

    def __init__(self, approved: Callable[[Any], bool], latency_ms: float = 0.0) -> None:
        self.approved = approved
        self.latency_ms = latency_ms
        self.requests: list[Any] = []

    async def request_approval(self, request: Any) -> Any:
        self.requests.append(request)
        return models.Decision(
            action_id=request.action.id,
            approved=self.approved(request),
            decided_by="human:ann",
            latency_ms=self.latency_ms,
        )


class Study:
    """A runner on a telemetry file, and what it found."""

    def __init__(self, folder: Path, scenario: Any = None, **options: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.logger = part("core.logger").TelemetryLogger(folder / "study.db")
        self.scenario = scenario or scenarios.EmailDraftScenario(output_dir=folder / "mails")
        self.runner = evals.ExperimentRunner(self.logger, output_dir=folder, **options)
        self.metrics = part("eval.metrics").MetricsCalculator(self.logger)

    def add(
        self,
        name: str = "c",
        policy: Any = None,
        backend: Any = None,
        rate: float = 0.2,
        **more: Any,
    ) -> None:
        condition = evals.ExperimentCondition(
            condition_id=name,
            policy=policy or ask_always(),
            backend=backend or backends.AutoApproveBackend(),
            scenario=self.scenario,
            injection_config=evals.InjectionConfig(injection_rate=rate),
            **more,
        )
        self.runner.add_condition(condition)

    async def run(self, name: str = "c", **condition: Any) -> Any:
        """The figures of one condition alone."""
        self.runner.conditions.clear()
        self.add(name, **condition)
        await self.runner.run_all()
        return self.metrics.compute_condition_metrics(name)

    def summary(self) -> dict[str, Any]:
        _, path = self.runner.export_results(json_path="summary.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def hashes(self) -> dict[str, list[str]]:
        """The actions of each condition, in order."""
        conditions = {run.run_id: run.condition_id for run in self.logger.get_all_runs()}
        found = defaultdict(list)
        for event in self.logger.get_events(event_type=models.EventType.ACTION_PROPOSED):
            found[conditions[event.run_id]].append(event.payload["args_hash"])
        return dict(found)

    def log_run(self, latency_ms: float, by: str = "human:ann") -> None:
        """A run by hand: asked, and approved after so long."""
        run = models.RunMetadata(condition_id="c")
        action = models.Action(tool_name="pay")
        decision = models.Decision(
            action_id=action.id, approved=True, decided_by=by, latency_ms=latency_ms
        )
        self.logger.log_run_start(run)
        request = models.ApprovalRequest(run_id=run.run_id, action=action)
        self.logger.log_approval_requested(run.run_id, request)
        self.logger.log_approval_decided(run.run_id, decision)
        self.logger.log_run_end(run.run_id, success=True)

    def close(self) -> None:
        self.logger.close()

    def rows(self) -> list[dict[str, str]]:
        """`results.csv`."""
        path, _ = self.runner.export_results("results.csv")
        return rows_of(path)


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text().splitlines()))
