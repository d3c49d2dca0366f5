"""Reviews to show, friendly and hostile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.attach.review import (
    Identity,
    Kind,
    Question,
    Reading,
    Review,
    ReviewAction,
    State,
)

EVERY = tuple(Kind)

HOSTILE = [
    "[@click=app.quit]show details[/]",
    "path [/etc/x] [link=https://x] [b]bold",
    "\x1b[2J\x1b]52;c;ZXZpbA==\x07 \x9b31m",
    "user\u202etxt.exe",
    "a\u200bb\u2060c\U000e0041",
    "x" + "\u0301" * 50,
    "blank" + " " * 300 + "rm -rf /",
    "one\r\ntwo\x0bthree\x85four\u2028five",
]


def action(args: dict[Any, Any] | None = None, **other: Any) -> ReviewAction:
    given = {"tool_name": "send_email", "risk_class": "high", "allowed": EVERY, **other}
    return ReviewAction(tool_args={"to": "anna@example.com"} if args is None else args, **given)


def review(
    *actions: ReviewAction,
    state: State = State.PENDING,
    warnings: Sequence[str] = (),
    shape: str = "free_form",
    interrupt: str = "8ad1f0c2",
    schema: dict[str, Any] | None = None,
    **other: Any,
) -> Review:
    question = Question(
        Identity("refund-0012", "", "1f0c", "task-1", interrupt, 0),
        {},
        schema,
        "d" * 64,
        datetime(2026, 11, 23, 12, 4, 31, tzinfo=UTC),
        node="gate",
        graph_id="email_assistant",
    )
    reading = Reading(
        shape,
        actions or (action(),),
        policy_name="RiskBasedPolicy",
        policy_reason="amount above 1000",
        warnings=tuple(warnings),
    )
    return Review(question, reading, state, **other)
