"""Old and new arguments, field by field, as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Any

from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import FAINT, MUTED
from hitloop_tui.tui.dialogs.json_text import inert_json
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.rows import Line, Part, own
from hitloop_tui.tui.widgets.values import LINE_END, counted, marked

REMOVED = "$removed-style"
ADDED = "$added-style"
CONTEXT = 2
"""Unchanged lines of a text that are shown around its changes."""
MAX_UNCHANGED = 120
"""Characters of an unchanged value that are shown."""
LONG_TEXT = 80

_MISSING = object()


def diff_lines(old: dict[str, Any], new: dict[str, Any]) -> list[Line]:
    """`- name: old` and `+ name: new` for each field that differs, the others muted around them."""
    return list(_objects(old, new, 0))


def changed_fields(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Names of arguments that differ, in order."""
    names = dict.fromkeys([*old, *new])
    return [n for n in names if not same(old.get(n, _MISSING), new.get(n, _MISSING))]


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three values."""
    if one is _MISSING or other is _MISSING:
        return one is other
    return type(one) is type(other) and inert_json(one) == inert_json(other)


def _objects(old: dict[str, Any], new: dict[str, Any], depth: int) -> Iterator[Line]:
    for name in dict.fromkeys([*old, *new]):
        yield from _field(name, old.get(name, _MISSING), new.get(name, _MISSING), depth)


def _field(name: str, old: Any, new: Any, depth: int) -> Iterator[Line]:
    label = Safe(inert_json(name, indent=None)[1:-1])
    if same(old, new):
        yield _unchanged(label, new, depth)
        return
    match old, new:
        case dict(), dict():
            yield _heading(label, depth)
            yield from _objects(old, new, depth + 1)
        case list(), list():
            yield _heading(label, depth)
            yield from _lists(old, new, depth + 1)
        case str(), str() if "\n" in old + new:
            yield _heading(label, depth)
            yield from _texts(old, new, depth + 1)
        case _:
            yield from _values(label, old, new, depth)


def _values(label: Safe, old: Any, new: Any, depth: int) -> Iterator[Line]:
    before = None if old is _MISSING else inert_json(old, indent=None)
    after = None if new is _MISSING else inert_json(new, indent=None)
    start, end = _common(before or "", after or "")
    if before is not None:
        yield _signed("-", REMOVED, f"{label}: ", before, depth, start, end)
    if after is not None:
        yield _signed("+", ADDED, f"{label}: ", after, depth, start, end)


def _signed(
    sign: str, style: str, label: str, value: str, depth: int, start: int, end: int
) -> Line:
    """One value; what differs from its counterpart is bold."""
    stop = len(value) - end
    parts = (
        (own(f"{sign} {'  ' * depth}{label}"), style),
        (own(value[:start]), style),
        (own(value[start:stop]), f"bold {style}"),
        (own(value[stop:]), style),
    )
    return Line(tuple(part for part in parts if part[0]), hang=4 + 2 * depth)


def _common(one: str, other: str) -> tuple[int, int]:
    """Lengths of the common start and, beyond it, the common end."""
    limit = min(len(one), len(other))
    start = next((n for n in range(limit) if one[n] != other[n]), limit)
    rest = limit - start
    end = next((n for n in range(rest) if one[-1 - n] != other[-1 - n]), rest)
    return start, end


def _lists(old: list[Any], new: list[Any], depth: int) -> Iterator[Line]:
    before = [inert_json(item, indent=None) for item in old]
    after = [inert_json(item, indent=None) for item in new]
    for tag, a, b, c, d in _opcodes(before, after):
        if tag == "equal":
            yield from _folded([_unchanged(None, item, depth) for item in old[a:b]], depth)
            continue
        paired = b - a == d - c
        for n, item in enumerate(before[a:b]):
            start, end = _common(item, after[c + n]) if paired else (0, len(item))
            yield _signed("-", REMOVED, "", item, depth, start, end)
        for n, item in enumerate(after[c:d]):
            start, end = _common(before[a + n], item) if paired else (0, len(item))
            yield _signed("+", ADDED, "", item, depth, start, end)


def _texts(old: str, new: str, depth: int) -> Iterator[Line]:
    before, after = _text_lines(old), _text_lines(new)
    for tag, a, b, c, d in _opcodes(before, after):
        if tag == "equal":
            yield from _folded([_text_line(" ", FAINT, text, depth) for text in before[a:b]], depth)
            continue
        gone, come = before[a:b], after[c:d]
        pairs = list(zip(gone, come, strict=True)) if len(gone) == len(come) else []
        bold = [_common(safe(was), safe(is_)) for was, is_ in pairs]
        for n, text in enumerate(gone):
            yield _text_line("-", REMOVED, text, depth, bold[n] if bold else None)
        for n, text in enumerate(come):
            yield _text_line("+", ADDED, text, depth, bold[n] if bold else None)


def _text_lines(text: str) -> list[str]:
    """Lines, each with its end: a last line without one differs from one with."""
    lines = [f"{each}\n" for each in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _text_line(
    sign: str, style: str, text: str, depth: int, common: tuple[int, int] | None = None
) -> Line:
    """One line of a text; `common` is how much of its start and end did not change."""
    shown = marked(text.removesuffix("\n"), style)
    if common is not None:
        shown = _bold_between(shown, common[0], len(safe(text)) - common[1])
    end: tuple[Part, ...] = ((own(LINE_END), FAINT),) if text.endswith("\n") else ()
    gutter = own(f"{sign} {'  ' * depth}")
    return Line((*shown, *end), ((gutter, style),))


def _bold_between(parts: tuple[Part, ...], start: int, stop: int) -> tuple[Part, ...]:
    found: list[Part] = []
    at = 0
    for text, style in parts:
        first, last = max(start - at, 0), max(stop - at, 0)
        pieces = ((text[:first], ""), (text[first:last], "bold "), (text[max(first, last) :], ""))
        found += [(own(piece), bold + style) for piece, bold in pieces if piece]
        at += len(text)
    return tuple(found)


def _opcodes(old: list[str], new: list[str]) -> Iterable[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=len(old) > 500).get_opcodes()


def _folded(lines: list[Line], depth: int) -> list[Line]:
    """Unchanged lines; a long run keeps only what is next to the changes."""
    hidden = len(lines) - 2 * CONTEXT
    if hidden <= 1:
        return lines
    words = own(f"  {'  ' * depth}{G.ellipsis} {counted(hidden, 'unchanged line')}")
    return [*lines[:CONTEXT], Line(((words, FAINT),)), *lines[-CONTEXT:]]


def _heading(label: Safe, depth: int) -> Line:
    return Line(((own(f"  {'  ' * depth}{label}:"), MUTED),))


def _unchanged(label: Safe | None, value: Any, depth: int) -> Line:
    text = inert_json(value, indent=None)
    hidden = len(text) - MAX_UNCHANGED
    cut = own(f" {G.ellipsis} +{counted(hidden, 'character')}, unchanged" if hidden > 0 else "")
    name = f"{label}: " if label is not None else ""
    start = own(f"  {'  ' * depth}{name}{text[:MAX_UNCHANGED]}")
    return Line(((start, FAINT), (cut, FAINT)), hang=4 + 2 * depth)
