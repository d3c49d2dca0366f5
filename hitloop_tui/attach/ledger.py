"""Decisions on record: append-only, one per Review, the first one wins."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hitloop_tui.attach import recording
from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recording import Ballot, FirstAnswer, Said
from hitloop_tui.attach.records import FOREIGN, RECORDS, ForeignOrder, record_of
from hitloop_tui.attach.records import Record as Record
from hitloop_tui.attach.review import Claim, Review, Verdict
from hitloop_tui.attach.signing import Signed

RECENT = 50
"""Settled decisions that `recent` still gives."""


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
        return {row["key"]: ForeignOrder.of(row) for row in self.file.rows(FOREIGN)}

    def escalated(self) -> frozenset[str]:
        """Keys of Reviews whose deadline passed and whose policy wants more eyes on them."""
        return frozenset(row["key"] for row in self.file.rows("SELECT key FROM escalations"))

    def records(self, *, since: int = 0, limit: int = -1) -> list[Record]:
        """Decisions after sequence number `since`, oldest first."""
        rows = self.file.rows(f"{RECORDS} AND d.seq>? ORDER BY d.seq LIMIT ?", (since, limit))
        return [record_of(row) for row in rows]

    def recent(self) -> list[Record]:
        """Decisions a head may still show: unsettled ones, and those settled a moment ago.

        An applied decision stays until the reader has seen the checkpoint it led to. One that a
        person has closed led to none, and its thread may ask the same for ever.
        """
        rows = self.file.rows(
            f"{RECORDS} AND d.seq IN (SELECT seq FROM unsettled UNION SELECT seq FROM decisions"
            " WHERE seq > (SELECT coalesce(max(seq), 0) - ? FROM decisions)"
            " UNION SELECT seq FROM orders WHERE kind IN ('done', 'dismiss')) ORDER BY d.seq",
            (RECENT,),
        )
        return [record_of(row) for row in rows]

    def with_prefix(self, prefix: str) -> list[Record]:
        """Decisions whose key starts with `prefix` (hex digits)."""
        rows = self.file.rows(
            f"{RECORDS} AND d.key>=? AND d.key<? ORDER BY d.seq", (prefix, prefix + "g")
        )
        return [record_of(row) for row in rows]

    def of_keys(self, keys: Iterable[str]) -> dict[str, Record]:
        """Decisions by key."""
        wanted = json.dumps(list(keys))
        rows = self.file.rows(f"{RECORDS} AND d.key IN (SELECT value FROM json_each(?))", (wanted,))
        return {row["key"]: record_of(row) for row in rows}

    def record_in(self, connection: sqlite3.Connection, key: str) -> Record | None:
        """The decision that stands, as a transaction sees it."""
        row = connection.execute(f"{RECORDS} AND d.key=?", (key,)).fetchone()
        return None if row is None else record_of(row)
