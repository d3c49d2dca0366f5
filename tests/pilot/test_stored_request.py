"""A request of a backend, decided on the screen, beside the questions of graphs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hitloop_tui.backends import ConsoleBackend
from tests.backends.desk import a_request
from tests.pilot.console import NARROW, WIDE, console


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x40"])
async def test_it_comes_is_approved_and_goes(db: Path, size: tuple[int, int]) -> None:
    backend = ConsoleBackend(db)
    async with console(db, size) as c:
        await c.until(lambda: c.main.inbox.state.waiting == 6)
        task = asyncio.create_task(backend.request_approval(a_request(), thread_id="t-stored"))
        await c.until(lambda: c.main.inbox.state.waiting == 7)
        await c.go_to("t-stored")
        await c.press("a")
        decision = await asyncio.wait_for(task, 10)
        assert (decision.approved, decision.decided_by) == (True, "human:ann")
        await c.until(lambda: c.main.inbox.state.waiting == 6)
        await c.until(lambda: all(row.thread_id != "t-stored" for row in c.main.inbox.state.shown))
    await backend.close()


async def test_into_a_console_without_any_database(tmp_path: Path) -> None:
    db = tmp_path / "none.db"
    backend = ConsoleBackend(db)
    async with console(db, rows=0) as c:
        task = asyncio.create_task(backend.request_approval(a_request()))
        await c.until(lambda: c.main.inbox.state.waiting == 1)
        await c.go_to("run-1")
        await c.press("a")
        assert (await asyncio.wait_for(task, 10)).approved
    await backend.close()
