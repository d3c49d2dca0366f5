"""Any value as bounded JSON data for an event, without ground truth. Never raises, whatever the
value is."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sized
from enum import Enum
from typing import Any

from hitloop_tui.attach.decode import TYPE
from hitloop_tui.attach.ground_truth import STATE_KEYS
from hitloop_tui.attach.masks import MASKS, Masks, is_secret
from hitloop_tui.attach.out_of_texts import DOTS, in_texts, without
from hitloop_tui.attach.secrets_in_json import secrets_in

LIMIT = 2000
"""Characters of JSON text kept of one value."""
_DEPTH = 6


def preview(value: Any, limit: int = LIMIT, masks: Masks = MASKS) -> Any:
    """The value as JSON data; a long one becomes its text, cut, saying how much was cut."""
    reading = _Reading(limit, masks)
    try:
        plain = reading.plain(value, _DEPTH)
        if reading.masked:
            plain = in_texts(without(reading.masked), plain)
        text = json.dumps(plain, ensure_ascii=False)
    except Exception as error:
        return f"<{type(value).__name__}: cannot be shown: {type(error).__name__}>"
    return plain if len(text) <= limit else cut(text, limit, reading.lost)


def cut(text: str, limit: int = LIMIT, lost: int = 0) -> str:
    """At most `limit` characters, and how many more there were; `lost` are missing already."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… {len(text) - limit + lost:,} more characters"


class _Reading:
    """Turns a value into JSON data, looking at no more items than there is room for."""

    def __init__(self, limit: int, masks: Masks) -> None:
        self.lost = 0
        """Characters cut from strings so far."""
        self._limit = limit // 2
        self._items_left = limit
        self._masks = masks
        self.masked: list[Any] = []
        """Values that are left out, also where a text repeats them."""

    def plain(self, value: Any, depth: int) -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self._text(self._without_secrets(value))
            case Enum():
                return self.plain(value.value, depth)
            case bytes() | bytearray():
                return f"<{len(value)} bytes>"
        if depth == 0:
            return "…"
        match value:
            case Mapping():
                return self._mapping(value, depth)
            case list() | tuple() | set() | frozenset():
                return self._sequence(value, depth)
        return self._object(value, depth)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if STATE_KEYS & value.keys():
            value = {key: item for key, item in value.items() if key not in STATE_KEYS}
        for key in self._affordable(value):
            item = value[key]
            if self._masks.hides(key, item) or (is_secret(value) and key != TYPE):
                self.masked.append(item)
                item = DOTS
            found[self._text(str(key))] = self.plain(item, depth - 1)
        return {**found, **({"…": _more(value, found)} if len(found) < len(value) else {})}

    def _sequence(self, value: Any, depth: int) -> list[Any]:
        found = [self.plain(item, depth - 1) for item in self._affordable(value)]
        return [*found, *([f"… {_more(value, found)}"] if len(found) < len(value) else [])]

    def _affordable(self, items: Iterable[Any]) -> Iterable[Any]:
        for item in items:
            if self._items_left <= 0:
                return
            self._items_left -= 1
            yield item

    def _object(self, value: Any, depth: int) -> Any:
        with contextlib.suppress(Exception):
            if hasattr(value, "model_dump"):
                fields = _message(value) if hasattr(value, "content") else value.model_dump()
                return self.plain(fields, depth)
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
                return self.plain(fields, depth)
        return self._text(repr(value))

    def _without_secrets(self, text: str) -> str:
        if self._masks.may_be_in(text):
            self.masked += [value for *_, value in secrets_in(text, self._masks.hides)]
        return text

    def _text(self, text: str) -> str:
        self.lost += max(0, len(text) - self._limit)
        return cut(text, self._limit)


def _more(whole: Sized, found: Sized) -> str:
    return f"{len(whole) - len(found):,} more"


def _message(message: Any) -> dict[str, Any]:
    """What a reader wants of a LangChain message, without ids and usage counts."""
    fields = {"type": message.type, "content": message.content}
    for name in ("name", "tool_calls"):
        if getattr(message, name, None):
            fields[name] = getattr(message, name)
    return fields
