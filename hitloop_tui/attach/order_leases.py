"""Orders that a worker must carry out, and who does: one worker per thread, with its attempts.

Clearing an answer twice is clearing it once, so an order to clear outlives its worker. A retry of
somebody else's answer does not: whether the tool ran then is for a person to find out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from hitloop_tui.attach import orders
from hitloop_tui.attach.decode import UNREADABLE
from hitloop_tui.attach.leases import DIED, Pulse, alive, close_order, held
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.review import Act, Identity


@dataclass(frozen=True, slots=True)
class Order:
    """One order in a worker's hands."""

    id: int
    kind: Act
    key: str
    thread_id: str
    identity: Identity
    seq: int | None
    """The decision it is about; None when the answer was not ours."""
    by: str
    account: dict[str, object]


def ordered_threads(file: LedgerFile, unable: Collection[int] = ()) -> list[str]:
    """Threads with an order that no live worker has, but for those in `unable`."""
    rows = file.rows(f"{_OPEN} ORDER BY o.id")
    found = [r["thread_id"] for r in rows if r["id"] not in unable and not alive(Pulse.of(r))]
    return list(dict.fromkeys(found))


def open_order(file: LedgerFile, key: str, kind: Act) -> str | None:
    """The thread of a Review about which something is ordered and not carried out."""
    rows = file.rows(f"{_OPEN} AND o.key=? AND o.kind=?", (key, kind))
    return rows[0]["thread_id"] if rows else None


def was_cleared(file: LedgerFile, key: str) -> bool:
    """Whether an earlier answer to this question was taken away by order: the one that stands is
    a new word on a call that may have been begun."""
    sql = "SELECT 1 FROM orders WHERE key=? AND kind='clear' AND outcome='applied' LIMIT 1"
    return bool(file.rows(sql, (key,)))


def take_order(
    file: LedgerFile,
    worker: str,
    thread_id: str,
    unable: Collection[int] = (),
    *,
    key: str | None = None,
) -> Order | None:
    """The thread's first open order, or that about `key`, now in this worker's hands; None while a
    live worker is at the thread. A retry that a dead worker left behind ends as uncertain, an order
    that cannot be read as failed."""
    if thread_id not in ordered_threads(file, unable):
        return None
    with file.transaction() as connection:
        if held(connection, thread_id):
            return None
        rows = connection.execute(f"{_OPEN} AND o.thread_id=? ORDER BY o.id", (thread_id,))
        for row in rows.fetchall():
            if row["worker"] is not None and row["kind"] == Act.RETRY:
                close_order(connection, row["id"], row["worker"], "uncertain", DIED)
            elif row["id"] not in unable and key in (None, row["key"]):
                try:
                    order = _order(row)
                except UNREADABLE as error:
                    why = f"this order cannot be read, give it again: {error!r}"
                    close_order(connection, row["id"], worker, "failed", why)
                    continue
                connection.execute("UPDATE orders SET worker=? WHERE id=?", (worker, row["id"]))
                return order
    return None


def finish_order(file: LedgerFile, order: Order, worker: str, outcome: str, detail: str) -> None:
    """Record what became of an order. A clear that was carried out takes our decision back with
    it, unless the decision was taken back meanwhile."""
    with file.transaction() as connection:
        if not close_order(connection, order.id, worker, outcome, detail):
            return
        if order.kind is Act.CLEAR and outcome == "applied" and order.seq is not None:
            orders.withdraw(connection, order.seq, "clear", order.by, order.account)


def put_back(file: LedgerFile, order: Order, worker: str, detail: str) -> None:
    """Leave an order to a worker that can carry it out; `detail` says why this one cannot."""
    with file.transaction() as connection:
        connection.execute(
            "UPDATE orders SET worker=NULL, detail=? WHERE id=? AND worker=? AND outcome IS NULL",
            (detail, order.id, worker),
        )


def _order(row: sqlite3.Row) -> Order:
    return Order(
        row["id"],
        Act(row["kind"]),
        row["key"],
        row["thread_id"],
        Identity(**json.loads(row["identity"])),
        row["seq"],
        row["by"],
        json.loads(row["account"]),
    )


_OPEN = """
SELECT o.*, w.host, w.pid, w.heartbeat_at, w.stopped_at
  FROM orders o LEFT JOIN workers w ON w.id=o.worker WHERE o.outcome IS NULL"""
