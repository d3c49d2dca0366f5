"""Tasks for experiments: what the agent should do, its tools, and what counts as done."""

from hitloop_tui.scenarios.base import Scenario, ScenarioConfig, ValidationResult
from hitloop_tui.scenarios.email_draft import EmailDraftScenario
from hitloop_tui.scenarios.record_update import RecordUpdateScenario

__all__ = [
    "EmailDraftScenario",
    "RecordUpdateScenario",
    "Scenario",
    "ScenarioConfig",
    "ValidationResult",
]
