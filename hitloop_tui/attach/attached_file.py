"""A SQLite file that other programs write: it may come later, be replaced, and go."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from hitloop_tui.core.sqlite_rows import fetched
from hitloop_tui.errors import DatabaseError

BUSY_SECONDS = 5.0


class AttachedFile:
    """Rows of the file, read in autocommit: no lock is held, and no transaction left open."""

    MODE: ClassVar[str] = "ro"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.openings = 0
        """How often the file was opened: what was known of it before says nothing about it."""
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, ...] | None = None
        """What tells the opened file from another one of that name."""
        self._immutable = False
        self._written: int | None = None
        """When the file was written last, as far as it was looked at."""

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files whose change may mean news."""
        return self.path, self._wal

    def data_version(self) -> object:
        """A value that differs after any other connection has committed."""
        rows = self.rows("PRAGMA data_version")
        return self.openings, rows[0][0] if rows else None

    def rows(
        self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> list[sqlite3.Row]:
        """All rows of a statement; none while the file or its tables do not exist."""
        with self._lock:
            try:
                connection = self._open()
                return [] if connection is None else fetched(connection, sql, parameters)
            except sqlite3.Error as error:
                self.close()
                raise DatabaseError(f"{self.path}: {error}") from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._file = None

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        """Look at a file that was just opened; False when its tables are not there yet."""
        raise NotImplementedError

    @property
    def _wal(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def _open(self) -> sqlite3.Connection | None:
        """The connection, opened anew when the file was replaced; None while it is missing."""
        try:
            place = self._place()
        except FileNotFoundError:
            self.close()
            return None
        if self._file != place or self._overwritten():
            self.close()
            self._connect()
            self._file = self._place() if self._connection else None
        return self._connection

    def _overwritten(self) -> bool:
        """Whether somebody wrote something else over the file: SQLite would not notice, and go on
        reading from its memory.

        Only SQLite may look: to open and close the file drops this process's locks on it.
        """
        written = self.path.stat().st_mtime_ns
        if self._immutable or written == self._written:
            return False
        self._written = written
        other = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", 0, uri=True)
        try:
            other.execute("PRAGMA schema_version")
        except sqlite3.OperationalError:  # locked: somebody is at it
            self._written = None
        except sqlite3.DatabaseError:
            return True
        finally:
            other.close()
        return False

    def _place(self) -> tuple[int, ...]:
        stat = self.path.stat()
        place = (stat.st_dev, stat.st_ino)
        if not self._immutable:
            return place
        return *place, stat.st_mtime_ns, stat.st_size, int(self._wal.exists())

    def _connect(self) -> None:
        uri = f"{self.path.absolute().as_uri()}?mode={self.MODE}"
        try:
            self._connection = self._connected(uri)
            self._immutable = False
        except sqlite3.OperationalError as error:
            # Where SQLite may not create its -wal and -shm files, it cannot read at all; without a
            # -wal nobody writes just now, and the file can be read as it lies there.
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise
            if self._wal.exists() or not self.path.is_file() or not os.access(self.path, os.R_OK):
                raise
            self._connection = self._connected(f"{uri}&immutable=1")
            self._immutable = True
        if self._connection is not None:
            self.openings += 1

    def _connected(self, uri: str) -> sqlite3.Connection | None:
        connection = sqlite3.connect(
            uri, BUSY_SECONDS, uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            if self._prepare(connection):
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None
