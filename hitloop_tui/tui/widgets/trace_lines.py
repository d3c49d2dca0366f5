"""An event of the trace as a line of text. Pure."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from hitloop_tui.attach.events import Event
from hitloop_tui.attach.review import Kind
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import BAD, FAINT, GOOD, MUTED, WARN
from hitloop_tui.tui.glyphs import G, ascii_only
from hitloop_tui.tui.widgets.card_sections import VERDICT_WORDS
from hitloop_tui.tui.widgets.rows import TIED, Line, Part, own
from hitloop_tui.tui.widgets.values import counted

THREAD_CELLS = 13
LABEL_CELLS = 11
"""Cells of time and glyph; later rows start below the text."""
MAX_TEXT = 400
"""Characters of an error or a question that a line shows."""
MAX_VALUE = 80
"""The same for results and updates: what passes by, not what needs a person."""
WORTH_CUTTING = 24
"""Characters that are not cut, since saying so takes as much room."""
MAX_SAID = 16_384
"""Characters of one message that are shown."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
_STORED = '"__type__": "langchain_core.messages.'
_SAID = re.compile(
    r'"__type__": "langchain_core\.messages\.\w+\.(\w+?)(?:Message)?(?:Chunk)?",'
    r' "content": "((?:[^"\\]|\\.)+)'
)
_START = ">" if ascii_only() else "▸"
_SPEECH = '"' if ascii_only() else "❝"

Words = tuple[Part, ...]


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
    head = _line(event, (own(_SPEECH), MUTED), ((safe(first), ""),), with_thread)
    lines = [head, *(Line(((own(" " * LABEL_CELLS), ""), (safe(each), ""))) for each in rest)]
    lines = [Line(each.parts, hang=LABEL_CELLS) for each in lines]
    if missing > 0:
        note = own(f"+{counted(missing, 'character')} not shown")
        lines.append(Line(((own(" " * LABEL_CELLS), ""), (note, WARN))))
    return lines


def short_thread(thread_id: str) -> Safe:
    """A thread's name in few cells: the start of a UUID, the end of anything else long."""
    if len(thread_id) <= THREAD_CELLS:
        return safe(thread_id)
    if _UUID.match(thread_id):
        return safe(thread_id[:8])
    return Safe(G.ellipsis + safe(thread_id[-(THREAD_CELLS - 1) :]))


def duration(milliseconds: float) -> str:
    """`420 ms`, `1.4 s`, `2 m 05 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} m {seconds % 60:02.0f} s"


def _tied(milliseconds: float) -> Safe:
    """A duration that no row divides."""
    return own(duration(milliseconds).replace(" ", TIED))


def brief(value: Any, limit: int = MAX_TEXT) -> Safe:
    """A value on one line; what is cut is counted."""
    match value:
        case None:
            return own("")
        case str():
            text = value
        case Mapping():
            text = ", ".join(f"{key}: {_compact(item)}" for key, item in value.items())
        case _:
            text = _compact(value)
    text = text.replace("\n", " ")
    hidden = len(text) - limit
    if hidden <= WORTH_CUTTING:
        return safe(text)
    note = f" {G.ellipsis} +{counted(hidden, 'character')}"
    return Safe(safe(text[:limit]) + note)


def _compact(value: Any) -> str:
    match value:
        case str():
            return _stored_messages(value) or value
        case [{"type": str(), "content": str()}, *_] if all(map(_is_message, value)):
            return "; ".join(f"{said['type']}: {said['content']}" for said in value)
    return json.dumps(value, default=repr, ensure_ascii=False)


def _stored_messages(text: str) -> str:
    """What was said, of messages as checkpoints store them; empty for anything else."""
    if _STORED not in text[:60]:
        return ""
    return "; ".join(f"{role.lower()}: {_unquoted(said)}" for role, said in _SAID.findall(text))


def _unquoted(said: str) -> str:
    try:
        return str(json.loads(f'"{said}"'))
    except ValueError:
        return said


def _is_message(value: Any) -> bool:
    match value:
        case {"type": str(), "content": str(content)}:
            return bool(content)
    return False


def _line(event: Event, glyph: Part, words: Words, with_thread: bool) -> Line:
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    thread = f"{short_thread(event.thread_id):<{THREAD_CELLS}} " if with_thread else ""
    node = "" if event.node == "__start__" else safe(event.node)
    parts = (
        (own(f"{clock} "), FAINT),
        (own(f"{glyph[0]} "), glyph[1]),
        (own(thread), MUTED),
        (own("  " * _depth(event.ns) + (f"{node}  " if node else "")), "bold"),
        *words,
    )
    shown = tuple((text, style) for text, style in parts if text)
    return Line(shown, hang=LABEL_CELLS)


def _depth(ns: str) -> int:
    """How many graphs deep: `outer:uuid|inner:uuid` is two."""
    return ns.count("|") + 1 if ns else 0


def _superstep(event: Event, with_thread: bool) -> Line:
    """A separator within one thread; among many threads a rule would separate nothing."""
    step, source = event.data.get("step"), event.data.get("source")
    told = f"  {safe(str(source))}" if source not in (None, "loop", "input") else ""
    words = own(f"{f'step {step}' if isinstance(step, int) and step >= 0 else 'start'}{told}")
    if with_thread:
        line = _line(event, (own(G.dash), FAINT), ((words, FAINT),), True)
        return Line(tuple((text, FAINT) for text, _ in line.parts), hang=LABEL_CELLS)
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
        return ((_tied(took), FAINT),)
    return ((brief(event.data.get("result")), MUTED),)


def _asked(event: Event) -> Words:
    value = event.data.get("value")
    return (own("asks  "), WARN), (_question(value), "")


def _question(value: Any) -> Safe:
    """The tools or the text that an interrupt is about."""
    found = _tools(value)
    return own(", ".join(found)) if found else brief(value)


def _tools(value: Any) -> list[Safe]:
    match value:
        case {"action_requests": [*requests]}:
            return [safe(str(r.get("name"))) for r in requests if isinstance(r, Mapping)]
        case [{"action_request": {"action": action}}] | {"action_request": {"action": action}}:
            return [safe(str(action))]
    return []


def _failed(event: Event) -> Words:
    text = event.data.get("error", event.data.get("detail"))
    took = event.data.get("duration_ms")
    after = f"  after {_tied(took)}" if isinstance(took, int | float) else ""
    return (brief(text), BAD), (own(after), FAINT)


def _value(event: Event) -> Words:
    return ((brief(event.data.get("value"), MAX_VALUE), MUTED),)


def _decided(event: Event) -> Words:
    tools, verdicts = event.data.get("tools") or [], event.data.get("verdicts") or []
    words: list[Part] = []
    for number, said in enumerate(verdicts):
        tool = tools[number] if number < len(tools) else "?"
        word, style = _verdict(said)
        comma = ", " if number else ""
        words += [(own(comma + word), style), (own(f" {safe(str(tool))}"), "")]
    by = safe(str(event.data.get("decided_by") or "somebody"))
    return *words, (own(f"  by {by}"), MUTED)


def _verdict(said: Any) -> tuple[str, str]:
    try:
        _, word, style = VERDICT_WORDS[Kind(said)]
    except ValueError:
        return safe(str(said)), MUTED
    return word, style


def _resumed(event: Event) -> Words:
    count = len(event.data.get("ids") or ())
    return ((own(f"resumes with {counted(count, 'answer')}" if count > 1 else "resumes"), MUTED),)


def _outcome(word: str, style: str) -> Callable[[Event], Words]:
    def words(event: Event) -> Words:
        detail = event.data.get("detail")
        return (own(word), style), (own(f"  {brief(detail)}" if detail else ""), MUTED)

    return words


def _labelled(label: str, value: Any) -> Words:
    text = brief(value, MAX_VALUE)
    return (own(f"{label}  " if text else label), MUTED), (text, MUTED)


def _stored(event: Event) -> Words:
    return ((own("answer stored"), MUTED),)


def _cancelled(event: Event) -> Words:
    return ((own("stopped, because another task failed"), MUTED),)


def _said(event: Event) -> Words:
    return ((brief(event.data.get("text")), ""),)


def _unknown(event: Event) -> Words:
    return _labelled(safe(event.kind), event.data)


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
    "error": (G.failed, BAD, _failed),
}
