"""The one door for text of others."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.inline import inline, pairs
from hitloop_tui.cli.json_text import json_lines
from hitloop_tui.safetext import Safe, hidden_characters, safe, safe_lines, unescape

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


@pytest.mark.parametrize("code", [*DEFAULT_IGNORABLE[:90], 0x2800, 0xA0, 0x3000, 0x9B, 0x7F, 0x85])
def test_invisible_characters_are_written_out(code):
    assert safe(f"a{chr(code)}b").isascii()
    assert safe(f"a{chr(code)}b") != "ab"


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
