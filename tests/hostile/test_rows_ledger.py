"""Rows of the ledger and of an approval store that somebody has changed into none."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach.history import history
from hitloop_tui.attach.review import State
from hitloop_tui.attach.session import Session
from hitloop_tui.core.models import Action, ApprovalRequest
from hitloop_tui.paths import approvals_path, ledger_path
from hitloop_tui.persistence import PendingApprovalRecord, SQLiteApprovalStore
from tests.e2e.command_line import hitloop, listed
from tests.pilot import questions
from tests.pilot.stages import decided

BROKEN = [b"\xff\xfe", "nope", "[", "5", '"text"', "[5]", "{}", "null", "[" * 9000, '{"kind": 7}']
COLUMNS = ["identity", "review", "verdicts", "answer", "account", "held_until", "decided_at"]


def rewritten(path: Path, table: str, column: str, value: Any) -> None:
    """Every row gets `value` in a column, append-only or not."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE name GLOB '*_fixed'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE {table} SET {column}=CAST(? AS TEXT)", (value,))
        connection.commit()


@pytest.fixture
def db(tmp_path):
    """One Review is decided, one waits."""
    path = tmp_path / "agents.db"
    questions.ask(path, {name: questions.ALL[name] for name in ("t-refund", "t-mail")})
    decided(path, "t-refund")
    return path


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", BROKEN, ids=[str(one)[:9] for one in BROKEN])
def test_a_changed_decision_is_shown_as_such_and_hides_nothing(db, column, value):
    rewritten(ledger_path(db), "decisions", column, value)
    with closing(Session.open(db)) as session:
        shown = {review.thread_id: review for review in session.inbox.reviews()}
        session.inbox.load()
        rows = {row.thread_id: row for row in session.inbox.rows()}
        [record] = session.ledger.records()
        assert history(session.ledger.file, record.key)
    assert shown.keys() == rows.keys() == {"t-refund", "t-mail"}
    assert shown["t-mail"].undecided
    broken = shown["t-refund"]
    assert not broken.undecided or broken.state is State.HELD
    if record.unreadable:
        assert not broken.acts
        assert "cannot be read" in broken.detail
    else:
        assert column in ("account", "answer", "review", "decided_at", "held_until", "verdicts")


@pytest.mark.parametrize("column", ["review", "identity", "answer"])
def test_it_is_told_on_the_command_line(db, column):
    rewritten(ledger_path(db), "decisions", column, "[")
    if column == "review":  # nobody needs it while the question still stands in the thread
        with closing(sqlite3.connect(db)) as connection:
            connection.execute("DELETE FROM checkpoints WHERE thread_id='t-refund'")
            connection.commit()
    found = listed(db, "--state", "all")["t-refund"]
    assert found["allowed"] == found["acts"] == []
    told = json.dumps(found)
    assert "1 bytes, SHA-256 " in told
    assert "cannot be read" in hitloop("show", found["id"], "--db", db).out
    assert "cannot be read" in hitloop("show", found["id"], "--db", db, "--json").out
    assert "t-mail" in hitloop("ls", db).out
    assert "not as it was written" in hitloop("doctor", db).out


def test_a_changed_vote_counts_for_nothing_and_is_told(tmp_path):
    path = tmp_path / "agents.db"
    questions.ask(path, {"batch": questions.ALL["t-batch"]})
    with closing(Session.open(path)) as session:
        [review] = session.inbox.reviews()
    assert hitloop("approve", review.id, "--db", path, "--action", "1").code == 0
    rewritten(ledger_path(path), "verdicts", "verdict", '{"kind": "appro')
    found = listed(path)["batch"]
    assert found["state"] == "pending"
    assert found["verdicts"] == {}
    assert "said of Action 1 cannot be read, 15 bytes, SHA-256 " in found["warnings"][-1]
    assert "cannot be read" in hitloop("show", found["id"], "--db", path).out


def test_events_and_workers_that_somebody_changed(db):
    rewritten(ledger_path(db), "events", "data", "{")
    connection = sqlite3.connect(ledger_path(db))
    with closing(connection):
        connection.execute(
            "INSERT INTO workers VALUES ('w', 'h', 1, '[', 0, unixepoch() + 9999, NULL)"
        )
        connection.commit()
    trace = hitloop("trace", db).out
    assert "1 bytes, SHA-256" in trace
    assert "t-mail" in hitloop("ls", db).out


BODIES = [b"\xff", "nope", "[", "5", "[]", "{}", '{"tool_name": "x"}', "null", "[" * 9000]


@pytest.fixture
async def stored(tmp_path):
    """Two stored requests."""
    path = tmp_path / "agents.db"
    store = SQLiteApprovalStore(approvals_path(path))
    for number in range(2):
        action = Action(tool_name="refund", tool_args={"n": number}, risk_class="low")
        request = ApprovalRequest(run_id="r", action=action)
        await store.put(
            PendingApprovalRecord.from_request(
                request, f"c{number}", f"t{number}", created_at=datetime.now(UTC)
            )
        )
    await store.close()
    return path


def change(path: Path, body: Any) -> None:
    with closing(sqlite3.connect(approvals_path(path))) as connection:
        connection.execute(
            "UPDATE hitloop_approvals SET body=CAST(? AS TEXT) WHERE callback_id='c0'", (body,)
        )
        connection.commit()


@pytest.mark.parametrize("body", BODIES, ids=[str(one)[:9] for one in BODIES])
async def test_a_stored_request_that_is_none(stored, body):
    change(stored, body)
    with closing(Session.open(stored)) as session:
        session.inbox.load()
        assert {row.thread_id for row in session.inbox.rows()} == {"t0", "t1"}
        session.inbox.refresh()
        found = {review.thread_id: review for review in session.inbox.reviews()}
    assert found["t1"].allowed
    assert found["t0"].allowed == ()
    size = len(body if isinstance(body, bytes) else body.encode())
    assert f"{size if isinstance(body, str) else 3:,} bytes, SHA-256" in str(found["t0"].actions)


async def test_names_that_stand_twice_in_a_stored_request(stored):
    with closing(sqlite3.connect(approvals_path(stored))) as connection:
        sql = "SELECT body FROM hitloop_approvals WHERE callback_id='c0'"
        [(body,)] = connection.execute(sql)
    change(stored, body.replace('"n":0', '"n":5,"n":0'))
    [warning] = listed(stored)["t0"]["warnings"]
    assert warning == "the name n stands 2 times in tool_args: only its last value counts"
    assert listed(stored)["t1"]["warnings"] == []


def test_names_that_stand_twice_in_a_request_as_text(tmp_path):
    """Agent Inbox clients send their requests as JSON text."""
    path = tmp_path / "agents.db"
    text = (
        '[{"action_request": {"action": "pay", "args": {"sum": 1, "sum": 100}},'
        ' "config": {"allow_accept": true}, "description": ""}]'
    )
    questions.ask(path, {"text": text, "list": json.loads(f"[{json.dumps(text[1:-1])}]")})
    for shown in listed(path).values():
        assert shown["shape"] == "agent_inbox"
        assert "the name sum stands 2 times in" in shown["warnings"][0]
        assert "warning" in hitloop("show", shown["id"], "--db", path).out


def test_the_same_person_is_told_about_a_changed_vote(tmp_path):
    """Their word stands in the table, though nobody can read it: it is not taken twice."""
    path = tmp_path / "agents.db"
    questions.ask(path, {"batch": questions.ALL["t-batch"]})
    [found] = listed(path).values()
    assert hitloop("approve", found["id"], "--db", path, "--action", "1").code == 0
    rewritten(ledger_path(path), "verdicts", "verdict", "{")
    again = hitloop("approve", found["id"], "--db", path, "--action", "1", "--json")
    assert again.code == 3
    assert again.json[0]["outcome"] == "already_decided"
