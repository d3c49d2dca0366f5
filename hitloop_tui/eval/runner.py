"""Runs experiments: every condition on the same items, every trial logged."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from hitloop_tui import __version__
from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import RunMetadata
from hitloop_tui.eval.conditions import ExperimentCondition, create_standard_conditions
from hitloop_tui.eval.held_back import HeldBack
from hitloop_tui.eval.items import Item, Items
from hitloop_tui.eval.metrics import MetricsCalculator
from hitloop_tui.eval.progress import Progress
from hitloop_tui.eval.rates import ratio
from hitloop_tui.eval.trial import Trial, TrialResult

__all__ = ["ExperimentCondition", "ExperimentRunner", "TrialResult", "create_standard_conditions"]

ProgressCallback = Callable[[int, int, str], None]
Order = Literal["blocks", "shuffled"]


class ExperimentRunner:
    """Runs conditions trial by trial and exports what was measured.

    runner = ExperimentRunner(TelemetryLogger("experiment.db"))
    for condition in create_standard_conditions(EmailDraftScenario()):
        runner.add_condition(condition)
    await runner.run_all()
    runner.export_results("results.csv", "summary.json")

    `order`: condition after condition, or all trials of all conditions in one shuffled order (the
    same for the same seeds), so that a person's learning and tiring fall on every condition alike.
    """

    def __init__(
        self,
        logger: TelemetryLogger,
        output_dir: Path | str = "./experiment_output",
        order: Order = "blocks",
    ) -> None:
        self.logger = logger
        self.output_dir = Path(output_dir)
        self.order = order
        self.conditions: list[ExperimentCondition] = []
        self.results: list[TrialResult] = []
        self._items = Items()
        self._digests: dict[int, tuple[ExperimentCondition, str]] = {}
        self._run_ids: list[str] = []
        """Of all trials begun, also of one that was cut short."""
        self._ran = False

    def add_condition(self, condition: ExperimentCondition) -> None:
        self.conditions.append(condition)

    def items(self, condition: ExperimentCondition) -> list[Item]:
        """What a condition is about to show, with the truth. Never show it to the operator."""
        return [self._item(condition, trial) for trial in range(condition.n_trials)]

    def _item(self, condition: ExperimentCondition, trial: int) -> Item:
        return self._items.draw(
            condition.scenario, trial, condition.base_seed, condition.injection_config
        )

    async def run_all(self, progress_callback: ProgressCallback | None = None) -> list[TrialResult]:
        """Run all trials; without a callback long runs report themselves on standard error.

        What is done is kept when it is cancelled, and can be exported.
        """
        progress = progress_callback or Progress()
        plan = self._plan()
        self._ran = True
        try:
            for count, (condition, trial) in enumerate(plan, start=1):
                message = f"{condition.condition_id}, trial {trial + 1} of {condition.n_trials}"
                progress(count, len(plan), message)
                await asyncio.sleep(0)  # simulated operators never wait: ctrl+c would, to the end
                self.results.append(await self.run_trial(condition, trial))
        finally:
            if isinstance(progress, Progress):
                progress.end()
        return self.results

    def _plan(self) -> list[tuple[ExperimentCondition, int]]:
        plan = [(one, trial) for one in self.conditions for trial in range(one.n_trials)]
        if self.order == "shuffled":
            seeds = [one.base_seed for one in self.conditions]
            random.Random(f"order:{seeds}").shuffle(plan)
        return plan

    async def run_trial(self, condition: ExperimentCondition, trial_number: int) -> TrialResult:
        """Run one trial. It ends well or with `execution_error`; only cancelling gets through."""
        result = TrialResult(
            run_id=str(uuid.uuid4()),
            condition_id=condition.condition_id,
            trial_number=trial_number,
            seed=condition.base_seed + trial_number,
            policy_name=condition.policy.name,
        )
        config_sha256 = self._digest(condition)
        self._begin(condition, result)
        log = HeldBack(self.logger)
        try:
            condition.scenario.reset()
            _forget(condition)
            await Trial(condition, result, log).play(self._item(condition, trial_number))
        except Exception as error:
            result.execution_error = str(error)
            log.log_error(result.run_id, error, {"phase": "trial"})
        finally:
            log.release()
        details = {**result.details(), "config_sha256": config_sha256}
        self.logger.log_run_end(result.run_id, result.success, details)
        return result

    def _begin(self, condition: ExperimentCondition, result: TrialResult) -> None:
        self._run_ids.append(result.run_id)
        self._ran = True
        self.logger.log_run_start(
            RunMetadata(
                run_id=result.run_id,
                scenario_id=condition.scenario.config.scenario_id,
                condition_id=condition.condition_id,
                agent_version=f"hitloop-tui {__version__}",
                seed=result.seed,
            )
        )

    def _digest(self, condition: ExperimentCondition) -> str:
        """Taken before the first trial: a policy or backend may count as it goes."""
        if id(condition) not in self._digests:
            self._digests[id(condition)] = condition, condition.digest()
        return self._digests[id(condition)][1]

    def export_results(
        self, csv_path: Path | str | None = None, json_path: Path | str | None = None
    ) -> tuple[Path | None, Path | None]:
        """Write this runner's trials and their summary; paths are relative to `output_dir`.

        A runner that ran nothing exports every run of its log.
        """
        run_ids = self._run_ids if self._ran else None
        calculator = MetricsCalculator(self.logger)
        table = self.output_dir / csv_path if csv_path else None
        summary = self.output_dir / json_path if json_path else None
        self.output_dir.mkdir(parents=True, exist_ok=True)
        if table:
            calculator.export_results_csv(table, run_ids)
        if summary:
            calculator.export_summary_json(summary, run_ids=run_ids)
        return table, summary

    def get_summary(self) -> dict[str, Any]:
        """The main figures so far, without reading the log."""
        if not self.results:
            return {"status": "no results"}
        return {"total_trials": len(self.results), "conditions": dict(self._summaries())}

    def _summaries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for condition_id in dict.fromkeys(one.condition_id for one in self.conditions):
            found = [one for one in self.results if one.condition_id == condition_id]
            if not found:
                continue
            injected = sum(one.injected_error for one in found)
            caught = sum(one.error_caught for one in found)
            yield (
                condition_id,
                {
                    "n_trials": len(found),
                    "success_rate": ratio(sum(one.success for one in found), len(found)),
                    "injected_errors": injected,
                    "errors_caught": caught,
                    "error_catch_rate": ratio(caught, injected),
                    "approval_rate": ratio(sum(o.approval_requested for o in found), len(found)),
                },
            )


def _forget(condition: ExperimentCondition) -> None:
    """Every trial is a run of its own: what a policy remembers of the last one must not count."""
    reset = getattr(condition.policy, "reset", None)
    if callable(reset):
        reset()
