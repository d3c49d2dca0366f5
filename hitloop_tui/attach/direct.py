"""Decisions that need no worker: the source itself gives them to whoever asked.

Recording and giving are two files and so two commits. What is recorded and was not given, because a
process died in between, is given by the next one that reads the ledger.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Iterable

from hitloop_tui.attach import journal
from hitloop_tui.attach.ledger import Ledger, Record
from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.attach.review import ID_LENGTH, State
from hitloop_tui.attach.shapes import stored_request
from hitloop_tui.attach.source import Source
from hitloop_tui.errors import DatabaseError

_log = logging.getLogger(__name__)

_ATTEMPT = """
INSERT INTO attempts (seq, thread_id, worker, started_at, finished_at, outcome, detail)
SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM attempts WHERE seq = ?)
"""
_EVENT = "INSERT INTO events (at, thread_id, kind, data) VALUES (?,?,?,?)"


def settled(source: Source, ledger: Ledger) -> list[Record]:
    """`ledger.recent()`, after everything that can be given is given."""
    records = ledger.recent()
    waiting = [r for r in records if r.state is State.DECIDED and r.shape == stored_request.NAME]
    if not waiting:
        return records
    settle(source, ledger, waiting)
    return ledger.recent()


def settle(source: Source, ledger: Ledger, records: Iterable[Record]) -> str:
    """Give these decisions to who asked; why that failed, or nothing."""
    try:
        for record in records:
            ended = source.apply(record)
            if ended is not None:
                _finish(ledger, record, *ended)
    except DatabaseError as error:
        _log.warning("a decision is recorded, but not given yet: %s", error)
        return f"recorded, but not given to who asked yet: {error}"
    return ""


def _finish(ledger: Ledger, record: Record, outcome: str, detail: str) -> None:
    at, who = now(), f"console-{socket.gethostname()}-{os.getpid()}"
    with ledger.file.transaction() as connection:
        done = connection.execute(
            _ATTEMPT,
            (record.seq, record.identity.thread_id, who, at, at, outcome, detail, record.seq),
        )
        if done.rowcount:
            assert done.lastrowid is not None
            journal.seal(connection, "attempt", done.lastrowid)
            journal.seal(connection, "outcome", done.lastrowid)
            data = json.dumps({"id": record.key[:ID_LENGTH], "detail": detail})
            connection.execute(_EVENT, (time.time(), record.identity.thread_id, outcome, data))
