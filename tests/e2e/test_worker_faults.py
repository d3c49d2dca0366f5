"""Files that go away, fill up or are locked while a worker runs: nothing crashes, nothing is said
to be applied that may not be, and the agents' database stays free for the agents."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import interrupt

from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.review import Act, State
from hitloop_tui.attach.running import Bench
from hitloop_tui.attach.saver_file import SaverFile
from hitloop_tui.attach.worker import Worker
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, tool
from tests.e2e.worker_process import Process, Start, ask, tool_log, wait_for

FULL_B = 8_000
"""No file may grow beyond this: less than any database here has, and its log."""


def delete_thread(desk: Desk, thread_id: str) -> None:
    with SqliteSaver.from_conn_string(str(desk.db)) as saver:
        saver.delete_thread(thread_id)


def replace(db: Path) -> None:
    """Another file takes the name, with the same threads in it."""
    copy = db.with_name("copy.db")
    with sqlite3.connect(db) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    take_away(db)
    copy.rename(db)


def take_away(db: Path, to: Path | None = None) -> None:
    for suffix in ("-wal", "-shm", ""):
        part = db.with_name(db.name + suffix)
        if part.exists() and to is not None:
            part.rename(to / part.name)
        else:
            part.unlink(missing_ok=True)


def assert_free(db: Path) -> None:
    """Nobody holds a lock or keeps a read transaction open."""
    with sqlite3.connect(db, timeout=1, isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    assert busy == 0


class Lock:
    """Somebody else's write lock on a database, for so long."""

    def __init__(self, db: Path, seconds: float) -> None:
        self._db, self._seconds = db, seconds
        self._locked = threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> None:
        self._thread.start()
        self._locked.wait()

    def __exit__(self, *error: object) -> None:
        self._thread.join()

    def _hold(self) -> None:
        connection = sqlite3.connect(self._db, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        self._locked.set()
        time.sleep(self._seconds)
        connection.execute("COMMIT")
        connection.close()


class TestThreads:
    async def test_deleted_before_the_resume(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        async with Worker({"g": graph}, desk.db):
            key = desk.decide(question, "yes", hold_s=0.2)
            await asyncio.to_thread(delete_thread, desk, "t")
            await asyncio.to_thread(desk.wait, key, State.STALE)
            assert_free(desk.db)
        assert calls == []

    async def test_deleted_while_the_tool_runs(self, desk: Desk) -> None:
        go, started = asyncio.Event(), asyncio.Event()

        async def slow(state: Values) -> Values:
            calls.append(interrupt("go?"))
            started.set()
            await go.wait()
            return {}

        graph = chain(slow)
        [question] = await desk.ask(graph, "t", {})
        async with Worker({"g": graph}, desk.db):
            key = desk.decide(question, "yes")
            await started.wait()
            await asyncio.to_thread(delete_thread, desk, "t")
            go.set()
            record = await asyncio.to_thread(
                desk.wait, key, State.APPLIED, State.UNCERTAIN, State.FAILED
            )
            assert_free(desk.db)
        assert record.state is not State.FAILED
        assert calls == ["yes"]


class TestFiles:
    async def test_replaced_before_the_resume(self, desk: Desk) -> None:
        """SQLite would go on with the deleted file, and the tool would run for nobody."""
        graph = chain(tool)
        first, second = [(await desk.ask(graph, thread, {}))[0] for thread in ("a", "b")]
        async with Worker({"g": graph}, desk.db):
            await asyncio.to_thread(desk.wait, desk.decide(first, 1), State.APPLIED)
            replace(desk.db)
            await asyncio.to_thread(desk.wait, desk.decide(second, 2), State.APPLIED)
            assert_free(desk.db)
        assert calls == [1, 2]
        assert desk.source.thread_questions("b") == []

    async def test_replaced_while_the_tool_runs(self, desk: Desk) -> None:
        go, started = asyncio.Event(), asyncio.Event()

        async def slow(state: Values) -> Values:
            calls.append(interrupt("go?"))
            started.set()
            await go.wait()
            return {}

        graph = chain(slow)
        [question] = await desk.ask(graph, "t", {})
        async with Worker({"g": graph}, desk.db):
            key = desk.decide(question, "yes")
            await started.wait()
            replace(desk.db)
            go.set()
            record = await asyncio.to_thread(desk.wait, key, State.UNCERTAIN)
        assert "another file took the database's place" in record.detail
        assert calls == ["yes"]

    async def test_deleted_and_put_back(self, desk: Desk, tmp_path: Path) -> None:
        graph = chain(tool)
        first, second = [(await desk.ask(graph, thread, {}))[0] for thread in ("a", "b")]
        desk.source.close()
        away = tmp_path / "away"
        away.mkdir()
        async with Worker({"g": graph}, desk.db):
            await asyncio.to_thread(desk.wait, desk.decide(first, 1), State.APPLIED)
            take_away(desk.db, away)
            key = desk.decide(second, 2)
            await asyncio.sleep(1)
            assert desk.record(key).state in (State.DECIDED, State.APPLYING)
            assert not desk.db.exists()
            for part in away.iterdir():
                shutil.move(part, desk.db.parent)
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
        assert calls == [1, 2]

    async def test_deleted_while_the_tool_runs(self, desk: Desk) -> None:
        go, started = asyncio.Event(), asyncio.Event()

        async def slow(state: Values) -> Values:
            calls.append(interrupt("go?"))
            started.set()
            await go.wait()
            return {}

        graph = chain(slow)
        [question] = await desk.ask(graph, "t", {})
        async with Worker({"g": graph}, desk.db):
            key = desk.decide(question, "yes")
            await started.wait()
            take_away(desk.db)
            go.set()
            await asyncio.to_thread(desk.wait, key, State.UNCERTAIN)
        assert calls == ["yes"]

    async def test_a_ledger_that_cannot_be_read_for_a_while(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        graph, ledger, away = chain(tool), desk.file.path, tmp_path / "away"
        [question] = await desk.ask(graph, "t", {})
        away.mkdir()
        async with Worker({"g": graph}, desk.db):
            desk.file.close()
            take_away(ledger, away)
            ledger.write_bytes(b"no database" * 1000)
            await asyncio.sleep(1.5)
            for part in away.iterdir():
                part.replace(ledger.with_name(part.name))
            key = desk.decide(question, "yes")
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
        assert calls == ["yes"]
        assert desk.faults() == []


class TestLocks:
    async def test_on_the_database_for_7_seconds(self, desk: Desk) -> None:
        """LangGraph's own saver gives up after 5."""
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        async with Worker({"g": graph}, desk.db):
            with Lock(desk.db, 7):
                key = desk.decide(question, "yes")
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
            assert_free(desk.db)
        assert calls == ["yes"]
        assert len(desk.file.rows("SELECT 1 FROM attempts")) == 1

    async def test_on_the_ledger_for_7_seconds(self, desk: Desk) -> None:
        graph = chain(tool)
        [question] = await desk.ask(graph, "t", {})
        async with Worker({"g": graph}, desk.db):
            key = desk.decide(question, "yes")
            with Lock(desk.file.path, 7):
                pass
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
        assert calls == ["yes"]

    async def test_a_write_that_was_cut_off(self, desk: Desk) -> None:
        await desk.ask(chain(tool), "t", {})
        saver_file = SaverFile(desk.db)
        saver = await saver_file.open()
        await saver.conn.execute("UPDATE writes SET task_path=task_path")
        assert saver.conn.in_transaction
        await saver_file.release()
        assert_free(desk.db)
        await saver_file.close()


def limit(process: Process, size: int) -> None:
    """What a full disk does to a process: its files cannot grow."""
    resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class TestFullDisk:
    async def test_before_the_lease(self, desk: Desk, start: Start) -> None:
        [question] = await ask(desk, "t")
        worker = start()
        wait_for(lambda: live_workers(desk.file))
        limit(worker, FULL_B)
        key = desk.decide(question, "yes")
        await asyncio.sleep(1.5)
        assert worker.popen.poll() is None
        assert desk.record(key).state is State.DECIDED
        limit(worker, resource.RLIM_INFINITY)
        desk.wait(key, State.APPLIED)
        assert tool_log(desk) == ["start yes", "end yes"]
        assert desk.faults() == []

    async def test_while_the_tool_runs(self, desk: Desk, start: Start) -> None:
        [question] = await ask(desk, "t")
        worker = start()
        wait_for(lambda: live_workers(desk.file))
        key = desk.decide(question, "slow")
        wait_for(lambda: tool_log(desk))
        limit(worker, FULL_B)
        wait_for(lambda: len(tool_log(desk)) == 2)
        await asyncio.sleep(1)
        assert worker.popen.poll() is None
        assert desk.record(key).state is State.APPLYING
        limit(worker, resource.RLIM_INFINITY)
        record = desk.wait(key, State.UNCERTAIN)
        assert "the tool may have run" in record.detail
        assert_free(desk.db)
        worker.popen.send_signal(signal.SIGTERM)
        worker.end(0)
        assert tool_log(desk) == ["start slow", "end slow"]
        assert desk.faults() == []


async def test_a_worker_that_was_taken_for_dead(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Suspended between its lease and the resume, it finds out that a person ordered anew."""
    graph, go, held_up, choose = chain(tool), asyncio.Event(), asyncio.Event(), Bench.choose

    async def suspended(*given: Any) -> Any:
        monkeypatch.setattr(Bench, "choose", choose)
        chosen = await choose(*given)
        held_up.set()
        await go.wait()
        return chosen

    monkeypatch.setattr(Bench, "choose", suspended)
    [question] = await desk.ask(graph, "t", {})
    async with Worker({"g": graph}, desk.db) as worker:
        key = desk.decide(question, "yes")
        await held_up.wait()
        worker._heartbeat.close()
        with desk.file.transaction() as connection:
            connection.execute("UPDATE workers SET heartbeat_at=heartbeat_at-60")
        assert desk.record(key).state is State.UNCERTAIN
        desk.order(key, Act.CLEAR)
        assert await desk.work({}) == {"applied": 1}
        go.set()
    assert calls == []
    assert desk.review(key).state is State.PENDING
    desk.decide(question, "no")
    assert await desk.work({"g": graph}) == {"applied": 1}
    assert calls == ["no"]
    assert desk.faults() == []
