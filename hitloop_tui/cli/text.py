"""Plain text for terminals. Every word from a database passes `safetext` first."""

from __future__ import annotations

import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.inline import inline, pairs
from hitloop_tui.attach.masks import Mask
from hitloop_tui.attach.summary import one_line
from hitloop_tui.cli.json_text import json_lines
from hitloop_tui.cli.shown import due_in
from hitloop_tui.core.plain_json import named
from hitloop_tui.safetext import Safe, safe, safe_any, safe_lines

SHORT_ID = 8
_COLOURS = {"high": "red", "medium": "yellow", "low": "green"}
_COLUMNS = (
    *(("ID", 8), ("RISK", 7), ("STATE", 9), ("TOOL", 18), ("AGENT", 10), ("THREAD", 14)),
    ("NOTE", 24),
)
"""Titles and greatest widths; NOTE is there when a row has one."""


def print_inbox(found: Sequence[dict[str, Any]]) -> None:
    """One line a Review; the last column takes what is left of the terminal."""
    if not found:
        click.echo("nothing waits", err=True)
        return
    rows = [_cells(shown) for shown in found]
    columns = _COLUMNS if any(row[-1] for row in rows) else _COLUMNS[:-1]
    widths = [
        max(len(title), min(width, max(_cells_of(row[n]) for row in rows)))
        for n, (title, width) in enumerate(columns)
    ]
    rest = max(20, _terminal_width() - sum(widths) - 2 * len(widths) - 6)
    titles = [title.ljust(width) for (title, _), width in zip(columns, widths, strict=True)]
    click.echo("  ".join([*titles, "AGE ", "ARGUMENTS"]))
    for shown, row in zip(found, rows, strict=True):
        cells = [_fit(cell, width) for cell, width in zip(row, widths, strict=False)]
        cells[1] = click.style(cells[1], fg=_COLOURS.get(shown["risk_class"] or ""))
        click.echo(
            "  ".join([*cells, _age(shown["requested_at"]).ljust(4), _arguments(shown, rest)])
        )


def print_review(shown: dict[str, Any]) -> None:
    """One Review in full: nothing is cut."""
    _field("review", f"{shown['id']}  {shown['state']}  {shown.get('detail', '')}".rstrip())
    _field("thread", shown["thread_id"])
    if "requested_at" not in shown:
        _print_history(shown["history"])
        return
    _field("agent", f"{shown['graph_id'] or '?'}  node {shown['node'] or '?'}")
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
        yield "deadline", f"{shown['deadline']} ({f'in {_span(due)}' if due else 'passed'}{then})"
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
        lines.append(safe(f"{past['at']}  {past['what']}{who}{detail}"))
    _lines("history", lines)


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        who = f" by {outcome.decided_by}" if outcome.decided_by else ""
        when = f" at {outcome.decided_at}" if outcome.decided_at else ""
        detail = f": {outcome.detail}" if outcome.detail else ""
        word = outcome.outcome.replace("_", " ")
        click.echo(safe(f"{outcome.id}  {word}{who}{when}{detail}"))


def print_event(event: dict[str, Any]) -> None:
    """One line of the trace."""
    when = datetime.fromtimestamp(event["at"]).strftime("%H:%M:%S.%f")[:-3]
    depth = "  " * event["ns"].count("|") + ("  " if event["ns"] else "")
    where = f"{depth}{event['kind']:<11} {event['node']}"
    cells = [f"{safe(event['thread_id']):<16}", f"{safe(where):<24}", safe(pairs(event["data"]))]
    click.echo("  ".join([when, *cells]).rstrip())


def _cells(shown: dict[str, Any]) -> list[Safe]:
    tools = [action["tool_name"] for action in shown["actions"]] or ["-"]
    more = f" +{len(tools) - 1}" if len(tools) > 1 else ""
    return [
        safe(shown["id"][:SHORT_ID]),
        safe((shown["risk_class"] or "unrated").upper()),
        safe(shown["state"]),
        Safe(safe(inline(tools[0])) + more),
        safe_any(shown["graph_id"] or "-"),
        safe(shown["thread_id"]),
        safe(_note(shown)),
    ]


def _note(shown: dict[str, Any]) -> str:
    """What there is to know or to do besides the state."""
    notes, due = [], due_in(shown)
    if due is not None and shown["allowed"]:
        notes.append(f"due in {_span(due)}")
    if shown["escalated"]:
        notes.append("escalated")
    if shown["quorum"] > 1 and shown["allowed"]:
        notes.append(f"{len(shown['approved_by'])} of {shown['quorum']} approved")
    if shown["claimed_by"]:
        notes.append(f"{shown['claimed_by']} looks")
    if shown["acts"]:
        notes.append("/".join(shown["acts"]))
    return ", ".join(notes)


def _arguments(shown: dict[str, Any], width: int) -> str:
    args = shown["actions"][0]["tool_args"] if shown["actions"] else {}
    start = one_line(args)
    return _cut(safe(start.text), width, start.hidden, counted=start.counted)


def _print_action(number: int, count: int, action: dict[str, Any], verdict: Any) -> None:
    title = f"action {number} of {count}" if count > 1 else "action"
    risk = (action["risk_class"] or "unrated").upper()
    click.echo()
    _field(title, f"{action['tool_name']}  risk {risk}")
    for name, value in named(action["tool_args"]):
        text = isinstance(value, str) and not isinstance(value, Mask)
        lines = safe_lines(value) if text else json_lines(value)
        _lines(f"  {name} ({_kind(value)})", lines)
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
    click.echo(f"{safe(name):<12} {safe_any(value)}")


def _block(name: str, value: str) -> None:
    _lines(name, safe_lines(value))


def _lines(name: str, lines: Sequence[Safe]) -> None:
    """A value of any length; every line of it carries a gutter, so that none can pose as ours."""
    if len(lines) == 1:
        click.echo(f"{safe(name)}: {lines[0]}")
        return
    click.echo(f"{safe(name)}:")
    for line in lines:
        click.echo(f"    │ {line}")


def _kind(value: Any) -> str:
    names = {"NoneType": "null", "dict": "object", "Mask": "masked"}
    return names.get(type(value).__name__, type(value).__name__)


def _fit(cell: str, width: int) -> str:
    cut = _cut(cell, width)
    return cut + " " * (width - _cells_of(cut))


def _cut(text: str, width: int, hidden: int = 0, *, counted: bool = True) -> str:
    """`text` in at most `width` cells, with the number of characters that are not shown.

    `hidden` of them are missing from its end already, or more where they were not `counted`.
    """
    if not hidden and len(text) <= width and _cells_of(text) <= width:
        return text
    kept = text[:width]
    while True:
        mark = f"…+{len(text) - len(kept) + hidden:,}{'' if counted else '+'}"
        if not kept or _cells_of(kept) + len(mark) <= width:
            return kept + mark
        kept = kept[:-1]


def _cells_of(text: str) -> int:
    """Terminal cells: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in ("Mn", "Me") for char in text)


def _age(asked: str) -> str:
    return _span(max(0, time.time() - datetime.fromisoformat(asked).timestamp()))


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def _terminal_width() -> int:
    return shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else 160
