"""Threads that stopped at a static breakpoint, as questions: may the run go on?

LangGraph writes no row for `interrupt_before` and `interrupt_after`. What the graphs of a ledger's
workers stop at, the workers say; that a thread stands there, its head tells. It does not tell
whether somebody has continued the run since and the next node is at work, so the question says so.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from hitloop_tui.attach import checkpoint_context
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.decode import UNREADABLE, Undecodable, digest, loads
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.interrupt_rows import asked_at
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.review import Identity, Question
from hitloop_tui.attach.shapes.breakpoint import PREFIX
from hitloop_tui.attach.source import Message

Nodes = Literal["*"] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stops:
    """Where one graph stops by itself."""

    before: Nodes = ()
    after: Nodes = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Stops:
        return cls(*(n if (n := told.get(k, ())) == "*" else tuple(n) for k in ("before", "after")))

    def at(self, next_: Collection[str], finished: Collection[str]) -> str | None:
        """`before:NODE` or `after:NODE`, where a run stops at this place."""
        for where, nodes, stops in (
            ("after", finished, self.after),
            ("before", next_, self.before),
        ):
            found = sorted(n for n in nodes if stops == "*" or n in stops)
            if found and next_:
                return f"{where}:{','.join(found)}"
        return None


class Breakpoints:
    """The second Source of a checkpoint file; everything but its questions is the first one's."""

    def __init__(self, checkpoints: Checkpoints, ledger: LedgerFile) -> None:
        self._checkpoints = checkpoints
        self._ledger = ledger
        self._stops: tuple[int, dict[str, Stops]] | None = None
        """What `_known` found, and at which version of the ledger."""
        self._told: dict[str, Stops] | None = None
        """The breakpoints when `changed_threads` was last called."""

    @property
    def watched(self) -> tuple[Path, ...]:
        return ()

    def data_version(self) -> object:
        return json.dumps({name: [*s.before, None, *s.after] for name, s in self._known().items()})

    def newest(self, limit: int) -> list[Question]:
        """None: a first screen does without them."""
        return []

    def questions(self) -> Iterator[Question]:
        return iter(self._asked(_HEADS))

    def thread_questions(self, thread_id: str) -> list[Question]:
        return self._asked(_HEAD, thread=thread_id)

    def changed_threads(self) -> set[str] | None:
        before, self._told = self._told, self._known()
        return set() if self._told in (before, {}) else None

    def gone(self, thread_ids: Collection[str]) -> set[str]:
        return set(thread_ids)

    def asked_before(self, prefix: str) -> list[Identity]:
        return []

    def head_at(self, thread_id: str) -> datetime | None:
        return None

    def metadata(self, thread_id: str) -> Mapping[str, Any]:
        return {}

    def messages(self, thread_id: str, limit: int) -> list[Message]:
        return []

    def events_since(self, cursor: Any, *, thread_id: str | None = None) -> tuple[list[Event], Any]:
        return [], cursor

    def apply(self, record: Record) -> None:
        """Only a worker can continue a thread."""

    def close(self) -> None:
        """Both files are closed by their owners."""

    def _known(self) -> dict[str, Stops]:
        """Breakpoints of each graph, as its last worker has told. Safe from any thread."""
        version, known = self._ledger.data_version(), self._stops
        if known is None or known[0] != version:
            told: dict[str, Stops] = {}
            for row in self._ledger.rows("SELECT graphs FROM workers ORDER BY started_at"):
                with suppress(*UNREADABLE):
                    told |= stops(json.loads(row["graphs"]))
            known = version, {name: stop for name, stop in told.items() if stop != Stops()}
            self._stops = known
        return known[1]

    def _asked(self, sql: str, **where: str) -> list[Question]:
        stops = self._known()
        if not stops:
            return []
        rows = self._checkpoints.rows(sql, {"graphs": json.dumps(list(stops)), **where})
        found = (_question(row, stops[row["graph_id"]]) for row in rows)
        return [question for question in found if question is not None]


def stops(graphs: Any) -> dict[str, Stops]:
    """What a worker's row says of its graphs; before, it had their names only."""
    if not isinstance(graphs, dict):
        return {}
    return {name: Stops.of(told) for name, told in graphs.items()}


def _question(row: sqlite3.Row, stops: Stops) -> Question | None:
    next_ = checkpoint_context.next_nodes(row)
    where = stops.at(next_, _finished(row)) if next_ else None
    if where is None:
        return None
    place = Identity(row["thread_id"], "", row["checkpoint_id"], "", PREFIX + where, 0)
    stop, _, nodes = where.partition(":")
    value = {"paused": stop, "nodes": nodes.split(","), "next": next_}
    error = None if row["error"] is None else _text(row["error_type"], row["error"])
    return Question(
        identity=place,
        value=value,
        response_schema=None,
        digest=digest(value, None),
        requested_at=asked_at(row["checkpoint_id"]),
        node=nodes,
        graph_id=row["graph_id"],
        error=error,
    )


def _finished(row: sqlite3.Row) -> list[str]:
    """The nodes that ran in the superstep before."""
    seen, before = (_seen(row[t], row[v]) for t, v in _SEEN)
    return [n for n, versions in seen.items() if versions and versions != before.get(n)]


_SEEN = (("type", "checkpoint"), ("parent_type", "parent"))


def _seen(type_: str | None, blob: bytes | None) -> Mapping[str, Any]:
    try:
        found = loads(type_, blob)["versions_seen"] if blob is not None else {}
    except (Undecodable, KeyError, TypeError):
        return {}
    names = found if isinstance(found, dict) else {}
    return {name: seen for name, seen in names.items() if not str(name).startswith("__")}


def _text(type_: str | None, blob: bytes | None) -> str:
    try:
        return str(loads(type_, blob))
    except Undecodable as error:
        return str(error)


# A head without rows: no task has asked, been answered or ended there. One that raised may be
# continued. A later run may have lost the graph's name, so the thread's first checkpoint tells it.
_HEADS = """
SELECT c.thread_id, c.checkpoint_id, c.type, c.checkpoint, g.value AS graph_id,
       p.type AS parent_type, p.checkpoint AS parent, e.type AS error_type, e.value AS error
  FROM checkpoints c
  JOIN json_each(:graphs) g ON g.value=(
       SELECT CASE WHEN json_valid(CAST(f.metadata AS TEXT))
              THEN json_extract(CAST(f.metadata AS TEXT), '$.graph_id') END
         FROM checkpoints f WHERE f.thread_id=c.thread_id AND f.checkpoint_ns=''
        ORDER BY f.checkpoint_id LIMIT 1)
  LEFT JOIN checkpoints p ON p.thread_id=c.thread_id AND p.checkpoint_ns=''
       AND p.checkpoint_id=c.parent_checkpoint_id
  LEFT JOIN writes e ON e.thread_id=c.thread_id AND e.checkpoint_ns=''
       AND e.checkpoint_id=c.checkpoint_id AND e.idx=-1
 WHERE c.checkpoint_ns=''
   AND c.checkpoint_id=(SELECT max(checkpoint_id) FROM checkpoints
                         WHERE thread_id=c.thread_id AND checkpoint_ns='')
   AND NOT EXISTS (SELECT 1 FROM writes w WHERE w.thread_id=c.thread_id AND w.checkpoint_ns=''
                      AND w.checkpoint_id=c.checkpoint_id AND w.idx<>-1)"""
_HEAD = f"{_HEADS} AND c.thread_id=:thread LIMIT 1"
_HEADS += " GROUP BY c.thread_id"
