"""The trace pane: following, holding, filtering, and doing nothing unasked."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from hitloop_tui.attach.events import Event
from hitloop_tui.tui.widgets import trace as trace_module
from hitloop_tui.tui.widgets.trace import TracePane
from tests.pilot.bare import Bare, screen_text
from tests.samples import HOSTILE

AT = 1_795_608_271.0


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_module, "FLUSH_S", 0.01)


def events(count: int, thread: str = "t-1", start: int = 1, kind: str = "custom") -> list[Event]:
    return [
        Event(thread, kind, at=AT, id=n, node="tools", data={"value": f"number {n}"})
        for n in range(start, start + count)
    ]


async def settle(pilot: Pilot[Any]) -> None:
    await pilot.pause(0.03)
    await pilot.pause()


async def test_it_follows_until_held_and_follows_again() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        pane.focus()
        pane.add(events(100))
        await settle(pilot)
        assert "number 100" in screen_text(pilot.app)
        await pilot.press("k")
        assert not pane.following
        pane.add(events(50, start=101))
        await settle(pilot)
        assert "number 150" not in screen_text(pilot.app)
        assert "number 99" in screen_text(pilot.app)
        assert pane.unread == 50
        await pilot.press("G")
        await settle(pilot)
        assert pane.following
        assert pane.unread == 0
        assert "number 150" in screen_text(pilot.app)


async def test_what_is_read_stays_in_place_while_old_lines_are_dropped() -> None:
    pane = TracePane()
    pane.buffer.limit = 200
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        pane.add(events(200))
        pane.add(events(400, start=201))
        await settle(pilot)
        pane.toggle_follow()
        before = screen_text(pilot.app).splitlines()
        pane.add(events(150, start=601))
        await settle(pilot)
        assert pane.buffer.dropped
        after = screen_text(pilot.app).splitlines()
        assert [row[:40] for row in after] == [row[:40] for row in before]


async def test_tokens_grow_one_paragraph() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        for n, text in enumerate(("The ref", "und looks", " right.")):
            data = {"message_id": "m", "text": text}
            pane.add([Event("t-1", "token", at=AT, id=n + 1, node="agent", data=data)])
            pane.add(events(1, start=n + 10))
            await settle(pilot)
        text = screen_text(pilot.app)
        assert "The refund looks right." in text
        assert text.count("agent") == 1


async def test_one_thread_of_many() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(60, 12)) as pilot:
        pane.add([*events(3, "one"), *events(3, "two", start=4)])
        await settle(pilot)
        assert "one" in screen_text(pilot.app)
        pane.thread_filter = "two"
        await settle(pilot)
        text = screen_text(pilot.app)
        assert "number 5" in text
        assert "number 1" not in text
        assert "two" not in text  # the thread is known: no column for it
        pane.add(events(2, "one", start=20))
        await settle(pilot)
        assert "number 20" not in screen_text(pilot.app)
        pane.thread_filter = None
        await settle(pilot)
        assert "number 20" in screen_text(pilot.app)
        pane.clear()
        await settle(pilot)
        assert "Nothing has happened yet." in screen_text(pilot.app)


async def test_a_hidden_pane_does_nothing_and_catches_up() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        await settle(pilot)
        pane.display = False
        await settle(pilot)
        pane.add(events(20))
        await settle(pilot)
        assert pane.buffer.entries == []
        pane.display = True
        await settle(pilot)
        assert "number 20" in screen_text(pilot.app)


async def test_an_idle_pane_has_no_timer_running() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        pane.add(events(5))
        pane.add(events(5, start=6))
        await settle(pilot)
        assert pane._timer is None


async def test_a_flood_is_counted_not_queued() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        pane.display = False
        await settle(pilot)
        pane.add(events(12_000))
        pane.display = True
        await settle(pilot)
        assert len(pane.buffer.entries) == 5000
        assert pane.buffer.dropped == 7000
        await pilot.press("tab", "g")
        assert "7,000 earlier events dropped" in screen_text(pilot.app)


async def test_hostile_text_is_literal() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(120, 40), notifications=True) as pilot:
        pane.add(
            [
                Event(text, "task_error", at=AT, id=n + 1, node=text, data={"error": text})
                for n, text in enumerate(HOSTILE)
            ]
        )
        await settle(pilot)
        text = screen_text(pilot.app)
        assert "[@click=app.quit]show details[/]" in text
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\u200b", "\x9b"}


async def test_a_narrower_pane_wraps_anew() -> None:
    pane = TracePane()
    async with Bare(pane).run_test(size=(100, 10)) as pilot:
        pane.add(events(1, kind="interrupt"))
        await settle(pilot)
        wide = pane.row_count
        await pilot.resize_terminal(24, 10)
        await settle(pilot)
        assert pane.row_count > wide
