"""Telemetry of a running agent in the trace: live, in order, and without ground truth."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from hitloop_tui import RiskBasedPolicy, RunMetadata, TelemetryLogger
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.tui.widgets.rows import TIED, render_text
from tests.pilot.bare import screen_text
from tests.pilot.console import WIDE, console
from tests.unit.gate_desk import PROPOSED, GateState

TELEMETRY = ["action_proposed", "approval_requested", "approval_decided"]
TOOL = ["tool_execution_start", "tool_execution_end"]


class Injected(GateState, total=False):
    _injected_error: bool


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with SqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        agent = Agent(saver, tmp_path)
        yield agent
        agent.logger.close()


class Agent:
    """A graph with a gate and a tool, and a logger where the console looks for it."""

    def __init__(self, saver: SqliteSaver, folder: Path) -> None:
        self.db = folder / "agents.db"
        self.logger = TelemetryLogger(folder / "agents.telemetry.db")
        graph = StateGraph(Injected)
        graph.add_node("gate", create_interrupt_gate_node(RiskBasedPolicy(), self.logger))
        tools = {"send_email": lambda **args: f"sent to {args['to']}"}
        graph.add_node("execute", create_interrupt_tool_node(tools, self.logger))
        graph.add_edge(START, "gate")
        graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
        graph.add_edge("execute", END)
        self.graph: Any = graph.compile(checkpointer=saver)

    def ask(self, thread_id: str, **state: Any) -> None:
        config = {"configurable": {"thread_id": thread_id}}
        self.graph.invoke({"proposed_action": PROPOSED, **state}, config)

    def answer(self, thread_id: str) -> None:
        config = {"configurable": {"thread_id": thread_id}}
        self.graph.invoke(Command(resume={"approved": True, "decided_by": "human:ann"}), config)


class Following:
    """`hitloop-tui trace --follow --json` and what it has printed so far."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-m", "hitloop_tui", "trace", "--follow", "--json"]
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline, self.kinds()
            time.sleep(0.01)

    def stop(self) -> str:
        self.process.send_signal(signal.SIGINT)
        self._reader.join(30)
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        self.process.wait(30)
        self.process.stdout.close()
        self.process.stderr.close()
        return said


@pytest.fixture
def follow() -> Iterator[Callable[..., Following]]:
    running: list[Following] = []

    def start(*arguments: object) -> Following:
        running.append(Following(*arguments))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.stop()


def trace(*arguments: object) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "hitloop_tui", "trace", "--json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_gate_is_followed_live_beside_its_checkpoints(agent, follow):
    agent.ask("first", run_id="run-0")
    agent.logger.flush()
    following = follow(agent.db)
    past = ["superstep", "task_end", "superstep", *TELEMETRY[:2], "interrupt"]
    following.until(lambda: following.kinds() == past)
    told = len(following.events)

    agent.ask("t-1", run_id="run-1", _injected_error=True)
    following.until(lambda: "interrupt" in following.kinds()[told:])
    agent.answer("t-1")
    following.until(lambda: any(event["node"] == "execute" for event in following.events))
    assert following.stop() == ""

    live = following.events[told:]
    kinds = [event["kind"] for event in live if event["kind"] != "superstep"]
    assert [kind for kind in kinds if kind in TELEMETRY + TOOL] == TELEMETRY + TOOL
    # Beside the checkpoints: what a node logs stands before what its superstep wrote.
    assert kinds.index("approval_requested") < kinds.index("interrupt")
    assert kinds.index("interrupt") < kinds.index("approval_decided")
    ended = [kind for kind in kinds if kind in ("task_end", TOOL[1])]
    assert ended[-2:] == [TOOL[1], "task_end"]
    assert {event["thread_id"] for event in live} == {"t-1"}
    logged = [event for event in live if event["kind"] in TELEMETRY + TOOL]
    assert {event["data"]["run_id"] for event in logged} == {"run-1"}
    assert logged[2]["data"]["decided_by"] == "human:ann"
    assert "inject" not in json.dumps(following.events)
    # The logger itself knows.
    assert any(event.payload.get("injected_error") for event in agent.logger.get_events("run-1"))


def test_one_thread_is_told_alone_whatever_its_run_is_called(agent):
    for thread in ("t-1", "t-2"):
        agent.ask(thread)
    agent.answer("t-2")
    agent.logger.log_error("t-1", ValueError("outside of a graph"))
    agent.logger.flush()
    one, two = (trace(agent.db, "--thread", thread) for thread in ("t-1", "t-2"))
    for thread, events in (("t-1", one), ("t-2", two)):
        assert {event["thread_id"] for event in events} == {thread}
        assert set(TELEMETRY[:2]) <= {event["kind"] for event in events}
    assert "error" in {event["kind"] for event in one}
    assert TOOL[1] in {event["kind"] for event in two}


def test_nothing_tells_who_carries_an_injected_error(agent):
    """Promise 6: the person under study sees no ground truth, neither before nor after."""
    agent.ask("t-1", run_id="r", _injected_error=True)
    log = agent.logger
    log.log_run_start(RunMetadata(run_id="r", scenario_id="mail"))
    context = {"injection_type": "x", "details": [{"injected_recipient": "y", "phase": "tool"}]}
    log.log_error("r", ValueError("no"), context)
    log.log_run_end("r", False, {"injected_error": True, "escaped": True})
    log.flush()
    events = trace(agent.db)
    assert {"run_start", "run_end", "error", *TELEMETRY[:2]} <= {e["kind"] for e in events}
    said = json.dumps(events)
    for word in ("inject", "task_success", "validation_details", "escaped"):
        assert word not in said
    (error,) = [event for event in events if event["kind"] == "error"]
    assert error["data"]["context"] == {"details": [{"phase": "tool"}]}
    (proposed,) = [event for event in events if event["kind"] == "action_proposed"]
    assert proposed["data"]["tool_args"] == PROPOSED["tool_args"]


@pytest.mark.parametrize("place", ["agents.db", "agents.ledger.db", "elsewhere.db"])
def test_a_logger_may_write_into_the_database_the_ledger_or_elsewhere(tmp_path, place):
    with TelemetryLogger(tmp_path / place) as logger:
        logger.log_error("r", ValueError("boom"))
    db = tmp_path / "agents.db"
    named = ["--telemetry", tmp_path / place] if place == "elsewhere.db" else []
    db.touch()
    (event,) = trace(db, *named)
    assert (event["kind"], event["thread_id"]) == ("error", "r")
    assert event["data"]["error_message"] == "boom"
    done = subprocess.run(
        [sys.executable, "-m", "hitloop_tui", "ls", str(db), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_the_doctor_says_where_telemetry_is_or_would_be(agent):
    agent.ask("t-1")
    command = [sys.executable, "-m", "hitloop_tui", "doctor", str(agent.db)]
    place = str(agent.db.with_name("agents.telemetry.db"))
    agent.logger.flush()
    for expected in (place, f"none yet; a logger's place is {place}"):
        said = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
        (line,) = [line for line in said.splitlines() if " telemetry" in line]
        assert line.endswith(f"  {expected}")
        Path(place).unlink(missing_ok=True)


def test_another_programs_database_is_refused(tmp_path, agent):
    agent.ask("t-1")
    command = [sys.executable, "-m", "hitloop_tui", "trace", str(agent.db)]
    (tmp_path / "text.db").write_text("no database, but longer than a header " * 9)
    for other, code, words in (
        (agent.db, 2, "no TelemetryLogger writes there"),
        (tmp_path / "text.db", 1, "not a database"),
    ):
        done = subprocess.run(
            [*command, "--telemetry", str(other)], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert words in done.stderr
        assert other.name in done.stderr


def told(app: Any) -> str:
    """What the trace pane has told so far, on or off the screen."""
    lines = chain.from_iterable(e.lines(with_thread=True) for e in app.main.trace.buffer.entries)
    return "\n".join(render_text(lines, 500)).replace(TIED, " ")


async def test_the_console_shows_it_live(agent):
    agent.ask("t-1", run_id="run-1", _injected_error=True)
    async with console(agent.db, WIDE, rows=1) as c:
        await c.until(lambda: "asks a person" in told(c.app))
        await c.until(lambda: "proposes" in screen_text(c.app))
        agent.answer("t-1")
        await c.until(lambda: "approve  by human:ann" in told(c.app))
        await c.until(lambda: "execute  tool_result" in told(c.app))
        order = ["asks a person", "gate  asks", "by human:ann", "runs  send", "execute  tool"]
        assert sorted(order, key=told(c.app).index) == order
        await c.press("f")
        await c.until(lambda: "runs  send_email" in told(c.app))
        assert "inject" not in told(c.app).lower()
