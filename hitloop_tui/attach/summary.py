"""One line about a Review: the tool, and the arguments that tell it from its neighbours."""

from __future__ import annotations

import json
from typing import Any

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
    pairs = sorted(args.items(), key=lambda item: _weight(item[1]))
    return " ".join(f"{key}={_short(value)}" for key, value in pairs)[:MAX_SUMMARY]


def _weight(value: Any) -> int:
    if isinstance(value, dict | list):
        return 2
    return 1 if isinstance(value, str) and len(value) > MAX_VALUE else 0


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
