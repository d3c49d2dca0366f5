"""A value as indented JSON for eyes: every text in it passes `safetext` once, and only once.

`safe(json.dumps(...))` would double the backslashes that JSON has just added.
"""

from __future__ import annotations

import json
from typing import Any

from hitloop_tui.attach.masks import Mask
from hitloop_tui.core.plain_json import named
from hitloop_tui.safetext import Safe, safe

_INDENT = "  "


def json_lines(value: Any) -> list[Safe]:
    """The lines of `value`; a quote inside a text is written `\\"`."""
    match value:
        case dict() if value:
            items = [_after(f"{_leaf(name)}: ", json_lines(item)) for name, item in named(value)]
            return _enclosed("{", items, "}")
        case list() if value:
            return _enclosed("[", [json_lines(item) for item in value], "]")
    return [_leaf(value)]


def _leaf(value: Any) -> Safe:
    if isinstance(value, Mask):
        return safe(value)
    if isinstance(value, str):
        return Safe('"' + safe(value).replace('"', '\\"') + '"')
    return safe(json.dumps(value, default=str))


def _after(prefix: str, lines: list[Safe]) -> list[Safe]:
    return [Safe(prefix + lines[0]), *lines[1:]]


def _enclosed(opening: str, items: list[list[Safe]], closing: str) -> list[Safe]:
    inner = [line for item in items[:-1] for line in _ended(item)] + items[-1]
    return [Safe(opening), *(Safe(_INDENT + line) for line in inner), Safe(closing)]


def _ended(lines: list[Safe]) -> list[Safe]:
    return [*lines[:-1], Safe(lines[-1] + ",")]
