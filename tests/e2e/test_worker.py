"""The worker in this process, on real files: every way a decision can end."""

from __future__ import annotations

import asyncio
import operator
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import aiosqlite
import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.config import get_stream_writer
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Interrupt, Send, interrupt
from pydantic import BaseModel

from hitloop_tui.attach import thread_run
from hitloop_tui.attach.leases import alive, live_workers
from hitloop_tui.attach.review import State
from hitloop_tui.attach.worker import Worker
from tests.e2e.worker_desk import Desk

calls: list[Any] = []
"""What the tools of this file's graphs did."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    calls.clear()
    desk = Desk(tmp_path)
    yield desk
    desk.close()


class Values(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    item: Any


def chain(*nodes: Any, **compiling: Any) -> Any:
    builder = StateGraph(Values)
    before = START
    for node in nodes:
        builder.add_node(node.__name__, node)
        builder.add_edge(before, node.__name__)
        before = node.__name__
    return builder.compile(**compiling)


def tool(state: Values) -> Values:
    answer = interrupt({"tool": "refund", "args": {"amount": 10}})
    calls.append(answer)
    return {"log": [answer]}


def quiet(state: Values) -> Values:
    return {"log": ["quiet"]}


def broken(state: Values) -> Values:
    raise ValueError("the bank said no")


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

        builder = StateGraph(Values).add_node("one", one)
        builder.add_conditional_edges(
            START, lambda _: [Send("one", {"item": n}) for n in range(5)], ["one"]
        )
        graph = builder.compile()
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


class TestNotApplied:
    async def test_the_thread_moved_on(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        await desk.ask(graph, "t", {"log": ["new input"]})
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert "moved on" in desk.record(key).detail
        assert calls == []

    async def test_the_content_changed(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        other = [Interrupt(value={"tool": "wire"}, id=question.identity.interrupt_id)]
        with sqlite3.connect(desk.db) as connection:
            blob = JsonPlusSerializer().dumps_typed(other)[1]
            connection.execute("UPDATE writes SET value=? WHERE idx=-3", (blob,))
        connection.close()
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert "content changed" in desk.record(key).detail
        assert calls == []

    async def test_answered_by_the_application_and_failed(self, desk: Desk) -> None:
        def raises(state: Values) -> Values:
            interrupt("go?")
            raise ValueError("boom")

        graph = chain(raises)
        await desk.ask(graph, "t", {})
        with pytest.raises(ValueError, match="boom"):
            await desk.ask(graph, "t", Command(resume="yes"))
        [question] = desk.source.thread_questions("t")
        assert question.answered
        key = desk.decide(question, "no")
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert "ValueError" in desk.record(key).detail

    async def test_the_application_is_faster_with_one_of_two(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def one(state: Values) -> Values:
            calls.append((state["item"], interrupt({"n": state["item"]})))
            return {}

        builder = StateGraph(Values).add_node("one", one)
        builder.add_conditional_edges(
            START, lambda _: [Send("one", {"item": n}) for n in range(3)], ["one"]
        )
        graph = builder.compile()
        questions = {q.value["n"]: q for q in await desk.ask(graph, "t", {})}
        keys = {n: desk.decide(questions[n], "ours") for n in (0, 1)}
        stream = thread_run._stream

        async def late(*given: Any) -> None:
            monkeypatch.setattr(thread_run, "_stream", stream)
            theirs = {questions[0].identity.interrupt_id: "theirs"}
            await desk.ask(graph, "t", Command(resume=theirs))
            await stream(*given)

        monkeypatch.setattr(thread_run, "_stream", late)
        assert await desk.work({"g": graph}) == {"stale": 1, "applied": 1}
        assert desk.record(keys[0]).state is State.STALE
        assert calls == [(0, "theirs"), (1, "ours")]

    async def test_an_answer_that_may_be_running_elsewhere(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        place = {"thread_id": "t", "checkpoint_ns": ""}
        async with aiosqlite.connect(desk.db) as connection:
            await AsyncSqliteSaver(connection).aput_writes(
                {"configurable": {**place, "checkpoint_id": question.identity.checkpoint_id}},
                [("__resume__", "other")],
                "00000000-0000-0000-0000-000000000000",
            )
        assert await desk.work({"g": graph}) == {"blocked": 1}
        assert "another program" in desk.record(key).detail
        assert calls == []

    async def test_wrong_graph_touches_nothing_and_the_right_one_follows(self, desk: Desk) -> None:
        graph, other = chain(quiet, tool), chain(tool)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        before = dump(desk.db)
        assert await desk.work({"other": other}) == {"blocked": 1}
        assert desk.record(key).state is State.DECIDED
        assert "it hosts other" in desk.record(key).detail
        assert dump(desk.db) == before
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["yes"]

    async def test_graph_of_another_name(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {}, metadata={"graph_id": "pay"})
        key = desk.decide(question, "yes")
        assert await desk.work({"mail": graph}) == {"blocked": 1}
        assert "belongs to graph pay, this worker hosts mail" in desk.record(key).detail

    async def test_changed_graph(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {}, metadata={"graph_id": "pay"})
        key = desk.decide(question, "yes")
        assert await desk.work({"pay": chain(quiet)}) == {"blocked": 1}
        assert "was it changed since?" in desk.record(key).detail

    async def test_two_graphs_fit(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        assert await desk.work({"a": graph, "b": chain(tool)}) == {"blocked": 1}
        assert "a and b both fit" in desk.record(key).detail
        assert calls == []

    async def test_graph_without_checkpoints(self, desk: Desk) -> None:
        [question] = await desk.ask(chain(tool), "t", {})
        desk.decide(question, "yes")
        assert await desk.work({"g": chain(tool, checkpointer=False)}) == {"blocked": 1}


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

        builder = StateGraph(Values).add_node("one", one)
        builder.add_conditional_edges(
            START, lambda _: [Send("one", {"item": n}) for n in range(2)], ["one"]
        )
        graph = builder.compile()
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

        builder = StateGraph(Values).add_node("one", one)
        builder.add_conditional_edges(
            START, lambda _: [Send("one", {"item": n}) for n in range(2)], ["one"]
        )
        graph = builder.compile()
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


class TestStream:
    async def test_events_tell_the_run(self, desk: Desk) -> None:
        model = GenericFakeChatModel(messages=iter([AIMessage("one two three four")]))

        async def talks(state: Values) -> Values:
            get_stream_writer()({"progress": 1, "odd": object()})
            return {"log": [(await model.ainvoke("hi")).content]}

        graph = chain(tool, talks, tool_again)
        [question] = await desk.ask(graph, "t", {}, metadata={"graph_id": "g"})
        key = desk.decide(question, "yes")
        await desk.work({"g": graph})
        kinds = [e.kind for e in desk.events()]
        assert kinds == [
            *("decision", "resume"),
            *("task_start", "update", "task_end"),
            *("task_start", "custom", "token", "update", "task_end"),
            *("task_start", "interrupt", "applied"),
        ]
        by_kind = {e.kind: e for e in desk.events()}
        assert by_kind["token"].data["text"] == "one two three four"
        assert by_kind["token"].node == "talks"
        assert by_kind["custom"].data["value"]["progress"] == 1
        assert by_kind["task_end"].data["duration_ms"] >= 0
        assert by_kind["interrupt"].data["value"] == "again?"
        assert by_kind["applied"].data["id"] == key[:16]
        assert {e.graph_id for e in desk.events()} == {"g"}

    async def test_big_and_odd_values(self, desk: Desk) -> None:
        class Evil:
            def __repr__(self) -> str:
                raise RuntimeError("no repr")

        def makes(state: Values) -> Values:
            interrupt("go?")
            get_stream_writer()(Evil())
            return {"log": ["x" * 100_000, 2**63, float("nan"), b"\x00" * 9]}

        graph = chain(makes)
        [question] = await desk.ask(graph, "t", {})
        desk.decide(question, "yes")
        assert await desk.work({"g": graph}) == {"applied": 1}
        [update] = desk.events("update")
        assert update.data["value"]["log"][0].endswith("… 99,000 more characters")
        assert "cannot be shown" in desk.events("custom")[0].data["value"]


def tool_again(state: Values) -> Values:
    interrupt("again?")
    return {}


class TestHosted:
    async def test_a_decision_is_applied_at_once(self, desk: Desk) -> None:
        graph = chain(tool)
        async with Worker({"g": graph}, desk.db) as worker:
            assert [w.id for w in live_workers(desk.file)] == [worker.id]
            for n in range(5):
                [question] = await desk.ask(graph, f"t{n}", {})
                key = desk.decide(question, n)
                await asyncio.to_thread(desk.wait, key, State.APPLIED)
        assert calls == [0, 1, 2, 3, 4]
        assert live_workers(desk.file) == []

    async def test_needs_no_database_yet(self, desk: Desk) -> None:
        async with Worker({"g": chain(tool)}, desk.db):
            await asyncio.sleep(0.1)
        assert not desk.db.exists()

    async def test_a_blocking_node_looks_alive(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hitloop_tui.attach.heartbeat.HEARTBEAT_S", 0.05)
        beats = []

        async def blocks(state: Values) -> Values:
            interrupt("go?")
            for _ in range(3):
                time.sleep(0.2)  # noqa: ASYNC251
                beats.append(desk.file.rows("SELECT heartbeat_at FROM workers")[0][0])
            return {}

        graph = chain(blocks)
        [question] = await desk.ask(graph, "t", {})
        desk.decide(question, "yes")
        await desk.work({"g": graph})
        assert len(set(beats)) == 3

    async def test_shutdown_cuts_off_after_the_grace(self, desk: Desk) -> None:
        started = asyncio.Event()

        async def slow(state: Values) -> Values:
            interrupt("go?")
            started.set()
            await asyncio.sleep(30)
            return {}

        graph = chain(slow)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        async with Worker({"g": graph}, desk.db, grace_s=0.1) as worker:
            await started.wait()
            assert desk.record(key).state is State.APPLYING
        assert desk.record(key).state is State.UNCERTAIN
        assert worker.cut_off
        assert await desk.work({"g": graph}) == {}

    async def test_shutdown_lets_a_run_finish(self, desk: Desk) -> None:
        started = asyncio.Event()

        async def slow(state: Values) -> Values:
            interrupt("go?")
            started.set()
            await asyncio.sleep(0.3)
            return {}

        graph = chain(slow)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        async with Worker({"g": graph}, desk.db):
            await started.wait()
        assert desk.record(key).state is State.APPLIED

    async def test_one_worker_per_thread(self, desk: Desk) -> None:
        go = asyncio.Event()

        async def one(state: Values) -> Values:
            answer = interrupt({"n": state["item"]})
            await go.wait()
            calls.append(answer)
            return {}

        builder = StateGraph(Values).add_node("one", one)
        builder.add_conditional_edges(
            START, lambda _: [Send("one", {"item": n}) for n in range(2)], ["one"]
        )
        graph = builder.compile()
        first, second = await desk.ask(graph, "t", {})
        async with Worker({"g": graph}, desk.db), Worker({"g": graph}, desk.db):
            key = desk.decide(first, "a")
            await asyncio.to_thread(desk.wait, key, State.APPLYING)
            other = desk.decide(second, "b")
            await asyncio.sleep(0.2)
            assert desk.record(other).state is State.DECIDED
            go.set()
            await asyncio.to_thread(desk.wait, other, State.APPLIED)
        assert calls == ["a", "b"]
        assert desk.record(key).state is State.APPLIED

    async def test_many_threads_two_workers(self, desk: Desk) -> None:
        graph = chain(tool)
        keys = []
        for n in range(30):
            [question] = await desk.ask(graph, f"t{n}", {})
            keys.append(desk.decide(question, n))
        async with (
            Worker({"g": graph}, desk.db, once=True) as first,
            Worker({"g": graph}, desk.db, once=True) as second,
        ):
            await asyncio.gather(first.ended(), second.ended())
        assert sorted(calls) == list(range(30))
        assert first.outcomes["applied"] + second.outcomes["applied"] == 30
        assert {desk.record(key).state for key in keys} == {State.APPLIED}


def dump(db: Path) -> list[str]:
    connection = sqlite3.connect(db)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_a_pulse_of_nobody_is_not_alive() -> None:
    assert not alive(None)
