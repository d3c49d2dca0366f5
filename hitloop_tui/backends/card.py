"""A request as lines for a plain terminal. No text of the agent can look like ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hitloop_tui.core.models import ApprovalRequest
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.safetext import hidden_characters, safe, safe_lines

GUTTER = "  | "
"""Before every line of somebody else's text, so that it cannot pass for a line of ours."""


def card(request: ApprovalRequest) -> str:
    """Everything a person needs to decide: what would run first, what the agent says last."""
    return "\n".join(_lines(request))


def _lines(request: ApprovalRequest) -> Iterator[str]:
    action = request.action
    arguments = json_text(action.tool_args, indent=2, ascii_only=False)
    yield "=" * 60
    yield "APPROVAL REQUEST"
    yield f"Run: {safe(request.run_id)}"
    yield f"Action: {safe(action.id)}"
    yield f"Tool: {safe(action.tool_name)}"
    yield f"Risk: {action.risk_class.value.upper()}"
    yield "Arguments:"
    yield from (GUTTER + _json_line(line) for line in arguments.split("\n"))
    yield f"Arguments hash: {action.args_hash()}"
    yield from _section("Side effects, says the agent", action.side_effects)
    yield from _section("Rationale, says the agent", [action.rationale])
    yield from _section("Context", [request.summary_context])
    yield from _section(f"Policy {safe(request.policy_name)}".rstrip(), [request.policy_reason])
    if request.quorum > 1:
        yield f"Needs {request.quorum} people. Approved so far:"
        yield from (GUTTER + safe(name) for name in request.approvals or ["nobody"])
    texts = [action.tool_name, arguments, action.rationale, request.summary_context]
    if hidden := sum(len(hidden_characters(text)) for text in [*texts, *action.side_effects]):
        yield f"! {hidden} hidden characters; they are shown as \\x.. or \\u...."
    yield "=" * 60


def _section(title: str, texts: Iterable[str]) -> Iterator[str]:
    lines = [line for text in texts if text for line in safe_lines(text)]
    if lines:
        yield f"{title}:"
        yield from (GUTTER + line for line in lines)


def _json_line(line: str) -> str:
    """JSON writes a backslash as two already; `safe` would make them four."""
    return "\\".join(safe(part) for part in line.split("\\"))
