"""One line about a Review: the tool, and the arguments that tell it from its neighbours."""

from __future__ import annotations

from typing import Any

from hitloop_tui.attach.inline import inline, shortened
from hitloop_tui.attach.review import Review

MAX_VALUE = 60
MAX_SUMMARY = 200


def summarise(review: Review) -> tuple[str, str]:
    """Tool name (`+N` when more Actions follow) and the arguments in one line."""
    if not review.actions:
        return "?", review.question.undecodable or ""
    action = review.actions[0]
    more = len(review.actions) - 1
    return f"{action.tool_name} +{more}" if more else action.tool_name, one_line(action.tool_args)


def one_line(args: dict[str, Any]) -> str:
    """`key=value` pairs, short scalars first: they say more per cell than long texts."""
    ordered = sorted(args.items(), key=lambda item: _weight(item[1]))
    text = " ".join(f"{inline(key)}={_short(value)}" for key, value in ordered)
    return shortened(text, MAX_SUMMARY)


def _weight(value: Any) -> int:
    if isinstance(value, dict | list):
        return 2
    return 1 if isinstance(value, str) and len(value) > MAX_VALUE else 0


def _short(value: Any) -> str:
    if isinstance(value, str):
        return inline(shortened(value, MAX_VALUE))
    return shortened(inline(value), MAX_VALUE)
