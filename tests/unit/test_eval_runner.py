"""Trials: who is asked about what, what runs, and what counts as success."""

from __future__ import annotations

import asyncio
import csv
import json
import random
import sqlite3
from itertools import pairwise
from typing import Any

import pytest

from hitloop_tui.backends import AutoApproveBackend, AutoRejectBackend, ScriptedBackend
from hitloop_tui.core.interfaces import (
    ApprovalCancelledError,
    ApprovalTimeoutError,
    HITLPolicy,
    PolicyVerdict,
)
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, EventType
from hitloop_tui.eval import ErrorInjector, InjectionType, SimulatedOperator
from hitloop_tui.eval.metrics import MetricsCalculator
from hitloop_tui.eval.runner import ExperimentRunner, create_standard_conditions
from hitloop_tui.eval.tables import COLUMNS
from hitloop_tui.policies import AlwaysApprovePolicy, AuditPlusEscalatePolicy, RiskBasedPolicy
from hitloop_tui.scenarios import EmailDraftScenario, RecordUpdateScenario
from tests.experiments import Asked, Desk, OldScenario, ask_always, says


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


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


class TestEdits:
    async def test_an_edit_that_removes_the_mistake_is_a_catch_and_a_success(self, desk):
        condition = desk.condition(rate=1.0)
        right = {item.proposed.id: item.intended.tool_args for item in desk.runner.items(condition)}
        condition.backend = Asked(
            lambda r: says(True, edited_args=right[r.action.id], latency_ms=5)(r)
        )
        await desk.runner.run_all()
        found = desk.metrics.compute_condition_metrics("c")
        assert (found.error_catch_rate, found.success_rate) == (1.0, 1.0)
        assert found.shares["escape_rate"].value == 0.0
        assert found.shares["edit_share"].value == 1.0
        sent = [json.loads(line) for line in desk.scenario._outbox.path.read_text().splitlines()]
        assert [email["recipient"] for email in sent] == [
            args["recipient"] for args in right.values()
        ]

    async def test_an_edit_that_leaves_it_wrong_is_a_miss(self, desk):
        def edit(request: ApprovalRequest) -> Decision:
            args = {**request.action.tool_args, "body": "Better words."}
            return says(True, edited_args=args)(request)

        found = await desk.run(backend=Asked(edit), rate=1.0)
        assert (found.error_catch_rate, found.success_rate) == (0.0, 0.0)
        assert found.shares["escape_rate"].value == 1.0

    async def test_an_edit_to_another_wrong_value_is_no_catch(self, desk):
        def edit(request: ApprovalRequest) -> Decision:
            args = {**request.action.tool_args, "recipient": "nobody@example.com"}
            return says(True, edited_args=args)(request)

        found = await desk.run(backend=Asked(edit), rate=0.5)
        assert (found.error_catch_rate, found.success_rate) == (0.0, 0.0)

    async def test_wording_may_be_edited(self, desk):
        def edit(request: ApprovalRequest) -> Decision:
            return says(True, edited_args={**request.action.tool_args, "body": "Short."})(request)

        found = await desk.run(backend=Asked(edit), rate=0.0)
        assert found.success_rate == 1.0
        assert found.false_reject_rate == 0.0


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, request: ApprovalRequest) -> Decision:
        raise self.error


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (says(False, "system:timeout", tags=["timeout"]), "timeout"),
        (says(False, "cli:timeout"), "timeout"),
        (Raises(ApprovalTimeoutError("late")), "timeout"),
        (Raises(TimeoutError()), "timeout"),
        (says(False, "system:cancelled", tags=["cancelled"]), "cancelled"),
        (Raises(ApprovalCancelledError("ctrl+c")), "cancelled"),
        (says(False, "system:circuit_breaker", tags=["circuit_open"]), "error"),
        (says(False, "system:error", tags=["transport_error"]), "error"),
        (Raises(RuntimeError("broken")), "error"),
    ],
)
async def test_no_answer_is_nobodys_no(desk, answer, outcome):
    found = await desk.run(backend=Asked(answer), rate=0.5)
    assert {result.outcome for result in desk.runner.results} == {outcome}
    assert (found.error_catch_rate, found.success_rate) == (0.0, 0.0)
    assert found.false_reject_rate is None
    assert found.human_latency_mean_ms is None
    assert found.n_decided == 0
    assert found.shares["escape_rate"].value == 0.0
    assert found.shares["catch_rate"].value is None


async def test_an_answer_instead_of_the_tool_stops_it(desk):
    found = await desk.run(backend=Asked(says(False, response="Ask her first.")), rate=0.5)
    assert {result.outcome for result in desk.runner.results} == {"respond"}
    assert (found.error_catch_rate, found.false_reject_rate) == (1.0, 1.0)


async def test_a_tool_that_does_not_exist(desk):
    found = await desk.run(
        policy=AlwaysApprovePolicy(), rate=1.0, types=[InjectionType.INVALID_TOOL]
    )
    assert (found.success_rate, found.tool_failure_rate) == (0.0, None)
    assert found.shares["escape_rate"].value == 0.0
    assert desk.runner.results[0].execution_error.startswith("Unknown tool")


async def test_a_tool_that_raises(tmp_path):
    class Broken(EmailDraftScenario):
        def get_tools(self):
            def send_email(**args: Any) -> dict[str, Any]:
                raise OSError("no route")

            return {"send_email": send_email}

    desk = Desk(tmp_path, Broken(output_dir=tmp_path))
    found = await desk.run()
    assert (found.success_rate, found.tool_failure_rate) == (0.0, 1.0)
    assert {r.execution_error for r in desk.runner.results} == {"no route"}
    assert len(desk.logger.get_events(event_type=EventType.ERROR)) == 20
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


async def test_a_yes_that_a_backend_gives_itself_is_no_answer(desk):
    found = await desk.run(backend=Asked(says(True, "system:timeout", tags=["timeout"])), rate=0.5)
    assert (found.n_decided, found.d_prime, found.human_latency_mean_ms) == (0, None, None)
    assert found.shares["timeout_rate"].value == found.shares["escape_rate"].value == 1.0
    assert found.success_rate == 0.5


async def test_a_backend_that_answers_nonsense_leaves_the_question_open(desk):
    found = await desk.run(backend=Asked(lambda request: None), rate=0.5)
    assert {result.outcome for result in desk.runner.results} == {"open"}
    assert not any(result.approval_granted for result in desk.runner.results)
    assert (found.n_asked, found.n_decided, found.success_rate) == (20, 0, 0.0)


async def test_a_policy_that_rejects_is_no_person(desk):
    class Refuses(HITLPolicy):
        name = "refuses"

        def should_request_approval(self, action, state):
            return True, "Ask."

        def verdict(self, action, state):
            return PolicyVerdict("reject", "Never.")

    asked = Asked(says(True))
    found = await desk.run(policy=Refuses(), backend=asked, rate=0.5)
    assert asked.requests == []
    assert {result.outcome for result in desk.runner.results} == {"refused"}
    assert (found.approval_rate, found.error_catch_rate, found.success_rate) == (0.0, 0.0, 0.0)
    assert found.shares["escape_rate"].value == 0.0
    assert found.shares["benign_loss"].value == 1.0
    assert found.policy_name == "refuses"


class Two(HITLPolicy):
    name = "two"

    def should_request_approval(self, action, state):
        return True, "Ask two."

    def verdict(self, action, state):
        return PolicyVerdict("ask", "Ask two.", people=2)


async def test_two_people(desk):
    names = iter(["human:ann", "human:bob"] * 20)
    asked = Asked(lambda request: says(True, next(names))(request))
    found = await desk.run(policy=Two(), backend=asked, rate=0.0)
    assert found.success_rate == 1.0
    assert [r.approvals for r in asked.requests[:2]] == [[], ["human:ann"]]
    alone = await desk.run("alone", policy=Two(), backend=Asked(says(True)), rate=0.0)
    assert (alone.success_rate, alone.n_decided) == (0.0, 0)
    no = Asked(says(False))
    refused = await desk.run("no", policy=Two(), backend=no, rate=0.0)
    assert refused.false_reject_rate == 1.0
    assert len(no.requests) == 20


async def test_latency_is_measured_when_a_backend_says_none(desk):
    class Slow(Asked):
        async def request_approval(self, request: ApprovalRequest) -> Decision:
            await asyncio.sleep(0.02)
            return await super().request_approval(request)

    found = await desk.run(backend=Slow(says(True)), n=3)
    assert 15 < found.human_latency_mean_ms < 2000
    told = await desk.run("told", backend=Asked(says(True, latency_ms=1200.5)), n=3)
    assert told.human_latency_mean_ms == 1200.5


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


async def test_tool_failures_and_costs_are_counted(tmp_path):
    class Talks(EmailDraftScenario):
        def generate_action(self, correct: bool = True) -> Action:
            self.report_llm_call(tokens_in=100, tokens_out=20, model="m")
            return super().generate_action(correct)

        def get_tools(self):
            return {"send_email": lambda **args: {"success": False, "error": "mailbox full"}}

    desk = Desk(tmp_path, Talks(output_dir=tmp_path))
    found = await desk.run(n=10)
    again = await desk.run("again", n=10)
    assert (found.tool_failure_rate, found.cost_proxy, again.cost_proxy) == (1.0, 1200.0, 1200.0)
    ends = desk.logger.get_events(event_type=EventType.TOOL_EXECUTION_END)
    assert {event.payload["error"] for event in ends} == {"mailbox full"}
    desk.close()


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


async def test_a_stopped_mistake_is_safe_but_no_success(desk):
    """As in the page's table: injected 1, caught 1, success 0."""
    found = await desk.run(backend=AutoRejectBackend(), rate=1.0)
    assert (found.error_catch_rate, found.success_rate) == (1.0, 0.0)
    assert found.shares["escape_rate"].value == 0.0
    clean = await desk.run("clean", backend=AutoRejectBackend(), rate=0.0)
    assert (clean.success_rate, clean.shares["benign_loss"].value) == (0.0, 1.0)


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
