"""Any value as bounded JSON data for an event. Never raises, whatever the value is."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from itertools import islice
from typing import Any

LIMIT = 2000
"""Characters of JSON text kept of one value."""
_DEPTH = 6
_ITEMS = 200


def preview(value: Any, limit: int = LIMIT) -> Any:
    """The value as JSON data; a long one becomes its text, cut, saying how much was cut."""
    try:
        plain = _plain(value, _DEPTH)
        text = json.dumps(plain, ensure_ascii=False)
    except Exception as error:
        return f"<{type(value).__name__}: cannot be shown: {type(error).__name__}>"
    return plain if len(text) <= limit else cut(text, limit)


def cut(text: str, limit: int = LIMIT) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… {len(text) - limit:,} more characters"


def _plain(value: Any, depth: int) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case Enum():
            return _plain(value.value, depth)
        case bytes() | bytearray():
            return f"<{len(value)} bytes>"
    if depth == 0:
        return "…"
    match value:
        case Mapping():
            return _items(
                {str(k): _plain(v, depth - 1) for k, v in islice(value.items(), _ITEMS)}, value
            )
        case list() | tuple() | set() | frozenset():
            return _items([_plain(item, depth - 1) for item in islice(value, _ITEMS)], value)
    return _object(value, depth)


def _items(kept: Any, whole: Any) -> Any:
    missing = len(whole) - len(kept)
    if missing <= 0:
        return kept
    note = f"{missing:,} more"
    return {**kept, "…": note} if isinstance(kept, dict) else [*kept, f"… {note}"]


def _object(value: Any, depth: int) -> Any:
    with contextlib.suppress(Exception):
        if _message(value):
            return _plain(_message_fields(value), depth)
        if hasattr(value, "model_dump"):
            return _plain(value.model_dump(), depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            return _plain(fields, depth)
    return repr(value)


def _message(value: Any) -> bool:
    return hasattr(value, "content") and hasattr(value, "type") and hasattr(value, "model_dump")


def _message_fields(message: Any) -> dict[str, Any]:
    """What a reader wants of a LangChain message, without ids and usage counts."""
    fields = {"type": message.type, "content": message.content}
    for name in ("name", "tool_calls"):
        if getattr(message, name, None):
            fields[name] = getattr(message, name)
    return fields
