"""Long experiments say how far they are, on standard error, and short ones say nothing."""

from __future__ import annotations

import io

import pytest

from hitloop_tui.eval import progress
from hitloop_tui.eval.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when told to."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def forward(seconds: float) -> None:
        now[0] += seconds

    return forward


def test_short_experiments_are_silent(clock):
    stream = Terminal()
    said = Progress(stream)
    for count in range(1, 101):
        said(count, 100, "c")
        clock(0.009)
    said.end()
    assert stream.getvalue() == ""


def test_a_terminal_gets_one_line_that_changes_and_goes(clock):
    stream = Terminal()
    said = Progress(stream)
    for count in range(1, 201):
        said(count, 1000, "cond, trial 1 of 2")
        clock(0.125)
    said.end()
    shown = stream.getvalue()
    assert "\n" not in shown
    assert 190 <= shown.count("\r") <= 193
    assert "\x1b[K100/1000  10%  about 1 min 52 s left  cond, trial 1 of 2" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_log_gets_a_line_every_ten_seconds(clock):
    stream = io.StringIO()
    said = Progress(stream)
    for count in range(1, 601):
        said(count, 6000, "c")
        clock(0.125)
    said.end()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 8
    assert lines[-1].startswith("568/6000  9%  about 11 min 19 s left")
    assert "\x1b" not in stream.getvalue()


def test_a_person_may_take_long_over_the_first(clock):
    stream = io.StringIO()
    said = Progress(stream)
    clock(60)
    said(1, 10, "c")
    assert stream.getvalue() == "0/10  0%  c\n"


def test_a_question_on_the_same_terminal_comes_below_the_line(clock):
    stream = Terminal()
    said = Progress(stream)
    for count in range(1, 4):
        said(count, 3, "c")
        stream.write("Approve? y\n")
        clock(30)
    said.end()
    assert stream.getvalue().split("\r\x1b[K") == [
        "Approve? y\n",
        "1/3  33%  about 1 min 00 s left  c\nApprove? y\n",
        "2/3  66%  about 30 s left  c\nApprove? y\n",
    ]


def test_a_line_is_no_wider_than_the_terminal(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    said = Progress(stream)
    for count in range(1, 21):
        said(count, 20, "a condition with a very long name")
        clock(0.125)
    assert {len(line) for line in stream.getvalue().split("\r\x1b[K")} == {0, 39}
