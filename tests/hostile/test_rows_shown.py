"""A row that cannot be read is shown as such, everywhere, and nobody can answer it."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach.session import Session
from tests.e2e.command_line import hitloop, listed
from tests.pilot.console import WIDE, console
from tests.pilot.questions import ask

BROKEN = b"\x81\xa1a\xa2\xff\xfe"
DIGEST = hashlib.sha256(BROKEN).hexdigest()
WHY = "the stored question cannot be read: msgpack: "


def written(db: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute(sql, values)
        connection.commit()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "agents.db"
    ask(path, {"whole": "Which colour?", "broken": "Which size?"})
    written(path, "UPDATE writes SET value=? WHERE thread_id='broken' AND idx=-3", BROKEN)
    return path


def test_on_the_command_line(db):
    found = listed(db)
    assert found.keys() == {"whole", "broken"}
    shown = found["broken"]
    assert shown["allowed"] == shown["actions"][0]["allowed"] == []
    assert shown["shape"] == "unreadable"
    assert shown["actions"][0]["tool_args"] == {
        "stored as": "msgpack",
        "bytes": 6,
        "sha256": DIGEST,
    }
    assert shown["warnings"][0].startswith(WHY)
    assert "unreadable" in hitloop("ls", db).out
    told = hitloop("show", shown["id"], "--db", db).out
    assert DIGEST in told
    assert WHY in told
    refused = hitloop("approve", shown["id"], "--db", db, "--json")
    assert refused.code == 2
    assert refused.json[0]["outcome"] == "invalid"
    answered = hitloop("respond", found["whole"]["id"], "--db", db, "--text", "red")
    assert answered.code == 0


async def test_in_the_console(db):
    async with console(db, WIDE, rows=2) as at:
        await at.go_to("broken")
        assert DIGEST in "".join(filter(str.isalnum, at.card))
        assert "cannot be read" in at.card
        assert not any(at.footer.get(key) for key in ("approve", "edit", "reject", "respond"))
        await at.press("a")
        await at.until(lambda: at.said)
        assert at.records() == []
        await at.go_to("whole")
        assert "Which colour?" in at.card


COLUMNS = ["thread_id", "checkpoint_id", "task_id", "task_path", "checkpoint_ns", "channel"]
ODD = ["CAST(x'fffe' AS TEXT)", "x'fffe'", "5", "''", "'\x1b[2J\u202e'", "CAST(x'c3' AS TEXT)"]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_odd_names_hide_no_other_row(db, column, value):
    """Names that are no text, or no UTF-8: what belongs to nobody's head may not be asked any more,
    but nothing else goes with it."""
    written(db, f"UPDATE writes SET {column}={value} WHERE thread_id='broken'")
    if column == "thread_id":
        written(db, f"UPDATE checkpoints SET {column}={value} WHERE thread_id='broken'")
    with closing(Session.open(db)) as session:
        session.inbox.load()
        rows = [row.thread_id for row in session.inbox.rows()]
        assert "whole" in rows
        if column not in ("checkpoint_ns", "checkpoint_id"):
            assert len(rows) == 2
        reviews = [review.thread_id for review in session.inbox.reviews()]
        assert sorted(reviews) == sorted(rows)
        session.inbox.refresh()
        session.trace().poll()
    assert "whole" in hitloop("ls", db).out
