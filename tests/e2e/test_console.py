"""The main job on a real terminal: see a question, answer it by key, watch the thread go on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.paths import ledger_path
from tests.e2e.terminal import Terminal, terminal

AGENTS = Path(__file__).parents[2] / "hitloop_tui" / "agents" / "langgraph.json"
HITLOOP = [sys.executable, "-m", "hitloop_tui"]
SIZES = [(80, 24), (140, 40)]
ARMED_S = 0.7
"""A little more than decision keys are ignored for after the card changes."""


class Agents:
    """Threads of the example agents on a database, and what their tools did."""

    def __init__(self, folder: Path) -> None:
        self.db = folder / "agents.db"
        self.log = folder / "tools.jsonl"
        self.environment = {
            "HITLOOP_AGENT_LOG": str(self.log),
            "HITLOOP_AGENT_TOKENS_PER_SECOND": "0",
            "XDG_STATE_HOME": str(folder / "state"),
        }

    def start(self, *names: str, threads: int = 1) -> None:
        words = [word for name in names for word in ("--agent", name)]
        command = [sys.executable, "-m", "hitloop_tui.agents", "--db", str(self.db), "--once"]
        subprocess.run(
            [*command, "--threads", str(threads), *words],
            check=True,
            capture_output=True,
            env={**os.environ, **self.environment},
        )

    def console(self, columns: int, lines: int, *words: str) -> Any:
        command = [*HITLOOP, str(self.db), "--config", str(AGENTS), *words]
        return terminal(command, columns, lines, self.environment)

    def list(self, *words: str) -> list[dict[str, Any]]:
        found = subprocess.run(
            [*HITLOOP, "ls", str(self.db), "--json", *words],
            check=True,
            capture_output=True,
            env={**os.environ, **self.environment},
        )
        reviews: list[dict[str, Any]] = json.loads(found.stdout)
        return reviews

    def ran(self) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop_worker(self) -> None:
        """Also one that has not yet said in the ledger that it lives."""
        for pid in self._workers():
            os.kill(pid, signal.SIGTERM)
        eventually(lambda: not self._workers())

    def _workers(self) -> list[int]:
        return processes(f"hitloop_tui worker {self.db}")


def processes(words: str) -> list[int]:
    """Processes with these words in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if words.encode() in path.read_bytes().replace(b"\0", b" "):
                found.append(int(path.parent.name))
    return found


def eventually(met: Callable[[], object], seconds: float = 40.0) -> None:
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def agents(tmp_path: Path) -> Any:
    started = Agents(tmp_path)
    yield started
    started.stop_worker()


def answer(console: Terminal, keys: str) -> None:
    """Read the question to its end, as high risk must be, then press the keys."""
    console.press("2")
    for _ in range(3):
        console.press(" ")
        time.sleep(0.2)
    time.sleep(ARMED_S)
    console.press(keys)


@pytest.mark.parametrize(("columns", "lines"), SIZES)
def test_approve_by_key_runs_the_tool_once(agents: Agents, columns: int, lines: int) -> None:
    agents.start("email")
    (review,) = agents.list()
    (action,) = review["actions"]
    with agents.console(columns, lines) as console:
        console.wait_for("send_email")
        console.wait_for("HIGH")
        answer(console, "a")
        console.wait_for("approved")
        eventually(agents.ran)
        console.press("q")
        assert console.wait_end() == 0
    (call,) = agents.ran()
    assert (call["tool"], call["args"]) == (action["tool_name"], action["tool_args"])
    assert agents.list() == []
    (decided,) = agents.list("--state", "applied")
    assert decided["decided_by"].startswith("human:")


def test_a_held_decision_that_is_taken_back_never_runs(agents: Agents) -> None:
    agents.environment["HITLOOP_HOLD"] = "3"
    agents.start("email")
    with agents.console(80, 24) as console:
        console.wait_for("send_email")
        console.wait_for("worker alive")
        answer(console, "a")
        console.wait_for(r"◔ \d s  send_email  u undo")
        console.press("u")
        console.wait_for("taken back send_email")
        time.sleep(4)
        assert agents.ran() == []
        assert [review["state"] for review in agents.list()] == ["pending"]
        answer(console, "a")
        console.wait_for("approved")
        eventually(agents.ran)
        console.press("q")
        console.wait_end()
    assert len(agents.ran()) == 1


def test_a_reason_is_asked_for_and_the_tool_never_runs(agents: Agents) -> None:
    agents.start("email")
    with agents.console(80, 24) as console:
        console.wait_for("send_email")
        answer(console, "r")
        console.wait_for("(?i)reason")
        console.press("wrong customer\r")
        console.wait_for("rejected")
        eventually(lambda: agents.list("--state", "applied"))
        console.press("q")
        console.wait_end()
    (decided,) = agents.list("--state", "applied")
    assert decided["verdicts"]["1"] == {"kind": "reject", "reason": "wrong customer"}
    assert agents.ran() == []


def test_each_action_of_a_batch_is_decided_apart(agents: Agents) -> None:
    agents.start("files")
    with agents.console(140, 40) as console:
        console.wait_for("archive_folder")
        answer(console, "a")
        console.wait_for("Action 2 of 2")
        answer(console, "r")
        console.press("keep them\r")
        eventually(lambda: agents.list("--state", "applied"))
        console.press("q")
        console.wait_end()
    tools = [call["tool"] for call in agents.ran()]
    assert "archive_folder" in tools
    assert "set_retention" not in tools


def test_a_key_pressed_before_the_card_was_seen_decides_nothing(agents: Agents) -> None:
    agents.start("email")
    with agents.console(80, 24) as console:
        console.press("aaaa")  # type-ahead, before anything is on the screen
        console.wait_for("send_email")
        time.sleep(ARMED_S)
        console.press("q")
        console.wait_end()
    assert [review["state"] for review in agents.list()] == ["pending"]


def test_a_new_question_shows_by_itself(agents: Agents) -> None:
    agents.start("email")
    with agents.console(140, 40) as console:
        console.wait_for("email-0001")
        agents.start("clarify")
        console.wait_for("clarify-0001")
        assert is_selected(console, "email-0001")


def is_selected(console: Terminal, thread: str) -> bool:
    return any("▌" in line and thread in line for line in console.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_leaves_the_worker(
    agents: Agents, number: signal.Signals
) -> None:
    agents.start("email")
    with agents.console(80, 24) as console:
        console.wait_for("send_email")
        file = LedgerFile(ledger_path(agents.db))
        eventually(lambda: live_workers(file))
        console.child.kill(number)
        console.wait_end()
        assert b"\x1b[?1049l" in console.raw.rpartition(b"\x1b[?1049h")[2]
        assert live_workers(file)
        file.close()


def test_a_terminal_that_cannot_move_its_cursor_is_refused(agents: Agents) -> None:
    with terminal([*HITLOOP, str(agents.db)], 80, 24, {"TERM": "dumb"}) as console:
        assert console.wait_end() == 2
        assert "TERM=dumb" in console.text


def test_the_demo_starts_everything_and_stops_it(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with terminal([*HITLOOP, "demo", "--threads", "1"], 140, 40, environment) as console:
        console.wait_for("refund_order")
        console.wait_for("worker alive")
        children = processes(str(tmp_path))
        assert len(children) >= 2
        console.press("q")
        assert console.wait_end() == 0
    for child in children:
        assert not Path(f"/proc/{child}").exists()
    assert not list(tmp_path.glob("hitloop-demo-*"))
