"""Several guarded calls in one task, which LangGraph executes again after every answer."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy, interrupt

from hitloop_tui import TelemetryLogger
from hitloop_tui.langgraph import hitl_action

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    out: Any
    messages: Annotated[list[Any], add_messages]


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def note(calls, heard):
    @hitl_action(
        on_interrupt=lambda payload, _: heard.append(payload["action_request"]["args"]["x"])
    )
    def note(x: str) -> str:
        """Write something down."""
        calls.append(x)
        return x.upper()

    return note


def compiled(node: Any, saver: Any = None, **options: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("node", node, **options)
    graph.add_edge(START, "node")
    return graph.compile(checkpointer=saver or InMemorySaver())


def asked(result: dict[str, Any]) -> Any:
    """What the open question is about."""
    (question,) = result["__interrupt__"]
    value = question.value
    return value[0]["action_request"]["args"]["x"] if isinstance(value, list) else value


def start(app: Any) -> Any:
    return app.invoke({"out": None}, CONFIG)


def answer(app: Any, value: Any) -> Any:
    return app.invoke(Command(resume=value), CONFIG)


def test_a_call_that_was_made_is_not_made_again_by_the_next_answer(note, calls, heard):
    app = compiled(lambda _: {"out": [note("a"), note("b"), note("a")]})
    assert asked(start(app)) == "a"
    assert asked(answer(app, True)) == "b"
    assert asked(answer(app, False)) == "a"
    result = answer(app, True)
    assert result["out"] == ["A", {"rejected": True, "reason": "Rejected by human"}, "A"]
    assert calls == heard[::2] == ["a", "a"]
    assert heard == ["a", "b", "a"]


def test_another_process_knows_what_was_made(note, calls, tmp_path):
    with SqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        app = compiled(lambda _: {"out": [note("a"), note("b")]}, saver)
        start(app)
        answer(app, True)
    with SqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        app = compiled(lambda _: {"out": [note("a"), note("b")]}, saver)
        assert answer(app, True)["out"] == ["A", "B"]
    assert calls == ["a", "b"]


async def test_two_runs_of_one_question_make_one_call(calls, tmp_path):
    """LangGraph runs the node twice: it has no lock. Two savers stand for two processes."""
    begun, go = asyncio.Event(), asyncio.Event()

    @hitl_action()
    async def pay(x: str) -> str:
        calls.append(x)
        begun.set()
        await go.wait()
        return "paid"

    async def node(state):
        return {"out": await pay("a")}

    path = str(tmp_path / "agents.db")
    savers = AsyncSqliteSaver.from_conn_string(path), AsyncSqliteSaver.from_conn_string(path)
    async with savers[0] as one, savers[1] as two:
        first, second = compiled(node, one), compiled(node, two)
        await first.ainvoke({}, CONFIG)
        running = asyncio.create_task(first.ainvoke(Command(resume=True), CONFIG))
        await begun.wait()
        (question,) = (await second.aget_state(CONFIG)).interrupts
        other = await second.ainvoke(Command(resume={question.id: True}), CONFIG)
        go.set()
        assert (await running)["out"] == "paid"
    assert other["out"]["outcome_unknown"] is True
    assert calls == ["a"]


def test_the_nodes_own_questions_keep_their_answers(note, calls):
    def node(_: State) -> State:
        return {"out": [interrupt("first?"), note("a"), interrupt("middle?"), note("b")]}

    app = compiled(node)
    assert asked(start(app)) == "first?"
    assert asked(answer(app, 1)) == "a"
    assert asked(answer(app, "what?")) == "a"
    assert asked(answer(app, True)) == "middle?"
    assert asked(answer(app, 2)) == "b"
    assert answer(app, True)["out"] == [1, "A", 2, "B"]
    assert calls == ["a", "b"]


def test_an_answer_stays_with_its_call_when_the_calls_change_places(note, calls):
    order = ["a", "b"]
    app = compiled(lambda _: {"out": [note(x) for x in order]})
    assert asked(start(app)) == "a"
    order.reverse()
    assert asked(app.invoke(None, CONFIG)) == "a"
    assert asked(answer(app, True)) == "b"
    assert calls == []
    answer(app, False)
    assert calls == ["a"]


def agent_says(count: int) -> dict[str, Any]:
    wanted = [{"name": "note", "args": {"x": f"c{n}"}, "id": str(n)} for n in range(count)]
    return {"messages": [AIMessage("", tool_calls=wanted)]}


NAMES = ["c0", "c1", "c2", "c3"]


def test_parallel_calls_of_a_tool_node_are_asked_and_run_once_each(note, calls, heard):
    app = compiled(ToolNode([tool(note)]))
    result = app.invoke(agent_says(4), CONFIG)
    for _ in NAMES:
        result = answer(app, True)
    assert "__interrupt__" not in result
    assert sorted(calls) == sorted(heard) == NAMES
    assert [message.content for message in result["messages"][1:]] == ["C0", "C1", "C2", "C3"]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync tool", "async tool"])
async def test_parallel_calls_in_an_async_graph(note, calls, heard, tmp_path, asynchronous):
    hear = lambda payload, _: heard.append(payload["action_request"]["args"]["x"])  # noqa: E731

    @hitl_action(on_interrupt=hear)
    async def later(x: str) -> str:
        """Write something down."""
        await asyncio.sleep(0.001)
        calls.append(x)
        return x.upper()

    used = tool("note")(later) if asynchronous else tool(note)
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        app = compiled(ToolNode([used]), saver)
        await app.ainvoke(agent_says(4), CONFIG)
        for _ in NAMES:
            result = await app.ainvoke(Command(resume=True), CONFIG)
    assert "__interrupt__" not in result
    assert sorted(calls) == sorted(heard) == NAMES


async def test_a_sync_tool_that_blocks_the_loop_of_its_checkpointer(note, calls, heard, tmp_path):
    async def call(_: State) -> State:
        return {"out": [note("a"), note("b")]}

    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        app = compiled(call, saver)
        await app.ainvoke({"out": None}, CONFIG)
        await app.ainvoke(None, CONFIG)
        await app.ainvoke(Command(resume=True), CONFIG)
        await app.ainvoke(None, CONFIG)
        result = await app.ainvoke(Command(resume=True), CONFIG)
    assert result["out"] == ["A", "B"]
    assert calls == heard == ["a", "b"]


def test_a_subgraph_and_the_node_around_it(note, calls):
    inner = compiled(lambda _: {"out": [note("in"), note("in 2")]}, saver=None)
    sub = inner.builder.compile()
    app = compiled(lambda _: {"out": [note("before"), sub.invoke({})["out"], note("after")]})
    result = start(app)
    for x in ("before", "in", "in 2", "after"):
        assert asked(result) == x
        result = answer(app, True)
    assert result["out"] == ["BEFORE", ["IN", "IN 2"], "AFTER"]
    assert calls == ["before", "in", "in 2", "after"]


def test_tasks_of_the_functional_api(note, calls):
    @task
    def step(x: str) -> str:
        return note(x) + note(x * 2)

    @entrypoint(checkpointer=InMemorySaver())
    def flow(_: Any) -> list[str]:
        return [step("a").result(), note("b")]

    flow.invoke(1, CONFIG)
    answer(flow, True)
    answer(flow, True)
    assert answer(flow, True) == ["AAA", "B"]
    assert calls == ["a", "aa", "b"]


def test_a_guarded_tool_may_ask_for_itself(calls):
    @hitl_action()
    def book(x: str) -> str:
        calls.append(f"{x} {interrupt('which seat?')}")
        return calls[-1]

    app = compiled(lambda _: {"out": book("a")})
    assert asked(start(app)) == "a"
    assert asked(answer(app, True)) == "which seat?"
    assert answer(app, "12A")["out"] == "a 12A"
    assert calls == ["a 12A"]


class Flaky:
    def __init__(self, logger: TelemetryLogger) -> None:
        self.calls: list[str] = []
        self.note = hitl_action(logger=logger)(self._note)

    def _note(self, x: str) -> str:
        self.calls.append(x)
        if len(self.calls) < 3:
            raise ConnectionError("no line")
        return x


MADE = ["tool_execution_start", "tool_execution_end"]


def test_a_retry_keeps_the_approval_and_logs_it_once():
    with TelemetryLogger() as logger:
        flaky = Flaky(logger)
        retry = RetryPolicy(initial_interval=0.01, jitter=False)
        app = compiled(lambda _: {"out": flaky.note("a")}, retry_policy=retry)
        start(app)
        assert answer(app, True)["out"] == "a"
        kinds = [event.event_type.value for event in logger.get_events()]
    assert flaky.calls == ["a", "a", "a"]
    assert kinds == ["action_proposed", "approval_requested", "approval_decided", *MADE * 3]


def test_a_cleared_answer_is_asked_for_anew():
    """What our console's `clear` writes: the approval of a tool that raised is void then."""
    with TelemetryLogger() as logger:
        flaky = Flaky(logger)
        app = compiled(lambda _: {"out": flaky.note("a")})
        start(app)
        with pytest.raises(ConnectionError):
            answer(app, True)
        state = app.get_state(CONFIG)
        (failed,) = state.tasks
        app.checkpointer.put_writes(state.config, [("__resume__", [])], failed.id)
        (question,) = app.get_state(CONFIG).interrupts
        result = app.invoke(Command(resume={question.id: False}), CONFIG)
    assert result["out"]["rejected"] is True
    assert flaky.calls == ["a"]


def test_a_result_the_checkpointer_cannot_hold_is_kept_as_text(calls):
    class Receipt:
        def __str__(self) -> str:
            return "a receipt"

    @hitl_action()
    def pay(x: str) -> Any:
        calls.append(x)
        return Receipt()

    app = compiled(lambda _: {"out": [str(pay("a")), str(pay("b"))]})
    start(app)
    answer(app, True)
    assert answer(app, True)["out"] == ["a receipt", "a receipt"]
    assert calls == ["a", "b"]


def test_latency_begins_with_the_question_and_not_with_the_node(calls):
    pauses = [1.0]
    with TelemetryLogger() as logger:

        @hitl_action(logger=logger)
        def pay(x: str) -> None:
            calls.append(x)

        def node(_: State) -> State:
            time.sleep(pauses.pop() if pauses else 0)
            pay("a")
            return {"out": 1}

        app = compiled(node)
        start(app)
        answer(app, "what?")
        time.sleep(0.2)
        answer(app, True)
        (decided,) = [e for e in logger.get_events() if e.event_type.value == "approval_decided"]
    assert 200 <= decided.payload["latency_ms"] < 1000
