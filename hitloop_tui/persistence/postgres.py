"""The store for several machines. Needs the extra `postgres` (psycopg 3 and its pool)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from hitloop_tui.errors import ConfigError
from hitloop_tui.persistence.base import Clock, utc_now
from hitloop_tui.persistence.sql import SqlApprovalStore
from hitloop_tui.persistence.tables import schema

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

SETUP_LOCK = 0x6869746C6F6F70
"""Creating a table is not atomic among processes, so one does it at a time."""


class PostgresApprovalStore(SqlApprovalStore):
    """Requests in PostgreSQL. Call `setup()` once before the first use."""

    IN: ClassVar[str] = "callback_id = ANY(?)"

    def __init__(self, pool: AsyncConnectionPool, *, clock: Clock = utc_now) -> None:
        super().__init__(clock=clock)
        self._pool = pool

    @classmethod
    async def from_conn_string(
        cls, conn_string: str, *, max_size: int = 10, connect_seconds: float = 10.0
    ) -> Self:
        """Connect; raises when the server does not answer within `connect_seconds`."""
        try:
            from psycopg_pool import AsyncConnectionPool
        except ImportError:
            raise ConfigError("PostgresApprovalStore needs hitloop-tui[postgres]") from None
        pool = AsyncConnectionPool(
            conn_string,
            min_size=1,
            max_size=max_size,
            open=False,
            kwargs={"autocommit": True},
            check=AsyncConnectionPool.check_connection,
        )
        try:
            await pool.open(wait=True, timeout=connect_seconds)
        except BaseException:
            await pool.close()
            raise
        return cls(pool)

    async def setup(self) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (SETUP_LOCK,))
            for statement in schema('TEXT COLLATE "C"'):
                await connection.execute(statement)

    async def close(self) -> None:
        await self._pool.close()

    async def _rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_psycopg(sql), parameters)
            return await cursor.fetchall()

    async def _change(self, sql: str, parameters: Sequence[Any]) -> int:
        async with self._pool.connection() as connection:
            return (await connection.execute(_psycopg(sql), parameters)).rowcount

    def _list(self, values: list[str]) -> Any:
        return values


def _psycopg(sql: str) -> str:
    return sql.replace("?", "%s")
