"""The ledger for an auditor: whether it is what was written, and all of it as plain data.

Both read inside `LedgerFile.snapshot()`: one state of the ledger, while others go on writing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hitloop_tui.attach import journal
from hitloop_tui.attach.journal import Entry, Fault, Head
from hitloop_tui.attach.review import ID_LENGTH
from hitloop_tui.attach.shapes import hitloop_gate
from hitloop_tui.core import signature
from hitloop_tui.errors import NotVerified

UNSEEN = (
    "entries cut off the end, unless a head that was kept elsewhere is given (--anchor SEQ:HASH)",
    "a journal chained anew, or continued with false entries, by somebody who can write the file:"
    " a kept head shows the first, signatures of the decisions show both",
    "what was never recorded, and what is not chained: claims, heartbeats, events of the trace,"
    " and who is at work on an open order",
)
"""What no check of the file alone can find."""

NOT_CHECKED = "not checked"
UNSIGNED = "unsigned"
GOOD = "good"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of the whole ledger found."""

    head: Head
    faults: tuple[Fault, ...]
    decisions: int
    signed: int
    """Decisions that carry a signature."""
    checked: bool
    """Whether the signatures were looked at."""


def check(
    connection: sqlite3.Connection, anchor: Head | None = None, allowed: Path | None = None
) -> Report:
    """`allowed` is a list of allowed signers, against which stored signatures are checked."""
    faults = list(journal.verify(connection, anchor))
    if allowed is not None:
        faults += _signature_faults(connection, allowed)
    counted = "SELECT count(*), count(signature) FROM decisions"
    decisions, signed = connection.execute(counted).fetchone()
    head = journal.head(connection)
    return Report(head, tuple(faults), decisions, signed, allowed is not None)


def _signature_faults(connection: sqlite3.Connection, allowed: Path) -> Iterator[Fault]:
    for row in connection.execute("SELECT * FROM decisions ORDER BY seq"):
        found = signature_check(row, allowed)
        person = str(row["decided_by"]).startswith(signature.PERSON)
        if found == UNSIGNED and person and _object(row["review"]).get("signed"):
            found = "missing, though its gate takes only signed answers"
        if found not in (GOOD, UNSIGNED):
            yield Fault(None, f"signature of decision {row['seq']}: {found}")
        for vote in _signed_votes(connection, row):
            found = signature_check(vote, allowed)
            if found != GOOD:
                text = f"signature of {vote['decided_by']} under decision {row['seq']}: {found}"
                yield Fault(None, text)


def _signed_votes(connection: sqlite3.Connection, row: sqlite3.Row) -> Iterator[dict[str, Any]]:
    """The decision as each of the others who decided it signed it."""
    for vote in _listed(connection, _VOTES, row["key"], row["key"], row["seq"]):
        if vote["signed"] is not None and vote["decided_by"] != row["decided_by"]:
            said = _object(vote["signed"])
            own = {"answer": vote["signed"], "signature": said.get("signature", "")}
            yield {
                **dict(row),
                **own,
                "decided_by": vote["decided_by"],
                "decided_at": vote["decided_at"],
            }


def signature_check(row: Mapping[str, Any] | sqlite3.Row, allowed: Path | None) -> str:
    """`good`, `unsigned`, `not checked` without a list of signers, or what is wrong with it."""
    if row["signature"] is None:
        return UNSIGNED
    if allowed is None:
        return NOT_CHECKED
    try:
        name = signature.principal_of(row["decided_by"])
        at = datetime.fromisoformat(row["decided_at"])
        signature.verify(_statement(row), row["signature"], name, allowed, at)
    except NotVerified as error:
        return str(error)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return "the decision cannot be read as what was signed"
    return GOOD


def _statement(row: Mapping[str, Any] | sqlite3.Row) -> bytes:
    answer, review = json.loads(row["answer"]), json.loads(row["review"])
    if row["shape"] == hitloop_gate.NAME:
        answer = signature.own_words(answer)
    return signature.statement(
        thread_id=row["thread_id"],
        interrupt_id=json.loads(row["identity"])["interrupt_id"],
        calls=[(action["tool_name"], action["tool_args"]) for action in review["actions"]],
        answer=answer,
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
    )


def export(
    connection: sqlite3.Connection, allowed: Path | None = None
) -> Generator[dict[str, Any], None, None]:
    """One object per entry of the journal, in order, read as it is asked for.

    `fault` says where the entry or its row is not what was written; a row that cannot be read is
    given as text.
    """
    for entry in journal.entries(connection):
        told = {"seq": entry.seq, "at": entry.at, "kind": entry.kind, "ref": entry.ref}
        told |= {"hash": entry.hash, "fault": entry.fault}
        yield {**told, **_about(connection, entry, allowed)}


def _about(connection: sqlite3.Connection, entry: Entry, allowed: Path | None) -> dict[str, Any]:
    if entry.kind not in _ROWS:
        return {}
    row = connection.execute(_ROWS[entry.kind], (entry.ref,)).fetchone()
    fault = entry.fault or journal.row_fault(entry, row)
    if row is None:
        return {"fault": fault}
    columns, key = _TOLD[entry.kind], row["key"] or ""
    told = {name: _json(row[name]) if name in _JSON else row[name] for name in columns}
    if entry.kind == "decision":
        told |= _decision(connection, row, allowed)
    return {"fault": fault, "id": key[:ID_LENGTH], "key": key, **told}


def _decision(
    connection: sqlite3.Connection, row: sqlite3.Row, allowed: Path | None
) -> dict[str, Any]:
    review, verdicts = _object(row["review"]), _json(row["verdicts"])
    said = verdicts if isinstance(verdicts, list) else []
    reasons = [verdict.get("reason") for verdict in said if isinstance(verdict, dict)]
    withdrawn = _listed(connection, _WITHDRAWN, row["seq"])
    return {
        "interrupt_id": _object(row["identity"]).get("interrupt_id"),
        "actions": review.get("actions", review),
        "reason": next((reason for reason in reasons if reason), None),
        "signature_check": signature_check(row, allowed),
        "votes": [
            {**vote, "verdict": _json(vote["verdict"]), "signed": vote["signed"] is not None}
            for vote in _listed(connection, _VOTES, row["key"], row["key"], row["seq"])
        ],
        "outcomes": _listed(connection, _OUTCOMES, row["seq"]),
        "withdrawn": withdrawn[0] if withdrawn else None,
    }


def _listed(connection: sqlite3.Connection, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(sql, parameters)]


def _json(text: Any) -> Any:
    """A column's JSON; an object with the text as it is where somebody wrote another thing."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {"unreadable": text}


def _object(text: Any) -> dict[str, Any]:
    found = _json(text)
    return found if isinstance(found, dict) else {"unreadable": text}


_ROWS = {
    "decision": "SELECT * FROM decisions WHERE seq=?",
    "verdict": "SELECT * FROM verdicts WHERE id=?",
    "withdrawal": "SELECT x.*, x.seq AS decision, d.key, d.thread_id FROM withdrawals x"
    " LEFT JOIN decisions d ON d.seq=x.seq WHERE x.seq=?",
    "attempt": "SELECT a.*, a.seq AS decision, d.key FROM attempts a"
    " LEFT JOIN decisions d ON d.seq=a.seq WHERE a.id=?",
    "order": 'SELECT *, kind AS "act", seq AS decision FROM orders WHERE id=?',
    "escalation": "SELECT * FROM escalations WHERE id=?",
}
_ROWS |= {"outcome": _ROWS["attempt"], "order_outcome": _ROWS["order"]}

_WHO = ("by", "account")
_TOLD: dict[str, tuple[str, ...]] = {
    "decision": (
        *("thread_id", "graph_id", "shape", "digest", "verdicts", "decided_by", "account"),
        *("decided_at", "latency_ms", "held_until", "answer", "signature"),
    ),
    "verdict": ("action", "verdict", "decided_by", "account", "decided_at", "digest", "signed"),
    "withdrawal": ("decision", "thread_id", "how", *_WHO),
    "attempt": ("decision", "thread_id", "worker", "started_at"),
    "outcome": ("decision", "thread_id", "worker", "outcome", "detail", "finished_at"),
    "order": ("act", "decision", "thread_id", "after_attempt", *_WHO),
    "order_outcome": ("act", "decision", "thread_id", "worker", "outcome", "detail", "finished_at"),
    "escalation": (),
}
"""Columns that each kind of entry is told with, besides id and key."""
_JSON = frozenset({"account", "verdicts", "answer", "verdict", "signed"})

_VOTES = """
SELECT decided_by, decided_at, action, verdict, signed FROM verdicts WHERE key=?
   AND round=(SELECT count(*) FROM decisions WHERE key=? AND seq<?) ORDER BY id
"""
_OUTCOMES = """
SELECT id AS attempt, worker, finished_at, outcome, detail FROM attempts WHERE seq=? ORDER BY id
"""
_WITHDRAWN = "SELECT how, by, at FROM withdrawals WHERE seq=?"
