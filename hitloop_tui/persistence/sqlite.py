"""The embedded store: one SQLite file, any number of processes on one machine."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import aiosqlite

from hitloop_tui.persistence.base import Clock, utc_now
from hitloop_tui.persistence.sql import SqlApprovalStore, schema

BUSY_SECONDS = 30.0


class SQLiteApprovalStore(SqlApprovalStore):
    """Requests in a file that only its owner can read. A decision is on the disk when told."""

    IN: ClassVar[str] = "callback_id IN (SELECT value FROM json_each(?))"

    def __init__(self, path: str | Path, *, clock: Clock = utc_now) -> None:
        super().__init__(clock=clock)
        self.path = Path(path)
        self._connection: aiosqlite.Connection | None = None

    @classmethod
    async def from_path(cls, path: str | Path) -> Self:
        store = cls(path)
        await store.setup()
        return store

    async def setup(self) -> None:
        await self._open()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _open(self) -> aiosqlite.Connection:
        if self._connection is not None:
            return self._connection
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = await aiosqlite.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            await connection.execute("PRAGMA synchronous = FULL")
            for statement in schema():
                await connection.execute(statement)
        except BaseException:
            await connection.close()
            raise
        if self._connection is not None:  # another task was faster
            await connection.close()
            return self._connection
        self._connection = connection
        return connection

    async def _rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        connection = await self._open()
        return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]

    async def _change(self, sql: str, parameters: Sequence[Any]) -> int:
        connection = await self._open()
        async with connection.execute(sql, parameters) as cursor:
            return cursor.rowcount

    def _list(self, values: list[str]) -> Any:
        return json.dumps(values)
