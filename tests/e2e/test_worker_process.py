"""`hitloop-tui worker` as a process: signals, kills, races, and data that an application wrote."""

from __future__ import annotations

import asyncio
import os
import signal
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach import spawn
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.review import State
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_process import Process, ask, graph_of, tool_log, wait_for

pytestmark = pytest.mark.usefixtures("tools")

APP = '''
"""An application with its types in its own file, run as `python app.py ask|read`."""
import asyncio, dataclasses, enum, sys
from typing import Annotated, Any, NamedTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel

class Money(BaseModel):
    cents: int

@dataclasses.dataclass
class Order:
    id: int
    total: Money

class Status(enum.Enum):
    OPEN = "open"
    PAID = "paid"

class Point(NamedTuple):
    x: int

class State(BaseModel):
    order: Order
    status: Status = Status.OPEN
    loose: Any = None
    foreign: Any = None

def pay(state: State):
    assert type(state.order) is Order and type(state.order.total) is Money, state
    assert state.status is Status.OPEN and state.loose == Point(3), state
    amount = interrupt(state.order)
    return {"order": Order(2, Money(cents=amount)), "status": Status.PAID, "loose": Point(4)}

graph = StateGraph(State).add_node("pay", pay).add_edge(START, "pay").compile()

async def main(what, db):
    async with AsyncSqliteSaver.from_conn_string(db) as saver:
        graph.checkpointer = saver
        config = {"configurable": {"thread_id": "t"}}
        if what == "ask":
            from elsewhere import Thing
            order = Order(1, Money(cents=500))
            await graph.ainvoke(
                State(order=order, loose=Point(3), foreign=Thing(1)), config
            )
        values = (await graph.aget_state(config)).values
        if what == "read":
            assert values["order"] == Order(2, Money(cents=750)), values
            assert values["status"] is Status.PAID, values
            assert values["loose"] == Point(4) and type(values["loose"]) is Point, values

if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
'''


class TestOnce:
    async def test_applies_and_says_nothing_on_stdout(self, desk: Desk, start: Any) -> None:
        [question] = await ask(desk, "t")
        key = desk.decide(question, 7)
        out, err = start("--once").end(0)
        assert out == ""
        assert "a graph that prints" in err
        assert desk.record(key).state is State.APPLIED
        assert tool_log(desk) == ["start 7", "end 7"]

    async def test_exit_codes(self, desk: Desk, start: Any) -> None:
        good, raises = await ask(desk, "good", "raises")
        desk.decide(good, "yes")
        await ask(desk, "good")  # new input: the thread moves on
        start("--once").end(3)
        desk.decide(raises, "raise")
        start("--once").end(1)

    async def test_a_tool_that_calls_exit(self, desk: Desk, start: Any) -> None:
        [question] = await ask(desk, "t")
        key = desk.decide(question, "exit")
        start("--once").end(1)
        assert "SystemExit: 9" in desk.record(key).detail


class TestData:
    def test_types_of_an_application_run_as_main(self, desk: Desk, tmp_path: Path) -> None:
        app = tmp_path / "app.py"
        app.write_text(textwrap.dedent(APP))
        (tmp_path / "elsewhere.py").write_text(
            "import dataclasses\n@dataclasses.dataclass\nclass Thing:\n    n: int\n"
        )
        Process(str(app), "ask", str(desk.db)).end(0)
        [question] = desk.source.thread_questions("t")
        key = desk.decide(question, 750)
        words = ["worker", str(desk.db), "--graph", "app.py:graph", "--once"]
        _, err = Process("-m", "hitloop_tui", *words).end(0)
        assert desk.record(key).state is State.APPLIED
        assert err.count("elsewhere.Thing in the checkpoint data is not a type") == 1
        Process(str(app), "read", str(desk.db)).end(0)


class TestSignals:
    async def test_sigterm_lets_the_tool_finish(self, desk: Desk, start: Any) -> None:
        [question] = await ask(desk, "t")
        key = desk.decide(question, "slow")
        worker = start()
        wait_for(lambda: tool_log(desk))
        worker.popen.send_signal(signal.SIGTERM)
        worker.end(0)
        assert desk.record(key).state is State.APPLIED
        assert live_workers(desk.file) == []

    async def test_a_second_sigterm_does_not(self, desk: Desk, start: Any) -> None:
        [question] = await ask(desk, "t")
        key = desk.decide(question, "stuck")
        worker = start()
        wait_for(lambda: tool_log(desk))
        for _ in range(2):
            worker.popen.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
        worker.end(0, seconds=8)
        assert desk.record(key).state is State.UNCERTAIN

    async def test_a_killed_worker_leaves_it_uncertain(self, desk: Desk, start: Any) -> None:
        stuck, other = await ask(desk, "t", "other")
        key = desk.decide(stuck, "stuck")
        worker = start()
        wait_for(lambda: tool_log(desk))
        assert desk.record(key).state is State.APPLYING
        worker.popen.kill()
        worker.popen.communicate()
        assert desk.record(key).state is State.UNCERTAIN
        desk.decide(other, "fine")
        start("--once").end(0)
        assert tool_log(desk) == ["start stuck", "start fine", "end fine"]
        assert desk.record(key).state is State.UNCERTAIN


class TestTogether:
    async def test_two_workers_run_each_tool_once(self, desk: Desk, start: Any) -> None:
        questions = await ask(desk, *(f"t{n}" for n in range(30)))
        workers = [start(), start()]
        wait_for(lambda: len(live_workers(desk.file)) == 2)
        keys = [desk.decide(question, n) for n, question in enumerate(questions)]
        for key in keys:
            desk.wait(key, State.APPLIED)
        for worker in workers:
            worker.popen.send_signal(signal.SIGTERM)
            worker.end(0)
        assert sorted(tool_log(desk)) == sorted(
            f"{w} {n}" for n in range(30) for w in ("start", "end")
        )

    async def test_consoles_that_start_together_start_one_worker(self, desk: Desk) -> None:
        [question] = await ask(desk, "t")
        key = desk.decide(question, "yes")
        found: list[int | None] = []

        def ensure() -> None:
            found.append(spawn.ensure_worker(desk.db, None, [graph_of(desk)], None))

        threads = [threading.Thread(target=ensure) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [pid] = [pid for pid in found if pid is not None]
        try:
            desk.wait(key, State.APPLIED)
            assert os.getsid(pid) == pid
            os.kill(pid, signal.SIGHUP)
            await asyncio.sleep(0.2)
            assert [worker.pid for worker in live_workers(desk.file)] == [pid]
            assert spawn.ensure_worker(desk.db, None, [graph_of(desk)], None) is None
        finally:
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not live_workers(desk.file))
        assert "applied" in spawn.log_file(desk.file.path).read_text()
