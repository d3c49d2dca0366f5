"""The digest an approval is bound to.

RFC 8785 (JSON Canonicalization Scheme) where JSON can say the value; a type-tagged form where it
cannot (integers beyond 2**53, NaN, bytes, non-string keys, ...), so that two different values never
share a digest. Plain JSON never contains the tag key below by accident: a dict that holds it is
itself written in the tagged form.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

TAG = "\u0000hitloop"
SAFE_INTEGER = 2**53
SAYS_ALL = date | time | timedelta | Decimal | Fraction | PurePath | UUID
"""Types of which two values are the same when their texts are."""


def action_digest(tool_name: str, tool_args: dict[str, Any]) -> str:
    """SHA-256 over tool name and arguments: 64 hex digits."""
    text = canonical_json({"tool_args": tool_args, "tool_name": tool_name})
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical_json(value: Any) -> str:
    """`value` as canonical JSON text; equal texts mean equal values of equal types."""
    return _ENCODER.encode(value) if _ordinary(value) else _written(value)


def _ordinary(value: Any) -> bool:
    """Whether the C encoder writes the same text: a fifth of the time, for nearly all arguments."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-SAFE_INTEGER < value < SAFE_INTEGER)
    if kind is float:
        return "e" not in (text := repr(value)) and "n" not in text
    if kind is dict:
        return all(type(key) is str and key.isascii() and key != TAG for key in value) and all(
            map(_ordinary, value.values())
        )
    if kind is list:
        return all(map(_ordinary, value))
    return False


def _written(value: Any) -> str:
    match value:
        case None | bool():
            return json.dumps(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() if abs(value) < SAFE_INTEGER:
            return str(int(value))
        case int():
            return _tagged("int", str(int(value)))
        case float():
            return _float(value)
        case dict():
            return _dict(value)
        case list():
            return "[" + ",".join(map(canonical_json, value)) + "]"
        case tuple():
            return canonical_json(list(value))  # msgpack and JSON both turn tuples into lists
        case bytes() | bytearray():
            return _tagged("bytes", bytes(value).hex())
        case set() | frozenset():  # their order changes from process to process
            return _tagged("set", ",".join(sorted(map(canonical_json, value))))
        case _ if hasattr(value, "get_secret_value"):  # str() of a pydantic secret is stars
            return _tagged("secret", canonical_json(value.get_secret_value()))
        case type():
            return _tagged("type", _name(value))
        case Enum():
            return _tagged(_name(type(value)), value.name)
        case _ if isinstance(value, SAYS_ALL):
            return _tagged(_name(type(value)), str(value))
        case _:
            return _tagged(_name(type(value)), canonical_json(_parts(value)))


def _parts(value: Any) -> Any:
    """What an object is made of: its fields, or what `copy` would take it apart into.

    Its text would not do: it may be cut, or be the same for two of them.
    """
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    names = getattr(type(value), "model_fields", None)
    if names is not None:
        return {name: getattr(value, name) for name in names} | (value.model_extra or {})
    if callable(value) and hasattr(value, "__qualname__"):
        return _name(value)
    try:
        return list(value.__reduce_ex__(2))
    except TypeError:  # a lock, a generator, ...: nothing that an argument could be
        return repr(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _tagged(kind: str, text: str) -> str:
    return f"{{{json.dumps(TAG)}:{json.dumps([kind, text], ensure_ascii=False)}}}"


def _float(value: float) -> str:
    """RFC 8785 writes 1.0 as 1, which would merge it with the integer; `1.0` stays apart here."""
    if not math.isfinite(value):
        return _tagged("float", repr(value))
    if value.is_integer():
        return repr(value)
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    if int(exponent) >= -6:  # ECMAScript writes smaller ones with an exponent, without zeros in it
        return f"{Decimal(repr(value)):f}"
    return f"{digits}e{int(exponent)}"


def _dict(value: dict[Any, Any]) -> str:
    if all(isinstance(key, str) for key in value) and TAG not in value:
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical_json(k)}:{canonical_json(value[k])}" for k in keys) + "}"
    pairs = sorted(f"[{canonical_json(k)},{canonical_json(v)}]" for k, v in value.items())
    return _tagged("dict", "[" + ",".join(pairs) + "]")
