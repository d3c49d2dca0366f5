"""Opening the ledger file: who may read it, how safely it commits, and which schema it has."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hitloop_tui.attach import journal, ledger_schema
from hitloop_tui.core.sqlite_rows import fetched
from hitloop_tui.errors import DatabaseError

BUSY_TIMEOUT_S = 30.0
UNKNOWN = "whether it was recorded shows when the file can be read again"


class LedgerFile:
    """One connection to a ledger, usable from any thread, created on the first write.

    A missing file reads as an empty ledger, so that listing never creates one.
    """

    def __init__(self, path: Path, *, beside: Path | None = None, durable: bool = True) -> None:
        """`beside` is the checkpoint database whose access mode a new ledger takes over.

        `durable` commits with `synchronous=FULL`; telemetry may do without.
        """
        self.path = path
        self._beside = beside
        self._synchronous = "FULL" if durable else "NORMAL"
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._openings = 0

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._file = None

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """All rows of a query, read in autocommit: no transaction is left open."""
        with self._lock, self._reported():
            connection = self._open(create=False)
            return [] if connection is None else fetched(connection, sql, parameters)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end, rolled back by an exception."""
        with self._lock, self._reported():
            connection = self._open(create=True)
            assert connection is not None
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                _commit(connection)
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own that reads one state of the ledger while others go on writing.

        A missing file reads as an empty ledger. Text that is no UTF-8 can be read, too.
        """
        with self._reported():
            there = self._open(create=False) is not None
            connection = self._connect() if there else _empty()
            try:
                connection.text_factory = _any_text
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.close()

    def data_version(self) -> int:
        """Changes whenever another connection committed; -1 while there is no file."""
        rows = self.rows("PRAGMA data_version")
        return (self._openings << 32) + int(rows[0][0]) if rows else -1

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(f"ledger {self.path}: {error}") from error

    def _open(self, *, create: bool) -> sqlite3.Connection | None:
        """The connection, opened anew when the file was replaced: a deleted file takes decisions
        as willingly as any other, and loses them."""
        found = self._place()
        if self._connection is not None and found != self._file:
            self.close()
        if self._connection is None and (create or found is not None):
            self._connection = self._connect()
            self._file = self._place()
            self._openings += 1
        return self._connection

    def _place(self) -> tuple[int, int] | None:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        return stat.st_dev, stat.st_ino

    def _connect(self) -> sqlite3.Connection:
        self._touch()
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            self._refuse_foreign(connection)
            self._use_wal(connection)
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            self._migrate(connection)
            connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _touch(self) -> None:
        """A new ledger gets the agents' database's mode, but nothing for the world."""
        mode = stat.S_IRUSR | stat.S_IWUSR
        if self._beside is not None and self._beside.exists():
            mode |= self._beside.stat().st_mode & (stat.S_IRWXG & ~stat.S_IXGRP)
        with contextlib.suppress(FileExistsError):
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
            os.fchmod(handle, mode)
            os.close(handle)

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """SQLite does not wait for its busy timeout while another process switches to WAL."""
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
            else:
                return

    def _refuse_foreign(self, connection: sqlite3.Connection) -> None:
        """A database of somebody else's, or of a later version, is not written to at all."""

        def foreign() -> bool:
            return not _version(connection) and _has_tables(connection)

        # Twice, since another process may be creating the ledger between the two statements.
        if foreign() and foreign():
            raise DatabaseError(f"{self.path} is another program's database, not a ledger")
        version = _version(connection)
        if not 0 <= version <= ledger_schema.VERSION:
            raise DatabaseError(
                f"ledger {self.path} has schema {version}, this version knows "
                f"{ledger_schema.VERSION}: upgrade hitloop-tui or use --ledger for another file"
            )

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if _version(connection) == ledger_schema.VERSION:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) == 0:
                _create(connection)
            elif _version(connection) == 1:
                _upgrade(connection)
            connection.execute(f"PRAGMA user_version={ledger_schema.VERSION}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _commit(connection: sqlite3.Connection) -> None:
    """After a failed fsync the log holds the transaction all the same, and whoever opens the file
    next may find it."""
    try:
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise sqlite3.OperationalError(f"{error}; {UNKNOWN}") from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _has_tables(connection: sqlite3.Connection) -> bool:
    """Telemetry apart, which an agent may have written before the ledger was needed."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE tbl_name NOT IN ('trace_events', 'runs')"
        " AND tbl_name NOT LIKE 'sqlite_%'"
    )
    return found.fetchone() is not None


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    _create(connection)
    return connection


def _any_text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogateescape")


def _create(connection: sqlite3.Connection) -> None:
    for statement in _statements(ledger_schema.SCHEMA):
        connection.execute(statement)


def _upgrade(connection: sqlite3.Connection) -> None:
    """From schema 1: the same rows in new tables, and a journal that begins with them."""
    connection.execute("PRAGMA legacy_alter_table=ON")  # else references follow the old names
    for row in connection.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('index','trigger') AND sql IS NOT NULL"
    ).fetchall():
        connection.execute(f"DROP {row['type']} {row['name']}")
    for table in ledger_schema.TABLES_1:
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_1")
    _create(connection)
    for table in ledger_schema.TABLES_1:
        columns = [row["name"] for row in connection.execute(f"PRAGMA table_info({table}_1)")]
        listed = ", ".join(columns)
        added = (", round, digest", ", 0, ''") if table == "verdicts" else ("", "")
        connection.execute(
            f"INSERT INTO {table} ({listed}{added[0]}) SELECT {listed}{added[1]} FROM {table}_1"
        )
        connection.execute(f"DROP TABLE {table}_1")
    journal.seal_all(connection)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
