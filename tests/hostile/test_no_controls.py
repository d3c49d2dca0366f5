"""The last line of defence: a widget that passes no door draws on a real terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from hitloop_tui.tui.no_controls import NoControls
from tests.e2e.terminal import terminal
from tests.hostile.ansi import foreign, tokens
from tests.hostile.bypass import LINKED, misleading

BELL = "\x07"
BLACK = Color(0, 0, 0)


@pytest.mark.parametrize(("ascii_only", "mark"), [("", "\ufffd"), ("1", "?")])
def test_what_a_widget_draws_past_every_door(tmp_path: Path, ascii_only: str, mark: str) -> None:
    environment = {"HITLOOP_ASCII": ascii_only, "XDG_STATE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "tests.hostile.bypass", str(tmp_path / "agents.db")]
    with terminal(command, 140, 40, environment) as console:
        console.wait_for(LINKED)
        shown = console.lines
        console.press("q")
        assert console.wait_end() == 0
    assert {token.body for token in foreign(tokens(console.raw))} == set()
    rows = [line for line in shown if line.startswith("|")]
    assert "".join(rows).count(mark) == sum(max(cell_len(char), 1) for char in misleading())
    assert {(len(row), row[-1]) for row in rows} == {(140, "|")}


def test_what_is_said_of_a_crash(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.hostile.bypass", str(tmp_path / "agents.db")]
    with terminal(command, 140, 40, {"XDG_STATE_HOME": str(tmp_path)}) as console:
        console.wait_for(LINKED)
        console.press("c")
        assert console.wait_end() == 1
    said = console.raw.decode()
    assert "ValueError" in said
    assert said.count("\ufffd") > len(misleading())
    assert {token.body for token in foreign(tokens(console.raw))} == {BELL}


@pytest.mark.parametrize(
    ("texts", "drawn"),
    [
        (["plain", " \xa0 "], ["plain", " \xa0 "]),
        (["a\x1b[2Jb", "   ", "|"], ["a\ufffd[2Jb", "  ", "|"]),
        (["a\u202e\u2066b  ", " \udc9bc ", "|"], ["a\ufffd\ufffdb ", " \ufffdc", "|"]),
        (["\u200b\u200b", "full"], ["\ufffd\ufffd", "fu"]),
        (["\ue000", "x"], ["\ufffd", "x"]),
    ],
)
def test_a_mark_takes_a_blank_of_its_line_or_the_end(texts: list[str], drawn: list[str]) -> None:
    segments = [Segment(text) for text in texts]
    found = NoControls().apply(segments, BLACK)
    assert [segment.text for segment in found] == drawn
    assert sum(each.cell_length for each in found) == sum(each.cell_length for each in segments)
