"""Commands that only look, as real processes, on databases that real graphs wrote."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time

import pytest
from langgraph.types import Command

from hitloop_tui.safetext import unescape
from tests.e2e.command_line import hitloop, ids, listed
from tests.e2e.questions import HOSTILE, QUESTIONS, REFUND, SCARY, run


def no_controls(text: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", text)


LS_KEYS = {
    "id", "thread_id", "checkpoint_id", "interrupt_id", "graph_id", "state", "shape", "actions",
    "allowed", "policy_reason", "requested_at", "decided_by", "warnings",
}  # fmt: skip
ACTION_KEYS = {"tool_name", "tool_args", "risk_class", "side_effects", "rationale"}


def test_ls_json(db):
    shown = listed(db)
    assert shown.keys() == QUESTIONS.keys()
    for one in shown.values():
        assert one.keys() >= LS_KEYS
        assert all(action.keys() >= ACTION_KEYS for action in one["actions"])
        assert one["requested_at"].endswith("+00:00")
        assert re.fullmatch("[0-9a-f]{16}", one["id"])
    refund = shown["refund-1"]
    assert refund["actions"][0]["tool_args"] == REFUND.tool_args
    assert (refund["risk_class"], refund["graph_id"], refund["state"]) == (
        "high",
        "desk",
        "pending",
    )
    assert refund["policy_reason"] == "HIGH needs a person"
    assert shown["free-1"]["allowed"] == ["respond"]
    times = [one["requested_at"] for one in hitloop("ls", db, "--json").json]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("options", "threads"),
    [
        (["--risk", "high"], {"refund-1"}),
        (["--risk", "high", "--risk", "unrated", "--tool", "re*"], {"refund-1"}),
        (["--tool", "delete_*"], {"batch-1"}),
        (["--thread", "free-1"], {"free-1"}),
        (["--state", "decided"], set()),
        (["--state", "pending"], set(QUESTIONS)),
        (["--state", "all"], set(QUESTIONS)),
        (["--tool", "nothing"], set()),
    ],
)
def test_ls_filters(db, options, threads):
    assert {shown["thread_id"] for shown in hitloop("ls", db, "--json", *options).json} == threads


def test_ls_text(db):
    result = hitloop("ls", db)
    lines = result.out.splitlines()
    assert lines[0].split()[:4] == ["ID", "RISK", "STATE", "TOOL"]
    assert len(lines) == 1 + len(QUESTIONS)
    assert "order=A-7 amount=12.5 notify=true" in result.out
    assert "send_mail +2" in result.out
    assert '"a ""b"" \\\\ c"' in result.out
    assert hitloop("ls", db, "--tool", "none").err.strip() == "nothing waits"


def test_hostile_text_moves_no_cursor(db):
    shown = listed(db)[f"thread{HOSTILE}"]
    assert shown["actions"][0]["tool_name"] == HOSTILE
    run(db, f"thread{HOSTILE}", Command(resume={shown["interrupt_id"]: HOSTILE}))
    run(db, f"thread{HOSTILE}", {"value": SCARY})
    scary = ids(db)[f"thread{HOSTILE}"]
    for command in (
        ["ls", db],
        ["show", scary, "--db", db],
        ["trace", db],
        ["trace", db, "--thread", f"thread{HOSTILE}"],
        ["reject", scary, "--reason", HOSTILE, "--as", HOSTILE, "--db", db],
        ["approve", scary, "--db", db],
        ["show", scary, "--db", db],
        ["ls", db, "--state", "all"],
        ["approve", HOSTILE, "--db", db],
        ["doctor", db],
        ["ls", db, "--json"],
    ):
        result = hitloop(*command)
        no_controls(result.out)
        no_controls(result.err)
    assert HOSTILE in unescape(hitloop("ls", db).out)


def test_show(db):
    refund = ids(db)["refund-1"]
    text = hitloop("--db", db, "show", refund[:8]).out
    assert "amount (float): 12.5" in text
    assert "risk HIGH" in text
    assert "pays 12.50" in text
    assert "user says" in text
    shown = hitloop("show", refund, "--db", db, "--json").json
    assert shown["messages"][0]["text"] == HOSTILE
    assert shown["key"].startswith(refund)
    nested = hitloop("show", ids(db)["json-1"], "--db", db).out
    assert '"x": "two words"' in nested
    assert 'say (str): a "b" \\\\ c' in nested


def test_trace(db):
    events = [json.loads(line) for line in hitloop("trace", db, "--json").out.splitlines()]
    assert {event["thread_id"] for event in events} == QUESTIONS.keys()
    assert {"superstep", "task_end", "interrupt"} <= {event["kind"] for event in events}
    only = hitloop("trace", db, "--thread", "json-1").out
    assert all("json-1" in line for line in only.splitlines())
    assert 'list: [1, {x: "two words"}]' in only
    assert '\\\\"' not in only


def test_a_reader_that_leaves_early(db):
    for number in range(60):
        run(db, f"more-{number}", {"value": {"text": "x" * 500, "n": number}})
    for command in ("ls", "ls --json", "trace", "trace --json"):
        line = f"{sys.executable} -m hitloop_tui --db {db} {command} | head -n 1"
        done = subprocess.run(line, shell=True, capture_output=True, text=True)
        assert done.stderr == ""
        assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_following_the_trace(db, stop):
    command = [sys.executable, "-m", "hitloop_tui", "trace", str(db), "--follow", "--json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    run(db, "live", {"value": "now"})
    seen = set()
    deadline = time.monotonic() + 10
    while "interrupt" not in seen and time.monotonic() < deadline:
        event = json.loads(child.stdout.readline())
        if event["thread_id"] == "live":
            seen.add(event["kind"])
    assert "interrupt" in seen
    child.send_signal(stop)
    _, errors = child.communicate(timeout=10)
    assert errors == ""
    assert child.returncode == (0 if stop is signal.SIGINT else -signal.SIGTERM)


def test_help_and_mistakes(tmp_path):
    text = hitloop("--help").out
    for command in ("ls", "show", "approve", "edit", "worker", "trace", "doctor", "demo"):
        assert re.search(rf"^  {command} ", text, re.MULTILINE)
    assert hitloop("--version").out.startswith("hitloop-tui, version")
    assert hitloop("ls", "--nonsense").code == 2
    result = hitloop("aprove", cwd=tmp_path)
    assert (result.code, "did you mean approve" in result.err) == (2, True)
    result = hitloop(tmp_path / "new.db", cwd=tmp_path)
    assert (result.code, "needs a terminal" in result.err) == (2, True)


def test_doctor(db, tmp_path):
    found = hitloop("doctor", db, "--json").json
    assert {"level", "subject", "text"} == found[0].keys()
    assert "5 waiting" in next(f["text"] for f in found if f["subject"] == "database")
    assert hitloop("doctor", tmp_path / "missing.db").code == 1
