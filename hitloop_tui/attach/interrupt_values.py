"""The interrupts in the value of a row."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hitloop_tui.attach.decode import Undecodable, digest, loads
from hitloop_tui.attach.oddities import LARGE
from hitloop_tui.attach.remembered import Remembered

NO_INTERRUPT = "it is no Interrupt with an id of LangGraph's"
INTERRUPT_ID = re.compile(r"[0-9a-f]{32}")
"""LangGraph takes a map for an id map only if all its keys look like this (pregel/_loop.py); any
other one would become the next question's answer."""


@dataclass(frozen=True)
class Found:
    """One `Interrupt` of a row."""

    id: str
    value: Any
    schema: dict[str, Any] | None = None
    undecodable: str | None = None
    doubts: tuple[str, ...] = ()
    """What the row holds beside them."""

    @cached_property
    def digest(self) -> str:
        return digest(self.value, self.schema)


_LAST: Remembered[list[Found]] = Remembered(2)
"""The last large rows: the inbox, the card, the trace and a decision read the same one."""


def interrupts(type_: str | None, blob: bytes | None) -> list[Found]:
    """The interrupts of a `__interrupt__` row, at least one: it says why when it cannot be read."""
    if not isinstance(blob, bytes) or len(blob) < LARGE:
        return _interrupts(type_, blob)
    key = type_, hashlib.sha256(blob).digest()
    return _LAST.of(key, lambda: _interrupts(type_, blob))


def _interrupts(type_: str | None, blob: bytes | None) -> list[Found]:
    try:
        value = loads(type_, blob)
    except Undecodable as error:
        return [_unreadable(type_, blob, str(error))]
    items = value if isinstance(value, list) and value else [value]
    return [_found(item) or _unreadable(type_, blob, NO_INTERRUPT) for item in items]


def _found(item: Any) -> Found | None:
    match item:
        case {"id": str() as id_, "value": value} if INTERRUPT_ID.fullmatch(id_):
            schema = item.get("response_schema")
            return Found(id_, value, schema if isinstance(schema, dict) else None)
    return None


def _unreadable(type_: str | None, blob: bytes | None, why: str) -> Found:
    data = blob if isinstance(blob, bytes) else repr(blob).encode()
    what = {"stored as": type_, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return Found("", what, undecodable=why)
