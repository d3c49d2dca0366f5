"""A value as indented JSON for eyes: every text in it passes `safetext` once, and only once.

`safe(json.dumps(...))` would double the backslashes that JSON has just added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from hitloop_tui.attach.masks import Mask
from hitloop_tui.core.plain_json import named
from hitloop_tui.safetext import Safe, safe

_INDENT = "  "


def json_lines(value: Any) -> list[Safe]:
    """The lines of `value`; a quote inside a text is written `\\"`."""
    return list(_lines(value, "", "", ""))


def _lines(value: Any, indent: str, head: str, end: str) -> Iterator[Safe]:
    """`head` stands before the value, `end` after it."""
    match value:
        case dict() if value:
            yield Safe(f"{indent}{head}{{")
            items = ((f"{_leaf(name)}: ", item) for name, item in named(value))
            yield from _inside(items, len(value), indent + _INDENT)
            yield Safe(f"{indent}}}{end}")
        case list() if value:
            yield Safe(f"{indent}{head}[")
            yield from _inside((("", item) for item in value), len(value), indent + _INDENT)
            yield Safe(f"{indent}]{end}")
        case _:
            yield Safe(f"{indent}{head}{_leaf(value)}{end}")


def _inside(items: Iterable[tuple[str, Any]], count: int, indent: str) -> Iterator[Safe]:
    for number, (head, item) in enumerate(items, 1):
        yield from _lines(item, indent, head, "," if number < count else "")


def _leaf(value: Any) -> Safe:
    if isinstance(value, Mask):
        return safe(value)
    if isinstance(value, str):
        return Safe('"' + safe(value).replace('"', '\\"') + '"')
    if type(value) is int:
        return Safe(str(value))
    return safe(json.dumps(value, default=str))
