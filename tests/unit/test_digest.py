"""The digest that binds an approval: canonical, and different for different calls."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, SecretStr

from hitloop_tui.core.digest import action_digest, canonical_json
from hitloop_tui.core.models import Action, RiskClass

TEXT = st.text(st.characters())
"""With halves of surrogate pairs, which JSON lets through."""
NUMBERS = st.integers() | st.floats() | st.sampled_from([0.0, -0.0, 1, 1.0, True, 2**53, 2.0**53])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
KEYS = st.none() | st.booleans() | st.integers() | TEXT | st.binary()
ODD = JSON | st.binary() | st.decimals(allow_nan=False) | st.uuids() | st.datetimes()
ODD |= st.dictionaries(KEYS, JSON, max_size=3) | st.tuples(JSON, JSON)
ODD |= st.sets(st.integers() | TEXT | st.booleans(), max_size=3)


def shape(value: Any) -> Any:
    """A value that is equal exactly for equal values of equal types; tuples are stored as lists."""
    match value:
        case dict():
            return "dict", frozenset((shape(key), shape(item)) for key, item in value.items())
        case list() | tuple():
            return "list", tuple(map(shape, value))
        case set():
            return "set", frozenset(map(shape, value))
    return type(value).__name__, repr(value)


@settings(max_examples=300)
@given(one=ODD, other=ODD)
def test_equal_digests_mean_equal_values_of_equal_types(one, other):
    same = canonical_json(one) == canonical_json(other)
    assert same == (shape(one) == shape(other))


@settings(max_examples=300)
@given(value=JSON)
def test_a_change_deep_inside_changes_the_digest(value):
    assert canonical_json({"a": [value]}) != canonical_json({"a": [[value]]})
    assert canonical_json({"a": value, "b": 1}) != canonical_json({"a": value, "b": 1.0})


STRICT = JsonPlusSerializer(allowed_msgpack_modules=None)


class Size(IntEnum):
    SMALL = 1


@given(value=ODD)
@example(value=[(1, (2,)), {"a": (1,)}])
@example(value=bytearray(b"x"))
@example(value=[RiskClass.HIGH, Size.SMALL])
@example(value=deque([1, "a"]))
@example(value=frozenset({1}))
def test_what_a_checkpointer_gives_back_has_the_same_digest(value):
    """Else an approval would not fit its own call after a restart."""
    try:
        stored = STRICT.dumps_typed({"value": value})
    except (TypeError, ValueError):  # an integer of more than 64 bits cannot be stored
        return
    assume("\\ud" not in ascii(value))  # half a character is stored as a question mark
    assert canonical_json(STRICT.loads_typed(stored)["value"]) == canonical_json(value)


@given(value=JSON)
def test_the_text_is_json(value):
    json.loads(canonical_json(value))


@given(value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_numbers_are_written_as_they_are_read(value):
    read = json.loads(canonical_json(value))
    assert (type(read), repr(read)) == (type(value), repr(value)) or isinstance(read, dict)


@given(value=st.dictionaries(st.text(), JSON, max_size=5), name=st.text())
def test_the_order_of_keys_and_the_way_through_json_change_nothing(value, name):
    turned = dict(reversed(json.loads(json.dumps(value)).items()))
    assert action_digest(name, value) == action_digest(name, turned)


@given(one=st.text(), other=st.text(), args=st.dictionaries(st.text(), JSON, max_size=2))
def test_the_tool_is_part_of_the_digest(one, other, args):
    """hitloop 0.5.1 hashes the arguments alone."""
    assert (action_digest(one, args) == action_digest(other, args)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": Decimal(1)}, {"n": "1"}),
        ({1: "x"}, {"1": "x"}),
        ({"n": 1}, {"n": 1.0}),
        ({"n": 1}, {"n": True}),
        ({"n": 2**53}, {"n": 2**53 + 1}),
        ({"n": 2**53}, {"n": float(2**53)}),
        ({"n": float("inf")}, {"n": "Infinity"}),
        ({"n": 0.0}, {"n": -0.0}),
        ({"n": b"a"}, {"n": "a"}),
        ({"n": None}, {}),
        ({"n": "\u00e9"}, {"n": "e\u0301"}),
        ({"n": RiskClass}, {"n": str(RiskClass)}),
        ({"n": datetime(2026, 1, 1)}, {"n": datetime(2026, 1, 1, tzinfo=UTC)}),
    ],
)
def test_pairs_that_other_hashes_take_for_one(one, other):
    assert action_digest("t", one) != action_digest("t", other)


class Login(BaseModel):
    user: str
    password: SecretStr


@dataclass
class Range:
    low: int
    high: int

    def __str__(self) -> str:
        return "a range"


class Plain:
    def __init__(self, value: int) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Plain(...)"


@pytest.mark.parametrize(
    "make",
    [
        lambda n: Login(user="dana", password=SecretStr(str(n))),
        lambda n: Range(0, n),
        Plain,
        lambda n: {Range: n},
        lambda n: PurePosixPath(f"/{n}"),
        lambda n: UUID(int=n),
        lambda n: [len, print][n],
        lambda n: {n, 5},
        lambda n: deque([1, n]),
        lambda n: deque([1], maxlen=n + 1),
        lambda n: [[[n]]],
    ],
)
def test_objects_are_told_apart_by_what_is_in_them(make):
    assert canonical_json(make(0)) == canonical_json(make(0))
    assert canonical_json(make(0)) != canonical_json(make(1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (1e-6, "0.000001"),
        (1.5e-5, "0.000015"),
        (1e-7, "1e-7"),
        (-1.25e-10, "-1.25e-10"),
        (333333333.33333329, "333333333.3333333"),
        ('\u20ac$\u000f\nA\'B"\\\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
    ],
)
def test_values_are_written_as_rfc_8785_writes_them(value, text):
    assert canonical_json(value) == text


def test_keys_are_sorted_by_utf_16():
    """The example of RFC 8785, section 3.2.3."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    text = canonical_json(dict.fromkeys(keys, 0))
    expected = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(text)) == expected


def test_it_has_256_bits_and_a_short_form_for_display():
    action = Action(tool_name="t", tool_args={"a": 1})
    assert re.fullmatch(r"[0-9a-f]{64}", action.digest())
    assert action.args_hash() == action.digest()[:16]


def test_another_process_finds_the_same_digest():
    script = (
        "from hitloop_tui.core.digest import action_digest as d; "
        "print(d('t', {'s': {'a', 'b', 'c'}, 'n': [1.5, None]}))"
    )
    ours = action_digest("t", {"s": {"c", "b", "a"}, "n": [1.5, None]})
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        )
        assert done.stdout.strip() == ours, done.stderr
