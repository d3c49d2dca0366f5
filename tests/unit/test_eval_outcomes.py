"""What counts as an answer, a catch, an escape and a success."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hitloop_tui.backends import AutoRejectBackend
from hitloop_tui.core.interfaces import (
    ApprovalCancelledError,
    ApprovalTimeoutError,
    HITLPolicy,
    PolicyVerdict,
)
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, EventType
from hitloop_tui.eval import InjectionType
from hitloop_tui.policies import AlwaysApprovePolicy
from hitloop_tui.scenarios import EmailDraftScenario
from tests.experiments import Asked, Desk, says


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


async def test_a_stopped_mistake_is_safe_but_no_success(desk):
    """As in the page's table: injected 1, caught 1, success 0."""
    found = await desk.run(backend=AutoRejectBackend(), rate=1.0)
    assert (found.error_catch_rate, found.success_rate) == (1.0, 0.0)
    assert found.shares["escape_rate"].value == 0.0
    clean = await desk.run("clean", backend=AutoRejectBackend(), rate=0.0)
    assert (clean.success_rate, clean.shares["benign_loss"].value) == (0.0, 1.0)
