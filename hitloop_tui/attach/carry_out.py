"""Clearing an answer where no worker is alive: the saver is needed for it, but no graph."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from hitloop_tui.attach.breakpoints import Breakpoints
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.order_leases import Order, finish_order, open_order, put_back, take_order
from hitloop_tui.attach.review import Act
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.sources import Sources
from hitloop_tui.paths import ledger_path

if TYPE_CHECKING:
    from hitloop_tui.attach.outcomes import Outcome


async def carry_out(db: Path, ledger: Path | None, key: str) -> Outcome | None:
    """Carry out the order to clear a Review's answer.

    None when there is no such order, or a live worker is at the thread and will do it. Imports
    LangGraph, which takes seconds. Raises DatabaseError when a file cannot be used; then the order
    waits for somebody else.
    """
    file = LedgerFile(ledger or ledger_path(db), beside=db)
    checkpoints = Checkpoints(db)
    source = Sources(checkpoints, Breakpoints(checkpoints, file))
    try:
        thread_id = open_order(file, key, Act.CLEAR)
        return None if thread_id is None else await _as_a_worker(db, file, source, thread_id, key)
    finally:
        source.close()
        file.close()


async def _as_a_worker(
    db: Path, file: LedgerFile, source: Source, thread_id: str, key: str
) -> Outcome | None:
    leases = Leases(file, [])
    leases.register()
    try:
        order = await asyncio.to_thread(take_order, file, leases.worker, thread_id, key=key)
        return None if order is None else await _cleared(db, file, source, order, leases.worker)
    finally:
        leases.retire()


async def _cleared(
    db: Path, file: LedgerFile, source: Source, order: Order, worker: str
) -> Outcome:
    from hitloop_tui.attach.order_run import clear
    from hitloop_tui.attach.saver_file import SaverFile

    saver = SaverFile(db)
    try:
        outcome = await clear(source, saver, order)
    except BaseException:
        put_back(file, order, worker, "")
        raise
    finally:
        await saver.close()
    finish_order(file, order, worker, outcome.kind, outcome.detail)
    return outcome
