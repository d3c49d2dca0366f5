"""The worker applies what it may, on real files."""

from __future__ import annotations

import asyncio

from langchain_core.runnables import RunnableConfig
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui.attach.review import State
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, fan_out, quiet, tool


class TestApplied:
    async def test_once_with_typed_arguments(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {"log": []})
        answer = {"type": "edit", "args": {"amount": 12.5, "n": 3, "tags": ["ä"], "none": None}}
        key = desk.decide(question, answer)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert await desk.work({"g": graph}) == {}
        assert calls == [answer]
        assert desk.record(key).state is State.APPLIED
        assert desk.source.thread_questions("t") == []

    async def test_async_nodes(self, desk: Desk) -> None:
        async def anode(state: Values) -> Values:
            calls.append(interrupt("go?"))
            await asyncio.sleep(0)
            return {}

        graph = chain(anode)
        [question] = await desk.ask(graph, "t", {})
        desk.decide(question, False)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [False]

    async def test_sends_in_one_map(self, desk: Desk) -> None:
        prefixes = []

        def one(state: Values) -> Values:
            prefixes.append(state["item"])
            calls.append((state["item"], interrupt({"n": state["item"]})))
            return {"log": [state["item"]]}

        graph = fan_out(one, 5)
        questions = {q.value["n"]: q for q in await desk.ask(graph, "t", {"log": []})}
        keys = [desk.decide(questions[n], f"yes {n}") for n in (1, 3, 4)]
        prefixes.clear()
        assert await desk.work({"g": graph}) == {"applied": 3}
        assert sorted(calls) == [(1, "yes 1"), (3, "yes 3"), (4, "yes 4")]
        assert sorted(prefixes) == [0, 1, 2, 3, 4]
        assert [len(e.data["ids"]) for e in desk.events("resume")] == [3]
        assert {desk.record(key).state for key in keys} == {State.APPLIED}
        left = desk.source.thread_questions("t")
        assert {q.value["n"] for q in left} == {0, 2}
        for question in left:
            desk.decide(question, "late")
        assert await desk.work({"g": graph}) == {"applied": 2}
        assert sorted((await desk.state(graph, "t")).values["log"]) == [0, 1, 2, 3, 4]

    async def test_questions_one_after_another(self, desk: Desk) -> None:
        def asks(state: Values) -> Values:
            for n in range(3):
                calls.append((n, interrupt({"n": n})))
            return {}

        graph = chain(asks)
        [question] = await desk.ask(graph, "t", {})
        for n in range(3):
            assert question.value == {"n": n}
            desk.decide(question, f"a{n}")
            assert await desk.work({"g": graph}) == {"applied": 1}
            [question] = desk.source.thread_questions("t") or [question]
        assert calls[-3:] == [(0, "a0"), (1, "a1"), (2, "a2")]
        assert desk.source.thread_questions("t") == []

    async def test_inside_a_subgraph(self, desk: Desk) -> None:
        def two(state: Values) -> Values:
            calls.append(interrupt("second"))
            return {"log": ["two"]}

        builder = StateGraph(Values).add_node("tool", tool).add_node("two", two)
        inner = builder.add_edge(START, "tool").add_edge(START, "two").compile()
        graph = (
            StateGraph(Values)
            .add_node("sub", inner)
            .add_node("quiet", quiet)
            .add_edge(START, "sub")
            .add_edge("sub", "quiet")
            .compile()
        )
        first, second = sorted(await desk.ask(graph, "t", {"log": []}), key=lambda q: str(q.value))
        desk.decide(second, "B")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["B"]
        [left] = desk.source.thread_questions("t")
        assert left.value == first.value
        desk.decide(left, "A")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["B", "A"]
        assert "quiet" in (await desk.state(graph, "t")).values["log"]
        assert any(e.ns.startswith("sub:") for e in desk.events("task_end"))

    async def test_functional_api(self, desk: Desk) -> None:
        @task
        def pay(n: int) -> str:
            answer = interrupt({"n": n})
            calls.append((n, answer))
            return f"{n} {answer}"

        @entrypoint()
        async def graph(given: int) -> list[str]:
            futures = [pay(n) for n in range(given)]
            return [await future for future in futures]

        questions = {q.value["n"]: q for q in await desk.ask(graph, "t", 3)}
        desk.decide(questions[1], "b")
        assert await desk.work({"g": graph}) == {"applied": 1}
        desk.decide(questions[0], "a")
        desk.decide(questions[2], "c")
        assert await desk.work({"g": graph}) == {"applied": 2}
        assert sorted(calls) == [(0, "a"), (1, "b"), (2, "c")]

    async def test_a_graph_that_asks_the_same_again(self, desk: Desk) -> None:
        graph = (
            StateGraph(Values)
            .add_node("tool", tool)
            .add_edge(START, "tool")
            .add_conditional_edges("tool", lambda s: "tool" if len(s["log"]) < 2 else "__end__")
            .compile()
        )
        for n in range(2):
            [question] = desk.source.thread_questions("t") or await desk.ask(graph, "t", {})
            desk.decide(question, n)
            assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [0, 1]

    async def test_leftover_of_a_plain_resume_reaches_no_other_question(self, desk: Desk) -> None:
        def asks(state: Values) -> Values:
            for n in range(3):
                calls.append(interrupt({"n": n}))
            return {}

        graph = chain(asks)
        await desk.ask(graph, "t", {})
        [second] = await desk.ask(graph, "t", Command(resume="approve"))
        assert second.leftover_answer
        desk.decide(second, "reject")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls[-2:] == ["approve", "reject"]
        [third] = desk.source.thread_questions("t")
        assert third.value == {"n": 2}

    async def test_the_runs_own_config_is_restored(self, desk: Desk) -> None:
        def node(state: Values, config: RunnableConfig) -> Values:
            interrupt("go?")
            calls.append({**config["configurable"], **config["metadata"]})
            calls.append(config["recursion_limit"])
            return {}

        graph = chain(node, quiet).with_config(recursion_limit=7)
        given = {"configurable": {"user_id": "u1", "limit": 3}, "metadata": {"graph_id": "pay"}}
        [question] = await desk.ask(graph, "t", {}, **given)
        desk.decide(question, "yes")
        assert await desk.work({"pay": graph, "other": graph}) == {"applied": 1}
        seen, limit = calls
        assert (seen["user_id"], seen["limit"], seen["graph_id"], limit) == ("u1", 3, "pay", 7)
        head = desk.source.metadata("t")
        assert {**head, "step": 0} == {
            "source": "loop",
            "step": 0,
            "parents": {},
            "graph_id": "pay",
            "user_id": "u1",
            "limit": 3,
        }
