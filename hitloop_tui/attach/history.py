"""What was done about one Review, oldest first: also what was taken back since."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from hitloop_tui.attach.decode import UNREADABLE, fingerprint
from hitloop_tui.attach.ledger_file import LedgerFile

BY_PEOPLE = frozenset({"decided", "undo", "retry", "clear", "done", "dismiss"})


@dataclass(frozen=True, slots=True)
class Past:
    """One thing that happened."""

    at: str
    what: str
    """A verdict's kind, `decided`, an act's name, `escalated`, or how an attempt or order ended."""
    by: str
    """`human:NAME`, or the worker."""
    detail: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def history(file: LedgerFile, key: str) -> list[Past]:
    rows = file.rows(_HISTORY, (key,) * _HISTORY.count("?"))
    return [Past(row["at"], row["what"], row["by"] or "", _detail(row)) for row in rows]


def _detail(row: Any) -> str:
    if row["verdicts"] is None:
        return str(row["detail"])
    try:
        verdicts = json.loads(row["verdicts"])
        said = [str(verdict.get("reason") or "") for verdict in verdicts]
        kinds = ", ".join(str(verdict["kind"]) for verdict in verdicts)
    except UNREADABLE as error:
        return f"cannot be read, {fingerprint(row['verdicts'])}: {error}"
    return ": ".join(filter(None, [kinds, *dict.fromkeys(said)]))


# What happened within one millisecond is told in the order in which it must have been.
_HISTORY = """
SELECT 1 AS rank, id, decided_at AS at, 'said' AS what, decided_by AS by, '' AS detail,
       '[' || verdict || ']' AS verdicts FROM verdicts WHERE key=?
UNION ALL
SELECT 2, seq, decided_at, 'decided', decided_by, '', verdicts FROM decisions WHERE key=?
UNION ALL
SELECT 3, a.id, a.finished_at, a.outcome, a.worker, a.detail, NULL FROM attempts a
  JOIN decisions d ON d.seq=a.seq WHERE d.key=? AND a.outcome IS NOT NULL
UNION ALL
SELECT 4, id, at, kind, by, '', NULL FROM orders WHERE key=?
UNION ALL
SELECT 5, id, finished_at, kind || ' ' || outcome, worker, detail, NULL FROM orders
 WHERE key=? AND outcome IS NOT NULL AND worker IS NOT NULL
UNION ALL
SELECT 6, x.seq, x.at, x.how, x.by, '', NULL FROM withdrawals x
  JOIN decisions d ON d.seq=x.seq WHERE d.key=? AND x.how='undo'
UNION ALL
SELECT 7, id, at, 'escalated', '', 'its deadline passed', NULL FROM escalations WHERE key=?
ORDER BY at, rank, id
"""
