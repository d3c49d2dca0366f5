"""Decisions that the worker must not apply."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import aiosqlite
import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command, Interrupt, interrupt

from hitloop_tui.attach import running
from hitloop_tui.attach.acts import act
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Kind, State, Verdict
from hitloop_tui.attach.session import Session
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, fan_out, quiet, tool

ANN = Person("ann", {})


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
        with contextlib.closing(Session.open(desk.db)) as session:
            [stale] = session.inbox.reviews()
            assert act(session.inbox, stale, Act.DISMISS, ANN).outcome == "recorded"
            [again] = session.inbox.reviews()
            assert (again.key, again.state) == (key, State.PENDING)
            answer = {0: Verdict(Kind.RESPOND, value="no")}
            assert decide(session.inbox, again, answer, ANN).outcome == "recorded"
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["no"]

    @pytest.mark.parametrize("edited", ["decisions SET answer='1'", "journal SET content='0'"])
    async def test_the_ledger_was_edited(self, desk: Desk, edited: str) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        with sqlite3.connect(desk.file.path) as connection:
            table = edited.partition(" ")[0]
            connection.execute(f"DROP TRIGGER {table}_fixed")
            connection.execute(f"UPDATE {edited} WHERE seq=1")
        connection.close()
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert "audit verify" in desk.record(key).detail
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

        graph = fan_out(one, 3)
        questions = {q.value["n"]: q for q in await desk.ask(graph, "t", {})}
        keys = {n: desk.decide(questions[n], "ours") for n in (0, 1)}
        stream = running._stream

        async def late(*given: Any) -> None:
            monkeypatch.setattr(running, "_stream", stream)
            theirs = {questions[0].identity.interrupt_id: "theirs"}
            await desk.ask(graph, "t", Command(resume=theirs))
            await stream(*given)

        monkeypatch.setattr(running, "_stream", late)
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
        assert await desk.work({"g": graph}) == {"uncertain": 1}
        assert "another program" in desk.record(key).detail
        assert calls == []

    async def test_wrong_graph_touches_nothing_and_the_right_one_follows(self, desk: Desk) -> None:
        graph, other = chain(quiet, tool), chain(tool)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        before = desk.dump()
        assert await desk.work({"other": other}) == {"blocked": 1}
        assert desk.record(key).state is State.DECIDED
        assert "it hosts other" in desk.record(key).detail
        assert desk.dump() == before
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
