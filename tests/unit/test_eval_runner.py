"""Trials: who is asked about what, what runs, and what stops them."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from hitloop_tui.backends import AutoApproveBackend, AutoRejectBackend, ScriptedBackend
from hitloop_tui.core.models import Action, ApprovalRequest, Decision
from hitloop_tui.eval import SimulatedOperator
from hitloop_tui.eval.metrics import MetricsCalculator
from hitloop_tui.eval.runner import ExperimentRunner, create_standard_conditions
from hitloop_tui.policies import AlwaysApprovePolicy, AuditPlusEscalatePolicy, RiskBasedPolicy
from hitloop_tui.scenarios import EmailDraftScenario, RecordUpdateScenario
from tests.experiments import Asked, Desk, OldScenario, ask_always, says


async def test_the_standard_conditions(desk):
    conditions = create_standard_conditions(desk.scenario, n_trials=200, base_seed=1)
    for condition in conditions:
        desk.runner.add_condition(condition)
    await desk.runner.run_all()
    figures = desk.metrics.compute_all_conditions()
    assert list(figures) == [
        "always_approve",
        "risk_based_auto",
        "risk_based_human",
        "audit_escalate",
    ]
    assert {one.n_injected for one in figures.values()} == {40}
    nobody, auto, reader, audit = figures.values()
    assert (nobody.approval_rate, nobody.error_catch_rate, nobody.success_rate) == (0.0, 0.0, 0.8)
    assert (auto.approval_rate, auto.error_catch_rate) == (1.0, 0.0)
    assert reader.error_catch_rate > 0.5 > 0.2 > reader.false_reject_rate
    assert 0.15 < audit.approval_rate < 0.45
    assert 0 < audit.error_catch_rate < reader.error_catch_rate


async def test_whoever_is_asked_sees_the_brief_and_a_copy(desk):
    seen = []

    def spoils(request: ApprovalRequest) -> Decision:
        seen.append(request.model_copy(deep=True))
        request.action.tool_args["recipient"] = "changed@example.com"
        request.action.side_effects.append("changed")
        return says(True)(request)

    first, second = Asked(spoils), Asked(says(True))
    await desk.run("one", backend=first, rate=0.5)
    await desk.run("two", backend=second, rate=0.5)
    assert [r.action for r in seen] == [r.action for r in second.requests]
    for request, result in zip(seen, desk.runner.results, strict=False):
        assert request.run_id == result.run_id
        assert request.policy_name == "risk_based"
        wrong = desk.scenario.find_fault(request) is not None
        assert wrong == result.injected_error
    assert {r.executed_digest for r in desk.runner.results} == {r.action.digest() for r in seen}


async def test_conditions_show_the_same_items(desk):
    backends = [Asked(says(True)) for _ in range(3)]
    for number, backend in enumerate(backends):
        desk.condition(f"c{number}", backend=backend)
    await desk.runner.run_all()
    shown = [[r.action.model_dump_json() for r in b.requests] for b in backends]
    assert shown[0] == shown[1] == shown[2]
    assert len(set(shown[0])) == 20


async def test_a_scenario_written_for_hitloop(tmp_path):
    desk = Desk(tmp_path, OldScenario(random.random))
    one, two = Asked(says(True)), Asked(says(True))
    desk.condition("one", RiskBasedPolicy(max_amount_without_approval=0), one)
    desk.condition("two", RiskBasedPolicy(max_amount_without_approval=0), two)
    results = await desk.runner.run_all()
    assert [r.action for r in one.requests] == [r.action for r in two.requests]
    assert [r.success for r in results] == [not r.injected_error for r in results]
    assert sum(r.injected_error for r in results) == 8
    for request in one.requests:
        assert request.action.rationale == (
            f"Paying {request.action.tool_args['amount']} to the supplier"
        )
    desk.close()


async def test_record_updates(tmp_path):
    """Wrong ids belong to real customers: nothing but a person stops them."""
    desk = Desk(tmp_path, RecordUpdateScenario(db_path=tmp_path / "crm.db"))
    nobody = await desk.run("nobody", AlwaysApprovePolicy())
    assert (nobody.success_rate, nobody.tool_failure_rate) == (0.8, 0.0)
    reader = SimulatedOperator(desk.scenario.find_fault, sensitivity=20, criterion=0)
    found = await desk.run("reader", backend=reader)
    assert (found.error_catch_rate, found.false_reject_rate, found.success_rate) == (1.0, 0.0, 0.8)
    desk.close()


async def test_a_scenario_that_raises_ends_its_trial_only(tmp_path):
    class Broken(EmailDraftScenario):
        def generate_action(self, correct: bool = True) -> Action:
            raise ValueError("no idea")

    desk = Desk(tmp_path, Broken(output_dir=tmp_path))
    found = await desk.run(n=3)
    assert (found.n_runs, found.success_rate, found.approval_rate) == (3, 0.0, 0.0)
    assert {r.execution_error for r in desk.runner.results} == {"no idea"}
    desk.close()


async def test_cancelling_leaves_the_trial_open(desk):
    """A trial that was cut off has neither succeeded nor failed."""

    class Never(AutoApproveBackend):
        async def request_approval(self, request: ApprovalRequest) -> Decision:
            await asyncio.Event().wait()
            raise AssertionError

    desk.condition(backend=Never())
    task = asyncio.create_task(desk.runner.run_all())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = desk.metrics.compute_condition_metrics("c")
    assert (found.n_runs, found.success_rate, found.approval_rate) == (1, None, 1.0)
    assert [run.finished_at for run in desk.logger.get_all_runs()] == [None]


async def test_cancelling_works_between_operators_who_never_wait(desk, tmp_path):
    """And what was done can be exported: this runner's trials, not those of others in the log."""
    await desk.run("before", n=2)
    runner = ExperimentRunner(desk.logger, output_dir=tmp_path)
    runner.add_condition(desk.condition("c", n=10_000))
    task = asyncio.current_task()

    def cancel_at(current: int, total: int, message: str) -> None:
        if current == 6:
            task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await runner.run_all(cancel_at)
    task.uncancel()
    assert len(runner.results) == 5
    table, summary = runner.export_results("r.csv", "s.json")
    assert len(table.read_text().splitlines()) == 6
    assert json.loads(summary.read_text())["c"]["n_runs"] == 5


async def test_a_policy_of_hitloop_is_reset_before_every_trial(desk):
    class Counts(RiskBasedPolicy):
        seen = 0

        def reset(self):
            self.seen = 0

        def should_request_approval(self, action, state):
            self.seen += 1
            return self.seen > 1, "second"

    found = await desk.run(policy=Counts())
    assert found.approval_rate == 0.0


async def test_progress_reaches_a_callback(desk):
    said = []
    desk.condition(n=3)
    await desk.runner.run_all(lambda *words: said.append(words))
    assert said == [(n, 3, f"c, trial {n} of 3") for n in (1, 2, 3)]


async def test_simulated_operators_behave_as_set(desk):
    """d' = 2 and c = 0.5: P(reject | fault) = .691462, P(reject | clean) = .066807."""
    reader = SimulatedOperator(desk.scenario.find_fault, 2.0, 0.5, seed=3)
    found = await desk.run(backend=reader, rate=0.5, n=2000)
    assert found.error_catch_rate == pytest.approx(0.691462, abs=4 * 0.0147)
    assert found.false_reject_rate == pytest.approx(0.066807, abs=4 * 0.0079)
    assert found.d_prime == pytest.approx(2.0, abs=0.3)
    assert found.criterion == pytest.approx(0.5, abs=0.15)


async def test_kinds_of_operators_are_told_apart(desk):
    simulated = await desk.run("one", backend=SimulatedOperator(desk.scenario.find_fault))
    automatic = await desk.run("two", backend=AutoApproveBackend())
    people = await desk.run("three", backend=Asked(says(True, "slack:ann")))
    assert simulated.actor_kinds == automatic.actor_kinds == {"simulated": 20}
    assert people.actor_kinds == {"human": 20}
    both = MetricsCalculator(desk.logger).compute_condition_metrics()
    assert both.actor_kinds == {"simulated": 40, "human": 20}


async def test_other_backends(desk):
    rejects = await desk.run("rejects", backend=AutoRejectBackend(), rate=0.5)
    assert (rejects.error_catch_rate, rejects.false_reject_rate) == (1.0, 1.0)
    assert rejects.d_prime == pytest.approx(0)
    scripted = await desk.run("s", ask_always(), ScriptedBackend([False]), rate=0.0)
    assert scripted.false_reject_rate == 0.05
    audit = AuditPlusEscalatePolicy(audit_sample_rate=1.0)
    assert (await desk.run("audit", audit)).approval_rate == 1.0
