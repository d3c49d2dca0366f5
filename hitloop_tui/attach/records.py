"""What the ledger's rows say of a decision: who made it, and the state its attempts give it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.attach import leases
from hitloop_tui.attach.decode import UNREADABLE, fingerprint
from hitloop_tui.attach.ledger_clock import held
from hitloop_tui.attach.review import Act, Identity, State, Verdict

# The last attempt of each decision, and what was ordered about it, decide its state.
RECORDS = """
SELECT d.*, a.id AS attempt, a.worker, a.started_at, a.finished_at, a.outcome,
       coalesce(a.detail, '') AS detail, w.host, w.pid, w.heartbeat_at, w.stopped_at,
       o.kind AS ordered, o.by AS ordered_by, o.after_attempt, o.outcome AS order_outcome
  FROM decisions d
  LEFT JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE seq = d.seq)
  LEFT JOIN workers w ON w.id = a.worker
  LEFT JOIN orders o ON o.id = (SELECT max(id) FROM orders WHERE seq = d.seq)
 WHERE NOT EXISTS (SELECT 1 FROM withdrawals x WHERE x.seq = d.seq)
"""

FOREIGN = """
SELECT o.*, w.host, w.pid, w.heartbeat_at, w.stopped_at
  FROM orders o LEFT JOIN workers w ON w.id = o.worker
 WHERE o.seq IS NULL AND (o.outcome IS NULL OR o.outcome IN ('uncertain', 'failed'))
   AND o.id = (SELECT max(id) FROM orders WHERE key = o.key)
"""


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
    unreadable: str | None = None
    """Why the row is no decision as one is written; only key, thread and names are known."""

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


def record_of(row: sqlite3.Row) -> Record:
    """The decision of a row, also when somebody has changed it into none: it hides no other."""
    try:
        return _record(row)
    except UNREADABLE as error:
        return _broken(row, error)


def _broken(row: sqlite3.Row, error: Exception) -> Record:
    why = f"this decision cannot be read: {_culprit(row) or repr(error)}"
    try:
        state, detail = _state(row)
    except UNREADABLE:
        state, detail = State.UNCERTAIN, ""
    key, thread_id = str(row["key"]), str(row["thread_id"])
    return Record(
        seq=row["seq"],
        identity=Identity.of_key(key, thread_id),
        graph_id=row["graph_id"],
        shape=str(row["shape"]),
        digest=str(row["digest"]),
        review_json=str(row["review"]),
        verdicts=(),
        answer=None,
        decided_by=str(row["decided_by"]),
        decided_at=str(row["decided_at"]),
        account={},
        state=state,
        detail=f"{why}; {detail}" if detail else why,
        attempt=row["attempt"],
        unreadable=why,
    )


def _culprit(row: sqlite3.Row) -> str | None:
    """The first column that is no JSON."""
    for column in ("identity", "verdicts", "answer", "account", "review"):
        try:
            json.loads(row[column])
        except UNREADABLE as error:
            return f"its {column}, {fingerprint(row[column])}: {error}"
    return None


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
