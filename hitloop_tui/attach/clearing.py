"""What becomes of an order to clear an answer: a live worker does it, or this process."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from hitloop_tui.attach.leases import Leases, live_workers
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.source import Source
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


def carried_out(db: Path, source: Source, file: LedgerFile, key: str, thread_id: str) -> Cleared:
    """Wait until the order about a Review has been carried out, or do it where nobody else will."""
    deadline = time.monotonic() + PATIENCE_S
    while (now := _standing(file, key)).outcome is None:
        if not live_workers(file):
            return _do_it(db, source, file, key, thread_id)
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK_S)
    return now


def _do_it(db: Path, source: Source, file: LedgerFile, key: str, thread_id: str) -> Cleared:
    """It needs no graph, only LangGraph's own saver (1 to 5 s to import)."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # read when LangGraph is imported
    try:
        asyncio.run(_clear(db, source, file, key, thread_id))
    except DatabaseError as error:
        return Cleared(None, str(error))
    return _standing(file, key)


async def _clear(db: Path, source: Source, file: LedgerFile, key: str, thread_id: str) -> None:
    from hitloop_tui.attach.order_leases import finish_order, take_order
    from hitloop_tui.attach.order_run import clear
    from hitloop_tui.attach.saver_file import SaverFile

    leases, saver = Leases(file, []), SaverFile(db)
    leases.register()
    try:
        others = [row[0] for row in file.rows(_OTHERS, (key,))]
        order = take_order(file, leases.worker, thread_id, others)
        if order is not None:
            ended = await clear(source, saver, order)
            finish_order(file, order, leases.worker, ended.kind, ended.detail)
    finally:
        await saver.close()
        leases.retire()


def _standing(file: LedgerFile, key: str) -> Cleared:
    rows = file.rows(
        "SELECT outcome, detail FROM orders WHERE key=? AND kind='clear' ORDER BY id DESC LIMIT 1",
        (key,),
    )
    return Cleared(rows[0]["outcome"], rows[0]["detail"]) if rows else Cleared(None, "")


_OTHERS = "SELECT id FROM orders WHERE outcome IS NULL AND (key<>? OR kind<>'clear')"
