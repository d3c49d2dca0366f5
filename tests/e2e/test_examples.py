"""The page's examples, each in a process of its own, with the page's flags."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

AGENTS = Path(__file__).parents[2] / "agents"
SECONDS = 90


def example(folder: Path, *command: str, typed: str = "", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, str(AGENTS / command[0]), *command[1:]],
        input=typed,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={
            **os.environ,
            "PYTHONPATH": str(AGENTS.parent),
            "HITLOOP_AGENT_TOKENS_PER_SECOND": "0",
            **environment,
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sent(folder: Path) -> list[str]:
    outbox = folder / "example_output" / "emails" / "outbox.jsonl"
    return outbox.read_text().splitlines() if outbox.exists() else []


@pytest.mark.parametrize(
    ("flags", "typed", "answer", "mails"),
    [
        (["--auto"], "", "APPROVED by auto", 1),
        ([], "y\nfine\n", "APPROVED by cli:human", 1),
        ([], "n\nno\n", "REJECTED by cli:human", 0),
        ([], "", "REJECTED by system:no_input", 0),
    ],
)
def test_basic_workflow(tmp_path, flags, typed, answer, mails):
    shown = example(tmp_path, "basic_workflow.py", *flags, typed=typed)
    assert answer in shown
    assert "Trace: run_start, action_proposed, approval_requested" in shown
    assert len(sent(tmp_path)) == mails


def test_interrupt_example(tmp_path):
    shown = example(tmp_path, "interrupt_example.py")
    assert shown.count("INTERRUPT") == 3
    assert "auto_approved: Found three pages about Python tutorials" in shown
    assert shown.count("human_decided: Email sent to boss@company.example") == 2
    assert "human_decided: Not done" in shown
    assert "deleted" not in shown


@pytest.mark.parametrize(
    ("flags", "typed", "said"),
    [
        (["--auto"], "", "execute: Email sent to bob@example.com with subject 'Hello'"),
        ([], "y\n\n", "execute: Email sent to bob@example.com with subject 'Hello'"),
        ([], "n\ntoo early\n", "report: rejected: too early"),
        (["--query", "find a plumber"], "", "execute: Three results for 'find a plumber'"),
    ],
)
def test_langgraph_agent(tmp_path, flags, typed, said):
    shown = example(tmp_path, "langgraph_agent.py", "--simulate", *flags, typed=typed)
    assert said in shown
    assert ("execute:" in shown) == said.startswith("execute")
    traces = sqlite3.connect(tmp_path / "langgraph_agent_traces.db")
    kinds = [row[0] for row in traces.execute("SELECT event_type FROM trace_events ORDER BY id")]
    traces.close()
    assert kinds[:2] == ["run_start", "action_proposed"]
    assert kinds[-1] == "run_end"


def test_langgraph_agent_without_a_model_says_so(tmp_path):
    command = [sys.executable, str(AGENTS / "langgraph_agent.py")]
    environment = {**os.environ, "PYTHONPATH": str(AGENTS.parent)}
    environment.pop("HITLOOP_AGENT_MODEL", None)
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, env=environment
    )
    assert done.returncode == 1
    assert "--simulate" in done.stderr


def test_run_experiment(tmp_path):
    shown = example(tmp_path, "run_experiment.py", "--n-trials", "20")
    results = tmp_path / "experiment_results"
    with (results / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 80
    summary = json.loads((results / "summary.json").read_text())
    assert {one["n_runs"] for one in summary.values()} == {20}
    assert json.loads(shown[shown.index("{") :])["total_trials"] == 80
