"""Questions from a langgraph-checkpoint-sqlite file: the first Source.

Read-only and in autocommit: no lock is held and no transaction left open, so the agents never wait.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hitloop_tui.attach import checkpoint_context, checkpoint_events, checkpoint_sql, interrupt_rows
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.interrupt_rows import Leaf
from hitloop_tui.attach.review import Identity, Question
from hitloop_tui.attach.source import Message
from hitloop_tui.errors import DatabaseError

NEWEST_WINDOW = 20_000
"""Rows of `writes` that `newest` looks back over."""

_TAILS = (
    (
        checkpoint_sql.LAST_CHECKPOINT,
        checkpoint_sql.SAME_CHECKPOINT,
        checkpoint_sql.NEW_CHECKPOINTS,
    ),
    (checkpoint_sql.LAST_WRITE, checkpoint_sql.SAME_WRITE, checkpoint_sql.NEW_WRITES),
)


class Checkpoints:
    """One checkpoint file. A missing file reads as empty until it appears."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._task_path = "''"
        self._graph_ids: dict[str, str | None] = {}
        self._tails: list[Sequence[Any] | None] | None = None

    @property
    def watched(self) -> tuple[Path, ...]:
        return self.path, self.path.with_name(self.path.name + "-wal")

    def data_version(self) -> object:
        rows = self.rows("PRAGMA data_version")
        return self._inode, rows[0][0] if rows else None

    def newest(self, limit: int) -> list[Question]:
        sql = checkpoint_sql.newest_pending(self._column())
        rows = self.rows(sql, {"limit": limit, "window": NEWEST_WINDOW})
        return list(self._questions(rows))

    def questions(self) -> Iterator[Question]:
        return self._questions(self.rows(checkpoint_sql.pending(self._column())))

    def thread_questions(self, thread_id: str) -> list[Question]:
        sql = checkpoint_sql.pending_of_thread(self._column())
        return list(self._questions(self.rows(sql, {"thread": thread_id})))

    def changed_threads(self) -> set[str] | None:
        """Rowids of deleted rows are used again, so the row the tail stands on is checked first."""
        before, self._tails = self._tails, [self._tail(last) for last, _, _ in _TAILS]
        if before is None:
            return None
        changed: set[str] = set()
        for place, (_, same, new) in zip(before, _TAILS, strict=True):
            if place is None or not self.rows(same, place):
                return None
            changed.update(row[0] for row in self.rows(new, place[:1]))
        return changed

    def asked_before(self, prefix: str) -> list[Identity]:
        rows = self.rows(checkpoint_sql.EVER_ASKED.format(task_path=self._column()))
        found = {
            identity.key: identity
            for row in rows
            for identity in interrupt_rows.ever_asked(row)
            if identity.key.startswith(prefix)
        }
        return list(found.values())

    def metadata(self, thread_id: str) -> Mapping[str, Any]:
        return _metadata(self.rows(checkpoint_sql.HEAD, (thread_id,)))

    def messages(self, thread_id: str, limit: int) -> list[Message]:
        rows = self.rows(checkpoint_sql.HEAD, (thread_id,))
        return checkpoint_context.messages(rows[0], limit) if rows else []

    def events_since(self, cursor: Any, *, thread_id: str | None = None) -> tuple[list[Event], Any]:
        return checkpoint_events.since(self.rows, self._column(), cursor, thread_id)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._inode = None

    def rows(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[sqlite3.Row]:
        """All rows of a query; none while the file or its tables do not exist."""
        with self._lock:
            try:
                connection = self._open()
                return [] if connection is None else connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                self.close()
                raise DatabaseError(f"{self.path}: {error}") from error

    def _questions(self, rows: Sequence[sqlite3.Row]) -> Iterator[Question]:
        leaves: dict[str, list[Leaf]] = {}

        def leaves_of(thread_id: str) -> list[Leaf]:
            if thread_id not in leaves:
                sql = checkpoint_sql.LEAVES.format(task_path=self._column())
                leaves[thread_id] = [
                    interrupt_rows.leaf(row) for row in self.rows(sql, (thread_id,))
                ]
            return leaves[thread_id]

        return interrupt_rows.questions(rows, leaves_of, self._next_nodes, self._graph_id)

    def _next_nodes(self, thread_id: str, checkpoint_id: str) -> list[str]:
        rows = self.rows(checkpoint_sql.CHECKPOINT, (thread_id, checkpoint_id))
        return checkpoint_context.next_nodes(rows[0]) if rows else []

    def _graph_id(self, thread_id: str) -> str | None:
        if thread_id not in self._graph_ids:
            metadata = _metadata(self.rows(checkpoint_sql.FIRST_METADATA, (thread_id,)))
            found = metadata.get("graph_id")
            self._graph_ids[thread_id] = found if isinstance(found, str) else None
        return self._graph_ids[thread_id]

    def _tail(self, sql: str) -> Sequence[Any] | None:
        rows = self.rows(sql)
        return tuple(rows[0]) if rows else None

    def _column(self) -> str:
        self.rows("SELECT 1")
        return self._task_path

    def _open(self) -> sqlite3.Connection | None:
        """The connection, opened anew when the file was replaced; None while it is missing."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            self.close()
            return None
        if self._inode != (stat.st_dev, stat.st_ino):
            self.close()
            self._connect()
            self._inode = (stat.st_dev, stat.st_ino) if self._connection else None
        return self._connection

    def _connect(self) -> None:
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only=1")
            if not self._has_tables(connection):
                connection.close()
                return
            columns = {row["name"] for row in connection.execute("PRAGMA table_info(writes)")}
        except BaseException:
            connection.close()
            raise
        self._task_path = "w.task_path" if "task_path" in columns else "''"
        self._graph_ids.clear()
        self._tails = None
        self._connection = connection

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        """False for a file that no saver has set up yet; a foreign file is an error."""
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if {"checkpoints", "writes"} <= names:
            return True
        if names:
            raise DatabaseError(
                f"{self.path} is no LangGraph checkpoint database: it has no tables"
                " 'checkpoints' and 'writes'"
            )
        return False


def _metadata(rows: Sequence[sqlite3.Row]) -> Mapping[str, Any]:
    """Metadata is JSON text; a broken one reads as empty, for it only names the graph."""
    try:
        found = json.loads(rows[0]["metadata"] or "{}") if rows else {}
    except (ValueError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
