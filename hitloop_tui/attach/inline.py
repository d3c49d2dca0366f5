"""Any value as one line for a person: `to=ann@x.org lines=[{sku: A-1, count: 2}]`.

JSON would do, but `safetext` doubles its backslashes. Texts that could be taken for something else
stand in quotes, with quotes in them doubled. The result is raw: it still has to pass `safe`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hitloop_tui.attach.masks import DOTS, Mask

MAX_DEPTH = 8
_BARE = re.compile(r"[^\s\"'=,{}\[\]…•]+")
_NOT_TEXT = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?|true|false|null|nan|-?inf", re.IGNORECASE)


def pairs(values: Mapping[Any, Any]) -> str:
    """`key=value` pairs of a mapping."""
    return " ".join(f"{inline(key)}={inline(value)}" for key, value in values.items())


def inline(value: Any, depth: int = MAX_DEPTH) -> str:
    match value:
        case Mask():
            return DOTS
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case bytes() | bytearray():
            return f"({len(value):,} bytes)"
        case dict() | list() | tuple() if depth == 0:
            return "…"
        case dict():
            items = (f"{inline(k)}: {inline(v, depth - 1)}" for k, v in value.items())
            return "{" + ", ".join(items) + "}"
        case list() | tuple():
            return "[" + ", ".join(inline(item, depth - 1) for item in value) + "]"
    return str(value)


def shortened(text: str, limit: int) -> str:
    """`text`, cut to `limit` characters with a mark when it is longer."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def _text(text: str) -> str:
    if _BARE.fullmatch(text) and not _NOT_TEXT.fullmatch(text):
        return text
    return '"' + text.replace('"', '""') + '"'
