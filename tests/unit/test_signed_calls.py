"""Guarded tools that take only signed answers: one signature, one call."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from hitloop_tui.langgraph import hitl_action, memory
from tests.signers import needs_ssh
from tests.unit.gate_desk import GateState, Thread, opened

pytestmark = needs_ssh


@pytest.fixture
def bank(signers) -> Any:
    """A graph whose one node pays through a guarded tool; `paid` has what was paid, and while
    `fails` is set the tool raises after it has paid."""

    @hitl_action(allowed_signers=signers)
    def pay(amount: int) -> str:
        graph.paid.append(amount)
        if graph.fails:
            raise ValueError("the bank said no")
        return "paid"

    graph: Any = StateGraph(GateState)
    graph.paid, graph.fails = [], False
    graph.add_node("pay", lambda _: {"tool_result": pay(amount=5)})
    graph.add_edge(START, "pay")
    return graph


async def test_a_tool_that_failed_runs_again_with_the_same_signature(bank, tmp_path, ann):
    async with opened(bank, tmp_path) as thread:
        await thread.graph.ainvoke({}, thread.config)
        bank.fails = True
        with pytest.raises(ValueError, match="bank"):
            await thread.answer(ann.answer(await thread.open(), ("pay", {"amount": 5})))
        bank.fails = False
        result = await thread.graph.ainvoke(None, thread.config)
    assert (result["tool_result"], bank.paid) == ("paid", [5, 5])


async def test_an_approval_that_somebody_wrote_into_the_checkpoint(bank, tmp_path):
    """A guarded tool keeps what was approved there, for its next execution."""
    async with opened(bank, tmp_path) as thread:
        await thread.graph.ainvoke({}, thread.config)
        action = (await thread.detail())["action"]["id"]
        state = await thread.graph.aget_state(thread.config)
        row = str(uuid.uuid5(memory.NAMESPACE, f"{state.tasks[0].id}/{action}/approval"))
        forged = {"value": {"amount": 1_000_000}, "answers": [], "drawn": 0}
        saver = thread.graph.checkpointer
        await saver.aput_writes(state.config, [(memory.CHANNEL, forged)], row)
        await thread.graph.ainvoke(None, thread.config)
        assert (await thread.detail())["signed"] is True
    assert bank.paid == []


async def test_two_calls_of_a_guarded_tool_alike(tmp_path, ann, signers):
    """An answer to the first is none to the second, though thread, node and arguments agree."""

    @hitl_action(allowed_signers=signers)
    def pay(amount: int) -> str:
        return "paid"

    def twice(state: dict[str, Any]) -> dict[str, Any]:
        return {"tool_result": [pay(amount=5), pay(amount=5)]}

    graph = StateGraph(GateState).add_node("twice", twice).add_edge(START, "twice")
    inner = graph.add_edge("twice", END).compile()
    outer = StateGraph(GateState).add_node("sub", inner).add_edge(START, "sub")
    call = ("pay", {"amount": 5})
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        for number, compiled in enumerate((graph.compile(saver), outer.compile(saver))):
            thread = Thread(compiled, f"t{number}")
            await compiled.ainvoke({}, thread.config)
            first = ann.answer(await thread.open(), call, f"t{number}")
            await thread.answer(first)
            await thread.answer(first)
            assert "signature was refused" in (await thread.detail())["error"]
            result = await thread.answer(ann.answer(await thread.open(), call, f"t{number}"))
            assert result["tool_result"] == ["paid", "paid"]
