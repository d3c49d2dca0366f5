"""Metrics from logs that no experiment wrote, and the files they end in."""

from __future__ import annotations

import csv
import json

import pytest

from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, RunMetadata
from hitloop_tui.eval.metrics import MetricsCalculator
from hitloop_tui.eval.outcomes import Outcome, actor_kind, read_outcome
from hitloop_tui.eval.tables import COLUMNS, KEYS


@pytest.fixture
def logger():
    with TelemetryLogger(":memory:") as logger:
        yield logger


class Run:
    """One run, as a gate in an agent logs it."""

    def __init__(self, logger: TelemetryLogger, run_id: str, condition_id: str = "agent") -> None:
        self.logger, self.id = logger, run_id
        logger.log_run_start(RunMetadata(run_id=run_id, condition_id=condition_id))

    def action(self, injected: bool = False) -> Action:
        action = Action(tool_name="t")
        self.logger.log_action_proposed(self.id, action, injected)
        return action

    def asked(self, action: Action, policy: str = "risk_based") -> None:
        request = ApprovalRequest(run_id=self.id, action=action, policy_name=policy)
        self.logger.log_approval_requested(self.id, request, "cli")

    def decided(self, action: Action, approved: bool, by: str = "human:ann", **more) -> None:
        decision = Decision(action_id=action.id, approved=approved, decided_by=by, **more)
        self.logger.log_approval_decided(self.id, decision, "cli")


def metrics(logger: TelemetryLogger, run_id: str):
    return MetricsCalculator(logger).compute_run_metrics(run_id)


def test_a_run_of_a_gate(logger):
    run = Run(logger, "r")
    action = run.action(injected=True)
    run.asked(action)
    run.decided(action, False, latency_ms=800)
    logger.log_llm_call("r", tokens_in=5, tokens_out=None)
    logger.log_run_end("r", False)
    found = metrics(logger, "r")
    assert (found.injected_error, found.error_caught, found.escaped) == (True, True, False)
    assert (found.outcome, found.operator, found.actor_kind) == ("reject", "human:ann", "human")
    assert (found.human_latency_ms, found.tokens_used, found.llm_calls) == (800, 5, 1)
    assert (found.policy_name, found.approval_granted) == ("risk_based", False)
    assert found.time_to_complete_ms >= 0


def test_several_actions_of_one_run(logger):
    """hitloop 0.5 counts only the last approval of a run."""
    run = Run(logger, "r")
    wrong, right = run.action(injected=True), run.action()
    for action in (wrong, right):
        run.asked(action)
    run.decided(wrong, False, latency_ms=100)
    run.decided(right, True, latency_ms=50)
    found = metrics(logger, "r")
    assert (found.error_caught, found.approval_granted) == (True, False)
    assert (found.outcome, found.human_latency_ms) == ("reject", 150)


def test_a_policys_yes_does_not_overwrite_a_persons_no(logger):
    run = Run(logger, "r")
    wrong, other = run.action(injected=True), run.action()
    run.asked(wrong)
    run.decided(wrong, False, latency_ms=100)
    run.decided(other, True, "policy:risk_based")
    found = metrics(logger, "r")
    assert (found.error_caught, found.approval_granted, found.operator) == (
        True,
        False,
        "human:ann",
    )


def test_a_mistake_nobody_was_asked_about(logger):
    run = Run(logger, "r")
    action = run.action(injected=True)
    run.decided(action, True, "policy:always_approve")
    logger.log_tool_execution_start("r", action)
    found = metrics(logger, "r")
    assert (found.approval_requested, found.error_caught, found.escaped) == (False, False, True)
    assert (found.policy_name, found.outcome) == ("always_approve", "unasked")


def test_a_wrong_action_that_ran_is_no_success_whatever_the_log_says(logger):
    run = Run(logger, "r")
    action = run.action(injected=True)
    logger.log_tool_execution_start("r", action)
    logger.log_run_end("r", True)
    assert (metrics(logger, "r").escaped, metrics(logger, "r").task_success) == (True, False)


def test_a_right_action_that_ran_beside_a_wrong_one_is_no_escape(logger):
    run = Run(logger, "r")
    wrong, right = run.action(injected=True), run.action()
    run.asked(wrong)
    run.decided(wrong, False, "system:timeout", tags=["timeout"])
    logger.log_tool_execution_start("r", right)
    logger.log_run_end("r", True)
    found = metrics(logger, "r")
    assert (found.executed, found.escaped, found.error_caught) == (True, False, False)
    assert found.task_success is True


def test_an_open_question_is_not_decided(logger):
    run = Run(logger, "r")
    run.asked(run.action(injected=True))
    found = MetricsCalculator(logger).compute_condition_metrics("agent")
    assert (found.n_asked, found.n_decided, found.success_rate) == (1, 0, None)
    assert found.error_catch_rate == 0.0
    assert found.shares["catch_rate"].value is None
    assert metrics(logger, "r").approval_granted is None


def test_an_unknown_run(logger):
    found = metrics(logger, "nothing")
    assert (found.task_success, found.time_to_complete_ms) == (None, None)


def test_runs_are_chosen_by_condition_or_by_id(logger):
    for number in range(4):
        Run(logger, f"r{number}", f"c{number % 2}")
        logger.log_run_end(f"r{number}", number == 0)
    calculator = MetricsCalculator(logger)
    assert calculator.compute_condition_metrics("c0").success_rate == 0.5
    assert calculator.compute_condition_metrics(run_ids=["r1", "r3"]).n_runs == 2
    assert calculator.compute_condition_metrics(run_ids=[]).condition_id == "unknown"
    everything = calculator.compute_condition_metrics()
    assert (everything.n_runs, everything.condition_id) == (4, "all")
    assert list(calculator.compute_all_conditions()) == ["c0", "c1"]


def test_the_files(logger, tmp_path):
    run = Run(logger, "r")
    run.asked(run.action())
    Run(logger, "s", 'named "so, too"')
    calculator = MetricsCalculator(logger)
    calculator.export_results_csv(tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["task_success"] == rows[0]["human_latency_ms"] == ""
    assert rows[0]["approval_granted"] == ""
    assert (rows[0]["approval_requested"], rows[1]["condition_id"]) == ("1", 'named "so, too"')
    calculator.export_results_csv(tmp_path / "none.csv", run_ids=[])
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1
    calculator.export_summary_json(tmp_path / "s.json", by_condition=False)
    summary = json.loads((tmp_path / "s.json").read_text())
    assert list(summary) == ["overall"]
    assert list(summary["overall"])[: len(KEYS)] == list(KEYS)
    assert summary["overall"]["success_rate"] is None


@pytest.mark.parametrize(
    ("approved", "by", "tags", "outcome"),
    [
        (True, "human:ann", [], Outcome.APPROVE),
        (False, "human:ann", ["reject"], Outcome.REJECT),
        (False, "human:timeout", [], Outcome.REJECT),
        (False, "human:cancel", ["timeout"], Outcome.REJECT),
        (True, "system:timeout", ["timeout"], Outcome.TIMEOUT),
        (True, "system:error", [], Outcome.ERROR),
        (False, "cli:human", [], Outcome.REJECT),
        (False, "slack:ann", [], Outcome.REJECT),
        (False, "human", [], Outcome.REJECT),
        (False, "scripted", [], Outcome.REJECT),
        (False, "cli:timeout", [], Outcome.TIMEOUT),
        (False, "system:timeout", [], Outcome.TIMEOUT),
        (False, "console", ["expired"], Outcome.TIMEOUT),
        (False, "system:cancelled", [], Outcome.CANCELLED),
        (False, "system:circuit_breaker", ["circuit_open"], Outcome.ERROR),
        (False, "system:error", ["transport_error"], Outcome.ERROR),
        (False, "system:no_input", ["no_input"], Outcome.ERROR),
    ],
)
def test_outcomes(approved, by, tags, outcome):
    assert read_outcome(approved, by, tags) is outcome


def test_other_answers():
    assert read_outcome(True, "human:ann", edited=True) is Outcome.EDIT
    assert read_outcome(False, "human:ann", answered=True) is Outcome.RESPOND
    kinds = {
        "human:ann": "human",
        "human": "human",
        "slack:ann": "human",
        "cli:human": "human",
        "auto": "simulated",
        "cli:auto": "simulated",
        "scripted": "simulated",
        "simulated:operator": "simulated",
        "policy:x": "policy",
        "system:timeout": "system",
        "cli:timeout": "system",
        "unknown": "unknown",
        "": "unknown",
    }
    assert {by: actor_kind(by) for by in kinds} == kinds
