"""What an experiment leaves behind: its log, its exported figures, the digest of its conditions."""

from __future__ import annotations

import asyncio
import csv
import json
import sqlite3
from itertools import pairwise

from hitloop_tui.backends import AutoApproveBackend
from hitloop_tui.core.models import ApprovalRequest, Decision, EventType
from hitloop_tui.eval import ErrorInjector, SimulatedOperator
from hitloop_tui.eval.runner import ExperimentRunner
from hitloop_tui.eval.tables import COLUMNS
from hitloop_tui.policies import RiskBasedPolicy
from tests.experiments import Asked, says


async def test_nobody_can_read_the_truth_while_being_asked(desk):
    """The console shows telemetry while it is written."""
    labels = []

    class Looks(AutoApproveBackend):
        async def request_approval(self, request: ApprovalRequest) -> Decision:
            desk.logger.flush()
            reader = sqlite3.connect(desk.logger.db_path)
            rows = reader.execute(
                "SELECT event_type, payload FROM trace_events WHERE run_id=?", (request.run_id,)
            ).fetchall()
            reader.close()
            labels.extend(row for row in rows if "inject" in row[0] or "inject" in row[1])
            return await super().request_approval(request)

    await desk.run(backend=Looks(), rate=1.0, n=10)
    assert labels == []
    injected = desk.logger.get_events(event_type=EventType.INJECTED_ERROR)
    assert len(injected) == 10


async def test_the_log_has_the_true_times(desk):
    class Slow(AutoApproveBackend):
        async def request_approval(self, request: ApprovalRequest) -> Decision:
            await asyncio.sleep(0.05)
            return await super().request_approval(request)

    await desk.run(backend=Slow(), n=1)
    events = desk.logger.get_events()
    kinds = [event.event_type.value for event in events]
    assert kinds == [
        "run_start",
        "action_proposed",
        "approval_requested",
        "approval_decided",
        "tool_execution_start",
        "tool_execution_end",
        "run_end",
    ]
    times = {event.event_type.value: event.timestamp for event in events}
    waited = times["approval_decided"] - times["approval_requested"]
    assert waited.total_seconds() >= 0.045
    assert all(a.timestamp <= b.timestamp for a, b in pairwise(events))


async def test_a_runner_exports_its_own_trials(desk, tmp_path):
    await desk.run("old", n=4)
    runner = ExperimentRunner(desk.logger, output_dir=tmp_path / "out")
    runner.add_condition(desk.condition("new", n=3))
    await runner.run_all()
    table, summary = runner.export_results("r.csv", "s.json")
    with table.open() as file:
        assert [row["condition_id"] for row in csv.DictReader(file)] == ["new"] * 3
    assert list(json.loads(summary.read_text())) == ["new"]
    everything = ExperimentRunner(desk.logger, output_dir=tmp_path / "all")
    assert everything.export_results("r.csv") == (tmp_path / "all" / "r.csv", None)
    assert len((tmp_path / "all" / "r.csv").read_text().splitlines()) == 8
    assert everything.get_summary() == {"status": "no results"}


async def test_a_runner_that_ran_no_trial_exports_none(desk, tmp_path):
    await desk.run("old", n=4)
    runner = ExperimentRunner(desk.logger, output_dir=tmp_path / "none")
    await runner.run_all()
    table, summary = runner.export_results("r.csv", "s.json")
    assert table.read_text().strip() == ",".join(COLUMNS)
    assert json.loads(summary.read_text()) == {}


async def test_a_decision_can_be_judged_again(desk):
    asked = Asked(says(True))
    await desk.run(backend=asked, n=5)
    proposed = desk.logger.get_events(event_type=EventType.ACTION_PROPOSED)
    assert [e.payload["tool_args"] for e in proposed] == [
        r.action.tool_args for r in asked.requests
    ]
    questions = desk.logger.get_events(event_type=EventType.APPROVAL_REQUESTED)
    assert [e.payload["summary_context"] for e in questions] == [
        r.summary_context for r in asked.requests
    ]
    for run, request in zip(desk.logger.get_all_runs(), asked.requests, strict=True):
        details = run.validation_details
        assert run.agent_version.startswith("hitloop-tui ")
        assert len(details["config_sha256"]) == 64
        assert details["proposed_digest"] == request.action.digest() == details["executed_digest"]


async def test_figures_come_with_their_uncertainty(desk):
    reader = SimulatedOperator(desk.scenario.find_fault, seed=1)
    found = await desk.run(backend=reader, n=50)
    low, high = found.shares["error_catch_rate"].interval
    assert low < found.error_catch_rate < high
    assert found.d_prime > 0
    _, path = desk.runner.export_results(json_path="summary.json")
    counts = json.loads(path.read_text())["c"]["counts"]["error_catch_rate"]
    assert (counts["n"], counts["wilson_95"]) == (10, [round(low, 4), round(high, 4)])


async def test_the_digest_of_a_condition_stays_although_its_backend_counts(desk):
    class Counts(Asked):
        count = 0

        async def request_approval(self, request: ApprovalRequest) -> Decision:
            self.count += 1
            return await super().request_approval(request)

    condition = desk.condition(backend=Counts(says(True)), n=3)
    configured = condition.digest()
    await desk.runner.run_all()
    digests = {run.validation_details["config_sha256"] for run in desk.logger.get_all_runs()}
    assert digests == {configured}


def test_the_digest_of_a_condition_is_of_what_was_configured(desk):
    one, same, other = desk.condition(), desk.condition(), desk.condition(n=21)
    assert one.digest() == same.digest()
    policy = desk.condition(policy=RiskBasedPolicy(high_risk_tools=["send_email"]))
    assert len({one.digest(), other.digest(), policy.digest()}) == 3
    assert isinstance(ErrorInjector().get_stats(), dict)
