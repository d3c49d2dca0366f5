"""Any value as one line for a person: `to=ann@x.org lines=[{sku: A-1, count: 2}]`.

JSON would do, but `safetext` doubles its backslashes. Texts that could be taken for something else
stand in quotes, with quotes in them doubled. The result is raw: it still has to pass `safe`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from hitloop_tui.attach.masks import DOTS, Mask

MAX_DEPTH = 64
"""Levels that are written out; what lies deeper is counted, as in `{3 keys}`."""
CHUNK = 4096
"""Characters of a text that are taken at once. Longer ones always stand in quotes."""
MAX_PIECES = 5_000
"""Texts, names and signs that are looked at to tell how long a line would be, in some 3 ms."""
_BARE = re.compile(r"[^\s\"'=,{}\[\]…•]+")
_NOT_TEXT = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?|true|false|null|nan|-?inf", re.IGNORECASE)


class Start(NamedTuple):
    """The start of a line."""

    text: str
    hidden: int = 0
    """How many characters more the line has."""
    counted: bool = True
    """Whether these were all; otherwise there are more than `hidden`."""


def inline(value: Any) -> str:
    return "".join(_pieces(value))


def pairs(values: Mapping[Any, Any]) -> str:
    """`key=value` pairs of a mapping."""
    return "".join(_pairs(values.items()))


def start_of(items: Iterable[tuple[Any, Any]], limit: int) -> Start:
    """The first `limit` characters of `key=value` pairs, made from no more than is shown."""
    shown: list[str] = []
    room, hidden = limit, 0
    for number, piece in enumerate(_pairs(items)):
        if number == MAX_PIECES:
            return Start("".join(shown), hidden, counted=False)
        shown.append(piece[:room])
        room -= len(shown[-1])
        hidden += len(piece) - len(shown[-1])
    return Start("".join(shown), hidden)


def _pairs(items: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    for number, (key, value) in enumerate(items):
        yield " " if number else ""
        yield from _pieces(key)
        yield "="
        yield from _pieces(value)


def _pieces(value: Any, depth: int = MAX_DEPTH) -> Iterator[str]:
    match value:
        case Mask():
            yield DOTS
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case str():
            yield from _text(value)
        case bytes() | bytearray():
            yield f"({len(value):,} bytes)"
        case dict() if depth:
            for number, (key, inner) in enumerate(value.items()):
                yield ", " if number else "{"
                yield from _pieces(key)
                yield ": "
                yield from _pieces(inner, depth - 1)
            yield "}" if value else "{}"
        case list() | tuple() if depth:
            for number, inner in enumerate(value):
                yield ", " if number else "["
                yield from _pieces(inner, depth - 1)
            yield "]" if value else "[]"
        case dict():
            yield f"{{{len(value):,} keys}}"
        case list() | tuple():
            yield f"[{len(value):,} items]"
        case _:
            yield str(value)


def _text(text: str) -> Iterator[str]:
    if len(text) <= CHUNK and _BARE.fullmatch(text) and not _NOT_TEXT.fullmatch(text):
        yield text
        return
    yield '"'
    for at in range(0, len(text), CHUNK):
        yield text[at : at + CHUNK].replace('"', '""')
    yield '"'
