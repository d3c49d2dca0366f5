"""Questions from a langgraph-checkpoint-sqlite file: the first Source.

Read-only and in autocommit: no lock is held and no transaction left open, so the agents never wait.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hitloop_tui.attach import (
    checkpoint_context,
    checkpoint_events,
    checkpoint_sql,
    interrupt_rows,
    leftovers,
)
from hitloop_tui.attach.attached_file import AttachedFile
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.interrupt_rows import Leaf, Leaves
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.masks import MASKS, Masks
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


class Checkpoints(AttachedFile):
    """One checkpoint file. A missing file reads as empty until it appears."""

    def __init__(self, path: Path, masks: Masks = MASKS) -> None:
        super().__init__(path)
        self._masks = masks
        self._task_path = "''"
        self._graph_ids: dict[str, str | None] = {}
        self._tails: list[Sequence[Any] | None] | None = None

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
        """Rowids of deleted rows are used again, so the row the tail stands on is checked first.

        It may have been replaced, which gives it a higher rowid; a lower one is a reused number.
        """
        tails = [self._tail(last) for last, _, _ in _TAILS]
        before, self._tails = self._tails, tails
        if before is None:
            return None
        changed: set[str] = set()
        for place, (_, same, new) in zip(before, _TAILS, strict=True):
            found = self.rows(same, place[1:]) if place else []
            if place is None or not found or found[0][0] < place[0]:
                return None
            changed.update(row[0] for row in self.rows(new, place[:1]))
        return changed

    def gone(self, thread_ids: Collection[str]) -> set[str]:
        """Threads among `thread_ids` of which no checkpoint is left."""
        # SQLite ends a JSON text at its first NUL.
        cut_short = {thread_id for thread_id in thread_ids if "\0" in thread_id}
        rows = self.rows(checkpoint_sql.GONE, (json.dumps([*{*thread_ids} - cut_short]),))
        one_by_one = {id_ for id_ in cut_short if not self.rows(checkpoint_sql.IS_THERE, (id_,))}
        return {row[0] for row in rows} | one_by_one

    def asked_before(self, prefix: str) -> list[Identity]:
        rows = self.rows(checkpoint_sql.EVER_ASKED.format(task_path=self._column()))
        leaves_of = self._leaves()
        found = {
            identity.key: identity
            for row in rows
            for identity in interrupt_rows.ever_asked(row, leaves_of)
            if identity.key.startswith(prefix)
        }
        return list(found.values())

    def head_at(self, thread_id: str) -> datetime | None:
        rows = self.rows(checkpoint_sql.HEAD_ID, (thread_id,))
        return interrupt_rows.asked_at(rows[0][0]) if rows and rows[0][0] is not None else None

    def metadata(self, thread_id: str) -> Mapping[str, Any]:
        return _metadata(self.rows(checkpoint_sql.HEAD, (thread_id,)))

    def messages(self, thread_id: str, limit: int) -> list[Message]:
        rows = self.rows(checkpoint_sql.HEAD, (thread_id,))
        return checkpoint_context.messages(rows[0], limit, self._masks) if rows else []

    def events_since(self, cursor: Any, *, thread_id: str | None = None) -> tuple[list[Event], Any]:
        return checkpoint_events.since(self.rows, self._column(), cursor, thread_id, self._masks)

    def apply(self, record: Record) -> None:
        """Only a worker can resume a thread."""

    def _questions(self, rows: Sequence[sqlite3.Row]) -> Iterator[Question]:
        return interrupt_rows.questions(
            rows, self._leaves(), self._next_nodes, self._taken, self._graph_id
        )

    def _taken(self, thread_id: str, leftover: int) -> bool:
        place = {"thread": thread_id, "leftover": leftover}
        return leftovers.was_taken(self.rows(checkpoint_sql.LEFTOVER_AND_SINCE, place))

    def _leaves(self) -> Leaves:
        """Reads the leaf rows of a thread when they are first asked for."""
        known: dict[str, list[Leaf]] = {}

        def leaves_of(thread_id: str) -> list[Leaf]:
            if thread_id not in known:
                rows = self.rows(
                    checkpoint_sql.LEAVES.format(task_path=self._column()), (thread_id,)
                )
                known[thread_id] = [interrupt_rows.leaf(row) for row in rows]
            return known[thread_id]

        return leaves_of

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

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        connection.execute("PRAGMA query_only=1")
        if not self._has_tables(connection):
            return False
        columns = {row["name"] for row in connection.execute("PRAGMA table_info(writes)")}
        self._task_path = "w.task_path" if "task_path" in columns else "''"
        self._graph_ids.clear()
        self._tails = None
        return True

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        """False for a file that no saver has set up yet, though telemetry may be in it; a foreign
        file is an error."""
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        ours = names & {"checkpoints", "writes"}
        if names and not ours and "trace_events" not in names:
            raise DatabaseError(
                f"{self.path} is no LangGraph checkpoint database: it has no tables"
                " 'checkpoints' and 'writes'"
            )
        return len(ours) == 2  # a saver makes them one after the other


def _metadata(rows: Sequence[sqlite3.Row]) -> Mapping[str, Any]:
    """Metadata is JSON text; a broken one reads as empty, for it only names the graph."""
    try:
        found = json.loads(rows[0]["metadata"] or "{}") if rows else {}
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
