"""The statements that record verdicts and decisions, inside a transaction of the ledger."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hitloop_tui.attach import journal
from hitloop_tui.attach.decode import UNREADABLE, fingerprint
from hitloop_tui.attach.ledger_clock import later, now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import APPROVALS, Kind, Review, Verdict
from hitloop_tui.attach.signing import Signed
from hitloop_tui.core.people import same_person
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.errors import InvalidVerdict


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Who answered before."""

    decided_by: str
    decided_at: str
    action: int | None = None
    """The Action of several, from 0, when they answered that one only."""


@dataclass(frozen=True, slots=True)
class Said:
    """One person's word on one Action."""

    digest: str
    """Of the content that was shown; on any other the word does not count."""
    action: int
    verdict: Verdict
    by: str
    at: str
    signed: dict[str, Any] | None = None
    """Their answer with its signature."""
    unreadable: str | None = None
    """Why this is no word at all, and counts for nothing: somebody has changed the row."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> Said:
        who = (row["decided_by"], row["decided_at"])
        try:
            verdict = Verdict.from_json(json.loads(row["verdict"]))
            signed = None if row["signed"] is None else json.loads(row["signed"])
        except UNREADABLE as error:
            what = f"what {who[0]} said of Action {row['action'] + 1}"
            why = f"{what} cannot be read, {fingerprint(row['verdict'])}: {error}"
            return cls(row["digest"], row["action"], Verdict(Kind.IGNORE), *who, unreadable=why)
        return cls(row["digest"], row["action"], verdict, *who, signed)


@dataclass(frozen=True, slots=True)
class Ballot:
    """What was said so far about a Review that is not decided yet."""

    known: dict[int, Verdict]
    """Verdicts that stand, by the Action's index."""
    people: dict[int, tuple[str, ...]]
    """Who has approved each Action, in order."""
    missing: int
    """How many verdicts are still needed."""
    votes: tuple[dict[str, Any], ...] = ()
    """Signed approvals, in order."""

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Everybody who approved something, in order."""
        return tuple(dict.fromkeys(who for people in self.people.values() for who in people))


_STANDING = "seq NOT IN (SELECT seq FROM withdrawals)"
STANDING = f"SELECT decided_by, decided_at FROM decisions WHERE key=? AND {_STANDING}"
_ROUND = (
    "(SELECT count(*) FROM decisions d JOIN withdrawals x ON x.seq=d.seq WHERE d.key=verdicts.key)"
)
_WORDS = "SELECT key, digest, action, verdict, decided_by, decided_at, signed FROM verdicts"
UNDECIDED = (
    f"{_WORDS} WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.key=verdicts.key"
    f" AND d.{_STANDING}) AND round={_ROUND} ORDER BY id"
)


def standing(connection: sqlite3.Connection, key: str) -> FirstAnswer | None:
    """Who made the decision that stands."""
    row = connection.execute(STANDING, (key,)).fetchone()
    return None if row is None else FirstAnswer(row["decided_by"], row["decided_at"])


def taken(
    connection: sqlite3.Connection, review: Review, verdicts: Mapping[int, Verdict], person: Person
) -> FirstAnswer | None:
    """Who decided one of these Actions already: anybody, or where several must, this person."""
    words = _words(connection, review)
    known = count(review, words).known
    for said in words:
        own = same_person(said.by, person.decided_by)
        if said.action in verdicts and (own or said.action in known):
            return FirstAnswer(said.by, said.at, said.action)
    return None


def require_agreement(
    connection: sqlite3.Connection, review: Review, verdicts: Mapping[int, Verdict]
) -> None:
    """Raises InvalidVerdict for an approval of other arguments than those approved before."""
    for said in _words(connection, review):
        before, given = said.verdict, verdicts.get(said.action)
        if said.unreadable or given is None or given.kind not in APPROVALS:
            continue
        if (before.kind, before.args) != (given.kind, given.args):
            raise InvalidVerdict(
                f"{said.by} said {before.kind.value}, for other arguments: say the same, or reject"
            )


def contradicted(
    connection: sqlite3.Connection, review: Review, verdicts: Mapping[int, Verdict]
) -> FirstAnswer | None:
    for said in _words(connection, review):
        if said.verdict != verdicts[said.action]:
            return FirstAnswer(said.by, said.at, said.action)
    return None


def ballot(connection: sqlite3.Connection, review: Review) -> Ballot:
    return count(review, _words(connection, review))


def insert_verdicts(
    connection: sqlite3.Connection,
    review: Review,
    verdicts: Mapping[int, Verdict],
    person: Person,
    signed: Signed | None = None,
) -> None:
    round_, account, at = _round(connection, review.key), json.dumps(person.account), now()
    vote = json.dumps(signed.vote) if signed and review.reading.quorum > 1 else None
    for action, verdict in verdicts.items():
        cursor = connection.execute(
            "INSERT INTO verdicts (key, round, digest, action, verdict, decided_by, account,"
            " decided_at, signed) VALUES (?,?,?,?,?,?,?,?,?)",
            (
                review.key,
                round_,
                review.question.digest,
                action,
                json.dumps(verdict.to_json()),
                person.decided_by,
                account,
                signed.at if signed else at,
                vote,
            ),
        )
        assert cursor.lastrowid is not None
        journal.seal(connection, "verdict", cursor.lastrowid)


def insert_decision(
    connection: sqlite3.Connection,
    review: Review,
    verdicts: Mapping[int, Verdict],
    answer: object,
    person: Person,
    hold_s: float = 0.0,
    signed: Signed | None = None,
) -> None:
    """Raises sqlite3.IntegrityError when another decision stands."""
    identity, decided_at = review.question.identity, signed.at if signed else now()
    in_order: Sequence[Verdict] = [verdicts[n] for n in range(len(review.actions))]
    latency = datetime.fromisoformat(decided_at) - review.question.requested_at
    cursor = connection.execute(
        "INSERT INTO decisions (key, thread_id, identity, graph_id, shape, digest, review,"
        " verdicts, answer, decided_by, account, decided_at, latency_ms, held_until, signature)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            review.key,
            review.thread_id,
            json.dumps(asdict(identity)),
            review.question.graph_id,
            review.reading.shape,
            review.question.digest,
            json_text(review.to_json()),
            json.dumps([verdict.to_json() for verdict in in_order]),
            json.dumps(answer),
            person.decided_by,
            json.dumps(person.account),
            decided_at,
            max(0.0, latency.total_seconds() * 1000),
            later(hold_s) if hold_s > 0 else None,
            signed.signature if signed else None,
        ),
    )
    assert cursor.lastrowid is not None
    journal.seal(connection, "decision", cursor.lastrowid)
    kinds = [verdict.kind.value for verdict in in_order]
    insert_event(connection, review, "decision", person.decided_by, verdicts=kinds)


def insert_event(
    connection: sqlite3.Connection, review: Review, kind: str, by: str, **more: object
) -> None:
    """What somebody did with a Review, as the trace tells it."""
    question = review.question
    tools = [action.tool_name for action in review.actions]
    connection.execute(
        "INSERT INTO events (at, thread_id, graph_id, kind, node, task_id, data)"
        " VALUES (?,?,?,?,?,?,?)",
        (
            time.time(),
            review.thread_id,
            question.graph_id,
            kind,
            question.node or "",
            question.identity.task_id,
            json.dumps({"id": review.id, "tools": tools, **more, "decided_by": by}),
        ),
    )


def _round(connection: sqlite3.Connection, key: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM decisions d JOIN withdrawals x ON x.seq=d.seq WHERE d.key=?", (key,)
    ).fetchone()
    return int(row[0])


def _words(connection: sqlite3.Connection, review: Review) -> list[Said]:
    """What was said on this very content since the last decision was withdrawn, oldest first."""
    rows = connection.execute(
        f"{_WORDS} WHERE key=? AND round=? AND digest=? ORDER BY id",
        (review.key, _round(connection, review.key), review.question.digest),
    )
    return [Said.of(row) for row in rows]


def count(review: Review, words: Sequence[Said]) -> Ballot:
    """A refusal stands alone, an approval needs as many people as the policy asks."""
    known: dict[int, Verdict] = {}
    people: dict[int, tuple[str, ...]] = {}
    needed = review.reading.quorum - len(review.reading.approvals)
    for said in words:
        action = said.action
        if action in known or said.unreadable:
            continue
        if said.verdict.kind in APPROVALS:
            people[action] = (*people.get(action, ()), said.by)
        if said.verdict.kind not in APPROVALS or len(people[action]) >= needed:
            known[action] = said.verdict
    undecided = [n for n in range(len(review.actions)) if n not in known]
    missing = sum(max(1, needed - len(people.get(n, ()))) for n in undecided)
    votes = [said.signed for said in words if said.signed and said.verdict.kind in APPROVALS]
    return Ballot(known, people, missing, tuple(votes))
