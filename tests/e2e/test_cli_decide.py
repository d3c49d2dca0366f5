"""Deciding by real commands: once, item by item, action by action, or not at all."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys

import pytest
from langgraph.types import Command

from tests.e2e.command_line import Result, decisions, hitloop, ids, listed, recorded
from tests.e2e.questions import REFUND, run


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
