"""The page's commands, word for word but for the names that moved, each in a shell of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.upstream.page import BLOCKS, PAGE, block

ROOT = Path(__file__).parents[2]
MOVED = {"examples/": "agents/", "examples.": "agents.", "src/hitloop": "hitloop_tui"}
SECONDS = 90
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def commands(title: str) -> list[str]:
    """The commands of a block, with their new names."""
    found = [line for line in block(title).text.splitlines() if line and line[0] != "#"]
    for old, new in MOVED.items():
        found = [line.replace(old, new) for line in found]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout as the commands see it, whose outputs go elsewhere."""
    (tmp_path / "agents").symlink_to(ROOT / "agents")
    return tmp_path


def environment() -> dict[str, str]:
    first = Path(sys.executable).parent
    quick = {"HITLOOP_AGENT_TOKENS_PER_SECOND": "0", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **quick, "PATH": f"{first}:{os.environ['PATH']}"}


def shell(command: str, folder: Path, typed: str = "") -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


RUN, AGENT = "# Recommended: Using LangGraph's native", "# Run with simulated LLM"
SERVE, DEVELOP = "# Install server dependencies", "# Install dev dependencies"
INSTALL = ["# Clone the repository", "# Install with your preferred backend"]
SHOWN = {
    "python agents/interrupt_example.py": "human_decided",
    "python agents/basic_workflow.py": "APPROVED by cli:human",
    "python agents/basic_workflow.py --auto": "APPROVED by auto",
    "python agents/run_experiment.py --n-trials 20": '"total_trials": 80',
    "python agents/langgraph_agent.py --simulate --auto": "Email sent",
    "python agents/langgraph_agent.py --simulate": "Email sent",
}


def test_every_example_of_the_page_is_run():
    assert [*commands(RUN), *commands(AGENT)] == list(SHOWN)


@pytest.mark.parametrize("command", SHOWN)
def test_an_example_runs(folder, command):
    assert SHOWN[command] in shell(command, folder, typed="y\nfine\n")


class Server:
    """The page's `uvicorn` command, and its console."""

    def __init__(self, command: str, folder: Path) -> None:
        self.console = folder / "console.txt"
        with self.console.open("w") as file:
            self.process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment(),
            )

    def said(self, pattern: str) -> re.Match[str]:
        for _ in range(20 * SECONDS):
            if found := re.search(pattern, self.console.read_text()):
                return found
            assert self.process.poll() is None, self.console.read_text()
            time.sleep(0.05)
        raise AssertionError(self.console.read_text())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def server(folder: Path) -> Iterator[tuple[Server, str]]:
    """The running server, and the page's `curl` command for it."""
    port = str(free_port())
    _, uvicorn, curl = (one.replace("8000", port) for one in commands(SERVE))
    running = Server(uvicorn, folder)
    running.said("Application startup complete")
    yield running, curl
    running.process.send_signal(signal.SIGINT)
    running.process.wait(20)


@pytest.mark.parametrize(("verdict", "said"), [("approve", "approved"), ("reject", "not approved")])
def test_a_request_by_curl_is_decided_by_the_url_on_the_console(server, folder, verdict, said):
    running, curl = server
    shell(curl, folder)
    decide = running.said(rf"To {verdict}: +(curl .*)\n")[1]
    assert "recorded" in shell(decide, folder)
    running.said(f"Decision: {said} by")


def test_every_extra_the_page_installs_is_there():
    installs = "\n".join(line for line in PAGE.splitlines() if "pip install" in line)
    named = set(re.findall(r"\[(\w+)\]", installs))
    assert named == {"dev", "server", "postgres", "redis"}
    assert named <= EXTRAS.keys()


def test_the_extra_for_development_brings_the_pages_tools():
    tools = {line.split()[0] for line in commands(DEVELOP)} - {"pip"}
    assert tools == {"pytest", "mypy", "ruff"}
    assert EXTRAS["dev"] == [f"{PROJECT['name']}[test]"]
    assert tools <= {re.split("[>=<]", one)[0] for one in EXTRAS["test"]}


def _tree() -> Iterator[Path]:
    """The files and folders of the page's tree."""
    inside: list[str] = []
    for lead, name in re.findall(r"(?m)^([│ ]*)[├└]── (\S+)", block("hitloop/").text):
        del inside[len(lead) // 4 :]
        inside.append(name.rstrip("/"))
        yield Path(*inside)


def test_every_file_of_the_pages_tree_is_there():
    new = {"src/hitloop": "hitloop_tui", "examples": "agents"}
    paths = [re.sub("^(src/hitloop|examples)", lambda m: new[m[0]], str(path)) for path in _tree()]
    assert len(paths) == 25
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_block_is_tested():
    """Python is pasted, JSON compared (`test_page_script`); three blocks are drawings."""
    known = [block(title) for title in (RUN, AGENT, SERVE, DEVELOP, *INSTALL)]
    assert [one for one in BLOCKS if one.language == "bash" and one not in known] == []
    rest = sorted(one.language for one in BLOCKS if one not in known)
    assert rest == [""] * 3 + ["json"] + ["python"] * 12
