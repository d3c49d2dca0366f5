"""What msgpack and JSON readers drop without a word is told."""

from __future__ import annotations

import json
from typing import Any

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Interrupt

from hitloop_tui.attach.decode import doubts, loads
from hitloop_tui.attach.oddities import MAX_ITEMS, MAX_TOLD

pack = ormsgpack.packb


def twice(*pairs: tuple[Any, bytes]) -> bytes:
    """A map, whatever its names are."""
    packed = b"".join(pack(name) + value for name, value in pairs)
    return bytes([0x80 + len(pairs)]) + packed


CALL = twice(("amount", pack(100)), ("to", pack("ann")), ("amount", pack(10**6)))


def interrupt(value: bytes) -> bytes:
    """As LangGraph stores one: a list of an extension object."""
    fields = twice(("value", value), ("id", pack("0" * 32)))
    return pack([ormsgpack.Ext(2, b"\x93" + pack("langgraph.types") + pack("Interrupt") + fields)])


@pytest.mark.parametrize(
    ("blob", "says"),
    [
        (CALL, ["the name amount stands 2 times: only its last value counts"]),
        (interrupt(CALL), ["amount stands 2 times in [0].value: only its last value counts"]),
        (interrupt(twice(("args", CALL))), ["amount stands 2 times in [0].value.args"]),
        (interrupt(b"\x91" + CALL), ["amount stands 2 times in [0].value[0]"]),
        (interrupt(pack(1)) + b"\xc0\xc0", ["2 bytes stand after its end"]),
        (CALL + b"\x01", ["the name amount", "1 bytes stand after its end"]),
        (twice((1, pack("a")), (True, pack("b"))), ["the name 1 stands 2 times"]),
        (twice(("a", pack(1)))[:-1] + b"\xcd\x00\x01", []),  # a longer form of the same number
        (b"\xca\x3f\x80\x00\x00", []),
        (b"\x82\xa1a\x01\xd9\x01a\x02", ["the name a stands 2 times"]),
        (twice(("a", pack([0] * (MAX_ITEMS + 1))), ("a", pack(1))), ["not all were looked at"]),
    ],
)
def test_what_readers_of_msgpack_drop(blob, says):
    found = doubts("msgpack", blob)
    assert all(said in one for said, one in zip(says, found, strict=True))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "a": 2}', ["the name a stands 2 times: only its last value counts"]),
        ('[{"b": {"c": [1, {"x": 1, "x": 2}]}}]', ["the name x stands 2 times in [0].b.c[1]"]),
        ('{"a": {"a": 1}, "b": {"a": 1}}', []),
        ('{"a": 1, "A": 2, "\\u0061": 3}', ["the name a stands 2 times"]),
    ],
)
def test_what_readers_of_json_drop(text, says):
    found = doubts("json", text.encode())
    assert all(said in one for said, one in zip(says, found, strict=True))


def test_many_are_counted():
    several = b"".join(pack(str(n)) + pack(n) for n in [*range(7), *range(7)])
    found = doubts("msgpack", bytes([0x8E]) + several)
    assert len(found) == MAX_TOLD + 1
    assert found[-1] == "and 2 more of this kind"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 9), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_what_langgraph_writes_is_beyond_doubt(value):
    assert doubts(*JsonPlusSerializer().dumps_typed([Interrupt(value, "0" * 32)])) == ()


@given(PLAIN, st.binary(min_size=1, max_size=9))
def test_leftovers_are_always_told(value, rest):
    blob = pack(value, option=ormsgpack.OPT_NON_STR_KEYS) + rest
    assert f"{len(rest):,} bytes stand after its end" in doubts("msgpack", blob)[-1]


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 200)), max_size=12))
def test_names_that_stand_twice_are_always_told(pairs):
    """And nothing else is: the value read has as many names as there are different ones."""
    blob = twice(*((name, pack(number)) for name, number in pairs))
    text = "{" + ", ".join(f"{json.dumps(name)}: {number}" for name, number in pairs) + "}"
    lost = len(pairs) != len(loads("msgpack", blob))
    assert bool(doubts("msgpack", blob)) is lost
    assert bool(doubts("json", text.encode())) is lost
