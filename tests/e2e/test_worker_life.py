"""The worker's stream of events, its start, stop and company."""

from __future__ import annotations

import asyncio
import time

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.config import get_stream_writer
from langgraph.types import interrupt

from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.review import State
from hitloop_tui.attach.worker import Worker
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, fan_out, tool


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

        graph = fan_out(one, 2)
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
