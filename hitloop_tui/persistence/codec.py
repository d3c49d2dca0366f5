"""Records as JSON text that gives back the very values: nothing is turned into something similar.

Plain JSON stands as it is. What JSON would change (tuples, keys that are no strings, NaN) or
cannot say (bytes, dates, decimals, sets) is written as `{TAG: [kind, value]}`. Text is ASCII, so
that a lone surrogate or a NUL in an agent's words fits into any database.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hitloop_tui.errors import BadInput

TAG = "\u0000hitloop"
JSON_INTEGER = 2**63
LONGEST_KEY = 1000

_READ: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "float": float,
    "bytes": bytes.fromhex,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "decimal": Decimal,
    "uuid": UUID,
    "tuple": lambda items: tuple(map(_read, items)),
    "set": lambda items: frozenset(map(_read, items)),
    "dict": lambda pairs: _dict_of([(_read(key), _read(value)) for key, value in pairs]),
}


def encode(value: Any) -> str:
    """`value` as text. Raises BadInput for a type that no store can keep."""
    try:
        return json.dumps(_plain(value), separators=(",", ":"))
    except RecursionError:
        raise BadInput("the value is nested too deeply to be stored") from None


def decode(text: str) -> Any:
    """The value that `encode` was given."""
    return _read(json.loads(text))


def escaped(text: str) -> str:
    """`text` in printable ASCII; `unescaped` gives it back."""
    clean = text.isascii() and text.isprintable() and "\\" not in text
    return text if clean else json.dumps(text)[1:-1]


def unescaped(text: str) -> str:
    return str(json.loads(f'"{text}"')) if "\\" in text else text


def column(text: str) -> str:
    """`text` for a column with an index: escaped, and hashed when it is long.

    PostgreSQL's indexes take 2,704 bytes a row. Different texts stay different.
    """
    short = escaped(text)
    if len(short) <= LONGEST_KEY:
        return short
    return f"\\sha256:{hashlib.sha256(short.encode()).hexdigest()}"  # no escape of JSON's


def _plain(value: Any) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return str.__str__(value)
        case int():
            return int(value) if abs(value) < JSON_INTEGER else _tagged("int", hex(value))
        case float():
            return float(value) if math.isfinite(value) else _tagged("float", repr(float(value)))
        case list():
            return list(map(_plain, value))
        case dict():
            return _dict(value)
        case _:
            return _other(value)


def _dict(value: dict[Any, Any]) -> Any:
    if all(type(key) is str for key in value) and TAG not in value:
        return {key: _plain(item) for key, item in value.items()}
    return _tagged("dict", [[_plain(key), _plain(item)] for key, item in value.items()])


def _other(value: Any) -> Any:
    match value:
        case tuple():
            return _tagged("tuple", list(map(_plain, value)))
        case set() | frozenset():
            return _tagged("set", list(map(_plain, value)))
        case bytes() | bytearray():
            return _tagged("bytes", bytes(value).hex())
        case datetime() | date() | time():
            kind = next(t for t in (datetime, date, time) if isinstance(value, t))
            return _tagged(kind.__name__, value.isoformat())
        case timedelta():
            return _tagged("timedelta", [value.days, value.seconds, value.microseconds])
        case Decimal() | UUID():
            return _tagged(type(value).__name__.lower(), str(value))
        case _:
            raise BadInput(f"a value of type {type(value).__qualname__} cannot be stored")


def _dict_of(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in a stored object")
    return found


def _tagged(kind: str, value: Any) -> dict[str, Any]:
    return {TAG: [kind, value]}


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_read, value))
    if not isinstance(value, dict):
        return value
    if TAG in value:
        kind, content = value[TAG]
        return _READ[kind](content)
    return {key: _read(item) for key, item in value.items()}
