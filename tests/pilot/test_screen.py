"""Moving about: cursor, filter, panes, help, and files that are not there."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from textual.command import CommandList
from textual.events import Click

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.tui.keymap import KEYS
from hitloop_tui.tui.no_controls import NoControls
from hitloop_tui.tui.theme import few_colours
from tests.pilot.console import NARROW, WIDE, console
from tests.pilot.questions import gate


async def test_the_filter_counts_and_escape_clears_it(db: Path) -> None:
    async with console(db) as c:
        await c.press("slash", *"refund", "enter")
        assert [row.thread_id for row in c.main.inbox.state.shown] == ["t-refund"]
        assert "1 of 6" in str(c.main.inbox.border_title)
        await c.read("t-refund")
        await c.press("escape")
        assert len(c.main.inbox.state.shown) == 6
        assert c.main.inbox.state.cursor == c.main.card.review.key  # type: ignore[union-attr]


async def test_letters_typed_into_the_filter_are_no_commands(db: Path) -> None:
    async with console(db) as c:
        await c.press("slash", "a", "r", "q", "space", "A")
        assert c.main.inbox.state.filter == "arq A"
        assert c.records() == []


async def test_what_happens_is_said_after_tab_has_left_the_filter(db: Path) -> None:
    async with console(db) as c:
        await c.press("slash", *"refund")
        c.app.app_focus = False  # another window
        await c.pilot.pause()
        c.app.app_focus = True
        await c.pilot.pause()
        assert c.main.status.has_class("-typing")
        await c.press("tab")
        await c.until(lambda: not c.main.status.has_class("-typing"))
        assert len(c.main.inbox.state.shown) == 1
        await c.read("t-refund")
        await c.press("a")
        await c.until(lambda: "approved refund" in c.said)


async def test_o_sorts_riskiest_first(db: Path) -> None:
    async with console(db) as c:
        await c.press("o")
        risks = [row.risk for row in c.main.inbox.state.shown]
        assert risks == ["high", "medium", "medium", None, None, "low"]
        assert "riskiest first" in str(c.main.inbox.border_title)


async def test_capital_letters_move_on_without_leaving_the_card(db: Path) -> None:
    async with console(db) as c:
        await c.press("enter")
        assert c.main.focused is c.main.card
        await c.press("J")
        await c.read("t-refund")
        assert c.main.focused is c.main.card
        await c.press("K")
        await c.read("t-mail")
        await c.press("escape")
        assert c.main.focused is c.main.inbox


async def test_a_review_decided_elsewhere_stays_on_the_card_and_says_so(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        review = c.main.card.review
        assert review is not None
        session = Session.open(db)
        decide(session.inbox, review, {0: Verdict(Kind.REJECT)}, Person("bob", {}))
        session.close()
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.DECIDED)
        await c.press("a")
        assert "decided by human:bob" in c.said


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x40"])
async def test_a_row_decided_elsewhere_is_drawn_anew(db: Path, size: tuple[int, int]) -> None:
    async with console(db, size) as c:
        await c.go_to("t-mail")
        session = Session.open(db)
        session.inbox.load()
        key = next(r.key for r in session.inbox.rows() if r.thread_id == "t-refund")
        review = session.inbox.review(key)
        assert review is not None
        decide(session.inbox, review, {0: Verdict(Kind.REJECT)}, Person("bob", {}))
        session.close()
        await c.until(lambda: c.main.inbox.state.waiting == 5)
        await c.pilot.pause()
        assert "decided" in c.app.export_screenshot()


async def test_the_trace_replaces_the_card_on_a_narrow_screen(db: Path) -> None:
    async with console(db, NARROW) as c:
        assert not c.main.trace.display
        await c.press("T")
        assert c.main.trace.display
        assert not c.main.card.display
        await c.press("2")
        assert c.main.card.display
        assert c.main.focused is c.main.card


async def test_three_panes_on_a_wide_screen_and_one_when_zoomed(db: Path) -> None:
    async with console(db, WIDE) as c:
        panes = [c.main.inbox, c.main.card, c.main.trace]
        assert all(pane.display for pane in panes)
        await c.press("tab", "z")
        assert [pane.display for pane in panes] == [False, True, False]
        await c.press("z")
        assert all(pane.display for pane in panes)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (100, 30), (120, 36), (200, 60), (20, 5)])
async def test_every_size_draws(db: Path, size: tuple[int, int]) -> None:
    async with console(db, size) as c:
        await c.press("j", "j", "T", "3", "z", "question_mark", "escape", "escape")
        c.app.export_screenshot()


async def test_the_help_names_every_key(db: Path) -> None:
    async with console(db, (140, 60)) as c:
        await c.press("question_mark")
        text = "\n".join(str(s.visual) for s in c.app.screen.query("Static"))  # type: ignore[attr-defined]
        assert all(key.help in text for key in KEYS)
        await c.press("escape")
        assert c.app.screen is c.main


async def test_a_database_that_is_not_there_yet_is_waited_for(tmp_path: Path, asked: Path) -> None:
    db = tmp_path / "later.db"
    async with console(db, rows=0) as c:
        await c.until(lambda: "waiting for later.db" in c.said)
        shutil.copy(asked, db)
        await c.until(lambda: c.main.inbox.state.total == 6)
        await c.until(lambda: "waiting" not in c.said)


async def test_an_inbox_without_questions_says_so(tmp_path: Path, asked: Path) -> None:
    db = tmp_path / "agents.db"
    shutil.copy(asked, db)
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("DELETE FROM checkpoints")
        connection.execute("DELETE FROM writes")
    async with console(db, rows=0) as c:
        await c.until(lambda: "Nothing to decide." in c.shown)


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    db = tmp_path / "notes.txt"
    db.write_text("no database at all, " * 100)
    async with console(db, rows=0) as c:
        await c.until(lambda: "notes.txt" in c.said)


async def test_a_new_question_slides_in_above_an_untouched_cursor(
    db: Path, ask: Callable[[str, object], None]
) -> None:
    async with console(db) as c:
        ask("t-new", gate("late", {}, "high"))
        await c.until(lambda: c.main.inbox.state.total == 7)
        assert c.main.inbox.state.index == 1
        assert c.main.inbox.scroll_offset.y == 0


async def test_the_chosen_row_keeps_its_line_when_new_ones_come(
    db: Path, ask: Callable[[str, object], None]
) -> None:
    async with console(db, (80, 15)) as c:
        await c.press("j", "j")
        before = c.main.inbox.state.index - c.main.inbox.scroll_offset.y
        ask("t-new", gate("late", {}, "high"))
        await c.until(lambda: c.main.inbox.state.total == 7)
        await c.pilot.pause()
        assert c.main.inbox.state.index - c.main.inbox.scroll_offset.y == before


async def test_no_filter_lets_controls_through(db: Path) -> None:
    async with console(db) as c:
        assert any(isinstance(each, NoControls) for each in c.app.get_line_filters())


async def test_a_terminal_that_becomes_wide_shows_what_has_happened(db: Path) -> None:
    async with console(db, (100, 30)) as c:
        for size in ((40, 10), (20, 5), (200, 50)):
            await c.pilot.resize_terminal(*size)
            await c.pilot.pause()
        await c.until(lambda: c.main.trace.buffer.entries, "the trace of the past")


async def test_without_colour_text_is_drawn_in_the_terminals_own(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with console(db) as c:
        strips = [strip for line in c.main._compositor.render_strips() for strip in line]
        drawn = strips
        for each in c.app.get_line_filters():
            drawn = each.apply(drawn, c.main.background_colors[1])
        colours = {s.style.color for s in drawn if s.style is not None and s.style.color}
        assert {colour.name for colour in colours} == {"default"}


@pytest.mark.parametrize(
    ("term", "colorterm", "few"),
    [
        ("xterm-256color", "", False),
        ("tmux-256color", "", False),
        ("xterm-kitty", "", False),
        ("xterm", "truecolor", False),
        ("xterm", "", True),
        ("linux", "", True),
        ("foot", "", True),
        ("", "", True),
    ],
)
def test_the_terminals_own_colours_where_it_has_few(
    term: str, colorterm: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLORTERM", colorterm)
    assert few_colours() is few


async def test_ascii_only_means_the_scrollbar_too(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITLOOP_ASCII", "1")
    async with console(db, (60, 14)) as c:
        assert c.main.inbox.show_vertical_scrollbar
        drawn = "".join(s.text for line in c.main._compositor.render_strips() for s in line)
        assert not set("▁▂▃▄▅▆▇") & set(drawn)


async def test_a_command_that_is_listed_no_more_is_clicked(db: Path) -> None:
    """As when the list is made anew for what was typed meanwhile."""
    async with console(db) as c:
        await c.press("colon")
        await c.until(lambda: c.app.screen.query_one(CommandList).option_count > 3)
        listed = c.app.screen.query_one(CommandList)
        place = listed.region.offset
        style = c.app.screen.get_style_at(place.x + 5, place.y + 2)
        assert "option" in style.meta
        listed.clear_options()
        where = {"x": 5, "y": 2, "delta_x": 0, "delta_y": 0, "button": 1}
        keys = {"shift": False, "meta": False, "ctrl": False, "style": style}
        listed.post_message(Click(listed, **where, **keys))
        await c.pilot.pause()
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.main, "the palette has gone")


async def test_the_palette_goes_once_though_it_is_told_twice(db: Path) -> None:
    """As by two quick clicks beside it."""
    async with console(db) as c:
        await c.press("colon")
        palette = c.app.screen
        assert palette is not c.main
        palette.dismiss()
        palette.dismiss()
        await c.until(lambda: c.app.screen is c.main, "the palette has gone")
