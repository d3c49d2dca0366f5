"""A request as lines for a plain terminal. No text of the agent can look like ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hitloop_tui.core.models import ApprovalRequest
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.plain_rows import marked_rows, spelled
from hitloop_tui.safetext import Safe, hidden_characters, safe

GUTTER = "  | "
"""Before every line of somebody else's text, so that it cannot pass for a line of ours."""


MORE = "  : "
"""Before what goes on in another row of the terminal."""


def card(request: ApprovalRequest, width: int | None = None) -> str:
    """Everything a person needs to decide: what would run first, what the agent says last.

    `width` is that of the terminal in cells: what is longer goes on in marked rows.
    """
    lines = map(Safe, _lines(request))
    return "\n".join(row for line in lines for row in marked_rows(line, width, MORE))


def _lines(request: ApprovalRequest) -> Iterator[str]:
    action = request.action
    yield "=" * 60
    yield "APPROVAL REQUEST"
    yield f"Run: {safe(request.run_id)}"
    yield f"Action: {safe(action.id)}"
    yield f"Tool: {safe(action.tool_name)}"
    yield f"Risk: {action.risk_class.value.upper()}"
    yield "Arguments:"
    yield from (GUTTER + line for line in json_lines(action.tool_args))
    yield f"Arguments hash: {action.args_hash()}"
    yield from _section("Side effects, says the agent", action.side_effects)
    yield from _section("Rationale, says the agent", [action.rationale])
    yield from _section("It refers to", action.context_refs)
    yield from _section("Context", [request.summary_context])
    yield from _section(f"Policy {safe(request.policy_name)}".rstrip(), [request.policy_reason])
    if request.quorum > 1:
        yield f"Needs {request.quorum} people. Approved so far:"
        yield from (GUTTER + safe(name) for name in request.approvals or ["nobody"])
    if warning := hidden_warning(request):
        yield f"! {warning}"
    yield "=" * 60


def _section(title: str, texts: Iterable[str]) -> Iterator[str]:
    lines = [spelled(line) for text in texts if text for line in text.split("\n")]
    if lines:
        yield f"{title}:"
        yield from (GUTTER + line for line in lines)


def json_lines(value: Any) -> list[str]:
    """`value` as JSON, safe to show. JSON writes a backslash as two already."""
    text = json_text(value, indent=2, ascii_only=False)
    return ["\\".join(safe(part) for part in line.split("\\")) for line in text.split("\n")]


def hidden_warning(request: ApprovalRequest) -> str:
    """That the request holds characters nobody would see; empty if it holds none."""
    count = sum(len(hidden_characters(text)) for text in _texts(request.model_dump()))
    return f"{count} hidden characters; they are shown as \\x.. or \\u...." if count else ""


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.items():
                yield from _texts(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _texts(item)
