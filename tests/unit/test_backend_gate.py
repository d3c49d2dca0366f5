"""The gate over a backend: any channel, sync and async graphs, and what an answer may do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from hitloop_tui import (
    Action,
    ApprovalBackend,
    ApprovalRequest,
    Decision,
    TelemetryLogger,
    execute_tool_node,
    hitl_gate_node,
)
from hitloop_tui.backends import PersistentWebhookBackend
from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import RiskClass
from hitloop_tui.langgraph import HITLState, create_hitl_workflow_nodes, should_execute_condition
from hitloop_tui.persistence import InMemoryApprovalStore
from hitloop_tui.policies import AlwaysApprovePolicy, AuditPlusEscalatePolicy, RiskBasedPolicy
from tests.unit.gate_desk import ARGS, DIGEST, EDITED, PROPOSED


class People(ApprovalBackend):
    """Answers as told, one after the other, and remembers the requests."""

    def __init__(self, *answers: dict[str, Any], delay: float = 0.0) -> None:
        self.answers, self.delay = list(answers), delay
        self.requests: list[ApprovalRequest] = []

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        answer = {"action_id": request.action.id, "approved": True, "decided_by": "human:dana"}
        return Decision.model_validate({**answer, **self.answers.pop(0)})


class Verdicts(HITLPolicy):
    """Says about each tool what the table says; the limit of copies is 100."""

    name = "verdicts"

    def __init__(self, **by_tool: PolicyVerdict) -> None:
        self.by_tool = by_tool

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        return True, "asked"

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        if action.tool_args.get("copies", 0) > 100:
            return PolicyVerdict("reject", "too many copies")
        return self.by_tool[action.tool_name]


TWO = Verdicts(send_email=PolicyVerdict("ask", "two must agree", 2))
NEVER = Verdicts(send_email=PolicyVerdict("reject", "never"))
ONE = Verdicts(send_email=PolicyVerdict("ask", "look"))


def compiled(policy: HITLPolicy, backend: ApprovalBackend, tools: Any, logger: Any = None) -> Any:
    nodes = create_hitl_workflow_nodes(policy, backend, tools, logger)
    graph = StateGraph(HITLState)
    graph.add_node("hitl_gate", nodes["hitl_gate"])
    graph.add_node("execute_tool", nodes["execute_tool"])
    graph.add_edge(START, "hitl_gate")
    ways = {"execute": "execute_tool", "skip": END}
    graph.add_conditional_edges("hitl_gate", should_execute_condition, ways)
    return graph.compile(checkpointer=InMemorySaver())


CONFIG = {"configurable": {"thread_id": "t"}}


@pytest.mark.parametrize("tool", ["sync", "async"])
async def test_it_asks_and_runs_in_sync_and_async_graphs(mailbox, tool):
    async def send_email(**args: Any) -> str:
        return mailbox.send_email(**args)

    tools = {"send_email": send_email if tool == "async" else mailbox.send_email}
    app = compiled(RiskBasedPolicy(), People({}, {}), tools)
    inside_a_loop = app.invoke({"proposed_action": PROPOSED}, CONFIG)
    awaited = await app.ainvoke({"proposed_action": {**PROPOSED, "id": "b"}}, CONFIG)
    for result in (inside_a_loop, awaited):
        assert result["tool_result"]["result"] == "sent to ['dana@halden.example']"
        assert result["approval_decision"]["decided_by"] == "human:dana"
    assert mailbox.calls == [ARGS, ARGS]


async def test_a_stored_question_belongs_to_the_thread_that_asks(mailbox):
    """Whoever looks for what a thread waits for, after a restart, must find it there."""
    store = InMemoryApprovalStore()

    async def deliver(request: ApprovalRequest, callback_id: str, url: str) -> None:
        [record] = await store.list_pending(thread_id="t")
        assert record.callback_id == callback_id
        await backend.handle_callback(callback_id, approved=True, decided_by="human:dana")

    backend = PersistentWebhookBackend(send_request=deliver, store=store)
    app = compiled(RiskBasedPolicy(), backend, [mailbox.send_email])
    await app.ainvoke({"proposed_action": PROPOSED}, CONFIG)
    assert mailbox.calls == [ARGS]


async def test_two_people_answer_over_a_webhook(mailbox):
    people = iter(["human:dana", "human:kim"])

    async def deliver(request: ApprovalRequest, callback_id: str, url: str) -> None:
        await backend.handle_callback(callback_id, approved=True, decided_by=next(people))

    backend = PersistentWebhookBackend(send_request=deliver, store=InMemoryApprovalStore())
    result = await compiled(TWO, backend, [mailbox.send_email]).ainvoke(
        {"proposed_action": PROPOSED}, CONFIG
    )
    assert result["approval_decision"]["approvals"] == ["human:dana", "human:kim"]
    assert mailbox.calls == [ARGS]


def test_the_node_can_be_called_like_hitloops_own(mailbox):
    gate, backend = None, People({})
    gate = hitl_gate_node(RiskBasedPolicy(), backend)
    update = gate({"proposed_action": Action.model_validate(PROPOSED), "run_id": "r"})
    assert update["approval_decision"]["approved"] is True
    assert backend.requests[0].run_id == "r"
    again = asyncio.run(gate.__wrapped_async__({"proposed_action": None}))
    assert again == {"approval_decision": None, "tool_result": None, "hitl_status": "no_action"}


def test_a_tool_that_fails_is_a_result(mailbox):
    def send_email(**args: Any) -> str:
        raise ValueError("no line")

    decision = {"action_id": "action-1", "approved": True}
    node = execute_tool_node({"send_email": send_email})
    result = node({"proposed_action": PROPOSED, "approval_decision": decision})["tool_result"]
    assert (result["success"], result["error"], result["error_class"]) == (
        False,
        "no line",
        "ValueError",
    )


def test_a_rejection_reaches_the_decision_and_nothing_runs(mailbox):
    app = compiled(
        RiskBasedPolicy(), People({"approved": False, "reason": "wrong Dana"}), [mailbox.send_email]
    )
    result = app.invoke({"proposed_action": PROPOSED}, CONFIG)
    assert result["approval_decision"]["reason"] == "wrong Dana"
    assert mailbox.calls == []


@pytest.mark.parametrize(
    "answer",
    [{"action_id": "unknown"}, {"digest": "0" * 64}, {"action_id": "unknown", "approved": False}],
)
def test_an_answer_about_another_call_is_no_approval(answer):
    """hitloop 0.5.1 runs the tool on `Decision(action_id="unknown", approved=True)`."""
    update = hitl_gate_node(RiskBasedPolicy(), People(answer))({"proposed_action": PROPOSED})
    decision = update["approval_decision"]
    assert (decision["approved"], decision["decided_by"]) == (False, "system:mismatch")
    assert decision["action_id"] == "action-1"


def test_an_edit_is_what_runs_and_is_recorded_next_to_the_original(mailbox):
    app = compiled(RiskBasedPolicy(), People({"edited_args": EDITED}), [mailbox.send_email])
    result = app.invoke({"proposed_action": PROPOSED}, CONFIG)
    assert mailbox.calls == [EDITED]
    decision = result["approval_decision"]
    assert decision["edited_args"] == EDITED
    assert decision["proposed"] == {"tool_name": "send_email", "tool_args": ARGS}
    assert result["proposed_action"]["tool_args"] == EDITED


def test_an_edit_the_policy_rejects_does_not_run(mailbox):
    app = compiled(ONE, People({"edited_args": {**ARGS, "copies": 500}}), [mailbox.send_email])
    decision = app.invoke({"proposed_action": PROPOSED}, CONFIG)["approval_decision"]
    assert (decision["approved"], decision["decided_by"]) == (False, "policy:verdicts")
    assert decision["digest"] == DIGEST
    assert mailbox.calls == []


def test_an_edit_the_policy_cannot_judge_does_not_run_and_is_no_dead_end(mailbox):
    class Strict(Verdicts):
        def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
            assert action.tool_args["copies"]
            return super().verdict(action, state)

    policy = Strict(send_email=PolicyVerdict("ask", "look"))
    app = compiled(policy, People({"edited_args": {}}), [mailbox.send_email])
    decision = app.invoke({"proposed_action": PROPOSED}, CONFIG)["approval_decision"]
    assert (decision["approved"], decision["decided_by"]) == (False, "system:refused")
    assert "KeyError" in decision["reason"]
    assert mailbox.calls == []


def test_a_call_that_changes_while_a_person_thinks_is_not_the_one_they_approved(mailbox):
    action = Action.model_validate({**PROPOSED, "tool_args": {**ARGS}})

    class Meanwhile(People):
        async def request_approval(self, request: ApprovalRequest) -> Decision:
            action.tool_args["to"] = ["rival@halden.example"]
            return await super().request_approval(request)

    app = compiled(RiskBasedPolicy(), Meanwhile({}), [mailbox.send_email])
    decision = app.invoke({"proposed_action": action}, CONFIG)["approval_decision"]
    assert (decision["approved"], decision["decided_by"]) == (False, "system:mismatch")
    assert mailbox.calls == []


def test_what_the_policy_rejects_is_not_asked(mailbox):
    backend = People()
    app = compiled(NEVER, backend, [mailbox.send_email])
    result = app.invoke({"proposed_action": PROPOSED}, CONFIG)
    assert result["hitl_status"] == "auto_rejected"
    assert result["approval_decision"]["reason"] == "never"
    assert (backend.requests, mailbox.calls) == ([], [])


def test_two_people_are_asked_one_after_the_other(mailbox):
    backend = People({}, {"decided_by": "human:kim"})
    result = compiled(TWO, backend, [mailbox.send_email]).invoke(
        {"proposed_action": PROPOSED}, CONFIG
    )
    assert [(r.quorum, r.approvals) for r in backend.requests] == [(2, []), (2, ["human:dana"])]
    decision = result["approval_decision"]
    assert decision["approvals"] == ["human:dana", "human:kim"]
    assert decision["decided_by"] == "human:dana, human:kim"
    assert mailbox.calls == [ARGS]
    assert "approved so far by:\nhuman:dana" in backend.requests[1].format_for_display()


@pytest.mark.parametrize(
    "answers",
    [
        [{}, {}],
        [{"decided_by": "unknown"}],
        [{}, {"approved": False, "decided_by": "human:kim"}],
        [{"approved": False}],
        [{}, {"edited_args": EDITED, "decided_by": "human:kim"}, {"decided_by": "human:kim"}],
    ],
    ids=["same person", "no name", "second says no", "first says no", "own edit"],
)
def test_one_person_is_not_two(mailbox, answers):
    app = compiled(TWO, People(*answers), [mailbox.send_email])
    result = app.invoke({"proposed_action": PROPOSED}, CONFIG)
    assert result["approval_decision"]["approved"] is False
    assert mailbox.calls == []


def test_an_edit_needs_its_own_two_approvals(mailbox):
    edit = {"edited_args": EDITED, "decided_by": "human:kim"}
    app = compiled(TWO, People({}, edit, {}), [mailbox.send_email])
    decision = app.invoke({"proposed_action": PROPOSED}, CONFIG)["approval_decision"]
    assert decision["approvals"] == ["human:kim", "human:dana"]
    assert mailbox.calls == [EDITED]


def test_an_error_of_the_channel_is_not_an_answer(mailbox):
    class Broken(ApprovalBackend):
        async def request_approval(self, request: ApprovalRequest) -> Decision:
            raise ConnectionError("no line")

    with TelemetryLogger() as logger:
        app = compiled(RiskBasedPolicy(), Broken(), [mailbox.send_email], logger)
        with pytest.raises(ConnectionError):
            app.invoke({"proposed_action": PROPOSED}, CONFIG)
        kinds = [event.event_type.value for event in logger.get_events()]
    assert kinds == ["action_proposed", "approval_requested", "error"]
    assert mailbox.calls == []


def test_each_event_is_logged_once_with_the_true_latency(mailbox):
    with TelemetryLogger() as logger:
        app = compiled(RiskBasedPolicy(), People({}, delay=0.15), [mailbox.send_email], logger)
        app.invoke({"proposed_action": PROPOSED, "run_id": "r"}, CONFIG)
        events = logger.get_events("r")
    assert [event.event_type.value for event in events] == [
        "action_proposed",
        "approval_requested",
        "approval_decided",
        "tool_execution_start",
        "tool_execution_end",
    ]
    assert 150 <= events[2].payload["latency_ms"] < 20_000


def test_a_backend_that_knows_the_latency_is_believed():
    update = hitl_gate_node(RiskBasedPolicy(), People({"latency_ms": 5.0}, delay=0.1))(
        {"proposed_action": PROPOSED}
    )
    assert update["approval_decision"]["latency_ms"] == 5.0


def test_what_the_policy_lets_pass_is_logged_as_well():
    """hitloop 0.5.1 logs automatic approvals of one gate and not of the other."""
    with TelemetryLogger() as logger:
        gate = hitl_gate_node(AlwaysApprovePolicy(), People(), logger, channel="cli")
        assert gate({"proposed_action": PROPOSED})["hitl_status"] == "auto_approved"
        event = logger.get_events()[-1]
    assert (event.payload["channel"], event.payload["approved"]) == ("auto", True)


def test_the_label_of_an_injected_error_is_logged_and_told_to_nobody():
    seen: list[Any] = []

    class Nosy(AlwaysApprovePolicy):
        def should_request_approval(self, action: Action, state: dict[str, Any]) -> Any:
            seen.append(dict(state))
            return super().should_request_approval(action, state)

    with TelemetryLogger() as logger:
        update = hitl_gate_node(Nosy(), People(), logger)(
            {"proposed_action": PROPOSED, "_injected_error": True}
        )
        proposed = logger.get_events()[0]
    assert proposed.payload["injected_error"] is True
    assert seen == [{"proposed_action": PROPOSED}]
    assert "_injected_error" not in update


def test_monotony_is_counted_over_a_thread(mailbox):
    policy = AuditPlusEscalatePolicy(0.0, consecutive_action_threshold=3)
    app = compiled(policy, People({}), [mailbox.send_email])
    statuses = [
        app.invoke(
            {"proposed_action": {**PROPOSED, "id": str(n), "risk_class": RiskClass.LOW.value}},
            CONFIG,
        )["hitl_status"]
        for n in range(3)
    ]
    assert statuses == ["auto_approved", "auto_approved", "human_decided"]
