"""Rows of a plain terminal: nothing of a text is lost, and no row begins where ours begin."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from hitloop_tui.plain_rows import LONG_BLANK, LONG_INDENT, cells, marked_rows, rows, spelled
from hitloop_tui.safetext import safe, unescape


@given(st.text(), st.integers(2, 60))
@example("漢字" * 40, 7)
@example("e\u0301" * 40, 7)
@example("\x1b[2J" * 40, 7)
def test_rows_hold_all_of_a_text(text: str, width: int) -> None:
    found = list(rows(safe(text), width))
    assert "".join(found) == safe(text)
    assert "".join(map(unescape, found)) == text, "an escape was divided"
    for row in found:
        assert cells(row) <= width or len(unescape(row)) == 1


@given(st.text(), st.integers(24, 60))
def test_rows_after_the_first_are_marked(text: str, width: int) -> None:
    first, *others = marked_rows(safe(text), width, "  : ")
    assert all(row.startswith("  : ") for row in others)
    assert unescape("".join([first, *(row[4:] for row in others)])) == text
    assert list(marked_rows(safe(text), None, "  : ")) == [safe(text)]


@given(st.text(st.sampled_from(" \ta\\\u3000") | st.characters()))
def test_blanks_that_cannot_be_counted_are_spelled_out(text: str) -> None:
    shown = spelled(text)
    assert unescape(shown) == text
    assert not shown.endswith(" ")
    assert " " * LONG_BLANK not in shown.lstrip(" ")
    assert len(shown) - len(shown.lstrip(" ")) <= LONG_INDENT


def test_indented_code_stays_as_it_is() -> None:
    assert spelled("        if a  ==  b:") == "        if a  ==  b:"
    assert spelled("a" + " " * 8 + "b ") == "a" + r"\x20" * 8 + r"b\x20"
