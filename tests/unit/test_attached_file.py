"""A file that others write, while it is being read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.errors import DatabaseError

COMMIT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE checkpoints SET parent_checkpoint_id=parent_checkpoint_id")
connection.commit()
connection.execute("PRAGMA wal_checkpoint")
connection.close()
"""


@pytest.fixture
def reader(zoo_db: Path):
    opened = Checkpoints(zoo_db)
    yield opened
    opened.close()


def commit(path: Path) -> None:
    """As another process, which is gone afterwards."""
    subprocess.run([sys.executable, "-c", COMMIT, str(path)], check=True)


def test_looking_whether_it_was_overwritten_keeps_the_locks(zoo_db, reader):
    """A writer that closes takes the WAL away from under a reader whose locks are lost."""
    assert reader.rows("SELECT count(*) FROM checkpoints")[0][0]
    for _ in range(3):
        commit(zoo_db)
        assert reader.rows("SELECT count(*) FROM checkpoints")[0][0]
        assert zoo_db.with_name(zoo_db.name + "-wal").exists()


def test_something_else_written_over_it_is_an_error_until_it_is_whole_again(zoo_db, reader):
    whole = shutil.copy(zoo_db, zoo_db.with_name("whole.db"))
    assert list(reader.questions())
    zoo_db.write_bytes(b"this is no database. " * 5000)
    with pytest.raises(DatabaseError, match=r"agents\.db"):
        list(reader.questions())
    os.replace(whole, zoo_db)
    assert list(reader.questions())


def test_a_locked_file_is_not_read_behind_the_lock(zoo_db, reader, monkeypatch):
    monkeypatch.setattr("hitloop_tui.attach.attached_file.BUSY_SECONDS", 0.1)
    writer = sqlite3.connect(zoo_db, isolation_level=None)
    writer.execute("PRAGMA journal_mode=DELETE")
    assert list(reader.questions())
    reader.close()
    writer.execute("BEGIN EXCLUSIVE")
    for _ in range(3):
        with pytest.raises(DatabaseError, match="locked"):
            list(reader.questions())
    writer.execute("ROLLBACK")
    assert list(reader.questions())
    writer.close()
