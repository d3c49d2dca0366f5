"""The embedded store's file: full, locked, foreign, deleted, elsewhere."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hitloop_tui.errors import DatabaseError
from hitloop_tui.persistence import Outcome, SQLiteApprovalStore
from tests.stores.desk import a_record, yes

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


async def test_what_is_no_database_is_named(path):
    path.write_text("no database, but longer than a header " * 9)
    store = SQLiteApprovalStore(path)
    with pytest.raises(DatabaseError, match=r"approvals .*a\.db: file is not a database"):
        await store.setup()
    await store.close()
    store = SQLiteApprovalStore(path / "nowhere" / "b.db")
    with pytest.raises(DatabaseError, match="nowhere"):
        await store.setup()
    await store.close()


async def test_a_locked_file_records_nothing_and_says_so(path, monkeypatch):
    monkeypatch.setattr("hitloop_tui.persistence.sqlite.BUSY_SECONDS", 0.01)
    async with SQLiteApprovalStore(path) as store:
        await store.put(a_record(callback_id="a"))
        blocker = sqlite3.connect(path)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked"):
            await store.resolve("a", yes())
        blocker.rollback()
        blocker.close()
        assert (await store.status("a")).outcome is Outcome.PENDING
        assert (await store.resolve("a", yes())).outcome is Outcome.RECORDED


FULL = """
    import asyncio, resource, sys
    from hitloop_tui.errors import DatabaseError
    from hitloop_tui.persistence import Outcome, SQLiteApprovalStore
    from tests.stores.desk import a_record, yes

    async def main():
        store = SQLiteApprovalStore(sys.argv[1])
        await store.setup()
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
        recorded, refused = [], 0
        for number in range(200):
            name = str(number)
            try:
                await store.put(a_record(callback_id=name))
                assert (await store.resolve(name, yes())).outcome is Outcome.RECORDED
                recorded.append(name)
            except DatabaseError as error:
                assert sys.argv[1] in str(error), error
                refused += 1
        assert recorded and refused, (recorded, refused)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        assert (await store.decisions(recorded)).keys() == set(recorded)
        for record in await store.list_pending(limit=1000):
            assert record.callback_id not in recorded
            assert (await store.resolve(record.callback_id, yes())).outcome is Outcome.RECORDED
        await store.close()
        print(len(recorded))

    asyncio.run(main())
"""


def test_a_full_disk_records_nothing_falsely(path):
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.stderr == ""
    assert int(done.stdout) > 0
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_a_deleted_file_takes_no_decisions(path):
    """SQLite goes on writing into it, and tells that all was recorded."""
    async with SQLiteApprovalStore(path) as store:
        await store.put(a_record(callback_id="a"))
        path.unlink()
        assert (await store.resolve("a", yes())).outcome is Outcome.UNKNOWN
        await store.put(a_record(callback_id="b"))
    async with SQLiteApprovalStore(path) as after:
        assert [record.callback_id for record in await after.list_pending()] == ["b"]


async def test_a_relative_path_stays_where_it_was(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    store = SQLiteApprovalStore(path.name)
    monkeypatch.chdir(tmp_path / "elsewhere")
    await store.put(a_record())
    await store.close()
    assert path.exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []
