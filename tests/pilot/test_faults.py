# ruff: noqa: ASYNC240
"""Files locked, deleted, replaced or broken under the console: said, survived, recovered from."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hitloop_tui.attach import attached_file, ledger_file
from hitloop_tui.attach.review import State
from hitloop_tui.paths import ledger_path
from tests.pilot import questions, stages
from tests.pilot.console import Console, console
from tests.pilot.test_people import delete


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_file, "BUSY_TIMEOUT_S", 0.5)
    monkeypatch.setattr(attached_file, "BUSY_SECONDS", 0.5)


@pytest.fixture
def locker() -> Iterator[Callable[[Path], sqlite3.Connection]]:
    """Another program that writes to a file, and takes its time."""
    connections: list[sqlite3.Connection] = []

    def lock(path: Path, how: str = "IMMEDIATE") -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, timeout=10)
        connections.append(connection)
        connection.execute(f"BEGIN {how}")
        return connection

    yield lock
    for connection in connections:
        connection.close()


async def works(c: Console, db: Path, thread: str = "t-refund") -> None:
    """The console reads and decides as ever."""
    await c.until(lambda: c.main.inbox.state.place(key_of(c, thread)) >= 0)
    await c.go_to(thread)
    await c.press("a")
    await c.until(lambda: (thread, "human:ann") in stages.standing(db))


def key_of(c: Console, thread: str) -> str:
    return next((r.key for r in c.main.inbox.state.shown if r.thread_id == thread), "")


@pytest.mark.usefixtures("impatient")
async def test_a_locked_ledger_is_said_and_nothing_else_is(
    db: Path, locker: Callable[[Path], sqlite3.Connection]
) -> None:
    stages.decided(db, "t-mail")
    async with console(db) as c:
        await c.go_to("t-refund")
        lock = locker(ledger_path(db))
        await c.press("a")
        await c.until(lambda: "nothing was recorded" in c.said)
        assert "locked" in c.said
        lock.execute("ROLLBACK")
        assert stages.standing(db) == [("t-mail", "human:bob")]
        await works(c, db)


async def test_while_a_decision_waits_for_a_lock_it_is_not_said_to_be_recorded(
    db: Path, locker: Callable[[Path], sqlite3.Connection]
) -> None:
    stages.decided(db, "t-mail")
    async with console(db) as c:
        await c.go_to("t-refund")
        lock = locker(ledger_path(db))
        await c.press("a")
        await c.until(lambda: "not recorded yet" in c.said)
        await c.press("a")
        await c.until(lambda: "this Review is being decided" in c.said)
        lock.execute("ROLLBACK")
        await c.until(lambda: "approved refund" in c.said)
        assert ("t-refund", "human:ann") in stages.standing(db)


@pytest.mark.usefixtures("impatient")
async def test_a_locked_database_of_the_agents_is_said_and_waited_for(
    db: Path, locker: Callable[[Path, str], sqlite3.Connection], ask: Callable[[str, object], None]
) -> None:
    plain = sqlite3.connect(db)
    plain.execute("PRAGMA journal_mode=DELETE")  # in WAL mode writers lock no reader out
    plain.close()
    async with console(db) as c:
        lock = locker(db, "EXCLUSIVE")
        await c.until(lambda: "locked" in c.said)
        lock.execute("ROLLBACK")
        await c.until(lambda: "locked" not in c.said)
        ask("t-new", questions.gate("new", {}, "low"))
        await c.until(lambda: c.main.inbox.state.total == 7)
        await works(c, db)


async def test_a_deleted_database_is_waited_for(db: Path, asked: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        for path in db.parent.glob("agents.db*"):
            path.unlink()
        await c.until(lambda: "waiting for agents.db" in c.said)
        await c.until(lambda: c.main.inbox.state.total == 0)
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.STALE)
        await c.press("a")
        assert stages.standing(db) == []
        shutil.copy(asked, db)
        await c.until(lambda: c.main.inbox.state.total == 6)
        await c.until(lambda: "waiting" not in c.said)
        await works(c, db)


async def test_another_database_in_its_place_is_read(db: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    questions.ask(other, {"t-other": questions.gate("other", {}, "low")})
    async with console(db) as c:
        await c.go_to("t-refund")
        other.replace(db)
        await c.until(lambda: c.main.inbox.state.total == 1)
        await works(c, db, "t-other")


async def test_a_database_that_turns_into_garbage_is_named_until_it_is_whole_again(
    db: Path, asked: Path
) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        db.write_bytes(b"this is no database at all. " * 4000)
        await c.until(lambda: "agents.db" in c.said)
        await c.press("a")
        await c.pilot.pause()
        assert stages_none(db)
        shutil.copy(asked, tmp := db.with_name("whole.db"))
        tmp.replace(db)
        await c.until(lambda: "malformed" not in c.said and "not a database" not in c.said)
        await works(c, db)


def stages_none(db: Path) -> bool:
    path = ledger_path(db)
    if not path.exists():
        return True
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT count(*) FROM decisions").fetchone() == (0,)
    finally:
        connection.close()


async def test_a_thread_deleted_while_on_the_card_cannot_be_decided(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        delete(db, "t-refund")
        await c.press("a")
        await c.until(lambda: "moved on" in c.said or "stale" in c.said)
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.STALE)
        await c.until(lambda: c.main.inbox.state.total == 5)
        assert stages.standing(db) == []
        await works(c, db, "t-mail")


async def test_a_deleted_ledger_is_begun_anew(db: Path) -> None:
    stages.decided(db, "t-mail")
    async with console(db) as c:
        await c.go_to("t-refund")
        for path in db.parent.glob("agents.ledger.db*"):
            path.unlink()
        await c.until(lambda: c.main.inbox.state.waiting == 6)
        await works(c, db)


def empty_log(path: Path) -> None:
    """Else SQLite finds all pages in the log, and does not care what lies in the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    assert not busy


async def test_a_ledger_that_turns_into_garbage_takes_no_decision_and_says_so(db: Path) -> None:
    stages.decided(db, "t-mail")
    ledger = ledger_path(db)
    async with console(db) as c:
        await c.go_to("t-refund")
        empty_log(ledger)
        whole = ledger.with_name("whole")
        ledger.replace(whole)
        ledger.write_bytes(b"no ledger " * 1000)
        await c.until(lambda: "ledger" in c.said)
        await c.press("a")
        await c.until(lambda: "not a database" in c.said)
        assert "approved" not in c.said
        whole.replace(ledger)
        await works(c, db)


async def test_a_database_nobody_may_read_is_named(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by its mode, which means nothing to root."""
    async with console(db) as c:
        db.unlink()
        db.mkdir()
        await c.until(lambda: "agents.db" in c.said)
        db.rmdir()
        questions.ask(db, {"t-new": questions.gate("new", {}, "low")})
        await c.until(lambda: c.main.inbox.state.total == 1)
        await works(c, db, "t-new")
