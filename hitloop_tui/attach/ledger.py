"""Decisions on record: append-only, one per Review, the first one wins."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hitloop_tui.attach import leases
from hitloop_tui.attach.ledger_file import LedgerFile, now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Identity, Review, State, Verdict

# The last attempt of each decision decides its state.
_RECORDS = """
SELECT d.*, a.id AS attempt, a.worker, a.started_at, a.finished_at, a.outcome,
       coalesce(a.detail, '') AS detail, w.host, w.pid, w.heartbeat_at, w.stopped_at
  FROM decisions d
  LEFT JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE seq = d.seq)
  LEFT JOIN workers w ON w.id = a.worker
"""

RECENT = 1000
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

    @property
    def key(self) -> str:
        return self.identity.key

    @property
    def review(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.review_json)
        return shown


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Who answered before."""

    decided_by: str
    decided_at: str


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
                contradicted = _contradicted(connection, review.key, verdicts)
                if contradicted is not None:
                    return contradicted
                _insert_decision(connection, review, verdicts, answer, person)
        except sqlite3.IntegrityError:
            return self.first_answer(review.key)
        return None

    def record_verdict(
        self, review: Review, action: int, verdict: Verdict, person: Person
    ) -> FirstAnswer | None:
        """Record the verdict on one Action of several; None when recorded, else who was first."""
        first = self.first_answer(review.key)
        if first is not None:
            return first
        try:
            with self.file.transaction() as connection:
                connection.execute(
                    "INSERT INTO verdicts VALUES (?,?,?,?,?,?)",
                    (
                        review.key,
                        action,
                        json.dumps(verdict.to_json()),
                        person.decided_by,
                        json.dumps(person.account),
                        now(),
                    ),
                )
        except sqlite3.IntegrityError:
            row = self.file.rows(
                "SELECT decided_by, decided_at FROM verdicts WHERE key=? AND action=?",
                (review.key, action),
            )[0]
            return FirstAnswer(row["decided_by"], row["decided_at"])
        return None

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


def _contradicted(
    connection: sqlite3.Connection, key: str, verdicts: Mapping[int, Verdict]
) -> FirstAnswer | None:
    for row in connection.execute("SELECT * FROM verdicts WHERE key=? ORDER BY action", (key,)):
        if Verdict.from_json(json.loads(row["verdict"])) != verdicts[row["action"]]:
            return FirstAnswer(row["decided_by"], row["decided_at"])
    return None


def _insert_decision(
    connection: sqlite3.Connection,
    review: Review,
    verdicts: Mapping[int, Verdict],
    answer: Any,
    person: Person,
) -> None:
    identity, decided_at = review.question.identity, now()
    in_order: Sequence[Verdict] = [verdicts[n] for n in range(len(review.actions))]
    shown = review.to_json()
    said = [verdict.to_json() for verdict in in_order]
    latency = datetime.fromisoformat(decided_at) - review.question.requested_at
    connection.execute(
        "INSERT INTO decisions (key, thread_id, identity, graph_id, shape, digest, review,"
        " verdicts, answer, decided_by, account, decided_at, latency_ms)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            review.key,
            review.thread_id,
            json.dumps(asdict(identity)),
            review.question.graph_id,
            review.reading.shape,
            review.question.digest,
            json.dumps(shown, default=repr),
            json.dumps(said, default=repr),
            json.dumps(answer),
            person.decided_by,
            json.dumps(person.account),
            decided_at,
            max(0.0, latency.total_seconds() * 1000),
        ),
    )
    connection.execute(
        "INSERT INTO events (at, thread_id, graph_id, kind, node, task_id, data)"
        " VALUES (?,?,?,'decision',?,?,?)",
        (
            time.time(),
            review.thread_id,
            review.question.graph_id,
            review.question.node or "",
            identity.task_id,
            json.dumps(
                {
                    "id": review.id,
                    "tools": [action.tool_name for action in review.actions],
                    "verdicts": [verdict.kind.value for verdict in in_order],
                    "decided_by": person.decided_by,
                }
            ),
        ),
    )


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
    )


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
