"""Any payload as JSON text. Telemetry must not fail because of what an agent put into a value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

DEEPEST = 50
"""Levels of a value that cannot be written as it is; what lies deeper is written as its type."""


def to_json(value: Any) -> str:
    """ASCII JSON. What JSON cannot say becomes text, NaN and infinity become null."""
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_tamed(value, DEEPEST), allow_nan=False)


def as_text(text: str) -> str:
    """`text` as SQLite takes it: half a surrogate pair is written as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _say(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(mode="python")
        case bytes() | bytearray():
            return bytes(value).hex()
        case set() | frozenset():
            return sorted(value, key=str)
        case BaseException():
            return f"{type(value).__name__}: {value}"
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()
        case _:
            return _as_words(value)


def _as_words(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # somebody else's __str__
        return f"<{type(value).__name__}>"


def _tamed(value: Any, levels: int) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return value if math.isfinite(value) else None
        case _ if levels == 0:
            return f"<{type(value).__name__}>"
        case Mapping():
            return {_as_words(key): _tamed(item, levels - 1) for key, item in value.items()}
        case list() | tuple():
            return [_tamed(item, levels - 1) for item in value]
        case _:
            return _tamed(_say(value), levels - 1)


_ENCODER = json.JSONEncoder(default=_say, allow_nan=False, separators=(",", ":"))
