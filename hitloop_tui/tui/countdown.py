"""Time that runs out, in words that change as seldom as they can."""

from __future__ import annotations

import math
from datetime import datetime

from hitloop_tui.attach.ledger_clock import held, seconds_until
from hitloop_tui.attach.review import Review
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import ago

SOON_S = 600.0
"""A deadline this near shows in the inbox."""
URGENT_S = 60.0
"""From here on seconds count."""


def left(seconds: float) -> str:
    """`2h`, `9m`, and in the last minute `42 s`."""
    return ago(seconds) if seconds >= URGENT_S else f"{max(math.ceil(seconds), 0)} s"


def until_next(seconds: float) -> float:
    """Seconds until `left` reads differently."""
    if seconds > URGENT_S:
        return seconds % 60 or 60.0
    return seconds - (math.ceil(seconds) - 1)


def held_for(review: Review) -> float:
    """Seconds in which a decision can still be taken back; 0 when it cannot."""
    if review.held_until is None or not held(review.decided_at or "", review.held_until):
        return 0.0
    return seconds_until(review.held_until)


def due_in(review: Review, now: float) -> float | None:
    """Seconds until an open question's deadline; None without one."""
    deadline = review.reading.deadline
    if deadline is None or not review.undecided:
        return None
    return max(deadline.timestamp() - now, 0.0)


def time_of_day(at: str) -> Safe:
    """An ISO time as local time of day, with the date unless it is today."""
    try:
        local = datetime.fromisoformat(at).astimezone()
    except ValueError:
        return safe(at)
    today = local.date() == datetime.now().astimezone().date()
    return Safe(f"{local:%H:%M:%S}" if today else f"{local:%Y-%m-%d %H:%M:%S}")
