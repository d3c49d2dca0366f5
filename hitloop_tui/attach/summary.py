"""One line about the arguments of a call: those that tell it from its neighbours."""

from __future__ import annotations

from typing import Any

from hitloop_tui.attach.inline import Start, start_of
from hitloop_tui.attach.review import Review

MAX_VALUE = 60
MAX_SUMMARY = 200


def summarise(review: Review) -> Start:
    """The first Action's arguments, or why there is none."""
    if not review.actions:
        return Start(review.question.undecodable or "")
    return one_line(review.actions[0].tool_args)


def one_line(args: dict[str, Any]) -> Start:
    """`key=value` pairs, short scalars first: they say more per cell than long texts."""
    ordered = (item for weight in range(3) for item in args.items() if _weight(item[1]) == weight)
    return start_of(ordered, MAX_SUMMARY)


def _weight(value: Any) -> int:
    if isinstance(value, dict | list | tuple):
        return 2
    return 1 if isinstance(value, str) and len(value) > MAX_VALUE else 0
