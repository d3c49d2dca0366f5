"""Gate, tool node and guarded tool in every kind of graph, on checkpointers that refuse classes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from hitloop_tui import Action, TelemetryLogger
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    hitl_action,
    should_execute,
)
from hitloop_tui.policies import RiskBasedPolicy
from tests.unit.gate_desk import ARGS, EDITED, PROPOSED, GateState, Mailbox

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
GRAPHS = ["memory, sync", "memory, async", "sqlite, sync", "sqlite, async"]
Invoke = Callable[[Any], Awaitable[dict[str, Any]]]


class State(GateState):
    first: Any
    second: Any


class Bench:
    """One graph: the gate and its tool, then a node that makes two guarded calls."""

    def __init__(self, asynchronous_tools: bool, tmp_path: Path) -> None:
        self.mailbox = Mailbox()
        self.noted: list[str] = []
        self.heard: list[str] = []
        self.logger = TelemetryLogger(tmp_path / "telemetry.db")
        self.asynchronous_tools = asynchronous_tools

    def graph(self, asynchronous: bool) -> StateGraph[Any]:
        heard = self._aheard if asynchronous else self._heard
        gate = create_interrupt_gate_node(RiskBasedPolicy(), self.logger, heard)
        tools = create_interrupt_tool_node({"send_email": self._tool()}, self.logger)
        note = hitl_action(on_interrupt=heard, logger=self.logger)(self._note(asynchronous))

        def call(state: State) -> State:
            return {"first": note("a"), "second": note(text="b")}  # type: ignore[typeddict-item]

        async def acall(state: State) -> State:
            return {"first": await note("a"), "second": await note(text="b")}

        graph: StateGraph[Any] = StateGraph(State)
        graph.add_node("gate", gate)
        graph.add_node("execute", tools)
        graph.add_node("notes", acall if asynchronous else call)
        graph.add_edge(START, "gate")
        graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
        graph.add_edge("execute", "notes")
        return graph

    def _tool(self) -> Callable[..., Any]:
        async def send_email(**args: Any) -> str:
            await asyncio.sleep(0)
            return self.mailbox.send_email(**args)

        return send_email if self.asynchronous_tools else self.mailbox.send_email

    def _note(self, asynchronous: bool) -> Callable[..., Any]:
        def note(text: str) -> dict[str, Any]:
            self.noted.append(text)
            return {"noted": text}

        async def anote(text: str) -> dict[str, Any]:
            await asyncio.sleep(0)
            return note(text)

        return anote if asynchronous else note

    def _heard(self, payload: Any, thread_id: str) -> None:
        self.heard.append(f"{thread_id}: {payload['action_request']['action']}")

    async def _aheard(self, payload: Any, thread_id: str) -> None:
        await asyncio.sleep(0)
        self._heard(payload, thread_id)


async def running(bench: Bench, kind: str, path: Path, stack: AsyncExitStack) -> Invoke:
    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    asynchronous = kind.endswith(", async")
    saver: Any = InMemorySaver(serde=serde)
    if kind == "sqlite, sync":
        saver = stack.enter_context(SqliteSaver.from_conn_string(str(path / "agents.db")))
    if kind == "sqlite, async":
        opening = AsyncSqliteSaver.from_conn_string(str(path / "agents.db"))
        saver = await stack.enter_async_context(opening)
    saver.serde = serde
    app = bench.graph(asynchronous).compile(checkpointer=saver)

    async def invoke(given: Any) -> dict[str, Any]:
        if asynchronous:
            return await app.ainvoke(given, CONFIG)
        return await asyncio.to_thread(app.invoke, given, CONFIG)

    return invoke


@pytest.mark.parametrize("asynchronous_tools", [False, True], ids=["sync tool", "async tool"])
@pytest.mark.parametrize("kind", GRAPHS)
async def test_everything_is_asked_once_run_once_and_told_once(
    kind, asynchronous_tools, tmp_path, caplog
):
    caplog.set_level(logging.WARNING)
    bench = Bench(asynchronous_tools, tmp_path)
    async with AsyncExitStack() as stack:
        stack.enter_context(bench.logger)
        invoke = await running(bench, kind, tmp_path, stack)
        await invoke({"proposed_action": PROPOSED, "run_id": "t"})
        await invoke(None)
        await invoke(Command(resume="what?"))
        await invoke(Command(resume={"approved": True, "edited_args": EDITED}))
        await invoke(Command(resume={"approved": True, "decided_by": "human:dana"}))
        result = await invoke(Command(resume=[{"type": "ignore", "args": None}]))
        events = [event.event_type.value for event in bench.logger.get_events("t")]
    assert "__interrupt__" not in result
    assert bench.mailbox.calls == [EDITED]
    assert bench.noted == ["a"]
    assert result["first"] == {"noted": "a"}
    assert result["second"] == {"rejected": True, "reason": "Ignored by human"}
    assert result["approval_decision"]["proposed"]["tool_args"] == ARGS
    assert [line.replace("anote", "note") for line in bench.heard] == [
        *["t: send_email"] * 2,
        *["t: note"] * 2,
    ]
    asked, made = ["approval_requested"], ["tool_execution_start", "tool_execution_end"]
    assert events == [
        *["action_proposed", *asked, *asked, "approval_decided", *made],
        *["action_proposed", *asked, "approval_decided", *made],
        *["action_proposed", *asked, "approval_decided"],
    ]
    assert caplog.records == []


@pytest.mark.parametrize("kind", GRAPHS)
async def test_the_pages_own_objects_survive_a_strict_checkpointer(kind, tmp_path):
    """The state holds an `Action`, as on the page; a strict checkpointer gives back a dict."""
    bench = Bench(False, tmp_path)
    async with AsyncExitStack() as stack:
        stack.enter_context(bench.logger)
        invoke = await running(bench, kind, tmp_path, stack)
        await invoke({"proposed_action": Action.model_validate(PROPOSED)})
        result = await invoke(Command(resume={"approved": True, "decided_by": "human:alice"}))
    assert result["tool_result"]["action_id"] == "action-1"
    assert bench.mailbox.calls == [ARGS]
