"""The example agents: started by the driver in its own process, resumed in this one."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from hitloop_tui.agents import driver

AGENTS = Path(driver.__file__).parent
GRAPHS = json.loads((AGENTS / "langgraph.json").read_text())["graphs"]


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HITLOOP_AGENT_TOKENS_PER_SECOND", "0")
    monkeypatch.setenv("HITLOOP_AGENT_LOG", str(tmp_path / "agents.jsonl"))


def calls(tmp_path: Path) -> list[dict[str, Any]]:
    log = tmp_path / "agents.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def threads(db: Path) -> set[str]:
    with sqlite3.connect(db) as connection:
        found = {row[0] for row in connection.execute("SELECT thread_id FROM checkpoints")}
    connection.close()
    return found


def load(name: str) -> Any:
    """The module that langgraph.json names, from its file alone."""
    path, _, variable = GRAPHS[name].partition(":")
    spec = importlib.util.spec_from_file_location(f"standalone_{name}", AGENTS / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert hasattr(module, variable)
    return module


class Run:
    """One thread of one agent."""

    def __init__(self, graph: Any, opening: Any) -> None:
        self.graph, self.opening = graph, opening
        self.config = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}

    async def start(self) -> list[Any]:
        await self.graph.ainvoke(self.opening, self.config)
        return await self.questions()

    async def questions(self) -> list[Any]:
        return list((await self.graph.aget_state(self.config)).interrupts)

    async def answer(self, answers: dict[str, Any]) -> dict[str, Any]:
        return await self.graph.ainvoke(Command(resume=answers), self.config)


@asynccontextmanager
async def run_of(name: str, tmp_path: Path, number: int = 1):
    module = load(name)
    async with AsyncExitStack() as stack:
        db = str(tmp_path / "agents.db")
        saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(db))
        graph = await driver._compiled(module.graph, stack)
        graph.checkpointer = saver
        yield Run(graph, module.opening(number))


@pytest.mark.parametrize(
    ("number", "tool"), [(1, "send_email"), (2, "delete_draft"), (3, "send_email")]
)
async def test_the_email_assistant_runs_what_was_approved_and_closes(tmp_path, number, tool):
    async with run_of("email", tmp_path, number) as run:
        (question,) = await run.start()
        (payload,) = question.value
        assert payload["action_request"]["action"] == tool
        assert payload["hitloop"]["action"]["rationale"]
        digest = payload["hitloop"]["digest"]
        result = await run.answer({question.id: {"approved": True, "digest": digest}})
        assert await run.questions() == []
    assert calls(tmp_path)[-1]["args"] == payload["action_request"]["args"]
    assert "is closed" in result["messages"][-1].content


async def test_a_rejected_email_is_never_sent(tmp_path):
    async with run_of("email", tmp_path) as run:
        (question,) = await run.start()
        answer = {"approved": False, "reason": "wrong tone", "decided_by": "human:kim"}
        result = await run.answer({question.id: answer})
    assert calls(tmp_path) == []
    assert "wrong tone" in result["messages"][-1].content


async def test_file_operations_come_as_one_batch_and_run_edited_with_their_types(tmp_path):
    async with run_of("files", tmp_path) as run:
        (question,) = await run.start()
        archive, retention = question.value["action_requests"]
        kinds = [type(value) for value in archive["args"].values()]
        assert kinds == [str, str, float, bool, dict]
        edited = {**retention["args"], "keep_days": 7, "max_gb": 1.5, "dry_run": True}
        change = {"name": "set_retention", "args": edited}
        decisions = [{"type": "approve"}, {"type": "edit", "edited_action": change}]
        await run.answer({question.id: {"decisions": decisions}})
        assert await run.questions() == []
    logged = {entry["tool"]: entry["args"] for entry in calls(tmp_path)}
    assert logged["archive_folder"] == archive["args"]
    assert logged["set_retention"] == edited
    assert len(calls(tmp_path)) == 3


async def test_refunds_wait_side_by_side_and_are_answered_one_by_one(tmp_path):
    async with run_of("refunds", tmp_path) as run:
        questions = await run.start()
        assert len(questions) >= 2
        orders = {q.id: q.value[0]["action_request"]["args"]["order"] for q in questions}
        first, *others = orders
        await run.answer({first: {"approved": True}})
        assert {q.id for q in await run.questions()} == set(others)
        result = await run.answer({other: {"approved": False} for other in others})
    assert [entry["args"]["order"] for entry in calls(tmp_path)] == [orders[first]]
    assert f"1 of {len(questions)} claims were paid" in result["messages"][-1].content


async def test_research_asks_in_a_subgraph_streams_its_note_and_asks_to_publish(tmp_path):
    async with run_of("research", tmp_path) as run:
        (plan,) = await run.start()
        args = {**plan.value["action_request"]["args"], "max_sources": 3}
        change = [{"type": "edit", "args": {"action": "run_search_plan", "args": args}}]
        command = Command(resume={plan.id: change})
        tokens, progress = 0, 0
        async for _, mode, _ in run.graph.astream(
            command, run.config, stream_mode=["messages", "custom"], subgraphs=True
        ):
            tokens += mode == "messages"
            progress += mode == "custom"
        assert tokens > 80
        assert progress == 3
        (publish,) = await run.questions()
        await run.answer({publish.id: {"approved": True}})
        assert await run.questions() == []
    logged = calls(tmp_path)
    assert [entry["tool"] for entry in logged] == ["web_search"] * 3 + ["publish_report"]
    assert logged[0]["args"]["max_sources"] == 3


async def test_clarify_takes_free_text(tmp_path):
    async with run_of("clarify", tmp_path) as run:
        (question,) = await run.start()
        assert question.value.endswith("?")
        await run.answer({question.id: "Ten percent at most."})
    assert calls(tmp_path)[0]["args"]["answer"] == "Ten percent at most."


def test_threads_differ_in_content_and_are_the_same_every_time():
    module = load("email")
    texts = [module.opening(number)["messages"][0].content for number in range(1, 21)]
    assert len(set(texts)) == 20
    assert texts == [load("email").opening(n)["messages"][0].content for n in range(1, 21)]


def start(db: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "hitloop_tui.agents", "--db", str(db)]
    return subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)


def test_the_driver_keeps_starting_threads_until_sigterm_and_never_continues_old_ones(tmp_path):
    db = tmp_path / "agents.db"
    light = ["--agent", "refunds", "--agent", "clarify"]
    first = start(db, *light, "--threads", "2", "--rate", "50")
    assert first.stderr
    lines = [first.stderr.readline() for _ in range(7)]
    first.send_signal(signal.SIGTERM)
    lines += first.communicate(timeout=30)[1].splitlines(keepends=True)
    assert first.returncode == 0
    assert lines[0].startswith("refunds-0001  ")
    assert all(line.endswith(" waiting\n") for line in lines)
    before = threads(db)
    assert {"refunds-0001", "refunds-0002", "clarify-0001", "clarify-0002"} < before
    assert len(before) == len(lines)

    second = start(db, *light, "--threads", "1", "--once")
    error = second.communicate(timeout=30)[1]
    assert (second.returncode, error.count("waiting")) == (0, 2)
    assert len(threads(db) - before) == 2


def catches(pid: int, number: int) -> bool:
    """Whether a process handles a signal itself (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_the_driver_ends_well_when_stopped_while_it_still_imports(tmp_path):
    process = start(tmp_path / "agents.db", "--rate", "0")
    while not catches(process.pid, signal.SIGTERM):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    error = process.communicate(timeout=30)[1]
    assert (process.returncode, error) == (0, "")


@pytest.mark.parametrize("options", [["--threads", "-1"], ["--rate", "x"], ["--agent", "nobody"]])
def test_bad_options_are_refused_in_words(tmp_path, options, capsys):
    with pytest.raises(SystemExit, match="2"):
        driver.main(["--db", str(tmp_path / "agents.db"), *options])
    assert "invalid" in capsys.readouterr().err


def test_a_database_that_cannot_be_opened_is_said(tmp_path, capsys):
    assert driver.main(["--db", str(tmp_path / "no" / "agents.db"), "--once"]) == 1
    assert "unable to open" in capsys.readouterr().err


async def test_metadata_names_the_graph(tmp_path):
    db = tmp_path / "agents.db"
    options = driver._options(["--db", str(db), "--agent", "clarify", "--threads", "1", "--once"])
    assert await driver.drive(options) == 0
    async with AsyncSqliteSaver.from_conn_string(str(db)) as saver:
        found = await saver.aget_tuple({"configurable": {"thread_id": "clarify-0001"}})
    assert found
    assert found.metadata["graph_id"] == "clarify"
