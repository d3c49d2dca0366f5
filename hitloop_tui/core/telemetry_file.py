"""Telemetry on its way into SQLite: who waits for which commit."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from hitloop_tui.core import telemetry_process
from hitloop_tui.core.sqlite_rows import fetched
from hitloop_tui.core.telemetry_schema import INSERT, MEMORY, connect, create_tables
from hitloop_tui.errors import DatabaseError

Durability = Literal["batch", "event", "full"]
Row = tuple[str, str, str, str, str | None]
"""timestamp, run_id, event_type, payload, thread_id"""
Statement = tuple[str, tuple[Any, ...]]

BATCH_S = 0.025
FULL_BATCH = 2000
"""Rows after which the caller commits itself, so that no burst can run away from the thread."""
RETRY_S = 0.5
IDLE_S = 1.0

_log = logging.getLogger(__name__)


class TelemetryFile:
    """Rows from any thread, committed by `durability`; one object per process and file."""

    def __init__(self, path: str, durability: Durability = "batch") -> None:
        self.path = path if path == MEMORY else os.path.abspath(path)
        self.durability = durability
        self._waiting: list[Row] = []
        self._statements: list[Statement] = []
        self._closed = False
        self._failing = False
        """The last commit of a batch failed: only the thread tries again, and no caller waits."""
        self._thread: threading.Thread | None = None
        self._fresh_locks()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = self._connect()
        self._place = self._found()
        telemetry_process.opened.add(self)

    def put(self, rows: Sequence[Row], statement: Statement | None = None) -> None:
        """Take rows, and a statement of the same transaction; how long it takes is `durability`'s.

        What cannot be committed is kept for the next commit; `event` and `full` raise, too.
        """
        with self._lock:
            self._refuse_closed()
            idle = not self._waiting and not self._statements
            self._waiting.extend(rows)
            if statement is not None:
                self._statements.append(statement)
            if idle and self.durability == "batch":
                self._wake()
        if self.durability != "batch":
            self.commit()
        elif len(self._waiting) >= FULL_BATCH and not self._failing:
            self._try_commit()

    def commit(self) -> None:
        """Return when everything taken so far is committed, by whichever thread."""
        with self._writing:
            rows, statements = list[Row](), list[Statement]()
            try:
                with self._lock:
                    rows, self._waiting = self._waiting, rows
                    statements, self._statements = self._statements, statements
                if rows or statements:
                    self._write(rows, statements)
            except BaseException as error:
                with self._lock:
                    self._waiting[:0], self._statements[:0] = rows, statements
                if isinstance(error, sqlite3.Error):
                    raise DatabaseError(f"telemetry {self.path}: {error}") from error
                raise

    def sync(self) -> None:
        """Return when everything taken so far survives a power failure."""
        self.commit()
        if self.path == MEMORY or self.durability == "full":
            return
        # One fsync of the log: what is no longer in it was synced by the checkpoint that moved it.
        with suppress(FileNotFoundError):
            handle = os.open(f"{self.path}-wal", os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, which sees everything this object has taken."""
        self.commit()
        with self._writing:
            self._refuse_closed()
            writer = self._at_place()
        guard = self._writing if self.path == MEMORY else self._reading
        with guard:
            try:
                return fetched(self._source(writer), sql, parameters)
            except sqlite3.Error as error:
                raise DatabaseError(f"telemetry {self.path}: {error}") from error

    def close(self) -> None:
        """Commit what waits, and let go of the file. A second call does nothing.

        Raises DatabaseError when it cannot be written; it is kept and the file stays open, so that
        another call can try again.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        try:
            self.sync()
        except BaseException:
            with self._lock:
                self._closed = False
                self._wake()
            raise
        telemetry_process.opened.discard(self)
        self._news.set()
        with self._writing, self._reading:
            self._disconnect()

    @property
    def waiting(self) -> int:
        """Events that no commit has taken yet."""
        return len(self._waiting)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise DatabaseError(f"telemetry {self.path}: closed")

    def _source(self, writer: sqlite3.Connection) -> sqlite3.Connection:
        """A memory database has one connection; a file's readers do not wait for its writer."""
        if self.path == MEMORY:
            return writer
        if self._reader is None:
            self._reader = connect(self.path)
            self._reader.execute("PRAGMA query_only=ON")
        return self._reader

    def _write(self, rows: list[Row], statements: list[Statement]) -> None:
        """One transaction. Leaves both lists empty when ctrl+c comes right after its commit."""
        writer = self._at_place()
        before = writer.total_changes
        try:
            if len(rows) == 1 and not statements:  # autocommit: one statement instead of three
                writer.execute(INSERT, rows[0])
                return
            writer.execute("BEGIN IMMEDIATE")
            for sql, parameters in statements:
                writer.execute(sql, parameters)
            writer.executemany(INSERT, rows)
            writer.execute("COMMIT")
        except BaseException as error:
            if writer.in_transaction:
                with suppress(sqlite3.Error):
                    writer.execute("ROLLBACK")
            elif not isinstance(error, sqlite3.Error) and writer.total_changes > before:
                rows.clear()
                statements.clear()
            raise

    def _at_place(self) -> sqlite3.Connection:
        """The writer, opened anew after a fork, and when the file was deleted or replaced: a
        deleted file takes events as willingly as any other, and loses them."""
        if self._writer is not None and self._found() != self._place:
            _log.warning("telemetry %s: the file was replaced; events go to the new one", self.path)
            with self._reading:
                self._disconnect()
        if self._writer is None:
            self._writer = self._connect()
            self._place = self._found()
        return self._writer

    def _found(self) -> tuple[int, int] | None:
        """What tells the file from another one of its name."""
        try:
            stat = os.stat(self.path)
        except OSError:
            return None
        return stat.st_dev, stat.st_ino

    def _connect(self) -> sqlite3.Connection:
        connection = None
        try:
            connection = connect(self.path)
            create_tables(connection, self.path)
            level = "FULL" if self.durability == "full" else "NORMAL"
            connection.execute(f"PRAGMA synchronous={level}")
        except (sqlite3.Error, OSError, DatabaseError) as error:
            if connection is not None:
                connection.close()
            raise DatabaseError(f"telemetry {self.path}: {error}") from error
        return connection

    def _wake(self) -> None:
        """Have the thread commit what waits; with the lock held."""
        self._news.set()
        if self._thread is None:
            run = threading.Thread(target=self._run, name="telemetry", daemon=True)
            with suppress(RuntimeError):  # the interpreter ends: `close` at exit will commit
                run.start()
                self._thread = run

    def _run(self) -> None:
        """Commit what comes; end after a while without news, so that nobody must be told to."""
        while True:
            if not self._news.wait(IDLE_S):
                with self._lock:
                    if not self._news.is_set():
                        self._thread = None
                        return
            with self._lock:
                if self._closed:
                    self._thread = None
                    return
            time.sleep(BATCH_S)
            self._news.clear()
            if not self._try_commit():
                self._news.set()
                time.sleep(RETRY_S)

    def _try_commit(self) -> bool:
        try:
            self.commit()
        except DatabaseError as error:
            _log.error("%s; %d events are kept for later", error, self.waiting)
            self._failing = True
        else:
            self._failing = False
        return not self._failing

    def _fresh_locks(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._reading = threading.RLock()
        self._news = threading.Event()
        self._thread = None

    def hold(self) -> None:
        """Before a fork: what waits is written, and nobody is inside of SQLite.

        A connection that is open across a fork makes the child believe it has the parent's locks,
        and its commits are lost when the parent closes the file: both open it anew.
        """
        self._writing.acquire()
        self._reading.acquire()
        with suppress(DatabaseError):
            self.commit()
        self._lock.acquire()
        if self.path != MEMORY:
            self._disconnect()

    def release(self) -> None:
        """After a fork, in the parent."""
        self._lock.release()
        self._reading.release()
        self._writing.release()

    def start_over(self) -> None:
        """After a fork, in the child: what still waits is the parent's to write."""
        self._waiting, self._statements = [], []
        self._fresh_locks()

    def _disconnect(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._reader = self._writer = None
