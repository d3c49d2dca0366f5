"""Checkpoint values as inert data: nothing the data names is imported, called or built.

LangGraph's own serializer imports modules named in a row and calls them. This one keeps the name:
an object comes back as a dict with its qualified class under `__type__`.
Source of the format: langgraph/checkpoint/serde/jsonplus.py (ext codes 0 to 7).
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, time, timedelta
from types import NoneType
from typing import Any

import ormsgpack

from hitloop_tui.attach import oddities
from hitloop_tui.attach.oddities import LARGE, OPTIONS
from hitloop_tui.attach.remembered import Remembered

TYPE = "__type__"
MAX_DEPTH = 64
"""Levels of lists, maps and extension objects: `json` and every renderer would overflow later."""
_OPENING = {*range(0x80, 0xA0), *range(0xC7, 0xCA), *range(0xD4, 0xD9), *range(0xDC, 0xE0)}
_OTHERS = bytes(set(range(256)) - _OPENING)
"""Bytes that cannot open a level in msgpack."""

_CONTAINERS = (dict, list, tuple)
_LEAVES = frozenset({str, int, float, bool, NoneType, bytes})

DELTA_SNAPSHOT, NUMPY = 7, 6

_AS_TEXT = {
    "datetime.datetime",
    "decimal.Decimal",
    "uuid.UUID",
    "zoneinfo.ZoneInfo",
    *(f"ipaddress.IPv{v}{kind}" for v in (4, 6) for kind in ("Address", "Interface", "Network")),
}
_AS_LIST = {"builtins.set", "builtins.frozenset", "collections.deque"}


_DOUBTS: Remembered[tuple[str, ...]] = Remembered()
"""By the SHA-256 of the bytes that they are about."""

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading a row raises that somebody has written something else into."""


class Undecodable(ValueError):
    """A stored value that cannot be read; the text says why."""


def loads(type_: str | None, blob: bytes | None) -> Any:
    """The value of a `type`, `value` pair. Raises Undecodable."""
    try:
        match type_:
            case None | "null":
                return None
            case "bytes" | "bytearray":
                return blob
            case "json":
                return _shallow(json.loads(blob or b"null"))
            case "msgpack":
                return _Decoder().loads(blob or b"\xc0")
    except Undecodable:
        raise
    except UNREADABLE as error:
        raise Undecodable(f"{type_}: {error}") from error
    raise Undecodable(f"stored as {type_}, which is never loaded here")


def doubts(type_: str | None, blob: bytes | None) -> tuple[str, ...]:
    """What a value's bytes hold beside what `loads` gives: one sentence each, raw."""
    match type_, blob:
        case "msgpack", bytes(data) if len(data) > LARGE:
            key = hashlib.sha256(data).digest()
            return _DOUBTS.of(key, lambda: oddities.in_msgpack(data))
        case "msgpack", bytes(data) if data:
            return oddities.in_msgpack(data)
        case "json", (bytes() | str()) as data if data:
            return oddities.in_json(data)
    return ()


def fingerprint(value: object) -> str:
    """`1,204 bytes, SHA-256 ab12...`: what can be said of a value that cannot be decoded."""
    match value:
        case bytes():
            data = value
        case str():
            data = value.encode("utf-8", "surrogatepass")
        case _:
            data = repr(value).encode("utf-8", "backslashreplace")
    return f"{len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}"


def names_in(column: Any) -> tuple[str, ...]:
    """The names in a column of JSON; none where somebody has written something else."""
    try:
        return tuple(map(str, json.loads(column)))
    except UNREADABLE:
        return ()


def digest(*values: Any) -> str:
    """SHA-256 over decoded values, 64 hex digits."""
    try:
        data = ormsgpack.packb(values, option=OPTIONS)
    except TypeError:
        data = repr(values).encode("utf-8", "backslashreplace")
    return hashlib.sha256(data).hexdigest()


class _Decoder:
    """One value's decoding. ormsgpack says only that a hook failed, so the reason is kept here."""

    def __init__(self) -> None:
        self._depth = 0
        self._why: Exception | None = None

    def loads(self, blob: bytes) -> Any:
        try:
            value = self._unpack(blob)
            # Most values have too few bytes that could open a level to be deep at all.
            few = len(bytes(blob).translate(None, _OTHERS)) <= MAX_DEPTH
            return value if few else _shallow(value)
        except ValueError:
            if self._why is not None:
                raise self._why from None
            raise

    def _unpack(self, blob: bytes) -> Any:
        return ormsgpack.unpackb(blob, ext_hook=self._ext, option=OPTIONS)

    def _ext(self, code: int, data: bytes) -> Any:
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                raise Undecodable(f"objects nested more than {MAX_DEPTH} deep")
            return _inert(code, self._unpack(data))
        except Exception as error:
            self._why = self._why or error
            raise
        finally:
            self._depth -= 1


def inside(container: Any) -> list[Any]:
    """The lists and objects that a list or an object holds; of anything else, none."""
    if not isinstance(container, _CONTAINERS):
        return []
    items = container.values() if isinstance(container, dict) else container
    if _LEAVES.issuperset(map(type, items)):  # 8 ms for 500,000 items, a tenth of looking at each
        return []
    return [item for item in items if isinstance(item, _CONTAINERS)]


def _shallow(value: Any) -> Any:
    level = inside([value])
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return value
        level = [inner for container in level for inner in inside(container)]
    raise Undecodable(f"nested more than {MAX_DEPTH} deep")


def _inert(code: int, body: Any) -> Any:
    if code == DELTA_SNAPSHOT:
        return body
    if code == NUMPY and isinstance(body, list) and len(body) >= 2:
        return {TYPE: "numpy.ndarray", "dtype": body[0], "shape": body[1]}
    if code > DELTA_SNAPSHOT or not isinstance(body, list) or len(body) < 3:
        raise Undecodable(f"extension {code} without module, name and value")
    module, name, payload = body[:3]
    kind = f"{module}.{name}"
    if kind in _AS_TEXT and isinstance(payload, str):
        return payload
    if kind in _AS_LIST and isinstance(payload, list):
        return payload
    return _standard(kind, payload) or _object(kind, payload)


def _object(kind: str, payload: Any) -> dict[Any, Any]:
    if isinstance(payload, dict):
        return {TYPE: kind, **payload, **({TYPE: kind} if TYPE in payload else {})}
    return {TYPE: kind, "value": payload}


def _standard(kind: str, payload: Any) -> str | None:
    """Dates, times and paths as the text a person knows them by."""
    try:
        match kind, payload:
            case "datetime.date", [int(), int(), int()]:
                return date(*payload).isoformat()
            case "datetime.timedelta", [int(), int(), int()]:
                return str(timedelta(*payload))
            case "datetime.time", {"hour": h, "minute": m, "second": s, "microsecond": us}:
                return time(h, m, s, us).isoformat()
            case _, [str(), *_] if kind.startswith("pathlib."):
                return "/".join(payload).replace("//", "/", 1)
    except (ValueError, TypeError, OverflowError):
        pass  # not what the name says: shown as the object it claims to be
    return None
