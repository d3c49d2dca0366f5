"""`ls` as text: columns that fit, and marks for what does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.cli.text import _cells_of, _cut, print_inbox
from hitloop_tui.safetext import safe
from tests.samples import action as made
from tests.samples import review


def action(tool_name: str, args: dict[str, Any]) -> ReviewAction:
    return made(args, tool_name=tool_name)


def listing(capsys: pytest.CaptureFixture[str], *actions: ReviewAction) -> str:
    print_inbox([review(*actions).to_json() | {"escalated": False}])
    return capsys.readouterr().out


def test_what_has_no_room_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    shown = listing(capsys, action("m" * 50, {"body": "x" * 5000}))
    row = shown.splitlines()[1]
    assert "m" * 14 + "…+36" in row
    left = row.count("x")
    assert row.endswith(f"x…+{5001 - left:,}")


def test_a_name_cannot_pose_as_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    assert '"refund +1" ' in listing(capsys, action("refund +1", {}))
    assert " refund +1 " in listing(capsys, action("refund", {}), action("refund", {}))


@given(st.text(), st.integers(1, 40))
def test_a_cut_says_how_many_characters_are_missing(text: str, width: int) -> None:
    whole = safe(text)
    shown = _cut(whole, width)
    if shown != whole:
        kept, _, more = shown.rpartition("…+")
        assert whole.startswith(kept)
        assert int(more.replace(",", "")) == len(whole) - len(kept)
        assert _cells_of(shown) <= width or not kept
