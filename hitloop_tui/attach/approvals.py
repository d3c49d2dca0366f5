"""Questions from an approval store's SQLite file: a Source for code without a checkpointer.

No worker is needed: the decision is written into the store, where the asking process looks.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hitloop_tui.attach.attached_file import AttachedFile
from hitloop_tui.attach.decode import UNREADABLE, fingerprint
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.oddities import in_json
from hitloop_tui.attach.review import Identity, Question
from hitloop_tui.attach.shapes.stored_request import NAME, NAMESPACE
from hitloop_tui.attach.source import Message
from hitloop_tui.core.digest import action_digest, canonical_json
from hitloop_tui.core.plain_json import json_text, sayable
from hitloop_tui.persistence.codec import column, decode, encode
from hitloop_tui.persistence.tables import EPOCH, MICROSECOND, PENDING, TABLE

_COLUMNS = "callback_id, thread_id, created_us, body"
_PENDING = f"SELECT {_COLUMNS} FROM {TABLE} WHERE {PENDING}"
_EXPIRIES = f"SELECT expires_us FROM {TABLE} WHERE {PENDING} AND expires_us IS NOT NULL"


class Approvals(AttachedFile):
    """One approval store. A missing file reads as empty until it appears."""

    MODE = "rw"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._decided = 0
        """Commits of our own: `data_version` tells those of others only."""
        self._pending: dict[str, str] | None = None
        """Thread by callback id, as `changed_threads` last saw it."""
        self._expiries: list[int] = []
        """When the pending ones end: nobody commits anything then."""

    def data_version(self) -> object:
        ended = bisect.bisect_right(self._expiries, _now_us())
        return super().data_version(), self._decided, ended

    def newest(self, limit: int) -> list[Question]:
        order = " ORDER BY created_us DESC, callback_id LIMIT ?"
        return list(map(_question, self.rows(_PENDING + order, (_now_us(), limit))))

    def questions(self) -> Iterator[Question]:
        return map(_question, self.rows(_PENDING, (_now_us(),)))

    def thread_questions(self, thread_id: str) -> list[Question]:
        parameters = (_now_us(), column(thread_id))
        return list(map(_question, self.rows(f"{_PENDING} AND thread_id = ?", parameters)))

    def changed_threads(self) -> set[str] | None:
        rows = self.rows(_PENDING, (_now_us(),))
        now = {row["callback_id"]: _identity(row).thread_id for row in rows}
        before, self._pending = self._pending, now
        self._expiries = sorted(row[0] for row in self.rows(_EXPIRIES, (_now_us(),)))
        if before is None:
            return None
        return {(now | before)[callback_id] for callback_id in now.keys() ^ before.keys()}

    def gone(self, thread_ids: Collection[str]) -> set[str]:
        there = {row["thread_id"] for row in self.rows(f"SELECT thread_id FROM {TABLE}")}
        return {thread_id for thread_id in thread_ids if column(thread_id) not in there}

    def head_at(self, thread_id: str) -> datetime | None:
        """Nothing runs on after a stored request, so no thread of its own is ever taken on."""
        return None

    def asked_before(self, prefix: str) -> list[Identity]:
        identities = map(_identity, self.rows(f"SELECT {_COLUMNS} FROM {TABLE}"))
        return [identity for identity in identities if identity.key.startswith(prefix)]

    def metadata(self, thread_id: str) -> Mapping[str, Any]:
        return {}

    def messages(self, thread_id: str, limit: int) -> list[Message]:
        return []

    def events_since(self, cursor: Any, *, thread_id: str | None = None) -> tuple[list[Event], Any]:
        return [], cursor

    def apply(self, record: Record) -> tuple[str, str] | None:
        """Give a recorded decision to whoever asked: how that ended, and a sentence on it.

        None when the decision is about no stored request. The same record twice ends the same.
        """
        if record.shape != NAME:
            return None
        row = self._row(record.identity)
        if row is None:
            return "stale", "the request is gone"
        if row["decision"] is None and _digest(row["body"]) == record.digest:
            self._decide(row, record)
            row = self._row(record.identity) or row
        if row["delivery_id"] == _delivery(record):
            return "applied", ""
        if row["decision"] is None:
            return "stale", "the request changed, or it expired"
        return "stale", f"decided first by {_decided_by(row)}"

    def _row(self, identity: Identity) -> sqlite3.Row | None:
        rows = self.rows(
            f"SELECT {_COLUMNS}, decision, delivery_id FROM {TABLE} WHERE thread_id = ?",
            (column(identity.thread_id),),
        )
        return next((row for row in rows if _identity(row) == identity), None)

    def _decide(self, row: sqlite3.Row, record: Record) -> None:
        asked = decode(row["body"])
        decision = {"decision": _decision(asked, record.answer), "decided_at": datetime.now(UTC)}
        now = _now_us()
        self.rows(
            f"UPDATE {TABLE} SET decision = ?, decided_us = ?, delivery_id = ?"
            f" WHERE callback_id = ? AND body = ? AND {PENDING}",
            (encode(decision), now, _delivery(record), row["callback_id"], row["body"], now),
        )
        self._decided += 1

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        connection.execute("PRAGMA synchronous = FULL")
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (TABLE,))
        return found.fetchone() is not None


def _question(row: sqlite3.Row) -> Question:
    try:
        asked = _asked(row)
        shown = json.loads(json.dumps(asked) if sayable(asked) else json_text(asked))
        # Tuples and lists have one digest; what JSON turned into something else has another.
        exact = canonical_json(shown["tool_args"]) == canonical_json(asked["tool_args"])
        value, undecodable = {"request": shown, "exact": exact}, None
    except UNREADABLE as error:
        value, undecodable = {"stored request": fingerprint(row["body"])}, repr(error)
    return Question(
        identity=_identity(row),
        value=value,
        response_schema=None,
        digest=_digest(row["body"]),
        requested_at=_created_at(row["created_us"]),
        doubts=() if undecodable else _doubts(row["body"]),
        undecodable=undecodable,
    )


def _asked(row: sqlite3.Row) -> dict[str, Any]:
    """The request of a row; one of `UNREADABLE` for what no store has written."""
    match decode(row["body"]):
        case {"tool_name": str(), "tool_args": {}, "thread_id": str(), "action_id": _} as asked:
            return dict(asked)
    raise ValueError("it is no request for an approval")


def _doubts(body: str) -> tuple[str, ...]:
    """Names that stand twice: never in a body as a store writes it."""
    written = json.dumps(json.loads(body), separators=(",", ":")) == body
    return () if written else in_json(body)


def _created_at(microseconds: Any) -> datetime:
    try:
        return EPOCH + int(microseconds) * MICROSECOND
    except (ValueError, TypeError, OverflowError):
        return EPOCH


def _identity(row: sqlite3.Row) -> Identity:
    """Not the callback id itself: whoever knows that may answer."""
    request = _hidden(str(row["callback_id"]))
    try:
        asked = _asked(row)
        request, thread_id = _hidden(asked["callback_id"]), asked["thread_id"]
    except UNREADABLE:
        thread_id = str(row["thread_id"])
    return Identity(thread_id, NAMESPACE, request, "", request, 0)


def _hidden(callback_id: str) -> str:
    text = f"approval:{callback_id}".encode("utf-8", "replace")
    return hashlib.sha256(text).hexdigest()[:32]


def _decided_by(row: sqlite3.Row) -> str:
    try:
        return str(decode(row["decision"])["decision"]["decided_by"])
    except UNREADABLE:
        return f"somebody: the stored decision cannot be read, {fingerprint(row['decision'])}"


def _decision(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """A `core.models.Decision` as plain data."""
    tool, proposed, edited = asked["tool_name"], asked["tool_args"], answer["edited_args"]
    decision = {
        "action_id": asked["action_id"],
        "approved": answer["approved"],
        "reason": answer["reason"],
        "decided_by": answer["decided_by"],
        "response": answer["response"],
        "digest": action_digest(tool, proposed if edited is None else edited),
    }
    if edited is not None:
        decision["edited_args"] = edited
        decision["proposed"] = {"tool_name": tool, "tool_args": proposed}
    return decision


def _delivery(record: Record) -> str:
    return f"review:{record.key}"


def _digest(body: Any) -> str:
    data = body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()


def _now_us() -> int:
    return time.time_ns() // 1000
