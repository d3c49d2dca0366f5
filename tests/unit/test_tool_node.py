"""The tool node runs exactly what was approved, once."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph

from hitloop_tui.core.models import Decision
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import AlwaysApprovePolicy
from tests.unit.gate_desk import ARGS, DIGEST, EDITED, PROPOSED, opened, wired


def approved(**changes: Any) -> dict[str, Any]:
    decision = {"action_id": "action-1", "approved": True, "digest": DIGEST, **changes}
    return {"proposed_action": PROPOSED, "approval_decision": decision}


def test_a_second_pass_with_the_same_decision_does_not_run_again(mailbox):
    node = create_interrupt_tool_node({"send_email": mailbox.send_email})
    state = approved()
    state |= node(state)
    again = node(state)
    assert mailbox.calls == [ARGS]
    assert again == {"hitl_status": "already_executed"}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({}, "no_action"),
        ({"proposed_action": PROPOSED, "approval_decision": None}, "no_decision"),
        ({"proposed_action": PROPOSED, "approval_decision": {"junk": 1}}, "no_decision"),
        (approved(approved=False, reason="no"), "not_approved"),
        (approved(digest="0" * 64), "digest_mismatch"),
        (approved(action_id="action-2"), "digest_mismatch"),
        (
            {**approved(), "proposed_action": {**PROPOSED, "tool_args": EDITED}},
            "digest_mismatch",
        ),
    ],
)
def test_what_was_not_approved_does_not_run_and_the_status_says_why(mailbox, state, status):
    update = create_interrupt_tool_node({"send_email": mailbox.send_email})(state)
    assert mailbox.calls == []
    assert update["hitl_status"] == update["tool_result"]["status"] == status
    assert update["tool_result"]["success"] is False


def test_an_unknown_tool_is_a_failed_result():
    update = create_interrupt_tool_node({})(approved())
    assert update["tool_result"]["error"] == "There is no tool named 'send_email'."


def broken_tool(**args: Any) -> None:
    raise ConnectionError("the mail server hung up")


async def test_a_tool_that_raises_fails_the_node_by_default(tmp_path):
    node = create_interrupt_tool_node({"send_email": broken_tool})
    async with opened(wired(AlwaysApprovePolicy(), node), tmp_path) as thread:
        with pytest.raises(ConnectionError, match="hung up"):
            await thread.start()
        (task,) = (await thread.graph.aget_state(thread.config)).tasks
    assert (task.name, "hung up" in str(task.error)) == ("execute", True)


async def test_a_tool_that_raises_can_be_recorded_and_spends_the_approval(tmp_path):
    node = create_interrupt_tool_node({"send_email": broken_tool}, on_error="record")
    async with opened(wired(AlwaysApprovePolicy(), node), tmp_path) as thread:
        result = await thread.start()
    assert result["tool_result"]["error_class"] == "ConnectionError"
    assert result["tool_result"]["status"] == "failed"
    assert result["approval_decision"]["spent"] is True


class Odd:
    def __str__(self) -> str:
        return "odd"


async def test_a_result_the_checkpointer_cannot_store_becomes_text(tmp_path):
    output = {"when": Odd(), 1: [2**70, "\udcff", {3}, (b"x",)], "ok": 1.5}
    node = create_interrupt_tool_node({"send_email": lambda **_: output})
    async with opened(wired(AlwaysApprovePolicy(), node), tmp_path) as thread:
        await thread.start()
        values = (await thread.graph.aget_state(thread.config)).values
    assert values["tool_result"]["result"] == {
        "when": "odd",
        "1": [str(2**70), "\\udcff", [3], [b"x"]],
        "ok": 1.5,
    }


async def test_langchain_tools_sync_and_async_run_in_both_kinds_of_graph(mailbox):
    @tool
    def send_email(to: list[str], copies: int, ratio: float, urgent: bool, meta: dict) -> str:
        """Send."""
        return mailbox.send_email(to=to, copies=copies)

    @tool("send_email")
    async def send_later(to: list[str], copies: int, ratio: float, urgent: bool, meta: dict) -> str:
        """Send."""
        return mailbox.send_email(to=to, copies=copies)

    for kind in (send_email, send_later):
        node = create_interrupt_tool_node([kind])
        assert node.invoke(approved())["tool_result"]["success"]
        assert (await node.ainvoke(approved()))["tool_result"]["success"]
    assert len(mailbox.calls) == 4


@pytest.mark.parametrize(
    ("decision", "route"),
    [
        (None, "skip"),
        ({"approved": True}, "execute"),
        ({"approved": "yes"}, "skip"),
        (Decision(action_id="a", approved=True), "execute"),
        (Decision(action_id="a", approved=False), "skip"),
    ],
)
def test_should_execute_wants_a_true_approval(decision, route):
    assert should_execute({"approval_decision": decision}) == route


def test_a_state_without_room_for_the_decision_is_an_error_and_no_refusal(mailbox):
    class Forgetful(TypedDict):
        proposed_action: dict[str, Any]

    graph: StateGraph[Any] = StateGraph(Forgetful)
    graph.add_node("gate", create_interrupt_gate_node(AlwaysApprovePolicy()))
    graph.add_node("execute", create_interrupt_tool_node({"send_email": mailbox.send_email}))
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    with pytest.raises(KeyError, match="schema needs"):
        graph.compile().invoke({"proposed_action": PROPOSED})
