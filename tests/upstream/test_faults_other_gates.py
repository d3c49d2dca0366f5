"""Faults of the gate that asks a backend, of `@hitl_action`, and of what gates log."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from tests.upstream.faults import fault, part
from tests.upstream.till import ARGS, PROPOSED, State, Till, as_data, gates, models

EVENTS = models.EventType


async def _at_the_backend_gate(logger: Any, policy: Any) -> None:
    backend = part("backends").AutoApproveBackend()
    gate = gates.hitl_gate_node(policy, backend, logger, channel="test")
    await gate.__wrapped_async__({"run_id": "run-1", "proposed_action": PROPOSED})


@fault("oversight 5.2.18")
async def test_both_gates_log_what_a_policy_decides(logger):
    await _at_the_backend_gate(logger, part("policies").AlwaysApprovePolicy())
    (decided,) = logger.get_events("run-1", EVENTS.APPROVAL_DECIDED) or [None]
    assert decided is not None
    assert decided.payload["channel"] == "auto"


def _log_decision(logger: Any, action: Any, approved: bool, by: str, **more: Any) -> None:
    decision = models.Decision(action_id=action.id, approved=approved, decided_by=by, **more)
    logger.log_approval_decided("run-1", decision)


@fault("oversight 5.1", "oversight 5.2.18")
def test_a_later_approval_does_not_hide_what_a_person_decided(logger):
    wrong, harmless = (models.Action(tool_name=name) for name in ("pay", "look"))
    logger.log_run_start(models.RunMetadata(run_id="run-1", condition_id="c"))
    logger.log_action_proposed("run-1", wrong, injected_error=True)
    logger.log_approval_requested("run-1", models.ApprovalRequest(run_id="run-1", action=wrong))
    _log_decision(logger, wrong, False, "human:alice", latency_ms=100.0)
    logger.log_action_proposed("run-1", harmless)
    _log_decision(logger, harmless, True, "policy:risk_based")
    logger.log_run_end("run-1", success=False)
    run = part("eval.metrics").MetricsCalculator(logger).compute_run_metrics("run-1")
    assert (run.error_caught, run.human_latency_ms) == (True, 100.0)


@fault("oversight 5.4g", absent="nest_asyncio, which nothing installs")
async def test_the_backend_gate_can_be_called_where_an_event_loop_runs():
    policy = part("policies").RiskBasedPolicy(high_risk_tools=["pay"])
    gate = gates.hitl_gate_node(policy, part("backends").AutoApproveBackend())
    assert gate({"proposed_action": PROPOSED})["approval_decision"]


@fault("oversight 5.4g")
async def test_the_backend_gate_stands_in_an_async_graph():
    policy = part("policies").RiskBasedPolicy(high_risk_tools=["pay"])
    till = Till(gate=gates.hitl_gate_node(policy, part("backends").AutoApproveBackend()))
    try:
        await till.graph.ainvoke({"run_id": "r", "proposed_action": PROPOSED}, till.config)
    except RuntimeError as error:
        pytest.fail(f"no event loop: {error}")
    assert till.paid == [ARGS]


class Decorated:
    """`@hitl_action` around the same payment."""

    def __init__(self) -> None:
        self.paid: list[dict[str, Any]] = []

        @gates.hitl_action(risk_class=models.RiskClass.HIGH)
        def pay(to: str, amount: int) -> str:
            self.paid.append({"to": to, "amount": amount})
            return "paid"

        graph = StateGraph(State)
        graph.add_node("pay", lambda state: {"tool_result": pay(**ARGS)})
        graph.add_edge(START, "pay")
        self.graph = graph.compile(checkpointer=InMemorySaver())
        self.config = {"configurable": {"thread_id": "thread-7"}}

    def ask(self) -> Any:
        return self.graph.invoke({"run_id": "run-1"}, self.config)

    def answer(self, value: Any) -> Any:
        return self.graph.invoke(Command(resume=value), self.config)


@fault("approvals d5", "approvals 2.1")
def test_the_decorator_understands_a_documented_yes():
    decorated = Decorated()
    decorated.ask()
    decorated.answer({"approved": True, "decided_by": "human:alice"})
    assert decorated.paid == [ARGS]


@fault("approvals d5", "approvals 2.7")
def test_the_decorator_gives_its_risk_as_data():
    (question,) = Decorated().ask()["__interrupt__"]
    assert "high" in as_data(question.value)
