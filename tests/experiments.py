"""Small experiments for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hitloop_tui.backends import AutoApproveBackend
from hitloop_tui.core.interfaces import ApprovalBackend, HITLPolicy
from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import Action, ApprovalRequest, Decision
from hitloop_tui.eval import ExperimentCondition, ExperimentRunner, InjectionConfig
from hitloop_tui.eval.metrics import ConditionMetrics, MetricsCalculator
from hitloop_tui.policies import RiskBasedPolicy
from hitloop_tui.scenarios import EmailDraftScenario, Scenario, ScenarioConfig, ValidationResult

Answer = Callable[[ApprovalRequest], Decision]


class Asked(ApprovalBackend):
    """Answers as told, and keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[ApprovalRequest] = []

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        return self.answer(request)


def says(approved: bool, decided_by: str = "human:ann", **more: Any) -> Answer:
    return lambda request: Decision(
        action_id=request.action.id, approved=approved, decided_by=decided_by, **more
    )


def ask_always() -> HITLPolicy:
    return RiskBasedPolicy(require_approval_for_medium=True)


class Desk:
    """A log, a scenario and a runner in one folder."""

    def __init__(self, folder: Path, scenario: Scenario | None = None, **options: Any) -> None:
        self.folder = folder
        self.logger = TelemetryLogger(folder / "experiment.db")
        self.scenario = scenario or EmailDraftScenario(output_dir=folder / "emails")
        self.runner = ExperimentRunner(self.logger, output_dir=folder, **options)
        self.metrics = MetricsCalculator(self.logger)

    def condition(
        self,
        name: str = "c",
        policy: HITLPolicy | None = None,
        backend: ApprovalBackend | None = None,
        rate: float = 0.2,
        n: int = 20,
        **more: Any,
    ) -> ExperimentCondition:
        one = ExperimentCondition(
            condition_id=name,
            policy=policy or ask_always(),
            backend=backend or AutoApproveBackend(),
            scenario=more.pop("scenario", self.scenario),
            injection_config=InjectionConfig(rate, more.pop("types", []), more.pop("seed", None)),
            n_trials=n,
            **more,
        )
        self.runner.add_condition(one)
        return one

    async def run(self, *args: Any, **options: Any) -> ConditionMetrics:
        """The figures of one more condition."""
        one = self.condition(*args, **options)
        self.runner.conditions = [one]
        await self.runner.run_all()
        return self.metrics.compute_condition_metrics(one.condition_id)

    def close(self) -> None:
        self.scenario.close()
        self.logger.close()


class OldScenario(Scenario):
    """As somebody wrote one for hitloop 0.5: the four methods, and dice of its own."""

    def __init__(self, dice: Callable[[], float]) -> None:
        super().__init__(ScenarioConfig(scenario_id="old", name="Old", expected_tool="pay"))
        self.dice = dice

    @property
    def name(self) -> str:
        return "old"

    def get_tools(self) -> dict[str, Callable[..., Any]]:
        async def pay(**args: Any) -> dict[str, Any]:
            return {"success": True, **args}

        return {"pay": pay}

    def generate_action(self, correct: bool = True) -> Action:
        amount = round(10 + 90 * self.dice(), 2)
        words = f"Paying {amount} to the supplier"
        return Action(tool_name="pay", tool_args={"amount": amount}, rationale=words)

    def validate_result(self, result: dict[str, Any]) -> ValidationResult:
        return ValidationResult(success=bool(result["success"]), reason="paid")
