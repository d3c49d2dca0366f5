"""What becomes of an order to clear an answer: a live worker does it, or this process."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from hitloop_tui.attach.carry_out import carry_out
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.errors import DatabaseError

PATIENCE_S = 5.0
"""How long a live worker is waited for."""
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Cleared:
    """How an order stands."""

    outcome: str | None
    """applied, failed, stale; None while it waits."""
    detail: str


def carried_out(db: Path, file: LedgerFile, key: str) -> Cleared:
    """Wait until the order about a Review has been carried out, or do it where nobody else will."""
    deadline = time.monotonic() + PATIENCE_S
    while (now := _standing(file, key)).outcome is None:
        if not live_workers(file):
            return _do_it(db, file, key)
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK_S)
    return now


def _do_it(db: Path, file: LedgerFile, key: str) -> Cleared:
    """It needs no graph, only LangGraph's own saver (1 to 5 s to import)."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # read when LangGraph is imported
    try:
        asyncio.run(carry_out(db, file.path, key))
    except DatabaseError as error:
        return Cleared(None, str(error))
    return _standing(file, key)


def _standing(file: LedgerFile, key: str) -> Cleared:
    rows = file.rows(
        "SELECT outcome, detail FROM orders WHERE key=? AND kind='clear' ORDER BY id DESC LIMIT 1",
        (key,),
    )
    return Cleared(rows[0]["outcome"], rows[0]["detail"]) if rows else Cleared(None, "")
