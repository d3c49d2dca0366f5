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
from typing import Any

TAG = "\u0000hitloop"
SAFE_INTEGER = 2**53


def action_digest(tool_name: str, tool_args: dict[str, Any]) -> str:
    """SHA-256 over tool name and arguments: 64 hex digits."""
    text = canonical_json({"tool_args": tool_args, "tool_name": tool_name})
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical_json(value: Any) -> str:
    """`value` as canonical JSON text; equal texts mean equal values of equal types."""
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
        case _:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            return _tagged(kind, str(value))


def _tagged(kind: str, text: str) -> str:
    return f"{{{json.dumps(TAG)}:{json.dumps([kind, text], ensure_ascii=False)}}}"


def _float(value: float) -> str:
    """RFC 8785 writes 1.0 as 1, which would merge it with the integer; `1.0` stays apart here."""
    if math.isfinite(value):
        return repr(value)
    return _tagged("float", repr(value))


def _dict(value: dict[Any, Any]) -> str:
    if all(isinstance(key, str) for key in value) and TAG not in value:
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical_json(k)}:{canonical_json(value[k])}" for k in keys) + "}"
    pairs = sorted(f"[{canonical_json(k)},{canonical_json(v)}]" for k, v in value.items())
    return _tagged("dict", "[" + ",".join(pairs) + "]")
