"""Runs that raise, and what becomes of each decision in them."""

from __future__ import annotations

import asyncio
import threading
import time

from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel

from hitloop_tui.attach.review import State
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, broken, calls, chain, fan_out, quiet, tool


class TestFailed:
    async def test_the_tool_raises(self, desk: Desk) -> None:
        def pays(state: Values) -> Values:
            calls.append(interrupt("go?"))
            raise ValueError("the bank said no")

        graph = chain(pays)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert desk.record(key).detail == "pays raised ValueError: the bank said no"
        assert await desk.work({"g": graph}) == {}
        assert calls == ["yes"]
        assert [e.data["error"] for e in desk.events("task_error")] == [
            "ValueError: the bank said no"
        ]

    async def test_inside_a_subgraph(self, desk: Desk) -> None:
        def pays(state: Values) -> Values:
            interrupt("go?")
            raise ValueError("no")

        graph = StateGraph(Values).add_node("sub", chain(pays)).add_edge(START, "sub").compile()
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert "raised ValueError: no" in desk.record(key).detail

    async def test_a_later_node_raises(self, desk: Desk) -> None:
        graph = chain(tool, broken)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert desk.record(key).detail == (
            "the answer was taken; then broken raised ValueError: the bank said no"
        )

    async def test_a_sibling_that_finished_is_applied(self, desk: Desk) -> None:
        done = threading.Event()

        def one(state: Values) -> Values:
            answer = interrupt({"n": state["item"]})
            if state["item"] == 1:
                done.wait(5)
                time.sleep(0.2)
                raise ValueError("no")
            done.set()
            return {"log": [answer]}

        graph = fan_out(one, 2)
        keys = {q.value["n"]: desk.decide(q, "yes") for q in await desk.ask(graph, "t", {})}
        assert await desk.work({"g": graph}) == {"applied": 1, "failed": 1}
        assert desk.record(keys[0]).state is State.APPLIED
        assert desk.record(keys[1]).detail == "one raised ValueError: no"

    async def test_a_cancelled_sibling_is_uncertain(self, desk: Desk) -> None:
        started = asyncio.Event()

        async def one(state: Values) -> Values:
            interrupt({"n": state["item"]})
            if state["item"] == 0:
                started.set()
                await asyncio.sleep(30)
            await started.wait()
            raise ValueError("no")

        graph = fan_out(one, 2)
        keys = {q.value["n"]: desk.decide(q, "yes") for q in await desk.ask(graph, "t", {})}
        assert await desk.work({"g": graph}) == {"uncertain": 1, "failed": 1}
        assert "stopped halfway because another task raised" in desk.record(keys[0]).detail

    async def test_an_answer_that_the_schema_refuses(self, desk: Desk) -> None:
        class Answer(BaseModel):
            ok: bool

        def asks(state: Values) -> Values:
            calls.append(interrupt("go?", response_schema=Answer))
            return {}

        graph = chain(asks)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, {"ok": "perhaps"})
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert "ValidationError" in desk.record(key).detail
        assert calls == []

    async def test_functional_body_raises_after_the_answer(self, desk: Desk) -> None:
        @task
        def pay() -> str:
            return str(interrupt("go?"))

        @entrypoint()
        async def graph(given: int) -> str:
            await pay()
            raise ValueError("afterwards")

        [question] = await desk.ask(graph, "t", 1)
        key = desk.decide(question, "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert desk.record(key).detail.startswith("the answer was taken; then ")

    async def test_recursion_limit(self, desk: Desk) -> None:
        loop = StateGraph(Values).add_node("tool", tool).add_node("quiet", quiet)
        loop.add_edge(START, "tool").add_edge("tool", "quiet").add_edge("quiet", "quiet")
        graph = loop.compile().with_config(recursion_limit=5)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert "the run raised GraphRecursionError" in desk.record(key).detail
