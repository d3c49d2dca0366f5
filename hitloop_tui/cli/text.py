"""Plain text for terminals. Every word from a database passes `safetext` first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.inline import inline, pairs
from hitloop_tui.attach.masks import Mask
from hitloop_tui.cli.json_text import json_lines
from hitloop_tui.cli.shown import due_in
from hitloop_tui.cli.table import MORE, span
from hitloop_tui.core.plain_json import named
from hitloop_tui.plain_rows import marked_rows, spelled, terminal_width
from hitloop_tui.safetext import Safe, safe

GUTTER = "    │ "
TOGETHER = 512
"""Lines that are written at once: one by one, 500,000 take ten seconds."""
"""Before every line of a text of several lines."""


def print_review(shown: dict[str, Any]) -> None:
    """One Review in full: nothing is cut."""
    _field("review", f"{shown['id']}  {shown['state']}")
    if shown.get("detail"):
        _field("detail", shown["detail"])
    _field("thread", shown["thread_id"])
    if "requested_at" not in shown:
        _print_history(shown["history"])
        return
    _field("agent", f"{inline(shown['graph_id'] or '?')}  node {inline(shown['node'] or '?')}")
    _field("asked", shown["requested_at"])
    for number, action in enumerate(shown["actions"], 1):
        _print_action(number, len(shown["actions"]), action, shown["verdicts"].get(str(number)))
    if shown["policy_reason"]:
        _field("policy", f"{shown['policy_name']}: {shown['policy_reason']}")
    for warning in shown["warnings"]:
        _field("warning", warning)
    for name, value in _standing(shown):
        _field(name, value)
    _print_history(shown["history"])
    for message in shown["messages"]:
        calls = "".join(f" → {name}()" for name in message["tool_calls"])
        _block(f"{message['role']} says", message["text"] + calls)


def _standing(shown: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Who said what so far, by when it must be decided, and what can be done."""
    due, quorum = due_in(shown), shown["quorum"]
    if due is not None:
        then = "" if shown["on_deadline"] == "leave" else f", then: {shown['on_deadline']}"
        yield "deadline", f"{shown['deadline']} ({f'in {span(due)}' if due else 'passed'}{then})"
    if quorum > 1 and not shown["decided_by"]:
        names = ", ".join(shown["approved_by"]) or "nobody"
        yield "approved", f"{len(shown['approved_by'])} of {quorum}: {names}"
    if shown["signed"] and shown["allowed"]:
        yield "signed", "the gate takes only signed answers: --sign KEY"
    if shown["claimed_by"]:
        yield "claimed", f"by {shown['claimed_by']} until {shown['claimed_until']}"
    if shown["decided_by"]:
        yield "decided", f"by {shown['decided_by']} at {shown['decided_at']}"
    if shown["held_until"]:
        yield "held", f"until {shown['held_until']}: undo takes it back"
    if possible := [*shown["allowed"], *shown["acts"]]:
        yield "possible", ", ".join(possible)


def _print_history(history: Sequence[dict[str, Any]]) -> None:
    """What was done before, where it is more than one decision."""
    if len(history) < 2:
        return
    lines = []
    for past in history:
        who = f" by {past['by']}" if past["by"] else ""
        detail = f": {past['detail']}" if past["detail"] else ""
        lines.append(spelled(f"{past['at']}  {past['what']}{who}{detail}"))
    _lines(Safe("history"), lines)


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        who = f" by {outcome.decided_by}" if outcome.decided_by else ""
        when = f" at {outcome.decided_at}" if outcome.decided_at else ""
        detail = f": {outcome.detail}" if outcome.detail else ""
        word = outcome.outcome.replace("_", " ")
        _rows("", spelled(f"{outcome.id}  {word}{who}{when}{detail}"))


def print_event(event: dict[str, Any]) -> None:
    """One line of the trace."""
    when = datetime.fromtimestamp(event["at"]).strftime("%H:%M:%S.%f")[:-3]
    depth = "  " * event["ns"].count("|") + ("  " if event["ns"] else "")
    node = inline(event["node"]) if event["node"] else ""
    where = safe(f"{depth}{inline(event['kind']):<11} {node}")
    thread = safe(inline(event["thread_id"]))
    _rows(f"{when}  {thread:<16}  {where:<24}  ", spelled(pairs(event["data"])))


def _print_action(number: int, count: int, action: dict[str, Any], verdict: Any) -> None:
    title = f"action {number} of {count}" if count > 1 else "action"
    risk = (action["risk_class"] or "unrated").upper()
    click.echo()
    _field(title, f"{inline(action['tool_name'])}  risk {risk}")
    for name, value in named(action["tool_args"]):
        text = isinstance(value, str) and not isinstance(value, Mask)
        lines = _spelled_lines(value) if text else json_lines(value)
        _lines(Safe(f"  {safe(inline(name))} ({_kind(value)})"), lines)
    if masked := action.get("masked"):
        _field("masked", f"{', '.join(masked)}: --reveal shows what is there")
    if action["side_effects"]:
        _field("effects", ", ".join(action["side_effects"]))
    for words in (action["rationale"], action["description"]):
        if words:
            _block("the agent says", words)
    if verdict:
        _field("verdict", verdict["kind"])


def _field(name: str, value: Any) -> None:
    _rows(f"{name:<12} ", spelled(str(value)))


def _block(name: str, value: str) -> None:
    _lines(safe(name), _spelled_lines(value))


def _spelled_lines(text: str) -> list[Safe]:
    return [spelled(line) for line in text.split("\n")]


def _lines(name: Safe, lines: Sequence[Safe]) -> None:
    """A value of any length; every row of it carries a gutter, so that none can pose as ours."""
    if len(lines) == 1:
        _rows(f"{name}: ", lines[0])
        return
    click.echo(f"{name}:")
    for at in range(0, len(lines), TOGETHER):
        _rows(GUTTER, *lines[at : at + TOGETHER])


def _rows(head: str, *lines: Safe) -> None:
    """Each after the head. A terminal gets rows that fit; those after the first are marked."""
    width = terminal_width()
    told = (Safe(f"{head}{line}".rstrip()) for line in lines)
    click.echo("\n".join(row for line in told for row in marked_rows(line, width, MORE)))


def _kind(value: Any) -> str:
    names = {"NoneType": "null", "dict": "object", "Mask": "masked"}
    return names.get(type(value).__name__, type(value).__name__)
