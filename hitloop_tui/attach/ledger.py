"""Decisions on record: append-only, one per Review, the first one wins."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.attach import leases, recording
from hitloop_tui.attach.ledger_clock import held, now
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recording import Ballot, FirstAnswer, Said
from hitloop_tui.attach.review import Act, Claim, Identity, Review, State, Verdict
from hitloop_tui.attach.signing import Signed

# The last attempt of each decision, and what was ordered about it, decide its state.
_RECORDS = """
SELECT d.*, a.id AS attempt, a.worker, a.started_at, a.finished_at, a.outcome,
       coalesce(a.detail, '') AS detail, w.host, w.pid, w.heartbeat_at, w.stopped_at,
       o.kind AS ordered, o.by AS ordered_by, o.after_attempt, o.outcome AS order_outcome
  FROM decisions d
  LEFT JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE seq = d.seq)
  LEFT JOIN workers w ON w.id = a.worker
  LEFT JOIN orders o ON o.id = (SELECT max(id) FROM orders WHERE seq = d.seq)
 WHERE NOT EXISTS (SELECT 1 FROM withdrawals x WHERE x.seq = d.seq)
"""

_FOREIGN = """
SELECT o.*, w.host, w.pid, w.heartbeat_at, w.stopped_at
  FROM orders o LEFT JOIN workers w ON w.id = o.worker
 WHERE o.seq IS NULL AND (o.outcome IS NULL OR o.outcome IN ('uncertain', 'failed'))
   AND o.id = (SELECT max(id) FROM orders WHERE key = o.key)
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
    held_until: str | None = None
    attempted_until: datetime | None = None
    """When the last attempt ended, or its worker was last heard of."""
    ordered: Act | None = None
    """What a person last ordered about it."""
    order_open: bool = False
    """That order waits for a worker."""

    @property
    def over(self) -> bool:
        """Whether nobody needs to see it any more."""
        return self.state is State.APPLIED or self.ordered is Act.DISMISS

    @property
    def key(self) -> str:
        return self.identity.key

    @property
    def review(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.review_json)
        return shown


@dataclass(frozen=True, slots=True)
class ForeignOrder:
    """The last order about an answer that is not ours."""

    text: str
    waits: bool
    """For a worker."""
    acts: tuple[Act, ...] = ()
    """What can be ordered while it waits."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> ForeignOrder:
        ordered = f"{row['by']} ordered {row['kind']}"
        if row["outcome"] is not None:
            return cls(f"{ordered}: {row['detail']}", False)
        if leases.alive(leases.Pulse.of(row)):
            return cls(f"{ordered}: worker {row['worker']} is at it", True)
        if row["worker"] is not None and row["kind"] == Act.RETRY:
            return cls(f"{ordered}: {leases.DIED}", False)
        reason = f" ({row['detail']})" if row["detail"] else ""
        acts = (Act.CLEAR,) if row["kind"] == Act.RETRY else ()
        return cls(f"{ordered}: waiting for a worker{reason}", True, acts)


class Ledger:
    """Reads and writes decisions. Safe from any thread of a process, and among processes."""

    def __init__(self, file: LedgerFile) -> None:
        self.file = file

    def record(
        self,
        review: Review,
        verdicts: Mapping[int, Verdict],
        answer: Any,
        person: Person,
        *,
        hold_s: float = 0.0,
        signed: Signed | None = None,
    ) -> FirstAnswer | None:
        """Record the decision on a whole Review; None when recorded, else who was first.

        `verdicts` maps the index of every Action to its verdict. One that contradicts a verdict
        already recorded for an Action of this Review is refused. No worker takes the decision
        within the next `hold_s` seconds.
        """
        with self.file.transaction() as connection:
            first = recording.standing(connection, review.key) or recording.contradicted(
                connection, review, verdicts
            )
            if first is None:
                recording.insert_decision(
                    connection, review, verdicts, answer, person, hold_s, signed
                )
            return first

    def record_part(
        self,
        review: Review,
        verdicts: Mapping[int, Verdict],
        person: Person,
        answer: Callable[[Ballot], Any],
        *,
        hold_s: float = 0.0,
        signed: Signed | None = None,
    ) -> FirstAnswer | int:
        """Record verdicts on some Actions, all or none; how many are missing, or who was first.

        In the same transaction the last verdict that was needed makes the decision, with `answer`
        of all verdicts: a crash in between would leave a full batch that nobody can complete.

        Raises InvalidVerdict where several people must approve and do not agree on the arguments.
        """
        with self.file.transaction() as connection:
            first = recording.standing(connection, review.key) or recording.taken(
                connection, review, verdicts, person
            )
            if first is not None:
                return first
            recording.require_agreement(connection, review, verdicts)
            recording.insert_verdicts(connection, review, verdicts, person, signed)
            ballot = recording.ballot(connection, review)
            if ballot.missing == 0:
                said, value = ballot.known, answer(ballot)
                recording.insert_decision(connection, review, said, value, person, hold_s, signed)
            return ballot.missing

    def stamp(self) -> tuple[Any, ...]:
        """Differs after anything a person or a worker did, but not for new events."""
        rows = self.file.rows(
            "SELECT (SELECT max(seq) FROM journal), (SELECT max(until) FROM claims),"
            " (SELECT count(*) FROM claims)"
        )
        return tuple(rows[0]) if rows else ()

    def first_answer(self, key: str) -> FirstAnswer | None:
        """Who made the decision that stands."""
        rows = self.file.rows(recording.STANDING, (key,))
        return FirstAnswer(rows[0]["decided_by"], rows[0]["decided_at"]) if rows else None

    def said(self) -> dict[str, tuple[Said, ...]]:
        """Verdicts on Reviews that are not decided yet, by key, oldest first."""
        found: dict[str, tuple[Said, ...]] = {}
        for row in self.file.rows(recording.UNDECIDED):
            found[row["key"]] = (*found.get(row["key"], ()), Said.of(row))
        return found

    def claims(self) -> dict[str, Claim]:
        """Who is looking at which Review, by key."""
        rows = self.file.rows("SELECT key, by, until FROM claims WHERE until>?", (now(),))
        return {row["key"]: Claim(row["by"], row["until"]) for row in rows}

    def foreign_orders(self) -> dict[str, ForeignOrder]:
        """What was ordered about answers that are not ours, and did not go well yet, by key."""
        return {row["key"]: ForeignOrder.of(row) for row in self.file.rows(_FOREIGN)}

    def escalated(self) -> frozenset[str]:
        """Keys of Reviews whose deadline passed and whose policy wants more eyes on them."""
        return frozenset(row["key"] for row in self.file.rows("SELECT key FROM escalations"))

    def records(self, *, since: int = 0, limit: int = -1) -> list[Record]:
        """Decisions after sequence number `since`, oldest first."""
        rows = self.file.rows(f"{_RECORDS} AND d.seq>? ORDER BY d.seq LIMIT ?", (since, limit))
        return [_record(row) for row in rows]

    def recent(self) -> list[Record]:
        """Decisions a head may still show: unsettled ones, and those settled a moment ago.

        An applied decision stays until the reader has seen the checkpoint it led to.
        """
        rows = self.file.rows(
            f"{_RECORDS} AND d.seq IN (SELECT seq FROM unsettled UNION SELECT seq FROM decisions"
            " WHERE seq > (SELECT coalesce(max(seq), 0) - ? FROM decisions)) ORDER BY d.seq",
            (RECENT,),
        )
        return [_record(row) for row in rows]

    def with_prefix(self, prefix: str) -> list[Record]:
        """Decisions whose key starts with `prefix` (hex digits)."""
        rows = self.file.rows(
            f"{_RECORDS} AND d.key>=? AND d.key<? ORDER BY d.seq", (prefix, prefix + "g")
        )
        return [_record(row) for row in rows]

    def of_keys(self, keys: Iterable[str]) -> dict[str, Record]:
        """Decisions by key."""
        wanted = json.dumps(list(keys))
        rows = self.file.rows(
            f"{_RECORDS} AND d.key IN (SELECT value FROM json_each(?))", (wanted,)
        )
        return {row["key"]: _record(row) for row in rows}

    def record_in(self, connection: sqlite3.Connection, key: str) -> Record | None:
        """The decision that stands, as a transaction sees it."""
        row = connection.execute(f"{_RECORDS} AND d.key=?", (key,)).fetchone()
        return None if row is None else _record(row)


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
        held_until=row["held_until"],
        attempted_until=_until(row),
        ordered=None if row["ordered"] is None else Act(row["ordered"]),
        order_open=row["ordered"] is not None and row["order_outcome"] is None,
    )


def _until(row: sqlite3.Row) -> datetime | None:
    if row["finished_at"] is not None:
        return datetime.fromisoformat(row["finished_at"])
    beat = row["heartbeat_at"]
    return None if beat is None else datetime.fromtimestamp(beat + leases.HEARTBEAT_S, UTC)


def _state(row: sqlite3.Row) -> tuple[State, str]:
    state, detail = _attempted(row)
    by = row["ordered_by"]
    match row["ordered"]:
        case "done":
            return State.APPLIED, f"marked done by {by}: {detail}"
        case "retry" if row["attempt"] is None or row["attempt"] <= row["after_attempt"]:
            return State.DECIDED, f"{by} ordered a retry"
        case "clear" if row["order_outcome"] is None:
            return state, f"{by} ordered to clear its answer: waiting for a worker"
    return state, detail


def _attempted(row: sqlite3.Row) -> tuple[State, str]:
    match row["outcome"]:
        case None if row["attempt"] is None:
            return (State.HELD if held(row["decided_at"], row["held_until"]) else State.DECIDED), ""
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
