"""The ledger's file: append-only, locked, removed, of another program; killed, and never lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hitloop_tui.attach import ledger_file
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.errors import DatabaseError
from tests.unit.ledger_desk import APPROVE, decide, part

_RECORDING = """
import sys
from pathlib import Path
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from tests.unit.ledger_desk import decide
ledger = Ledger(LedgerFile(Path(sys.argv[1])))
for number in range(int(sys.argv[2]), 100_000):
    assert decide(ledger, f"t{number}", "ann") is None
    print(f"t{number}", flush=True)
"""


def test_killed_at_any_moment_loses_nothing_reported(tmp_path):
    path, reported, start = tmp_path / "a.ledger.db", set(), 0
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for round_ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", _RECORDING, str(path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert child.stdout is not None
        reported.add(child.stdout.readline().strip())
        time.sleep(0.013 * (round_ + 1))
        child.send_signal(signal.SIGKILL)
        reported |= {line.strip() for line in child.stdout if line.endswith("\n")}
        child.stdout.close()
        child.wait()
        ledger = Ledger(LedgerFile(path))
        found = {record.identity.thread_id for record in ledger.records()}
        assert reported <= found
        assert ledger.file.rows("PRAGMA integrity_check")[0][0] == "ok"
        ledger.file.close()
        start = len(found) + 1
    assert len(reported) > 6


def test_appended_rows_stay_as_they_are(ledger):
    decide(ledger, "t", "ann")
    part(ledger, {0: APPROVE}, "ann")
    for statement in (
        "UPDATE decisions SET decided_by='bob'",
        "DELETE FROM decisions",
        "UPDATE verdicts SET decided_by='bob'",
        "DELETE FROM verdicts",
    ):
        with (
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
            ledger.file.transaction() as connection,
        ):
            connection.execute(statement)


def test_reading_creates_nothing(ledger):
    assert ledger.records() == []
    assert ledger.recent() == []
    assert ledger.said() == {}
    assert ledger.first_answer("x") is None
    assert ledger.file.data_version() == -1
    assert not ledger.file.path.exists()


def test_a_locked_ledger_says_so(ledger, monkeypatch):
    decide(ledger, "t", "ann")
    monkeypatch.setattr(ledger_file, "BUSY_TIMEOUT_S", 0.1)
    other = Ledger(LedgerFile(ledger.file.path))
    with (
        ledger.file.transaction(),
        pytest.raises(DatabaseError, match=r"a\.ledger\.db: database is locked"),
    ):
        decide(other, "u", "bob")
    assert decide(other, "u", "bob") is None
    other.file.close()


def test_a_newer_schema_is_refused(ledger):
    decide(ledger, "t", "ann")
    ledger.file.close()
    with sqlite3.connect(ledger.file.path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(DatabaseError, match=r"has schema 99.*upgrade hitloop-tui"):
        ledger.records()


@pytest.mark.parametrize("user_version", [0, 5])
def test_another_programs_database_is_left_alone(tmp_path, user_version):
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE cooks (name)")
        connection.execute(f"PRAGMA user_version={user_version}")
    connection.close()
    before = path.read_bytes()
    ledger = Ledger(LedgerFile(path))
    with pytest.raises(DatabaseError, match=r"another program's database|has schema 5"):
        decide(ledger, "t", "ann")
    ledger.file.close()
    assert path.read_bytes() == before


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "a.db").write_text("no database, but longer than a header " * 9)
    with pytest.raises(DatabaseError, match="not a database"):
        Ledger(LedgerFile(tmp_path / "a.db")).records()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DatabaseError, match="No such file"):
        decide(Ledger(LedgerFile(tmp_path / "missing" / "a.db")), "t", "ann")


def test_a_removed_ledger_takes_no_decisions_into_nowhere(ledger):
    decide(ledger, "t", "ann")
    version = ledger.file.data_version()
    for rest in ledger.file.path.parent.glob("a.ledger.db*"):
        rest.unlink()
    assert ledger.records() == []
    assert decide(ledger, "u", "ann") is None
    assert ledger.file.data_version() != version
    other = Ledger(LedgerFile(ledger.file.path))
    assert [record.identity.thread_id for record in other.records()] == ["u"]
    other.file.close()


def test_access_follows_the_database_and_never_the_world(tmp_path):
    for mode, expected in ((0o664, 0o660), (0o600, 0o600), (0o644, 0o640)):
        db = tmp_path / f"{mode:o}.db"
        db.touch()
        db.chmod(mode)
        file = LedgerFile(tmp_path / f"{mode:o}.ledger.db", beside=db)
        decide(Ledger(file), "t", "ann")
        file.close()
        assert file.path.stat().st_mode & 0o777 == expected
