"""Every public name of hitloop 0.5.1's policies, scenarios and experiments is here, under the same
path and with the same parameters, so that code written for it runs with the package's name changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from typing import Any

import pytest

PUBLISHED = """
policies
    AlwaysApprovePolicy RiskBasedPolicy AuditPlusEscalatePolicy
policies.always_approve
    AlwaysApprovePolicy()
    AlwaysApprovePolicy.name
    AlwaysApprovePolicy.should_request_approval(action, state)
policies.risk_based
    RiskBasedPolicy(require_approval_for_high=True, require_approval_for_medium=False,
        high_risk_tools=None, sensitive_arg_patterns=None, max_amount_without_approval=None)
    RiskBasedPolicy.name
    RiskBasedPolicy.should_request_approval(action, state)
    RiskBasedPolicy.post_decision_update(state, action, decision)
policies.audit_plus_escalate
    AuditPlusEscalatePolicy(audit_sample_rate=0.1, anomaly_signals=None,
        escalate_on_high_risk=True, escalate_on_medium_risk=False,
        consecutive_action_threshold=5, seed=None)
    AuditPlusEscalatePolicy.name
    AuditPlusEscalatePolicy.should_request_approval(action, state)
    AuditPlusEscalatePolicy.post_decision_update(state, action, decision)
    AuditPlusEscalatePolicy.post_execution_update(state, action, result)
    AuditPlusEscalatePolicy.reset()
scenarios
    Scenario ScenarioConfig ValidationResult EmailDraftScenario RecordUpdateScenario
scenarios.base
    ScenarioConfig(scenario_id, name, description='', expected_tool='', expected_args=...,
        risk_class='low', side_effects=..., seed=None, extra=...)
    ValidationResult(success, reason, details=...)
    Scenario(config)
    Scenario.name
    Scenario.get_tools()
    Scenario.generate_action(correct=True)
    Scenario.validate_result(result)
    Scenario.get_initial_state()
    Scenario.get_task_description()
    Scenario.reset()
scenarios.email_draft
    EmailDraftScenario(config=None, output_dir=None, rng=None)
    EmailDraftScenario.VALID_RECIPIENTS
    EmailDraftScenario.INVALID_RECIPIENTS
    EmailDraftScenario.SUBJECTS
    EmailDraftScenario.name
    EmailDraftScenario.get_tools()
    EmailDraftScenario.generate_action(correct=True)
    EmailDraftScenario.validate_result(result)
    EmailDraftScenario.reset()
    EmailDraftScenario.get_task_description()
scenarios.record_update
    RecordUpdateScenario(config=None, db_path=None, rng=None)
    RecordUpdateScenario.VALID_CUSTOMER_IDS
    RecordUpdateScenario.INVALID_CUSTOMER_IDS
    RecordUpdateScenario.VALID_FIELDS
    RecordUpdateScenario.SENSITIVE_FIELDS
    RecordUpdateScenario.name
    RecordUpdateScenario.get_tools()
    RecordUpdateScenario.generate_action(correct=True)
    RecordUpdateScenario.validate_result(result)
    RecordUpdateScenario.reset()
    RecordUpdateScenario.close()
    RecordUpdateScenario.get_task_description()
eval
    ExperimentRunner ExperimentCondition ErrorInjector InjectionConfig MetricsCalculator
eval.injectors
    InjectionType
    InjectionConfig(injection_rate=0.1, injection_types=..., seed=None)
    InjectionResult(injected, original_action, modified_action=None, injection_type=None,
        injection_details=...)
    ErrorInjector(config=None)
    ErrorInjector.WRONG_RECIPIENTS
    ErrorInjector.WRONG_RECORD_IDS
    ErrorInjector.INVALID_TOOLS
    ErrorInjector.maybe_inject(action)
    ErrorInjector.get_stats()
    ErrorInjector.reset()
eval.metrics
    RunMetrics(run_id, scenario_id='', condition_id='', policy_name='', seed=None,
        task_success=False, approval_requested=False, approval_granted=True,
        human_latency_ms=0.0, time_to_complete_ms=0.0, injected_error=False,
        error_caught=False, tool_failure=False, tokens_used=0, llm_calls=0)
    ConditionMetrics(condition_id, policy_name='', n_runs=0, success_rate=0.0,
        approval_rate=0.0, human_latency_mean_ms=0.0, human_latency_p95_ms=0.0,
        time_to_complete_mean_ms=0.0, time_to_complete_p95_ms=0.0, error_catch_rate=0.0,
        false_reject_rate=0.0, tool_failure_rate=0.0, cost_proxy=0.0)
    MetricsCalculator(logger)
    MetricsCalculator.compute_run_metrics(run_id)
    MetricsCalculator.compute_condition_metrics(condition_id=None, run_ids=None)
    MetricsCalculator.export_results_csv(output_path, run_ids=None)
    MetricsCalculator.export_summary_json(output_path, by_condition=True)
eval.runner
    ExperimentCondition(condition_id, policy, backend, scenario, injection_config=None,
        n_trials=10, base_seed=42)
    TrialResult(run_id, condition_id, trial_number, seed, success=False, injected_error=False,
        error_caught=False, approval_requested=False, approval_granted=True,
        execution_error=None)
    ExperimentRunner(logger, output_dir='./experiment_output')
    ExperimentRunner.add_condition(condition)
    ExperimentRunner.run_all(progress_callback=None)
    ExperimentRunner.run_trial(condition, trial_number)
    ExperimentRunner.export_results(csv_path=None, json_path=None)
    ExperimentRunner.get_summary()
    create_standard_conditions(scenario, n_trials=20, injection_rate=0.2, base_seed=42)
"""
"""A module, and what it has: names, and calls with their parameters. `...` is a default that is
made anew for each."""


def entries() -> Iterator[tuple[str, str]]:
    module = ""
    for entry in PUBLISHED.replace(",\n        ", ", ").strip().split("\n"):
        if not entry.startswith(" "):
            module = f"hitloop_tui.{entry}"
        elif "(" in entry:
            yield module, entry.strip()
        else:
            yield from ((module, name) for name in entry.split())


def found(module: str, path: str) -> Any:
    thing: Any = import_module(module)
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing


@pytest.mark.parametrize(("module", "entry"), [*entries()])
def test_what_hitloop_has_is_here(module, entry):
    path, call, parameters = entry.removesuffix(")").partition("(")
    thing = found(module, path)
    if not call:
        return
    ours = [one for one in inspect.signature(thing).parameters.values() if one.name != "self"]
    theirs = [one.partition("=")[::2] for one in parameters.split(", ") if one]
    assert [one.name for one in ours[: len(theirs)]] == [name for name, _ in theirs]
    assert all(one.default is not one.empty for one in ours[len(theirs) :])
    for parameter, (_, default) in zip(ours, theirs, strict=False):
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        unknown = module.endswith(".metrics") and default in ("False", "0.0")
        assert shown(parameter.default) == default or (unknown and parameter.default is None)


def shown(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return ""
    if "factory" in repr(default):  # how a dataclass writes it into its signature
        return "..."
    return repr(default.value if isinstance(default, Enum) else default)


def test_what_a_signature_does_not_say():
    runner = found("hitloop_tui.eval.runner", "ExperimentRunner")
    assert inspect.iscoroutinefunction(runner.run_all)
    assert inspect.iscoroutinefunction(runner.run_trial)
    kinds = (
        "wrong_recipient wrong_record_id wrong_amount invalid_tool sensitive_data malformed_args"
    )
    found_kinds = found("hitloop_tui.eval.injectors", "InjectionType")
    assert [(one.name, one.value) for one in found_kinds] == [
        (kind.upper(), kind) for kind in kinds.split()
    ]
