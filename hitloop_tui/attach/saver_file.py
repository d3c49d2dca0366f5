"""The agents' database as LangGraph's own saver writes it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from hitloop_tui.errors import DatabaseError

LOCK_WAIT_S = 30.0
"""langgraph's own 5 s would fail a run behind a foreign write lock that is held longer."""

Place = tuple[int, int]


class SaverFile:
    """Opened when it is first needed, and anew when another file has taken the name: SQLite goes
    on writing into a deleted file without a word."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opening = asyncio.Lock()
        self._saver: AsyncSqliteSaver | None = None
        self._place: Place | None = None
        self._replaced: list[aiosqlite.Connection] = []
        """Runs that began on them may still write."""

    async def open(self) -> AsyncSqliteSaver:
        """Raises DatabaseError while there is no file: a worker must not create one."""
        async with self._opening:
            place = self.place()
            if place is None:
                raise DatabaseError(f"{self.path} is missing")
            if self._saver is None or place != self._place:
                if self._saver is not None:
                    self._replaced.append(self._saver.conn)
                self._saver, self._place = await self._opened(), place
            return self._saver

    def place(self) -> Place | None:
        """What tells the file from another one of its name; None while it is missing."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        return stat.st_dev, stat.st_ino

    async def release(self) -> None:
        """End a write that was cancelled before its commit: the agents would wait for it."""
        saver = self._saver
        if saver is None or not saver.conn.in_transaction:
            return
        async with saver.lock:
            with contextlib.suppress(sqlite3.Error):
                await saver.conn.commit()

    async def close(self) -> None:
        for connection in [*self._replaced, *([self._saver.conn] if self._saver else [])]:
            await connection.close()

    async def _opened(self) -> AsyncSqliteSaver:
        connection = await aiosqlite.connect(self.path, timeout=LOCK_WAIT_S)
        try:
            saver = AsyncSqliteSaver(connection)
            await saver.setup()
        except BaseException:
            await connection.close()
            raise
        return saver
