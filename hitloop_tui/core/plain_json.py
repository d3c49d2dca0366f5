"""JSON text of any value: one odd key must not hide a whole list.

Checkpoints hold bytes, NaN and keys that are no text. Here they become text, for people and other
programs to read; `core.digest` tells them apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = True) -> str:
    """`value` as strict JSON."""
    dump = partial(json.dumps, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    if sayable(value):  # json.dumps itself would write the keys 1 and "1" as the same name
        with suppress(ValueError):
            return dump(value)
    return dump(_said(value))


def sayable(value: Any) -> bool:
    """Whether Python's JSON gives `value` back as it is; it knows NaN, too."""
    match value:
        case None | bool() | int() | float() | str():
            return True
        case list():
            return all(map(sayable, value))
        case dict():
            return all(isinstance(key, str) for key in value) and all(map(sayable, value.values()))
    return False


def named(items: Mapping[Any, Any], text: Callable[[str], str] = str) -> Iterator[tuple[str, Any]]:
    """Each item with its key as text. No two keys become one: it would hide an item."""
    taken: set[str] = set()
    for key, item in items.items():
        name = text(_name(key))
        while name in taken or (name in items and not isinstance(key, str)):
            name = f"{name} ({type(key).__name__})"
        taken.add(name)
        yield name, item


def _said(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case list() | tuple():
            return [_said(item) for item in value]
        case dict():
            return {name: _said(item) for name, item in named(value)}
    return str(value)


def _name(key: Any) -> str:
    """A key as `json` writes it, and any other as text."""
    if isinstance(key, str):
        return key
    known = {None: "null", True: "true", False: "false"}
    return known[key] if key is None or isinstance(key, bool) else str(key)
