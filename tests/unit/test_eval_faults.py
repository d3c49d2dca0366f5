"""What hitloop 0.5.1's experiments get wrong (`oversight` 5.2), in terms that only exist here.

`tests/upstream` has the tests that run against both.
"""

from __future__ import annotations

import csv
import json
from itertools import pairwise

import pytest

from hitloop_tui.backends import AutoApproveBackend, AutoRejectBackend
from hitloop_tui.core.models import Action, EventType
from hitloop_tui.eval import SimulatedOperator
from hitloop_tui.eval.metrics import MetricsCalculator
from hitloop_tui.eval.runner import create_standard_conditions
from hitloop_tui.policies import AlwaysApprovePolicy, RiskBasedPolicy
from hitloop_tui.scenarios import EmailDraftScenario
from tests.experiments import Asked, Desk, says


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


async def requests(desk: Desk, **options) -> list[tuple[bool, Action, str]]:
    """The truth, the Action and the display of every question."""
    asked = Asked(says(True))
    await desk.run(backend=asked, **options)
    return [
        (result.injected_error, request.action, request.format_for_display())
        for result, request in zip(
            desk.runner.results[-len(asked.requests) :], asked.requests, strict=True
        )
    ]


async def test_1_the_truth_is_not_shown(desk):
    for _, action, display in await requests(desk, rate=1.0):
        assert "INJECTED" not in display.upper()
        assert action.side_effects == ["email_sent", "recipient_notified"]
        assert action.context_refs == ["email_task", "user_request"]


async def test_2_the_truth_does_not_reach_the_policy(desk):
    found = await desk.run(policy=RiskBasedPolicy(), backend=AutoRejectBackend(), n=200)
    assert found.shares["coverage_injected"].value == found.shares["coverage_clean"].value == 0.0
    assert {action.risk_class for _, action, _ in await requests(desk, rate=0.5)} == {"medium"}


async def test_3_nothing_around_the_mistake_gives_it_away(desk):
    for _, action, display in await requests(desk, rate=0.5, n=100):
        address = action.tool_args["recipient"]
        assert action.rationale.startswith(f"Sending email to {address} about")
        assert address.split("@")[1].startswith("exam")
        assert not [word for word in ("evil", "malware", "scam", "hacker") if word in display]
        assert action.tool_args.keys() == {"recipient", "subject", "body"}


async def test_4_a_wrong_action_that_ran_is_no_success(desk):
    found = await desk.run(policy=AlwaysApprovePolicy(), n=500)
    assert found.n_injected == 100
    assert found.success_rate == 0.8
    assert found.shares["escape_rate"].value == 1.0


async def test_5_a_timeout_is_not_a_catch(desk):
    away = SimulatedOperator(desk.scenario.find_fault, absence=1.0)
    found = await desk.run(backend=away)
    assert (found.success_rate, found.error_catch_rate) == (0.0, 0.0)
    assert found.false_reject_rate is found.human_latency_mean_ms is None
    assert found.shares["timeout_rate"].value == 1.0


async def test_6_simulated_people_look_at_what_they_are_shown(desk):
    for condition in create_standard_conditions(desk.scenario, n_trials=500)[2:]:
        desk.runner.add_condition(condition)
    await desk.runner.run_all()
    for found in desk.metrics.compute_all_conditions().values():
        assert found.shares["catch_rate"].value > 0.5 > 0.2 > found.false_reject_rate


async def test_6_they_behave_as_set(desk):
    """d' = 2 and c = 0.5: P(reject | fault) = .691462, P(reject | clean) = .066807."""
    reader = SimulatedOperator(desk.scenario.find_fault, 2.0, 0.5, seed=3)
    found = await desk.run(backend=reader, rate=0.5, n=2000)
    assert found.error_catch_rate == pytest.approx(0.691462, abs=4 * 0.0147)
    assert found.false_reject_rate == pytest.approx(0.066807, abs=4 * 0.0079)
    assert found.d_prime == pytest.approx(2.0, abs=0.3)
    assert found.criterion == pytest.approx(0.5, abs=0.15)


async def test_7_the_same_seed_gives_the_same_experiment(tmp_path):
    tables = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        desk = Desk(tmp_path / name)
        for condition in create_standard_conditions(desk.scenario, n_trials=20):
            desk.runner.add_condition(condition)
        await desk.runner.run_all()
        table, _ = desk.runner.export_results("results.csv")
        with table.open() as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            for volatile in ("run_id", "time_to_complete_ms"):
                del row[volatile]
            if row["operator"] == "auto":
                del row["human_latency_ms"]
        tables.append(rows)
        items = [[row["item_id"] for row in rows[n : n + 20]] for n in range(0, 80, 20)]
        assert items[0] == items[1] == items[2] == items[3]
        desk.close()
    assert tables[0] == tables[1]


async def test_10_what_is_undefined_is_null(desk):
    unknown = desk.metrics.compute_condition_metrics("unknown")
    rates = ("success", "approval", "error_catch", "false_reject", "tool_failure")
    assert unknown.n_runs == 0
    assert {getattr(unknown, f"{name}_rate") for name in rates} == {None}
    assert (unknown.human_latency_mean_ms, unknown.human_latency_p95_ms) == (None, None)
    clean = await desk.run("clean", rate=0.0, policy=AlwaysApprovePolicy())
    assert clean.error_catch_rate is clean.false_reject_rate is None
    assert desk.metrics.compute_condition_metrics("clean", run_ids=[]).n_runs == 0
    _, path = desk.runner.export_results(json_path="summary.json")
    assert json.loads(path.read_text())["clean"]["error_catch_rate"] is None


async def test_11_tool_failures_and_costs_are_counted(tmp_path):
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


async def test_11_a_cost_nobody_logged_is_unknown(desk):
    assert (await desk.run(n=2)).cost_proxy is None


async def test_18_a_policys_own_yes_is_logged_and_is_no_persons(desk):
    found = await desk.run(policy=AlwaysApprovePolicy(), n=3)
    decided = desk.logger.get_events(event_type=EventType.APPROVAL_DECIDED)
    assert [event.payload["channel"] for event in decided] == ["auto"] * 3
    assert (found.n_asked, found.n_decided, found.actor_kinds) == (0, 0, {})


async def test_19_order_can_be_shuffled_and_operators_are_known(tmp_path):
    orders = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        desk = Desk(tmp_path / name, order="shuffled")
        desk.condition("a", backend=Asked(says(True, "human:ann")))
        desk.condition("b", backend=Asked(says(True, "human:bob")))
        results = await desk.runner.run_all()
        orders.append([(r.condition_id, r.trial_number) for r in results])
        assert sum(a != b for (a, _), (b, _) in pairwise(orders[-1])) > 5
        assert {(r.condition_id, r.operator) for r in results} == {
            ("a", "human:ann"),
            ("b", "human:bob"),
        }
        desk.close()
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == [(c, t) for c in "ab" for t in range(20)]


async def test_20_a_decision_can_be_judged_again(desk):
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


async def test_21_figures_come_with_their_uncertainty(desk):
    reader = SimulatedOperator(desk.scenario.find_fault, seed=1)
    found = await desk.run(backend=reader, n=50)
    low, high = found.shares["error_catch_rate"].interval
    assert low < found.error_catch_rate < high
    assert found.d_prime > 0
    _, path = desk.runner.export_results(json_path="summary.json")
    counts = json.loads(path.read_text())["c"]["counts"]["error_catch_rate"]
    assert (counts["n"], counts["wilson_95"]) == (10, [round(low, 4), round(high, 4)])


async def test_22_a_stopped_mistake_is_safe_but_no_success(desk):
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
