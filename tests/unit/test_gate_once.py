"""One approval, one call: replays, forks, parallel passes; and what is not prevented."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, TypedDict

import pytest
from click.testing import CliRunner
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send

from hitloop_tui import TelemetryLogger
from hitloop_tui.backends import AutoApproveBackend
from hitloop_tui.cli import hitloop
from hitloop_tui.langgraph import (
    create_hitl_workflow_nodes,
    create_interrupt_gate_node,
    create_interrupt_tool_node,
)
from hitloop_tui.policies import AlwaysApprovePolicy, RiskBasedPolicy
from tests.unit.gate_desk import ARGS, CONFIG, INPUT, GateState, Mailbox, builder, opened

ROOT = Path(__file__).parents[2]


async def test_a_fork_from_before_the_call_does_not_call_again(mailbox, tmp_path):
    async with opened(builder(mailbox), tmp_path) as thread:
        await thread.start()
        await thread.answer(True)
        history = [state async for state in thread.graph.aget_state_history(thread.config)]
        (before,) = [state for state in history if state.next == ("execute",)]
        result = await thread.graph.ainvoke(None, before.config)
        assert result["hitl_status"] == "already_executed"
        changed = await thread.graph.aupdate_state(before.config, {"run_id": "another"})
        await thread.graph.ainvoke(None, changed)
    assert mailbox.calls == [ARGS]


REPLAY = """
    import sys
    from langgraph.checkpoint.sqlite import SqliteSaver
    from tests.unit.gate_desk import Mailbox, builder
    box = Mailbox()
    with SqliteSaver.from_conn_string(sys.argv[1]) as saver:
        app = builder(box).compile(checkpointer=saver)
        config = {"configurable": {"thread_id": "t"}}
        (before,) = [s for s in app.get_state_history(config) if s.next == ("execute",)]
        print(app.invoke(None, before.config)["hitl_status"], box.calls)
"""


def test_another_process_does_not_call_again_either(mailbox, tmp_path):
    path = str(tmp_path / "agents.db")
    with SqliteSaver.from_conn_string(path) as saver:
        app = builder(mailbox).compile(checkpointer=saver)
        app.invoke(INPUT, CONFIG)
        app.invoke(Command(resume=True), CONFIG)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(REPLAY), path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("already_executed []\n", "")


RACE = """
    import pathlib, sys, time
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.types import Command
    from tests.unit.gate_desk import Mailbox, builder
    folder, me = pathlib.Path(sys.argv[1]), sys.argv[2]
    class Slow(Mailbox):
        def send_email(self, **args):
            with (folder / "sent").open("a") as file:
                file.write("sent ")
            time.sleep(0.3)
    with SqliteSaver.from_conn_string(str(folder / "agents.db")) as saver:
        app = builder(Slow()).compile(checkpointer=saver)
        config = {"configurable": {"thread_id": "t"}}
        (question,) = app.get_state(config).interrupts
        (folder / me).touch()
        while not (folder / "go").exists():
            time.sleep(0.001)
        print(app.invoke(Command(resume={question.id: True}), config)["hitl_status"])
"""


def test_two_processes_that_resume_one_question_make_one_call(mailbox, tmp_path):
    """LangGraph itself runs the rest of the thread twice: it has no lock."""
    with SqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        builder(mailbox).compile(checkpointer=saver).invoke(INPUT, CONFIG)
    command = [sys.executable, "-c", textwrap.dedent(RACE), str(tmp_path)]
    racers = [
        subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    deadline = time.monotonic() + 60
    while not all((tmp_path / name).exists() for name in ("one", "two")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (tmp_path / "go").touch()
    said = sorted(racer.communicate(timeout=60)[0].strip() for racer in racers)
    assert (tmp_path / "sent").read_text() == "sent "
    assert said == ["already_executed", "human_decided"]


async def test_a_fork_from_before_the_question_asks_anew(mailbox, tmp_path):
    async with opened(builder(mailbox), tmp_path) as thread:
        await thread.start()
        await thread.answer(True)
        history = [state async for state in thread.graph.aget_state_history(thread.config)]
        (before,) = [state for state in history if state.next == ("gate",)]
        await thread.graph.ainvoke(None, before.config)
        assert len(mailbox.calls) == 1
        await thread.answer(True)
    assert len(mailbox.calls) == 2


def parallel(gate: Any, *executors: Any) -> Any:
    """After the gate all executors at once; one that is named twice is sent to twice."""
    graph: StateGraph[Any] = StateGraph(GateState)
    graph.add_node("gate", gate)
    names = [f"execute{executors.index(executor)}" for executor in executors]
    for name, executor in dict(zip(names, executors, strict=True)).items():
        graph.add_node(name, executor)
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", lambda state: [Send(n, state) for n in names], names)
    return graph.compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("nodes", [1, 2], ids=["one node, two sends", "two nodes"])
def test_two_passes_at_the_same_time_make_one_call(mailbox, asynchronous, nodes):
    first = create_interrupt_tool_node({"send_email": mailbox.send_email})
    second = create_interrupt_tool_node({"send_email": mailbox.send_email})
    app = parallel(
        create_interrupt_gate_node(AlwaysApprovePolicy()), first, first if nodes == 1 else second
    )
    result = asyncio.run(app.ainvoke(INPUT, CONFIG)) if asynchronous else app.invoke(INPUT, CONFIG)
    assert mailbox.calls == [ARGS]
    assert result["tool_result"]["status"] == "executed"
    assert result["hitl_status"] == "already_executed"


def test_a_second_edge_into_the_node_makes_no_second_call(mailbox):
    graph: StateGraph[Any] = StateGraph(GateState)
    graph.add_node("gate", create_interrupt_gate_node(AlwaysApprovePolicy()))
    graph.add_node("detour", lambda state: {"run_id": "r"})
    graph.add_node("execute", create_interrupt_tool_node({"send_email": mailbox.send_email}))
    graph.add_edge(START, "gate")
    graph.add_edge("gate", "execute")
    graph.add_edge("gate", "detour")
    graph.add_edge("detour", "execute")
    result = graph.compile(checkpointer=InMemorySaver()).invoke(INPUT, CONFIG)
    assert mailbox.calls == [ARGS]
    assert result["tool_result"]["status"] == "executed"


def test_the_gate_over_a_backend_gives_approvals_for_one_call_too(mailbox):
    nodes = create_hitl_workflow_nodes(
        RiskBasedPolicy(), AutoApproveBackend(), {"send_email": mailbox.send_email}
    )
    app = parallel(nodes["hitl_gate"], nodes["execute_tool"], nodes["execute_tool"])
    app.invoke(INPUT, CONFIG)
    assert mailbox.calls == [ARGS]


def test_a_gate_and_its_tool_inside_of_a_subgraph(mailbox):
    class Outer(TypedDict, total=False):
        proposed_action: Any
        tool_result: Any

    graph: StateGraph[Any] = StateGraph(Outer)
    graph.add_node("inner", builder(mailbox).compile())
    graph.add_edge(START, "inner")
    app = graph.compile(checkpointer=InMemorySaver())
    app.invoke(INPUT, CONFIG)
    app.invoke(Command(resume="what?"), CONFIG)
    result = app.invoke(Command(resume=True), CONFIG)
    assert result["tool_result"]["status"] == "executed"
    assert mailbox.calls == [ARGS]


def test_the_next_turn_of_a_thread_is_asked_and_called_again(mailbox):
    app = builder(mailbox).compile(checkpointer=InMemorySaver())
    for _ in range(2):
        app.invoke(INPUT, CONFIG)
        app.invoke(Command(resume=True), CONFIG)
    assert mailbox.calls == [ARGS, ARGS]


@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "plain"])
def test_a_second_click_while_the_tool_is_running_makes_no_second_call(by_id):
    clicks: list[dict[str, Any]] = []

    class Clicked(Mailbox):
        def send_email(self, **args: Any) -> str:
            super().send_email(**args)
            if len(self.calls) == 1:
                second = Command(resume={question.id: True} if by_id else True)
                click = threading.Thread(target=lambda: clicks.append(app.invoke(second, CONFIG)))
                click.start()
                click.join()
            return "sent"

    clicked = Clicked()
    app = builder(clicked).compile(checkpointer=InMemorySaver())
    app.invoke(INPUT, CONFIG)
    (question,) = app.get_state(CONFIG).interrupts
    result = app.invoke(Command(resume={question.id: True}), CONFIG)
    assert clicked.calls == [ARGS]
    assert clicks[0]["hitl_status"] in ("outcome_unknown", "already_executed")
    assert result["tool_result"]["result"] == "sent"


def test_events_are_logged_for_the_one_call_only(mailbox):
    with TelemetryLogger() as logger:
        tools = create_interrupt_tool_node({"send_email": mailbox.send_email}, logger)
        gate = create_interrupt_gate_node(AlwaysApprovePolicy(), logger)
        parallel(gate, tools, tools).invoke({**INPUT, "run_id": "r"}, CONFIG)
        kinds = [event.event_type.value for event in logger.get_events("r")]
    assert kinds == [
        "action_proposed",
        "approval_decided",
        "tool_execution_start",
        "tool_execution_end",
    ]


def test_the_trace_of_a_console_does_not_show_what_gates_keep(mailbox, tmp_path):
    path = tmp_path / "agents.db"
    with SqliteSaver.from_conn_string(str(path)) as saver:
        app = builder(mailbox).compile(checkpointer=saver)
        app.invoke(INPUT, CONFIG)
        app.invoke(Command(resume=True), CONFIG)
    done = CliRunner().invoke(hitloop, ["trace", str(path), "--json"])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ended = [event["node"] for event in events if event["kind"] == "task_end"]
    assert sorted(ended) == ["__start__", "execute", "gate"]
