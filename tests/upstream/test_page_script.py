"""A script pasted together from the page's own code blocks runs, and gives the page's outputs."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hitloop_tui
from hitloop_tui import core
from tests.upstream.page import BLOCKS, SUPPLIED, block, columns, script

RUN = """
import ast, asyncio, pathlib
text = pathlib.Path("pasted.py").read_text(encoding="utf-8")
code = compile(text, "pasted.py", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
asyncio.run(eval(code, {"__name__": "__main__"}))
"""
TYPED = "y\nfine\n"
"""What a person types into the CLIBackend of the page."""
POSTGRES = "postgresql://user:pass@localhost:5432/hitloop"
REDIS = "redis://localhost:6379/0"
ONLY_REDIS = f'store = await RedisApprovalStore.from_url("{REDIS}")'


@pytest.fixture(params=["postgres", "redis"], scope="module")
def ran(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_uri: str,
    redis_url: str,
) -> tuple[Path, str]:
    """The folder the script ran in, and what it printed.

    The page opens one store "or" the other. Pasted as it stands it uses Redis.
    """
    swaps = {POSTGRES: postgres_uri}
    if request.param == "postgres":
        swaps[ONLY_REDIS] = ""
    swaps[REDIS] = redis_url
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "pasted.py").write_text(script(swaps), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN],
        cwd=folder,
        input=TYPED,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_no_python_block_is_left_out():
    titles = [one.title for one in BLOCKS if one.language == "python"]
    assert len(titles) == len(SUPPLIED)


def test_what_it_prints(ran):
    _, printed = ran
    lines = printed.splitlines()
    assert any("send_email" in line and line.startswith("[Interrupt(") for line in lines)
    assert "CLOSED" in lines


def test_results_csv_has_the_columns_of_the_page(ran):
    folder, _ = ran
    head, *shown = columns("Output: results.csv")
    with (folder / "experiment_output" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 80
    assert list(rows[0])[: len(head)] == head
    for name, *examples in zip(head, *shown, strict=True):
        if set(examples) <= {"0", "1"}:
            assert {row[name] for row in rows} <= {"0", "1"}


def test_summary_json_has_the_keys_of_the_page(ran):
    folder, _ = ran
    summary = json.loads((folder / "experiment_output" / "summary.json").read_text())
    (shown,) = json.loads(block("{").text).values()
    for condition in summary.values():
        for name, example in shown.items():
            assert condition[name] is None or isinstance(condition[name], type(example)), name
    assert summary["risk_based_human"].keys() >= shown.keys()
    assert None not in [summary["risk_based_human"][name] for name in shown]


def test_the_metrics_of_the_page_are_there(ran):
    folder, _ = ran
    summary = json.loads((folder / "experiment_output" / "summary.json").read_text())
    with (folder / "experiment_output" / "results.csv").open() as file:
        known = {*summary["always_approve"], *next(csv.reader(file))}
    (_, *rows) = columns("Research Alignment")
    assert [metric for metric, *_ in rows if metric not in known] == []


KINDS = {
    "Per run": "run_start",
    "Per action": "action_proposed",
    "Per approval": "approval_decided",
    "Per execution": "tool_execution_end",
}


def test_every_run_emits_the_events_of_the_page(ran):
    folder, _ = ran
    connection = sqlite3.connect(folder / "experiment.db")
    for comment, kind in KINDS.items():
        shown = _example(comment)
        rows = connection.execute(
            "SELECT payload FROM trace_events WHERE event_type = ?", (kind,)
        ).fetchall()
        assert rows
        for (payload,) in rows:
            event = json.loads(payload)
            for name, example in shown.items():
                assert isinstance(event[name], type(example)), (kind, name)
    connection.close()


def _example(comment: str) -> dict[str, Any]:
    (text,) = re.findall(rf"(?s)# {comment}\n(\{{.*?\n\}})", block("# Per run").text)
    found: dict[str, Any] = json.loads(text)
    return found


def test_every_name_of_hitloops_package_is_here():
    names = (
        "Action ApprovalRequest Decision RiskClass TraceEvent EventType ApprovalBackend HITLPolicy"
        " TelemetryLogger CLIBackend AlwaysApprovePolicy RiskBasedPolicy AuditPlusEscalatePolicy"
        " hitl_gate_node execute_tool_node"
    )
    assert set(names.split()) <= set(hitloop_tui.__all__)
    assert all(getattr(hitloop_tui, name) for name in names.split())
    assert all(getattr(core, name) for name in core.__all__)
