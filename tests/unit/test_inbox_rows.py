"""Rows of the inbox: what is cut is counted, and a name cannot pose as anything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.tui.content import cut, own
from hitloop_tui.tui.widgets.inbox_rows import draw, look_at
from tests.samples import action as made
from tests.samples import review

SIZES = [(48, 2), (78, 1), (140, 1)]


def action(tool_name: str, args: dict[str, Any]) -> ReviewAction:
    return made(args, tool_name=tool_name)


def drawn(row: Row, width: int, lines: int) -> str:
    shown = draw(row, look_at(row, "human:ann", width, lines, selected=False, marked=False))
    assert [each.cell_length for each in shown] == [width] * lines
    return "\n".join(each.plain for each in shown)


def row(*actions: ReviewAction) -> Row:
    return Row.of(review(*actions))


@pytest.mark.parametrize(("width", "lines"), SIZES)
def test_blanks_in_a_name_are_no_blanks(width: int, lines: int) -> None:
    one = drawn(row(action("refund +2", {})), width, lines)
    three = drawn(row(*[action("refund", {})] * 3), width, lines)
    assert "refund␣+2 " in one
    assert "refund +2 " in three


@pytest.mark.parametrize(("width", "lines"), SIZES)
def test_what_has_no_room_is_counted(width: int, lines: int) -> None:
    shown = drawn(row(action("mail", {"body": "x" * 1000})), width, lines)
    left = shown.count("x")
    assert f"x…+{1000 - left} " in shown


def test_more_than_can_be_counted() -> None:
    assert "+ " in drawn(row(action("mail", {"to": [[n] for n in range(20_000)]})), 78, 1)


@pytest.mark.parametrize(("width", "lines"), SIZES)
def test_a_name_of_any_length_keeps_its_line(width: int, lines: int) -> None:
    assert "…+" in drawn(row(action("\x1b[2J" * 100_000, {})), width, lines)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)), st.integers(0, 60))
def test_a_cut_says_how_many_characters_are_missing(words: str, width: int) -> None:
    shown = cut(own(words), width).plain
    kept, mark, more = shown.partition("…+")
    if mark and more:
        assert words.startswith(kept)
        assert int(more.replace(",", "")) == len(words) - len(kept)
    assert len(shown) <= width or shown == words == ""


def test_somebody_with_a_long_name_does_not_hide_the_risk() -> None:
    looked_at = replace(row(action("pay", {"to": "ann"})), claimed_by="human:" + "m" * 50)
    below = drawn(looked_at, 38, 2).splitlines()[1]
    assert below.startswith("     HIGH     to=ann ")
    assert "m…+" in below
