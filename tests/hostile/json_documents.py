"""JSON documents that parsers disagree about, of the kinds of JSONTestSuite; all made here.

`y` are documents, `n` are none, and about `i` the standard leaves the choice.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver

from tests.hostile.files import ask, gate, storable

DEEP = (20, 64, 65, 200, 900, 1_100, 5_000, 100_000)


def documents() -> Iterator[tuple[str, bytes]]:
    """`(family, bytes)`."""
    for family, found in (("y", accepted()), ("n", refused()), ("i", either())):
        for document in dict.fromkeys(found):
            yield family, document


def accepted() -> Iterator[bytes]:
    numbers = ("0", "-0", "-0.0", "1", "-1", "1.5", "1e1", "1E+2", "1e-2", "0e+1", "123.456e78")
    numbers += ("9007199254740991", "0.1", "1e308", "5e-324", "0.30000000000000004")
    escapes = (r"\"", r"\\", r"\/", r"\b\f\n\r\t", r"\u0000", r"\u001b[2J", r"\u009b31m", r"\u202e")
    escapes += (r"\ud83d\ude00", r"\uFFFE", r"\u200b", r"\u0061\u0301", r"\u002c", r"\\u0000")
    raw = ("\x7f", "\u2028", "\u2029", "\u0080", "\u009b2J", "\u202e", "\ufeff", "\U0010ffff", "é")
    strings = [f'"{text}"' for text in (*escapes, *raw, "", " ", "a" * 5_000, "[b]x[/]")]
    values = [*numbers, *strings, "true", "false", "null", "[]", "{}", "[[]]", '[{"":[{}]}]']
    for value in values:
        yield from (value.encode(), f"[{value}]".encode(), f'{{"k": {value}}}'.encode())
    for name in strings:
        yield f"{{{name}: {name}}}".encode()
        yield f"{{{name}: 1, {name}: 2}}".encode()
    yield from (b" \t\r\n[ 1 , 2 ] \n", b'{"a":1,"a":{"a":1,"a":2}}', b'{"__class__":"x"}')
    yield ("[" + ",".join("1" * 2_000) + "]").encode()
    yield ("{" + ",".join(f'"k{n}":{n}' for n in range(500)) + "}").encode()
    for depth in DEEP[:4]:
        yield from (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth)


def refused() -> Iterator[bytes]:
    yield from (b"", b" ", b"[", b"]", b"{", b"}", b",", b":", b"[,1]", b"[1,]", b"[1,,2]", b"[1")
    yield from (b'{"a"}', b'{"a":}', b"{:1}", b'{"a":1,}', b"{a:1}", b"{'a':1}", b'{"a":1', b"[1}")
    yield from (b"NaN", b"[Infinity]", b"[-Infinity]", b"[+1]", b"[01]", b"[1.]", b"[.5]", b"[1e]")
    yield from (b"[0x1]", b"[1e+]", b"[-]", b"[--1]", b"[1 000]", b"[1_0]", b"[0.e1]", b"[1a]")
    yield from (b"tru", b"nul", b"True", b"None", b"undefined", b"[truefalse]", b"[1]x", b"[1][2]")
    yield from (
        b"['a']",
        b"[a]",
        b"`a`",
        b"/**/[1]",
        b"[1]//x",
        b"#x\n1",
        b"<null>",
        b"\x00",
        b"[\x00]",
    )
    yield from (b'"', b'["a', b'["a]', b'["\\"]', b'["\\x00"]', b'["\\u12"]', b'["\\a"]', b'["\\')
    yield from (
        b'["\\u\xe5"]',
        b"\xe5",
        b"[\xff]",
        b"\xef\xbb",
        b"\xef\xbb\xbf",
        b"[1\x0c]",
        b"\xc2\xa0[1]",
    )
    for code in range(0x20):
        yield b'["a' + bytes([code]) + b'b"]'
    for depth in DEEP[3:]:
        yield from (b"[" * depth, b'{"a":' * depth)


def either() -> Iterator[bytes]:
    yield from (b"[1e999]", b"[-1e999]", b"[1e-999]", b"[1E400]", b"[0.4e00669999999999]", b"1e999")
    yield b"[" + b"9" * 400 + b"]"
    yield b"[-" + b"1" * 5_000 + b"]"  # more digits than Python's int takes
    yield b"[0." + b"1" * 400 + b"]"
    lone = (
        r"\ud800",
        r"\udc00",
        r"\ud800\ud800",
        r"\udc00\ud800",
        r"\ud800a",
        r"\uDFAAx",
        r"\ud83d\u0041",
    )
    for text in lone:
        yield from (f'["{text}"]'.encode(), f'{{"{text}": "{text}"}}'.encode())
    broken = (
        b"\xff",
        b"\xc0\xaf",
        b"\xe0\xff",
        b"\xed\xa0\x80",
        b"\xf4\xbf\xbf\xbf",
        b"\x81",
        b"\xfc\x83\xbf\xbf\xbf\xbf",
    )
    for data in broken:
        yield from (b'["' + data + b'"]', b'{"' + data + b'": 1}')
    yield from (
        b"\xef\xbb\xbf{}",
        b'\xff\xfe[\x00"\x00\xe9\x00"\x00]\x00',
        b'\x00[\x00"\x00\xe9\x00"\x00]',
    )
    for depth, (left, right) in itertools.product(DEEP[4:], ((b"[", b"]"), (b'{"a":', b"}"))):
        yield left * depth + (b"1" if right == b"}" else b"") + right * depth


def build(path: Path, found: Iterable[tuple[str, bytes]]) -> None:
    """Three threads for each: it is an argument's text, the stored row, and an argument's value."""
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        saver = SqliteSaver(connection)
        for number, (family, document) in enumerate(found):
            name = f"{family}{number}"
            _ask(saver, f"{name} text", document.decode("utf-8", "surrogateescape"))
            _ask(saver, f"{name} value", _parsed(document))
            _ask(saver, f"{name} row", "row")
            interrupt = b'[{"value": ' + document + b', "id": "' + b"ab" * 16 + b'"}]'
            connection.execute(
                "UPDATE writes SET type='json', value=? WHERE thread_id=? AND idx=-3",
                (interrupt, f"{name} row"),
            )
            connection.execute(
                "UPDATE checkpoints SET metadata=? WHERE thread_id=?", (document, f"{name} row")
            )
        connection.commit()


def _ask(saver: SqliteSaver, thread: str, value: Any) -> None:
    question = gate("json", args={"value": value})
    legal = storable(json.dumps(value, ensure_ascii=False))
    ask(saver, thread, "json" if legal else "\ud800", question)


def _parsed(document: bytes) -> Any:
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return "no value"
    return value if _fits(value) else str(value)


def _fits(value: Any, depth: int = 0) -> bool:
    """Whether msgpack can store it."""
    match value:
        case int():
            return -(2**63) <= value < 2**64
        case dict() | list():
            inner = value.values() if isinstance(value, dict) else value
            return depth < 100 and all(_fits(item, depth + 1) for item in inner)
    return True
