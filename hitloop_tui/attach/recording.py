"""The statements that record verdicts and decisions, inside a transaction of the ledger."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hitloop_tui.attach.ledger_file import now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Review, Verdict
from hitloop_tui.core.plain_json import json_text


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Who answered before."""

    decided_by: str
    decided_at: str
    action: int | None = None
    """The Action of several, from 0, when they answered that one only."""


def first(connection: sqlite3.Connection, key: str) -> FirstAnswer | None:
    row = connection.execute(
        "SELECT decided_by, decided_at FROM decisions WHERE key=?", (key,)
    ).fetchone()
    return None if row is None else FirstAnswer(row["decided_by"], row["decided_at"])


def taken(
    connection: sqlite3.Connection, key: str, verdicts: Mapping[int, Verdict]
) -> FirstAnswer | None:
    """Who decided one of these Actions already."""
    for row in connection.execute("SELECT * FROM verdicts WHERE key=? ORDER BY action", (key,)):
        if row["action"] in verdicts:
            return FirstAnswer(row["decided_by"], row["decided_at"], row["action"])
    return None


def verdicts(connection: sqlite3.Connection, key: str) -> dict[int, Verdict]:
    rows = connection.execute("SELECT action, verdict FROM verdicts WHERE key=?", (key,))
    return {row["action"]: Verdict.from_json(json.loads(row["verdict"])) for row in rows}


def insert_verdicts(
    connection: sqlite3.Connection, key: str, verdicts: Mapping[int, Verdict], person: Person
) -> None:
    account, decided_at = json.dumps(person.account), now()
    connection.executemany(
        "INSERT INTO verdicts VALUES (?,?,?,?,?,?)",
        [
            (key, action, json.dumps(verdict.to_json()), person.decided_by, account, decided_at)
            for action, verdict in verdicts.items()
        ],
    )


def contradicted(
    connection: sqlite3.Connection, key: str, verdicts: Mapping[int, Verdict]
) -> FirstAnswer | None:
    for row in connection.execute("SELECT * FROM verdicts WHERE key=? ORDER BY action", (key,)):
        if Verdict.from_json(json.loads(row["verdict"])) != verdicts[row["action"]]:
            return FirstAnswer(row["decided_by"], row["decided_at"], row["action"])
    return None


def insert_decision(
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
            json_text(shown),
            json.dumps(said),
            json.dumps(answer),
            person.decided_by,
            json.dumps(person.account),
            decided_at,
            max(0.0, latency.total_seconds() * 1000),
        ),
    )
    _insert_event(connection, review, in_order, person)


def _insert_event(
    connection: sqlite3.Connection, review: Review, verdicts: Sequence[Verdict], person: Person
) -> None:
    """The decision as the trace tells it."""
    question = review.question
    connection.execute(
        "INSERT INTO events (at, thread_id, graph_id, kind, node, task_id, data)"
        " VALUES (?,?,?,'decision',?,?,?)",
        (
            time.time(),
            review.thread_id,
            question.graph_id,
            question.node or "",
            question.identity.task_id,
            json.dumps(
                {
                    "id": review.id,
                    "tools": [action.tool_name for action in review.actions],
                    "verdicts": [verdict.kind.value for verdict in verdicts],
                    "decided_by": person.decided_by,
                }
            ),
        ),
    )
