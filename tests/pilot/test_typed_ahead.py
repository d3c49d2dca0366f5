"""Keys that arrive together: each is for what the one before it has opened."""

from __future__ import annotations

from pathlib import Path

from textual import events

from hitloop_tui.attach.review import Kind
from hitloop_tui.tui.dialogs import ConfirmDialog, ReasonDialog
from tests.pilot.console import Console, console

NAMES = {"/": "slash", "*": "asterisk", " ": "space", "\r": "enter"}


def type_at_once(c: Console, keys: str) -> None:
    """As one packet of a slow line brings them."""
    for char in keys:
        event = events.Key(NAMES.get(char, char), char)
        event.set_sender(c.app)
        c.app.post_message(event)


async def test_letters_after_a_slash_decide_nothing(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        type_at_once(c, "/air\r")
        await c.until(lambda: c.main.inbox.state.filter == "air")
        await c.until(lambda: not c.main.status.has_class("-typing"))
        assert c.records() == []


async def test_a_reason_that_begins_with_an_a_is_no_approval(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        type_at_once(c, "rabsolutely not\r")
        await c.until(c.records)
        [record] = c.records()
        assert record.identity.thread_id == "t-refund"
        assert [(v.kind, v.reason) for v in record.verdicts] == [(Kind.REJECT, "absolutely not")]


async def test_a_reason_for_many_waits_until_it_is_asked_for(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        type_at_once(c, "*Rai")
        await c.until(lambda: isinstance(c.app.screen, ReasonDialog))
        await c.until(lambda: c.app.typed_ahead.idle)
        await c.press("enter")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("Y")
        await c.until(c.records)
        assert {(v.kind, v.reason) for r in c.records() for v in r.verdicts} == {
            (Kind.REJECT, "ai")
        }


async def test_nothing_is_confirmed_before_it_is_shown(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        type_at_once(c, "*AY")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: c.app.typed_ahead.idle)
        assert c.records() == []
        await c.press("Y")
        await c.until(c.records)


async def test_a_paste_waits_for_its_field(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        type_at_once(c, "r")
        paste = events.Paste("all of it")
        paste.set_sender(c.app)
        c.app.post_message(paste)
        type_at_once(c, "\r")
        await c.until(c.records)
        assert c.records()[0].verdicts[0].reason == "all of it"
