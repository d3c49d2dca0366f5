"""What stored bytes hold and the value read from them does not: names that stand twice, leftovers.

Every reader of msgpack and of JSON takes the last of two equal names and says nothing, so what one
program shows is not all that another one may have seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ormsgpack

OPTIONS = ormsgpack.OPT_NON_STR_KEYS
MAX_ITEMS = 20_000
"""Items looked at one by one, in about a tenth of a second."""
LARGE, FEW_ITEMS = 256 * 1024, 1_000
"""Bytes from which on so few items are looked at one by one first, for packing takes as long."""
MAX_TOLD = 5

Place = tuple[str, ...]


def in_msgpack(blob: bytes) -> tuple[str, ...]:
    """One sentence for each; raw text. `blob` is one that `decode` could read."""
    walk = _Walk(FEW_ITEMS if len(blob) > LARGE else 0)
    if not walk.whole(blob):
        if _as_packed(blob):
            return ()
        walk = _Walk(MAX_ITEMS)
        if not walk.whole(blob):
            walk.told.append(
                f"more than {MAX_ITEMS:,} items: not all were looked at for repeated names"
            )
    return _few(walk.told)


def in_json(text: str | bytes) -> tuple[str, ...]:
    """The same for JSON that could be read. Anything may stand where the names do."""
    objects = 0

    def counted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal objects
        objects += len({name for name, _ in pairs}) != len(pairs)
        return dict(pairs) if not objects else _Twice(pairs)

    value = json.loads(text, object_pairs_hook=counted)
    return _few(list(_twice(value))) if objects else ()


class _Twice(dict[str, Any]):
    """An object of JSON that remembers which of its names were repeated."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = {name: names.count(name) for name in self if names.count(name) > 1}


def _twice(value: Any) -> Iterator[str]:
    stack: list[tuple[Place, Any]] = [((), value)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, _Twice):
            for name, count in item.repeated.items():
                yield _repeated(name, count, place)
        if isinstance(item, dict):
            stack += [((*place, _part(name)), inner) for name, inner in item.items()]
        elif isinstance(item, list):
            stack += [((*place, f"[{n}]"), inner) for n, inner in enumerate(item)]


def _as_packed(blob: bytes) -> bool:
    """Whether the bytes are what packing their value gives: then nothing is repeated, or left over.

    LangGraph packs with the same library, so nearly all are: 6 us for a question of 400 bytes.
    """
    inner: list[bytes] = []

    def kept(code: int, data: bytes) -> ormsgpack.Ext:
        inner.append(data)
        return ormsgpack.Ext(code, data)

    waiting = [blob]
    try:
        while waiting:
            value = ormsgpack.unpackb(waiting[-1], ext_hook=kept, option=OPTIONS)
            if ormsgpack.packb(value, option=OPTIONS) != waiting.pop():
                return False
            waiting += inner
            inner.clear()
    except (ValueError, TypeError):
        return False
    return True


class _TooMuch(Exception):
    pass


_SIZES = {
    **dict.fromkeys((0xC0, 0xC2, 0xC3), 0),
    0xCA: 4,
    0xCB: 8,
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,
    0xD4: 2,
    0xD5: 3,
    0xD6: 5,
    0xD7: 9,
    0xD8: 17,
}
"""Bytes after the first one; of an extension object with its code."""
_COUNTED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes of the length that follows the first byte."""
_EXTS = range(0xC7, 0xCA), range(0xD4, 0xD9)


class _Walk:
    """Over msgpack by hand, item by item (github.com/msgpack/msgpack/blob/master/spec.md)."""

    def __init__(self, items: int) -> None:
        self.told: list[str] = []
        self._items = items
        """How many items may still be looked at."""
        self._blob = b""
        self._at = 0

    def whole(self, blob: bytes) -> bool:
        """Look at all of it; False when it has too many items."""
        try:
            self.over(blob, ())
        except _TooMuch:
            return False
        except (IndexError, ValueError, TypeError, ormsgpack.MsgpackDecodeError) as error:
            self.told.append(f"its bytes are not as LangGraph writes them: {error}")
        return True

    def over(self, blob: bytes, place: Place, *, object_: bool = False) -> None:
        """One blob, or the inside of an extension object: a list of module, name and value."""
        outer = self._blob, self._at
        self._blob, self._at = blob, 0
        self._item(place, object_=object_)
        if self._at < len(blob):
            left = f"{len(blob) - self._at:,} bytes stand after its end, and are read by nobody"
            self.told.append(f"{_named(place)}: {left}" if place else left)
        self._blob, self._at = outer

    def _item(self, place: Place, *, object_: bool = False) -> None:
        self._items -= 1
        if self._items < 0:
            raise _TooMuch
        begin, first = self._at, self._blob[self._at]
        self._at += 1
        if (count := self._count_of(first, 0x80, 0xDE)) is not None:
            self._map(place, count)
        elif (count := self._count_of(first, 0x90, 0xDC)) is not None:
            for number in range(count):
                self._item(place if object_ else (*place, f"[{number}]"))
        elif 0xA0 <= first <= 0xBF:
            self._at += first & 0x1F
        elif 0xC0 <= first <= 0xDB:
            self._scalar(first)
        if any(first in exts for exts in _EXTS):
            raw = self._blob[begin : self._at]
            inside = ormsgpack.unpackb(raw, ext_hook=lambda code, data: data, option=OPTIONS)
            self.over(inside, place, object_=True)

    def _scalar(self, first: int) -> None:
        if first in _COUNTED:
            size = self._number(_COUNTED[first]) + (first in _EXTS[0])
        else:
            size = _SIZES[first]
        self._at += size

    def _count_of(self, first: int, short: int, long: int) -> int | None:
        """Items of a list, or pairs of a map."""
        if short <= first < short + 16:
            return first - short
        if first in (long, long + 1):
            return self._number(2 if first == long else 4)
        return None

    def _number(self, size: int) -> int:
        self._at += size
        return int.from_bytes(self._blob[self._at - size : self._at])

    def _map(self, place: Place, count: int) -> None:
        names: dict[Any, int] = {}
        for _ in range(count):
            begin = self._at
            self._item(place)
            raw = self._blob[begin : self._at]
            name = ormsgpack.unpackb(raw, ext_hook=lambda code, data: (code, data), option=OPTIONS)
            name = tuple(name) if isinstance(name, list) else name
            names[name] = names.get(name, 0) + 1
            self._item((*place, _part(name)))
        self.told += [_repeated(name, n, place) for name, n in names.items() if n > 1]


def _repeated(name: Any, count: int, place: Place) -> str:
    where = f" in {_named(place)}" if place else ""
    return f"the name {_part(name)} stands {count} times{where}: only its last value counts"


def _named(place: Place) -> str:
    return ".".join(place).replace(".[", "[")


def _part(name: Any) -> str:
    return name[:60] if isinstance(name, str) else repr(name)[:60]


def _few(told: list[str]) -> tuple[str, ...]:
    more = (f"and {len(told) - MAX_TOLD} more of this kind",) if len(told) > MAX_TOLD else ()
    return (*told[:MAX_TOLD], *more)
