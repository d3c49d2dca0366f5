"""`hitloop-tui worker` as a process, with a graph whose tool notes what it does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach.graph_file import load_module
from hitloop_tui.attach.graph_ref import GraphRef
from hitloop_tui.attach.review import Question
from tests.e2e.worker_desk import Desk

TOOLS = """
import os, time
from typing import TypedDict
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

class State(TypedDict, total=False):
    x: str

def note(text):
    with open(os.environ["TOOL_LOG"], "a") as file:
        file.write(text + "\\n")

def tool(state):
    print("a graph that prints")
    answer = interrupt({"tool": "pay"})
    note(f"start {answer}")
    if answer == "slow":
        time.sleep(1)
    if answer == "stuck":
        time.sleep(60)
    if answer == "raise":
        raise ValueError("no")
    if answer == "exit":
        raise SystemExit(9)
    note(f"end {answer}")
    return {"x": str(answer)}

graph = StateGraph(State).add_node("tool", tool).add_edge(START, "tool").compile()
"""


class Process:
    """A worker, or any other Python process, with its output."""

    def __init__(self, *words: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self, expected: int, seconds: float = 40) -> tuple[str, str]:
        out, err = self.popen.communicate(timeout=seconds)
        assert self.popen.returncode == expected, err
        return out, err


Start = Callable[..., Process]


@pytest.fixture
def tools(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the graph's file."""
    folder = desk.db.parent
    monkeypatch.setenv("TOOL_LOG", str(folder / "tool.log"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.chdir(folder)
    (folder / f"{folder.name}.py").write_text(TOOLS)
    return folder


@pytest.fixture
def start(desk: Desk, tools: Path) -> Iterator[Start]:
    """Starts workers, and kills those that are left."""
    started = []

    def start(*options: str) -> Process:
        words = ["-m", "hitloop_tui", "worker", str(desk.db), "--graph", graph_of(desk)]
        started.append(Process(*words, *options))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.communicate()


def graph_of(desk: Desk) -> str:
    folder = desk.db.parent
    return f"g={folder / folder.name}.py:graph"


async def ask(desk: Desk, *threads: str) -> list[Question]:
    graph = load_module(GraphRef.parse(graph_of(desk))).graph
    return [(await desk.ask(graph, thread, {}))[0] for thread in threads]


def tool_log(desk: Desk) -> list[str]:
    path = desk.db.parent / "tool.log"
    return path.read_text().splitlines() if path.exists() else []


def wait_for(what: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)
