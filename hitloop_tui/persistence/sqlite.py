"""The embedded store: one SQLite file, any number of processes on one machine."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from hitloop_tui.errors import DatabaseError
from hitloop_tui.persistence.base import Clock, utc_now
from hitloop_tui.persistence.sql import SqlApprovalStore
from hitloop_tui.persistence.tables import schema

T = TypeVar("T")

BUSY_SECONDS = 30.0


class SQLiteApprovalStore(SqlApprovalStore):
    """Requests in a file that only its owner can read. A decision is on the disk when told.

    Raises DatabaseError when the file cannot be read or written.

    One thread of its own does the work. Not aiosqlite: a process that forgets to close that does
    not end, and a call whose event loop is gone stops its thread for everybody.
    """

    look_seconds: ClassVar[float | None] = 0.05
    IN: ClassVar[str] = "callback_id IN (SELECT value FROM json_each(?))"

    def __init__(self, path: str | Path, *, clock: Clock = utc_now) -> None:
        super().__init__(clock=clock)
        self.path = Path(path).absolute()
        self._thread: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @classmethod
    async def from_path(cls, path: str | Path) -> Self:
        store = cls(path)
        await store.setup()
        return store

    async def setup(self) -> None:
        await self._in_thread(lambda connection: None)

    async def close(self) -> None:
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        await asyncio.get_running_loop().run_in_executor(thread, self._close)
        thread.shutdown()

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._starting:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="approvals")
            done = asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)
        return await done

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._open())
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(f"approvals {self.path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        """The connection, opened anew when the file was deleted or replaced: a deleted file takes
        decisions as willingly as any other, and loses them."""
        if self._connection is not None and self._found() != self._file:
            self._close()
        if self._connection is None:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self.path, BUSY_SECONDS, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                for statement in schema():
                    connection.execute(statement)
            except BaseException:
                connection.close()
                raise
            self._connection, self._file = connection, self._found()
        return self._connection

    def _found(self) -> tuple[int, int] | None:
        """What tells the file from another one of its name."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        return stat.st_dev, stat.st_ino

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return await self._in_thread(lambda db: db.execute(sql, parameters).fetchall())

    async def _change(self, sql: str, parameters: Sequence[Any]) -> int:
        return await self._in_thread(lambda db: db.execute(sql, parameters).rowcount)

    def _list(self, values: list[str]) -> Any:
        return json.dumps(values)
