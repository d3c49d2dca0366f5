"""What a plain `Command(resume=...)` leaves on a head, and whether anybody can still be running it.

LangGraph gives the value to the first question that it finds unanswered, and keeps the row until
the superstep ends (langgraph#8837).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from hitloop_tui.attach.decode import Undecodable, digest, loads

Taken = Callable[[str, int], bool]
"""Whether a task has stored the value of a plain resume as its answer, by thread and rowid."""


def spent(row: sqlite3.Row, own_task: bool, ended: bool, taken: Taken) -> bool:
    """Whether nobody can be running a row's question with the value of a plain resume.

    A question that was asked after the value was stored did not get it; a task that raised since
    then and stored no answer did not take it; and what another task has stored as its answer is
    not given again. `own_task`: the row is that of the task that asked, which has not `ended`.
    """
    leftover = row["leftover_id"]
    if leftover is None:
        return False
    raised_since = row["error_id"] is not None and row["error_id"] > leftover
    if ended or row["id"] > leftover or (own_task and raised_since):
        return True
    return taken(row["thread_id"], leftover)


def was_taken(rows: list[sqlite3.Row]) -> bool:
    """Whether one of the answers stored later ends with the value of the first row."""
    try:
        value, *answers = (loads(row["type"], row["value"]) for row in rows)
    except (Undecodable, ValueError):
        return False
    ends = (answer[-1:] if isinstance(answer, list) else [answer] for answer in answers)
    return any(digest(end) == digest([value]) for end in ends)
