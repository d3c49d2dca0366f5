"""An event of the trace as a line of text. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rich.cells import cell_len

from hitloop_tui.attach.events import Event
from hitloop_tui.attach.review import Kind
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import BAD, FAINT, GOOD, MUTED, WARN
from hitloop_tui.tui.glyphs import G, ascii_only
from hitloop_tui.tui.widgets.brief import MAX_VALUE, brief, tied
from hitloop_tui.tui.widgets.card_sections import VERDICT_WORDS
from hitloop_tui.tui.widgets.rows import GAP, TIED, Line, Part, own
from hitloop_tui.tui.widgets.telemetry_lines import TELEMETRY, Words
from hitloop_tui.tui.widgets.values import TOLD, counted, marked, word

THREAD_CELLS = 13
THREAD_ENDS = 8
"""Characters that are shown of a longer name."""
_BELOW: Part = (own(" " * 11), "")
"""As wide as time and glyph."""
MAX_SAID = 16_384
"""Characters of one message that are shown."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
_START = ">" if ascii_only() else "▸"
_SPEECH = '"' if ascii_only() else "❝"


def event_line(event: Event, *, with_thread: bool = True) -> Line:
    """One event on one line; what came of it in words."""
    if event.kind == "superstep":
        return _superstep(event, with_thread)
    glyph, style, words = _HOW.get(event.kind, (G.dot, MUTED, _unknown))
    return _line(event, (own(glyph), style), words(event), with_thread)


def said_lines(event: Event, text: str, *, with_thread: bool = True) -> list[Line]:
    """What a model says, as a paragraph that grows: `text` is all of it so far."""
    missing = len(text) - MAX_SAID
    first, *rest = text[:MAX_SAID].split("\n")
    head = _line(event, (own(_SPEECH), MUTED), marked(first), with_thread)
    lines = [head, *(Line(marked(each), (TOLD,), (_BELOW,)) for each in rest)]
    if missing > 0:
        note = own(f"+{counted(missing, 'character')} not shown")
        lines.append(Line(((note, WARN),), (), (_BELOW,)))
    return lines


def short_thread(thread_id: str) -> Safe:
    """A thread's name in few cells: the start of a UUID, the end of anything else long."""
    if len(thread_id) <= THREAD_CELLS:
        return word(thread_id)
    more = len(thread_id) - THREAD_ENDS
    if _UUID.match(thread_id):
        return Safe(f"{word(thread_id[:THREAD_ENDS])}{G.ellipsis}+{more:,}")
    return Safe(f"+{more:,}{G.ellipsis}{word(thread_id[-THREAD_ENDS:])}")


def _line(event: Event, glyph: Part, words: Words, with_thread: bool) -> Line:
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    thread = short_thread(event.thread_id) if with_thread else ""
    pad = TIED * (THREAD_CELLS - cell_len(thread)) + " " if with_thread else ""
    node = "" if event.node == "__start__" else word(event.node)
    lead = (own(f"{clock} "), FAINT), (own(f"{glyph[0]} "), glyph[1])
    parts = (
        (own(thread + pad), MUTED),
        (own(TIED * 2 * _depth(event.ns) + (f"{node}{GAP}" if node else "")), "bold"),
        *words,
    )
    shown = tuple((text, style) for text, style in parts if text)
    return Line(shown, (TOLD,), lead)


def _depth(ns: str) -> int:
    """How many graphs deep: `outer:uuid|inner:uuid` is two."""
    return ns.count("|") + 1 if ns else 0


def _superstep(event: Event, with_thread: bool) -> Line:
    """A separator within one thread; among many threads a rule would separate nothing."""
    step, source = event.data.get("step"), event.data.get("source")
    told = f"{GAP}{source}" if source in ("update", "fork") else ""
    words = own(f"{f'step {step}' if isinstance(step, int) and step >= 0 else 'start'}{told}")
    if with_thread:
        line = _line(event, (own(G.dash), FAINT), ((words, FAINT),), True)
        return replace(line, parts=tuple((text, FAINT) for text, _ in line.parts))
    parts = ((own(f"{G.dash * 8} {'  ' * _depth(event.ns)}{words} "), FAINT),)
    return Line(parts, right=((own(""), ""),), fill=(own(G.dash), FAINT))


def _started(event: Event) -> Words:
    """The glyph says it."""
    return ()


def _ended(event: Event) -> Words:
    took = event.data.get("duration_ms")
    if event.node == "__start__":
        return _labelled("input", event.data.get("result"))
    if isinstance(took, int | float):
        return ((tied(took), FAINT),)
    return ((brief(event.data.get("result"), MAX_VALUE), MUTED),)


def _asked(event: Event) -> Words:
    value = event.data.get("value")
    return (own(f"asks{GAP}"), WARN), (_question(value), "")


def _question(value: Any) -> Safe:
    """The tools or the text that an interrupt is about."""
    found = _tools(value)
    return own(", ".join(found)) if found else brief(value)


def _tools(value: Any) -> list[Safe]:
    match value:
        case {"action_requests": [*requests]}:
            return [word(str(r.get("name"))) for r in requests if isinstance(r, Mapping)]
        case [{"action_request": {"action": action}}] | {"action_request": {"action": action}}:
            return [word(str(action))]
    return []


def _failed(event: Event) -> Words:
    data = event.data
    text = data.get("error", data.get("detail"))
    if "error_message" in data:
        text = f"{data.get('error_type')}: {data['error_message']}"
    took = data.get("duration_ms")
    after = f"{GAP}after {tied(took)}" if isinstance(took, int | float) else ""
    return (brief(text), BAD), (own(after), FAINT)


def _value(event: Event) -> Words:
    return ((brief(event.data.get("value"), MAX_VALUE), MUTED),)


def _decided(event: Event) -> Words:
    tools, verdicts = event.data.get("tools") or [], event.data.get("verdicts") or []
    words: list[Part] = []
    for number, said in enumerate(verdicts):
        tool = tools[number] if number < len(tools) else "?"
        verb, style = _verdict(said)
        comma = ", " if number else ""
        words += [(own(comma + verb), style), (own(f" {word(str(tool))}"), "")]
    return *words, _by(event)


def _by(event: Event) -> Part:
    by = word(str(event.data.get("decided_by") or "somebody"))
    return own(f"{GAP}by {by}"), MUTED


def _verdict(said: Any) -> tuple[str, str]:
    try:
        _, verb, style = VERDICT_WORDS[Kind(said)]
    except ValueError:
        return word(str(said)), MUTED
    return verb, style


def _resumed(event: Event) -> Words:
    count = len(event.data.get("ids") or ())
    return ((own(f"resumes with {counted(count, 'answer')}" if count > 1 else "resumes"), MUTED),)


def _outcome(became: str, style: str) -> Callable[[Event], Words]:
    def words(event: Event) -> Words:
        detail = event.data.get("detail")
        return (own(became), style), (own(f"{GAP}{brief(detail)}" if detail else ""), MUTED)

    return words


def _done(became: str) -> Callable[[Event], Words]:
    """What a person did besides a verdict."""

    def words(event: Event) -> Words:
        return (own(became), WARN), _by(event)

    return words


def _labelled(label: str, value: Any) -> Words:
    text = brief(value, MAX_VALUE)
    return (own(f"{label}{GAP}" if text else label), MUTED), (text, MUTED)


def _stored(event: Event) -> Words:
    return ((own("answer stored"), MUTED),)


def _cancelled(event: Event) -> Words:
    return ((own("stopped, because another task failed"), MUTED),)


def _said(event: Event) -> Words:
    return ((brief(event.data.get("text")), ""),)


def _unknown(event: Event) -> Words:
    return _labelled(word(event.kind), event.data)


_HOW: dict[str, tuple[str, str, Callable[[Event], Words]]] = {
    "task_start": (_START, MUTED, _started),
    "task_end": (G.mark, MUTED, _ended),
    "interrupt": ("?", WARN, _asked),
    "task_error": (G.failed, BAD, _failed),
    "task_cancelled": (G.stale, MUTED, _cancelled),
    "answer_stored": (G.dot, MUTED, _stored),
    "update": (G.dot, FAINT, _value),
    "custom": (G.bullet, MUTED, _value),
    "token": (_SPEECH, MUTED, _said),
    "decision": (G.live, MUTED, _decided),
    "resume": (G.applying, MUTED, _resumed),
    "applied": (G.applied, GOOD, _outcome("applied", GOOD)),
    "failed": (G.failed, BAD, _outcome("failed", BAD)),
    "stale": (G.stale, WARN, _outcome("stale, not applied", WARN)),
    "blocked": (G.warning, WARN, _outcome("blocked", WARN)),
    "uncertain": (G.uncertain, WARN, _outcome("uncertain", WARN)),
    "undo": (G.dot, WARN, _done("taken back")),
    "retry": (G.dot, WARN, _done("retry ordered")),
    "clear": (G.dot, WARN, _done("clear ordered")),
    "done": (G.dot, WARN, _done("marked done")),
    "dismiss": (G.dot, WARN, _done("dismissed")),
    "cleared": (G.dot, MUTED, _outcome("answer cleared", MUTED)),
    "escalated": (G.warning, WARN, _outcome("escalated: nobody answered in time", WARN)),
    "error": (G.failed, BAD, _failed),
    **TELEMETRY,
}
