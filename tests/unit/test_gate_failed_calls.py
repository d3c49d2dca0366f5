"""Calls that raise, are cut off, or cannot show their result: what may be called again."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy

from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import AlwaysApprovePolicy
from tests.unit.gate_desk import ARGS, CONFIG, INPUT, GateState, Mailbox, builder


class Flaky(Mailbox):
    def send_email(self, **args: Any) -> str:
        super().send_email(**args)
        if len(self.calls) < 3:
            raise ConnectionError("the mail server hung up")
        return "sent"


def test_a_retry_policy_calls_a_tool_that_raised_again():
    """Documented: whoever sets one wants it."""
    flaky, retry = Flaky(), RetryPolicy(initial_interval=0.01, jitter=False)
    graph: StateGraph[Any] = StateGraph(GateState)
    graph.add_node("gate", create_interrupt_gate_node(AlwaysApprovePolicy()))
    tools = create_interrupt_tool_node({"send_email": flaky.send_email})
    graph.add_node("execute", tools, retry_policy=retry)
    graph.add_edge(START, "gate")
    graph.add_edge("gate", "execute")
    result = graph.compile(checkpointer=InMemorySaver()).invoke(INPUT, CONFIG)
    assert result["tool_result"]["success"] is True
    assert len(flaky.calls) == 3


def test_an_approval_whose_call_failed_can_be_spent_again_once(tmp_path):
    flaky = Flaky()
    with SqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        app = builder(flaky).compile(checkpointer=saver)
        app.invoke(INPUT, CONFIG)
        for go in (Command(resume=True), None):
            with pytest.raises(ConnectionError):
                app.invoke(go, CONFIG)
        fork = app.update_state(CONFIG, {"run_id": "another"})
        assert app.invoke(None, fork)["tool_result"]["success"] is True
        assert len(flaky.calls) == 3
        history = [state for state in app.get_state_history(CONFIG) if state.next == ("execute",)]
        for before in history:
            assert app.invoke(None, before.config)["hitl_status"] == "already_executed"
    assert len(flaky.calls) == 3


class Deadly(Mailbox):
    def send_email(self, **args: Any) -> str:
        super().send_email(**args)
        raise KeyboardInterrupt


def test_a_call_that_was_cut_off_is_not_repeated_and_the_agent_is_told():
    deadly = Deadly()
    app = builder(deadly).compile(checkpointer=InMemorySaver())
    app.invoke(INPUT, CONFIG)
    with pytest.raises(KeyboardInterrupt):
        app.invoke(Command(resume=True), CONFIG)
    result = app.invoke(None, CONFIG)
    assert result["tool_result"]["status"] == result["hitl_status"] == "outcome_unknown"
    assert result["tool_result"]["success"] is False
    assert deadly.calls == [ARGS]


def test_a_tool_whose_result_cannot_be_shown_was_called_all_the_same(mailbox):
    class Shy:
        def __str__(self) -> str:
            raise RuntimeError("shy")

    endless: list[Any] = []
    endless.append(endless)
    for output in (Shy(), endless):
        graph: StateGraph[Any] = StateGraph(GateState)
        tools = create_interrupt_tool_node({"send_email": lambda output=output, **_: output})
        graph.add_node("gate", create_interrupt_gate_node(AlwaysApprovePolicy()))
        graph.add_node("execute", tools)
        graph.add_edge(START, "gate")
        graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
        result = graph.compile(checkpointer=InMemorySaver()).invoke(INPUT, CONFIG)
        assert result["tool_result"]["success"] is True
        assert "cannot be shown" in result["tool_result"]["result"]
