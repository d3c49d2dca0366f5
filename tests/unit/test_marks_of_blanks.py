"""Signs for blanks and line ends are told from the same signs in a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.safetext import unescape
from hitloop_tui.tui.widgets.rows import Line, render_text
from hitloop_tui.tui.widgets.values import COUNTED, Budget, machine, marked, text_lines

PIECES = [" ", " " * 8, "␣", "⏎", "x8", "\\", "u2423", "a", "\n", "\u00a0"]
TRICKY = st.lists(st.sampled_from(PIECES)).map("".join)
ANY = TRICKY | st.text()
COUNT = re.compile("␣x([0-9,]+)␣")


def original(parts: tuple[tuple[str, str], ...]) -> str:
    """What a line shows, read back by somebody who sees what stands in reverse."""
    found = []
    for text, style in parts:
        if style == COUNTED and (count := COUNT.fullmatch(text)):
            found.append(" " * int(count[1].replace(",", "")))
        else:
            found.append(unescape(text.replace("␣", " ").replace("⏎", "\n")))
    return "".join(found)


@given(ANY)
def test_a_line_can_be_read_back(text):
    assert original(marked(text)) == text


@given(ANY)
def test_a_name_can_be_read_back(text):
    assert original(machine(text)) == text


@given(ANY)
def test_several_lines_can_be_read_back(text):
    lines = text_lines(text, (), Budget())
    assert "".join(original(line.parts) for line in lines) == text


@pytest.mark.parametrize("sign", ["␣", "⏎"])
def test_our_signs_in_a_text_are_escapes(sign):
    assert render_text([Line(marked(f"a{sign}b"))], 40) == [f"a\\u{ord(sign):04x}b"]
