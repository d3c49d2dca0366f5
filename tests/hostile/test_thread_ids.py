"""Thread ids that SQLite's functions cut short, and such that no file can hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver

from hitloop_tui.attach import inbox as inbox_module
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.leases import Leases, waiting_threads
from hitloop_tui.attach.review import State
from tests.e2e.command_line import hitloop, listed
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import calls, chain, tool

IDS = ["a\0b", "a\0c", "\0", "a\0", "b", " ", "\u202e", "a\ufffdb", "%", "'"]
"""There is no thread `a`, which is what SQLite's JSON makes of three of them."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("gone", IDS)
async def test_only_the_deleted_thread_is_gone(
    desk: Desk, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "DELETIONS_S", 0.0)
    monkeypatch.setattr(inbox_module, "DELETIONS_SHARE", 0.0)
    for thread_id in IDS:
        await desk.ask(chain(tool), thread_id, {"log": []})
    inbox = Inbox(desk.source, desk.ledger)
    inbox.load()
    assert {row.thread_id for row in inbox.rows()} == set(IDS)
    with closing(sqlite3.connect(desk.db)) as connection:
        SqliteSaver(connection).delete_thread(gone)
    await desk.ask(chain(tool), "new", {"log": []})
    inbox.refresh()
    assert {row.thread_id for row in inbox.rows()} == {*IDS, "new"} - {gone}


async def test_their_decisions_are_applied_once(desk: Desk) -> None:
    calls.clear()
    graph = chain(tool)
    keys = [
        desk.decide((await desk.ask(graph, thread_id, {"log": []}))[0], thread_id)
        for thread_id in IDS
    ]
    assert await desk.work({"g": graph}) == {"applied": len(IDS)}
    assert sorted(calls) == sorted(IDS)
    assert {desk.record(key).state for key in keys} == {State.APPLIED}


async def test_a_busy_one_is_not_taken_again(desk: Desk) -> None:
    for thread_id in IDS:
        desk.decide((await desk.ask(chain(tool), thread_id, {"log": []}))[0], "yes")
    Leases(desk.file, ["g"]).register()
    waiting = waiting_threads(desk.file, "worker", busy=IDS[:4])
    assert sorted(waiting) == sorted(IDS[4:])


async def test_words_that_no_thread_is_called(desk: Desk) -> None:
    await desk.ask(chain(tool), "a\ufffdb", {"log": []})
    named = b"a\x9bb".decode("utf-8", "surrogateescape")
    for words in (["trace", "--thread", named], ["ls", "--thread", named]):
        said = hitloop(*words, "--db", desk.db)
        assert said.code == 0
        assert said.out == ""
    assert listed(desk.db).keys() == {"a\ufffdb"}
