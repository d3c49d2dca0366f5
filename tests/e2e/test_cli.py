"""The command line as real processes, on databases that real graphs wrote."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui.core.models import Action, RiskClass
from hitloop_tui.langgraph.asking import Asked
from hitloop_tui.langgraph.question import question
from hitloop_tui.safetext import unescape
from tests.e2e.command_line import Result, decisions, hitloop, ids, listed, recorded
from tests.unprivileged import as_somebody

REFUND = Action(
    id="1",
    tool_name="refund",
    tool_args={"order": "A-7", "amount": 12.5, "notify": True},
    risk_class=RiskClass.HIGH,
    side_effects=["pays 12.50"],
    rationale="broken",
)
HOSTILE = "\x1b[2J\x9b31m\u202eevil\u200b\x07\r\n\x7f\\x1b[bold]"
BATCH = {
    "action_requests": [
        {"name": "send_mail", "args": {"to": "ann@x.org", "n": 2}, "description": "one"},
        {"name": "delete_file", "args": {"path": "/tmp/x"}, "description": "two"},
        {"name": "delete_file", "args": {"path": "/tmp/y"}, "description": "three"},
    ],
    "review_configs": [{"allowed_decisions": ["approve", "edit", "reject"]}] * 3,
}
SCARY = {
    "action_requests": [{"name": HOSTILE, "args": {HOSTILE: HOSTILE, "l": [{"k": HOSTILE}]}}],
    "review_configs": [{"allowed_decisions": ["approve", "reject"]}],
}
QUESTIONS: dict[str, Any] = {
    "refund-1": question(Asked(REFUND, "HIGH needs a person"), "risk", {}),
    "batch-1": BATCH,
    "free-1": "really?",
    f"thread{HOSTILE}": SCARY,
    "json-1": {"say": 'a "b" \\ c', "deep": {"list": [1, {"x": "two words"}]}},
}


class Asking(TypedDict, total=False):
    value: Any
    messages: list[Any]
    answer: Any


def graph(saver: Any) -> Any:
    built = StateGraph(Asking)
    built.add_node("ask", lambda state: {"answer": interrupt(state["value"])})
    built.add_edge(START, "ask")
    return built.compile(checkpointer=saver)


def run(path: Path, thread: str, given: Any) -> None:
    connection = sqlite3.connect(path, check_same_thread=False)
    config = {"configurable": {"thread_id": thread}, "metadata": {"graph_id": "desk"}}
    graph(SqliteSaver(connection)).invoke(given, config)
    connection.close()


@pytest.fixture(scope="session")
def asked(tmp_path_factory):
    path = tmp_path_factory.mktemp("asked") / "agents.db"
    for thread, value in QUESTIONS.items():
        messages = [{"role": "user", "content": HOSTILE}]
        run(path, thread, {"value": value, "messages": messages})
    return path


@pytest.fixture
def db(asked, tmp_path):
    return Path(shutil.copy(asked, tmp_path / "agents.db"))


def no_controls(text: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", text)


# ls and show

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


# Deciding


def test_approve_once(db):
    refund = ids(db)["refund-1"]
    code, [first] = decisions("approve", refund, "--as", "Ann", "--db", db)
    assert (code, first["outcome"], first["decided_by"]) == (0, "recorded", "human:Ann")
    assert first["id"] == refund
    for command in ("approve", "reject", "ignore"):
        code, [second] = decisions(command, refund[:9], "--as", "Bob", "--db", db)
        assert (code, second["outcome"]) == (3, "already_decided")
        assert (second["decided_by"], second["decided_at"]) == ("human:Ann", first["decided_at"])
    assert "already decided by human:Ann at 20" in hitloop("approve", refund, "--db", db).out
    [answer] = recorded(db)
    assert answer["approved"] is True
    assert answer["digest"] == REFUND.digest()
    shown = listed(db)["refund-1"]
    assert (shown["state"], shown["decided_by"], shown["allowed"]) == ("decided", "human:Ann", [])


def test_several_ids_item_by_item(db):
    known = ids(db)
    run(db, "batch-1", {"value": "moved on"})
    code, outcomes = decisions(
        "reject", known["refund-1"], known["batch-1"], "zz", known["free-1"], "--db", db
    )
    assert code == 2
    assert [o["outcome"] for o in outcomes] == ["recorded", "stale", "invalid", "invalid"]
    assert "hexadecimal" in outcomes[2]["detail"]
    assert "possible: respond" in outcomes[3]["detail"]
    code, outcomes = decisions("reject", known["refund-1"], known["batch-1"], "--db", db)
    assert code == 3
    assert [o["outcome"] for o in outcomes] == ["already_decided", "stale"]


def test_edit_keeps_types(db):
    refund = ids(db)["refund-1"]
    edited = {"order": "A-7", "amount": 10, "notify": False}
    for wrong, says in (
        ({**edited, "amount": "10"}, "amount: was float, is str"),
        ({**edited, "notify": 0}, "notify: was bool, is int"),
        ({**edited, "amuont": 1}, "amuont: .*did you mean amount"),
        ({"amount": 1.0}, "missing"),
    ):
        code, [outcome] = decisions("edit", refund, "--args", json.dumps(wrong), "--db", db)
        assert (code, outcome["outcome"]) == (2, "invalid")
        assert re.search(says, outcome["detail"])
    for bad in ("{", "[1]", "NaN", '{"amount": 1, "amount": 2}', '{"amount": NaN}', "3"):
        result = hitloop("edit", refund, "--args", bad, "--db", db)
        assert result.code == 2
        assert "--args" in result.err
    assert recorded(db) == []
    code, [outcome] = decisions("edit", refund, "--args", "-", "--db", db, stdin=json.dumps(edited))
    assert (code, outcome["outcome"]) == (0, "recorded")
    args = recorded(db)[0]["edited_args"]
    assert (args, type(args["amount"])) == ({**edited, "amount": 10.0}, float)


def test_actions_one_by_one(db):
    batch = ids(db)["batch-1"]
    code, [outcome] = decisions("approve", batch, "--action", 1, "--as", "Ann", "--db", db)
    assert (code, outcome["outcome"], outcome["detail"]) == (0, "recorded", "2 more to decide")
    assert listed(db)["batch-1"]["state"] == "pending"
    assert listed(db)["batch-1"]["verdicts"] == {"1": {"kind": "approve"}}
    code, [outcome] = decisions("reject", batch, "--action", 1, "--as", "Bob", "--db", db)
    assert (code, outcome["outcome"], outcome["decided_by"]) == (3, "already_decided", "human:Ann")
    code, [outcome] = decisions("reject", batch, "--action", 4, "--db", db)
    assert (code, outcome["outcome"]) == (2, "invalid")
    code, [outcome] = decisions("edit", batch, "--args", "{}", "--db", db)
    assert (code, outcome["outcome"]) == (2, "invalid")
    assert "--action" in outcome["detail"]
    args = json.dumps({"path": "/tmp/z"})
    assert decisions("edit", batch, "--action", 3, "--args", args, "--db", db)[0] == 0
    assert recorded(db) == []
    code, [outcome] = decisions("reject", batch, "--reason", "no", "--db", db)
    assert (code, outcome["outcome"], outcome["detail"]) == (0, "recorded", "")
    assert recorded(db) == [
        {
            "decisions": [
                {"type": "approve"},
                {"type": "reject", "message": "no"},
                {
                    "type": "edit",
                    "edited_action": {"name": "delete_file", "args": {"path": "/tmp/z"}},
                },
            ]
        }
    ]
    assert listed(db)["batch-1"]["state"] == "decided"


def test_respond(db):
    known = ids(db)
    code, [outcome] = decisions("respond", known["free-1"], "--text", "yes\nindeed", "--db", db)
    assert (code, outcome["outcome"]) == (0, "recorded")
    value = '{"a": [1, null, true]}'
    assert decisions("respond", known["json-1"], "--value", value, "--db", db)[0] == 0
    assert recorded(db) == ["yes\nindeed", json.loads(value)]
    both = hitloop("respond", known["json-1"], "--value", "1", "--text", "x", "--db", db)
    assert (both.code, hitloop("respond", known["json-1"], "--db", db).code) == (2, 2)
    assert hitloop("respond", known["json-1"], "--value", "{", "--db", db).code == 2


@pytest.mark.parametrize(
    "garbage",
    ["", "not-an-id", "0" * 16, "deadbeef" * 8, "'; DROP TABLE decisions;--", "é", "1" * 99],
)
def test_garbage_ids(db, garbage):
    code, [outcome] = decisions("approve", "--db", db, "--", garbage)
    assert (code, outcome["outcome"]) == (2, "invalid")
    assert outcome["detail"]
    result = hitloop("show", "--db", db, "--", garbage)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert not db.with_name("agents.ledger.db").exists()


def test_an_ambiguous_prefix(db, tmp_path):
    for number in range(17):
        run(db, f"more-{number}", {"value": number})
    firsts = [one["id"][0] for one in listed(db).values()]
    digit = max(firsts, key=firsts.count)
    code, [outcome] = decisions("ignore", digit, "--db", db)
    assert (code, outcome["outcome"]) == (2, "invalid")
    assert "give more digits" in outcome["detail"]


def test_stale(db):
    known = ids(db)
    shown = listed(db)["free-1"]
    run(db, "free-1", Command(resume={shown["interrupt_id"]: "answered elsewhere"}))
    run(db, "refund-1", {"value": "new input"})
    for thread in ("free-1", "refund-1"):
        for command in (["approve"], ["respond", "--text", "x"]):
            code, [outcome] = decisions(command[0], known[thread], *command[1:], "--db", db)
            assert (code, outcome["outcome"]) == (3, "stale")
    assert recorded(db) == []
    assert hitloop("show", known["free-1"], "--db", db).out.split()[2] == "stale"


def test_a_locked_ledger(db):
    refund = ids(db)["refund-1"]
    hitloop("reject", ids(db)["batch-1"], "--db", db)
    script = (
        "from hitloop_tui.attach import ledger_file; ledger_file.BUSY_TIMEOUT_S = 0.2\n"
        f"from hitloop_tui.cli import main; main(['approve', {refund!r}, '--db', {str(db)!r}])"
    )
    holder = sqlite3.connect(db.with_name("agents.ledger.db"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    done = Result(subprocess.run([sys.executable, "-c", script], capture_output=True))
    holder.close()
    assert done.code == 1
    assert "database is locked" in done.out
    assert decisions("approve", refund, "--db", db)[0] == 0


# Which database

COMMANDS = [["ls"], ["trace"], ["show", "abc"], ["approve", "abc"], ["worker", "--once"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_database(tmp_path, command):
    for extra, says in (([], "HITLOOP_DB"), (["--db", tmp_path / "missing.db"], "missing.db")):
        result = hitloop(*command, *extra, cwd=tmp_path)
        assert (result.code, result.out) == (2, "")
        assert says in result.err or command[0] == "worker"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_checkpoint_database(tmp_path):
    (tmp_path / "text.db").write_text("no database, but longer than a header " * 9)
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE cooks (name)")
    connection.close()
    (tmp_path / "empty.db").touch()
    result = hitloop("ls", tmp_path / "text.db")
    assert (result.code, "not a database" in result.err) == (1, True)
    result = hitloop("ls", tmp_path / "other.db")
    assert (result.code, "no LangGraph checkpoint database" in result.err) == (1, True)
    result = hitloop("ls", tmp_path / "empty.db", "--json")
    assert (result.code, result.json) == (0, [])
    for directory in (["ls", tmp_path], ["ls", "--db", tmp_path], ["trace", tmp_path]):
        assert hitloop(*directory).code == 2
    assert hitloop("ls", HITLOOP_DB=str(tmp_path)).code == 2
    assert hitloop("ls", tmp_path / "other.db", "--ledger", tmp_path / "other.db").code == 1


def test_an_unreadable_file(db):
    db.chmod(0)
    script = f"from hitloop_tui.cli import main; main(['ls', {str(db)!r}])"
    done = as_somebody(script, db.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not readable" in done.stderr


def test_ways_to_name_the_database(db, tmp_path):
    expected = hitloop("ls", db, "--json").out
    assert hitloop("--db", db, "ls", "--json").out == expected
    assert hitloop(f"--db={db}", "ls", "--json").out == expected
    assert hitloop("ls", "--json", "--db", db).out == expected
    assert hitloop("ls", "--json", HITLOOP_DB=str(db)).out == expected
    home = tmp_path / "home"
    home.mkdir()
    (home / "hitloop.toml").write_text(f'db = "{db}"\n')
    assert hitloop("ls", "--json", cwd=home).out == expected
    (home / "hitloop.toml").write_text("dbb = 3\n")
    result = hitloop("ls", cwd=home)
    assert (result.code, "did you mean db" in result.err) == (2, True)


def test_looking_changes_nothing(db, tmp_path):
    """Not a byte of the agents' database, and no file but SQLite's own beside it."""
    before = hashlib.sha256(db.read_bytes()).digest(), db.stat().st_mtime_ns
    known = ids(db)
    hitloop("show", known["free-1"], "--db", db)
    hitloop("trace", db)
    hitloop("doctor", db)
    hitloop("approve", "0" * 16, "--db", db)
    assert (hashlib.sha256(db.read_bytes()).digest(), db.stat().st_mtime_ns) == before
    beside = {path.name for path in tmp_path.iterdir()}
    assert beside <= {"agents.db", "agents.db-shm", "agents.db-wal"}
    hitloop("approve", known["refund-1"], "--db", db)
    assert (hashlib.sha256(db.read_bytes()).digest(), db.stat().st_mtime_ns) == before
    assert db.with_name("agents.ledger.db").exists()


def test_another_ledger(db, tmp_path):
    refund, ledger = ids(db)["refund-1"], tmp_path / "elsewhere.db"
    assert decisions("approve", refund, "--db", db, "--ledger", ledger)[0] == 0
    assert ledger.exists()
    assert not db.with_name("agents.ledger.db").exists()
    same = hitloop("approve", refund, "--db", db, "--ledger", db)
    assert same.code == 1
    assert "not a ledger" in same.out + same.err
    assert listed(db).keys() == QUESTIONS.keys()


# trace, pipes and keys


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
