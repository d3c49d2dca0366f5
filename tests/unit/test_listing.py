"""`ls` as text: columns that fit, and marks for what does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.cli.table import cut, print_inbox
from hitloop_tui.plain_rows import cells
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
    shown = cut(whole, width)
    if shown != whole:
        kept, _, more = shown.rpartition("…+")
        assert whole.startswith(kept)
        assert int(more.replace(",", "")) == len(whole) - len(kept)
        assert cells(shown) <= width or not kept


@pytest.mark.parametrize("width", [20, 40, 80, 100, 140])
def test_no_row_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """What a terminal wraps begins at its left edge, like rows of ours."""
    monkeypatch.setattr("hitloop_tui.cli.table.terminal_width", lambda: width)
    shown = listing(capsys, action("m" * 50, {"body": "x" * 5000})).splitlines()
    assert all(cells(row) <= max(width, 26) for row in shown)
    starts = {row[:6] for row in shown if not row.startswith("    ┆ ")}
    assert len(starts) == 2, "a title and a Review"
    assert sum("x…+" in row for row in shown) == 1
