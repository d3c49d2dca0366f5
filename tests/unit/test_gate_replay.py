"""A thread that is taken up at its head again: answers given before count for nothing."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from hitloop_tui.langgraph import hitl_action
from tests.unit.gate_desk import PROPOSED, builder

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
OTHER = {**PROPOSED, "tool_args": {"to": ["eve@halden.example"]}}
YES = {"approved": True, "decided_by": "human:dana"}
HOW = [lambda graph: YES, lambda graph: {graph.get_state(CONFIG).interrupts[0].id: YES}]


@pytest.fixture(params=["memory", "sqlite"])
def saver(request, tmp_path):
    if request.param == "memory":
        yield InMemorySaver()
        return
    with SqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as made:
        yield made


@pytest.mark.parametrize("resume", HOW, ids=["plain", "by id"])
def test_an_answer_from_before_answers_no_other_question(mailbox, saver, resume):
    graph = builder(mailbox).compile(checkpointer=saver)
    graph.invoke({"proposed_action": PROPOSED}, CONFIG)
    graph.update_state(CONFIG, {"proposed_action": PROPOSED})
    graph.invoke(None, CONFIG)
    graph.invoke(Command(resume=resume(graph), update={"proposed_action": OTHER}), CONFIG)
    head = graph.get_state(CONFIG)
    assert head.interrupts, "the approval was for another call"
    graph.invoke(None, head.config)
    graph.invoke(None, CONFIG)
    assert mailbox.calls == []
    question = graph.get_state(CONFIG).interrupts[0]
    asked = question.value[0]["hitloop"]["action"]["tool_args"]
    strict = {"configurable": {**CONFIG["configurable"], "__pregel_strict_resume": True}}
    graph.invoke(Command(resume={question.id: YES}), strict)
    assert mailbox.calls == [asked]


async def test_an_async_gate(mailbox, tmp_path):
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        graph = builder(mailbox).compile(checkpointer=saver)
        await graph.ainvoke({"proposed_action": PROPOSED}, CONFIG)
        await graph.aupdate_state(CONFIG, {"proposed_action": PROPOSED})
        await graph.ainvoke(None, CONFIG)
        await graph.ainvoke(Command(resume=YES, update={"proposed_action": OTHER}), CONFIG)
        head = await graph.aget_state(CONFIG)
        await graph.ainvoke(None, head.config)
        await graph.ainvoke(None, CONFIG)
        assert (await graph.aget_state(CONFIG)).interrupts
        assert mailbox.calls == []


class Sum(TypedDict, total=False):
    amount: int


def paying(paid: list[int]) -> tuple[Any, Any]:
    """The same guarded tool for a sync and for an async node."""

    @hitl_action()
    def pay(amount: int) -> str:
        paid.append(amount)
        return "paid"

    @hitl_action()
    async def apay(amount: int) -> str:
        paid.append(amount)
        return "paid"

    return pay, apay


@pytest.mark.parametrize("kind", ["async tool", "sync tool that holds the event loop"])
async def test_a_guarded_tool_in_an_async_graph(tmp_path, kind):
    paid: list[int] = []
    pay, apay = paying(paid)

    async def node(state: Sum) -> None:
        if kind == "async tool":
            await apay(state["amount"])
        else:
            pay(state["amount"])

    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        flat = StateGraph(Sum).add_node("node", node).add_edge(START, "node")
        graph = flat.compile(checkpointer=saver)
        await graph.ainvoke({"amount": 1}, CONFIG)
        await graph.aupdate_state(CONFIG, {"amount": 1})
        await graph.ainvoke(None, CONFIG)
        await graph.ainvoke(Command(resume=YES, update={"amount": 2}), CONFIG)
        head = await graph.aget_state(CONFIG)
        assert head.interrupts
        await graph.ainvoke(None, head.config)
        await graph.ainvoke(None, CONFIG)
        assert paid == []
