"""Decisions on record: append-only, one per Review, the first one wins."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.attach import leases, recording
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recording import FirstAnswer
from hitloop_tui.attach.review import Identity, Review, State, Verdict

# The last attempt of each decision decides its state.
_RECORDS = """
SELECT d.*, a.id AS attempt, a.worker, a.started_at, a.finished_at, a.outcome,
       coalesce(a.detail, '') AS detail, w.host, w.pid, w.heartbeat_at, w.stopped_at
  FROM decisions d
  LEFT JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE seq = d.seq)
  LEFT JOIN workers w ON w.id = a.worker
"""

RECENT = 50
"""Settled decisions that `recent` still gives."""


@dataclass(frozen=True, slots=True)
class Record:
    """A decision with the state its last attempt gives it."""

    seq: int
    identity: Identity
    graph_id: str | None
    shape: str
    digest: str
    review_json: str
    """`Review.to_json()` as it was when decided, as text: most readers never need it."""
    verdicts: tuple[Verdict, ...]
    answer: Any
    """The value the thread gets."""
    decided_by: str
    decided_at: str
    account: dict[str, Any]
    state: State
    detail: str
    attempt: int | None
    attempted_until: datetime | None = None
    """When the last attempt ended, or its worker was last heard of."""

    @property
    def key(self) -> str:
        return self.identity.key

    @property
    def review(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.review_json)
        return shown


class Ledger:
    """Reads and writes decisions. Safe from any thread of a process, and among processes."""

    def __init__(self, file: LedgerFile) -> None:
        self.file = file

    def record(
        self, review: Review, verdicts: Mapping[int, Verdict], answer: Any, person: Person
    ) -> FirstAnswer | None:
        """Record the decision on a whole Review; None when recorded, else who was first.

        `verdicts` maps the index of every Action to its verdict. One that contradicts a verdict
        already recorded for an Action of this Review is refused.
        """
        try:
            with self.file.transaction() as connection:
                contradicted = recording.contradicted(connection, review.key, verdicts)
                if contradicted is not None:
                    return contradicted
                recording.insert_decision(connection, review, verdicts, answer, person)
        except sqlite3.IntegrityError:
            return self.first_answer(review.key)
        return None

    def record_part(
        self,
        review: Review,
        verdicts: Mapping[int, Verdict],
        person: Person,
        answer: Callable[[Mapping[int, Verdict]], Any],
    ) -> FirstAnswer | int:
        """Record verdicts on some Actions, all or none; how many are missing, or who was first.

        In the same transaction the verdict on the last Action makes the decision, with `answer` of
        all verdicts: a crash in between would leave a full batch that nobody can complete.
        """
        with self.file.transaction() as connection:
            first = recording.first(connection, review.key) or recording.taken(
                connection, review.key, verdicts
            )
            if first is not None:
                return first
            recording.insert_verdicts(connection, review.key, verdicts, person)
            known = recording.verdicts(connection, review.key)
            missing = len(review.actions) - len(known)
            if missing == 0:
                recording.insert_decision(connection, review, known, answer(known), person)
            return missing

    def stamp(self) -> tuple[Any, ...]:
        """Differs after any change to decisions, verdicts or attempts, but not for new events."""
        rows = self.file.rows(
            "SELECT (SELECT max(seq) FROM decisions), (SELECT max(id) FROM attempts),"
            " (SELECT count(*) FROM attempts WHERE outcome IS NULL),"
            " (SELECT count(*) FROM verdicts)"
        )
        return tuple(rows[0]) if rows else ()

    def first_answer(self, key: str) -> FirstAnswer | None:
        rows = self.file.rows("SELECT decided_by, decided_at FROM decisions WHERE key=?", (key,))
        return FirstAnswer(rows[0]["decided_by"], rows[0]["decided_at"]) if rows else None

    def verdicts(self) -> dict[str, dict[int, Verdict]]:
        """Recorded verdicts of batches that are not complete yet, by key and Action index."""
        found: dict[str, dict[int, Verdict]] = {}
        for row in self.file.rows(
            "SELECT key, action, verdict FROM verdicts"
            " WHERE key NOT IN (SELECT key FROM decisions) ORDER BY key, action"
        ):
            verdict = Verdict.from_json(json.loads(row["verdict"]))
            found.setdefault(row["key"], {})[row["action"]] = verdict
        return found

    def records(self, *, since: int = 0, limit: int = -1) -> list[Record]:
        """Decisions after sequence number `since`, oldest first."""
        rows = self.file.rows(f"{_RECORDS} WHERE d.seq>? ORDER BY d.seq LIMIT ?", (since, limit))
        return [_record(row) for row in rows]

    def recent(self) -> list[Record]:
        """Decisions a head may still show: unsettled ones, and those settled a moment ago.

        An applied decision stays until the reader has seen the checkpoint it led to.
        """
        rows = self.file.rows(
            f"{_RECORDS} WHERE a.outcome IS NULL OR a.outcome NOT IN ('applied','stale')"
            " OR d.seq > (SELECT coalesce(max(seq), 0) - ? FROM decisions) ORDER BY d.seq",
            (RECENT,),
        )
        return [_record(row) for row in rows]

    def with_prefix(self, prefix: str) -> list[Record]:
        """Decisions whose key starts with `prefix` (hex digits)."""
        rows = self.file.rows(
            f"{_RECORDS} WHERE d.key>=? AND d.key<? ORDER BY d.seq", (prefix, prefix + "g")
        )
        return [_record(row) for row in rows]

    def of_keys(self, keys: Iterable[str]) -> dict[str, Record]:
        """Decisions by key."""
        wanted = json.dumps(list(keys))
        rows = self.file.rows(
            f"{_RECORDS} WHERE d.key IN (SELECT value FROM json_each(?))", (wanted,)
        )
        return {row["key"]: _record(row) for row in rows}


def _record(row: sqlite3.Row) -> Record:
    state, detail = _state(row)
    return Record(
        seq=row["seq"],
        identity=Identity(**json.loads(row["identity"])),
        graph_id=row["graph_id"],
        shape=row["shape"],
        digest=row["digest"],
        review_json=row["review"],
        verdicts=tuple(Verdict.from_json(verdict) for verdict in json.loads(row["verdicts"])),
        answer=json.loads(row["answer"]),
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        account=json.loads(row["account"]),
        state=state,
        detail=detail,
        attempt=row["attempt"],
        attempted_until=_until(row),
    )


def _until(row: sqlite3.Row) -> datetime | None:
    if row["finished_at"] is not None:
        return datetime.fromisoformat(row["finished_at"])
    beat = row["heartbeat_at"]
    return None if beat is None else datetime.fromtimestamp(beat + leases.HEARTBEAT_S, UTC)


def _state(row: sqlite3.Row) -> tuple[State, str]:
    match row["outcome"]:
        case None if row["attempt"] is None:
            return State.DECIDED, ""
        case None if leases.alive(leases.Pulse.of(row)):
            return State.APPLYING, f"worker {row['worker']}"
        case None:
            return State.UNCERTAIN, (
                f"worker {row['worker']} died while applying this: the tool may have run"
            )
        case "blocked":
            return State.DECIDED, row["detail"]
        case outcome:
            return State(outcome), row["detail"]
