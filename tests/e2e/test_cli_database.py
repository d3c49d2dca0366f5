"""Which database a command means, what is none, and what stays as it was."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest

from tests.e2e.command_line import decisions, hitloop, ids, listed
from tests.e2e.questions import QUESTIONS
from tests.unprivileged import as_somebody

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
