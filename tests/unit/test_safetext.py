"""The one door for text of others."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.inline import inline, pairs
from hitloop_tui.cli.json_text import json_lines
from hitloop_tui.safetext import (
    MAX_MARKS,
    Safe,
    hidden_characters,
    safe,
    safe_any,
    safe_lines,
    unescape,
)

ANY = st.text(st.characters())
"""Surrogates, controls and unassigned characters included."""

DEFAULT_IGNORABLE = [
    0x00AD, 0x034F, 0x061C, *range(0x115F, 0x1161), *range(0x17B4, 0x17B6), *range(0x180B, 0x1810),
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164,
    *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000),
]  # fmt: skip
"""Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties."""


def test_every_character_alone():
    """Nothing that moves the cursor, hides or reorders is left, and no two characters merge."""
    seen = set()
    for code in range(sys.maxunicode + 1):
        shown = safe(chr(code))
        assert unescape(shown) == chr(code)
        seen.add(shown)
        if len(shown) == 1:
            category = unicodedata.category(shown)
            assert category not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
            assert category != "Zs" or shown == " "
    assert len(seen) == sys.maxunicode + 1


def test_every_character_between_letters():
    """Alone a mark has nothing to sit on; here it has."""
    for code in range(sys.maxunicode + 1):
        shown = safe(f"a{chr(code)}b")
        assert unescape(shown) == f"a{chr(code)}b"
        assert len(shown) > 2


def test_invisible_characters_are_written_out():
    assert len(DEFAULT_IGNORABLE) == 4174  # as many as Unicode 17 has
    blank = [0x2800, 0xFFFC, 0x16FE4, 0x1D159, 0x13441]
    spaces = [code for code in range(0x80, 0x10000) if unicodedata.category(chr(code)) == "Zs"]
    surrogates = [0xD800, 0xDBFF, 0xDC00, 0xDFFF]
    for code in [*DEFAULT_IGNORABLE, *blank, *spaces, *surrogates, 0x9B, 0x7F, 0x85, 0x2028]:
        assert safe(f"a{chr(code)}b") == f"a{escaped(code)}b"


def escaped(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Odd:
    def __str__(self) -> str:
        return "\x1b[2J\u202e"


@pytest.mark.parametrize(
    "value", [None, b"\x1b[2J\xff", 5, -0.0, float("nan"), ["\x1b"], {"\x9b": "\u202e"}, Odd()]
)
def test_anything_goes_through_the_door(value):
    shown = safe_any(value)
    assert isinstance(shown, Safe)
    assert shown.isprintable()
    assert unescape(shown) == str(value)


@given(st.text(st.sampled_from(["e", " ", "\u0301", "\u20dd", "\u0327", "\u200d", "\n", "\\"])))
def test_no_letter_carries_more_marks_than_are_told_apart(text):
    marks = 0
    for char in safe(text):
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        assert marks <= MAX_MARKS
    assert unicodedata.category(safe(text)[:1] or "a") not in ("Mn", "Me")


@given(ANY)
def test_injective_and_reversible(text):
    assert unescape(safe(text)) == text


@given(ANY)
def test_one_line_without_controls(text):
    shown = safe(text)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in shown)
    assert safe(text) == shown


@given(ANY)
def test_lines_split_at_newlines_only(text):
    lines = safe_lines(text)
    assert "\n".join(map(unescape, lines)) == text


def test_marks_are_capped():
    assert safe("e\u0301\u0301") == "e\u0301\u0301"
    assert safe("e" + "\u0301" * 5).count("\\u0301") == 3
    assert safe("\u0301e") == "\\u0301e"


def test_backslashes_cannot_pose_as_escapes():
    assert safe("\\x1b") == "\\\\x1b"
    assert safe("\x1b") == "\\x1b"


def test_hidden_characters_are_told():
    assert hidden_characters("a\u202eb\n\t\\") == ["\u202e"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_inline_tells_values_apart(one, other):
    if repr(one) != repr(other):
        assert inline(one) != inline(other)


@given(st.dictionaries(ANY, ANY, max_size=3), st.dictionaries(ANY, ANY, max_size=3))
def test_pairs_tell_values_apart(one, other):
    """No text can pose as another argument."""
    if list(one.items()) != list(other.items()):
        assert pairs(one) != pairs(other)


def test_inline_reads_well():
    value = {"to": "ann@x.org", "subject": 'Re: "hi"', "n": 3, "code": "3", "ok": True}
    assert pairs(value) == 'to=ann@x.org subject="Re: ""hi""" n=3 code="3" ok=true'
    assert inline([{"sku": "A-1", "list": []}]) == "[{sku: A-1, list: []}]"


@given(JSON)
def test_json_lines_are_safe_and_unescaped_once(value):
    for line in json_lines(value):
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in line)


def test_json_lines_double_nothing():
    assert json_lines({"a": ['say "hi"', "x\n"], "b": {}}) == [
        "{",
        '  "a": [',
        '    "say \\"hi\\"",',
        '    "x\\x0a"',
        "  ],",
        '  "b": {}',
        "}",
    ]


def test_no_text_of_our_own_holds_what_controls_a_terminal_or_hides():
    everything = "".join(map(chr, range(0x110000)))
    shown = Safe(everything)
    assert not set(hidden_characters(shown)) - {"\xa0"}
    assert not any(char in shown for char in "\n\t\r\x1b\x9b\x7f\u202e")
    assert Safe("▎ a\\b …") == "▎ a\\b …"
