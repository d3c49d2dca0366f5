"""No commit of another process goes unnoticed, and nothing costs anything while nothing happens."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.watch import changes

WRITER = """
import random, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("PRAGMA journal_mode=WAL")
for table in ("checkpoints", "writes"):
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (n INTEGER PRIMARY KEY, at REAL)")
dice = random.Random(3)
for number in range(int(sys.argv[2])):
    time.sleep(dice.choice([0.0, 0.002, 0.005, 0.02, 0.02, 0.03, 0.06]))
    connection.execute("INSERT INTO writes VALUES (?,?)", (number, time.time()))
"""


def write(path: Path, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(count)])


class Reader:
    """Follows a database as the console does; notes what it saw, and when."""

    def __init__(self, path: Path) -> None:
        self.session = Session.open(path)
        self.writes = Checkpoints(path)
        self.seen: list[tuple[int, float]] = []
        """Rows seen, and the delay of the newest among them."""
        self.wakes = 0

    async def follow(self, rows: int, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            async for _ in changes(self.session.watched, self.session.version):
                self.wakes += 1
                if self.look() >= rows:
                    return

    def look(self) -> int:
        found = self.writes.rows("SELECT count(*), max(at) FROM writes")
        count = found[0][0] if found else 0
        if count and count != (self.seen[-1][0] if self.seen else 0):
            self.seen.append((count, time.time() - found[0][1]))
        return count


@pytest.fixture
def reader(tmp_path):
    opened = Reader(tmp_path / "agents.db")
    yield opened
    opened.session.close()


async def test_every_commit_of_another_process(reader):
    """300 at random gaps; the last one, after which nothing fires any more, included."""
    child = write(reader.session.source.path, 300)
    await reader.follow(300)
    assert child.wait() == 0
    delays = sorted(delay * 1000 for _, delay in reader.seen)
    assert reader.seen[-1][0] == 300
    assert len(reader.seen) > 100, "bursts may share a look, single commits do not"
    # 1 to 5 ms alone on a machine; the bound is for a busy one, and below the slow poll.
    assert delays[len(delays) // 2] < 100


async def test_a_single_commit_after_a_quiet_time(reader):
    assert write(reader.session.source.path, 1).wait() == 0
    reader.look()
    follower = asyncio.create_task(reader.follow(3))
    await asyncio.sleep(1.2)
    connection = sqlite3.connect(reader.session.source.path)
    for number in (2, 3):
        connection.execute("INSERT INTO writes VALUES (?,?)", (number, time.time()))
        connection.commit()
        await asyncio.sleep(0.8)
    connection.close()
    await follower
    assert [count for count, _ in reader.seen] == [1, 2, 3]
    assert max(delay for count, delay in reader.seen if count > 1) < 0.5


async def test_files_that_appear_later(reader):
    follower = asyncio.create_task(reader.follow(5))
    await asyncio.sleep(0.3)
    child = await asyncio.to_thread(write, reader.session.source.path, 5)
    await follower
    assert child.wait() == 0


async def test_a_folder_that_appears_later(tmp_path):
    """And goes away, and comes again."""
    reader = Reader(tmp_path / "later" / "agents.db")
    for _ in range(2):
        reader.seen.clear()
        follower = asyncio.create_task(reader.follow(20))
        await asyncio.sleep(0.2)
        reader.session.source.path.parent.mkdir()
        assert await asyncio.to_thread(lambda: write(reader.session.source.path, 20).wait()) == 0
        await follower
        for rest in reader.session.source.path.parent.iterdir():
            rest.unlink()
        reader.session.source.path.parent.rmdir()
    reader.session.close()


async def test_a_folder_that_goes_away_while_watched(reader, tmp_path):
    folder = tmp_path / "moved"
    folder.mkdir()
    mine = Reader(folder / "agents.db")
    assert write(folder / "agents.db", 2).wait() == 0
    follower = asyncio.create_task(mine.follow(9, seconds=15))
    await asyncio.sleep(0.3)
    folder.rename(tmp_path / "elsewhere")
    await asyncio.sleep(0.3)
    folder.mkdir()
    child = write(folder / "agents.db", 9)
    await follower
    assert child.wait() == 0
    mine.session.close()


async def test_the_ledger_is_watched_too(reader):
    assert write(reader.session.source.path, 1).wait() == 0
    ledger = reader.session.ledger.file.path
    follower = asyncio.create_task(reader.follow(2))
    await asyncio.sleep(0.2)
    before = reader.wakes
    colleague = LedgerFile(ledger)
    with colleague.transaction():
        pass
    colleague.close()
    await asyncio.sleep(0.3)
    assert reader.wakes > before
    follower.cancel()


async def test_idle_is_idle(reader):
    assert write(reader.session.source.path, 1).wait() == 0
    follower = asyncio.create_task(reader.follow(2))
    await asyncio.sleep(1.0)
    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.sleep(2.0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    follower.cancel()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 0.04, f"{spent / 2:.1%} of a core"
    assert reader.wakes <= 1
