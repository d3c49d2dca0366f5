"""Events on their way to the ledger, and values in them."""

from __future__ import annotations

import dataclasses
import enum
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from hitloop_tui.attach.event_log import EventLog
from hitloop_tui.attach.events import Event, events_since
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.preview import LIMIT, preview


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LedgerFile]:
    file = LedgerFile(tmp_path / "x.ledger.db")
    yield file
    file.close()


@pytest.fixture
def log(file: LedgerFile) -> Iterator[EventLog]:
    log = EventLog(LedgerFile(file.path, durable=False))
    yield log
    log.close()


def token(text: str, thread: str = "t", message: str = "m") -> Event:
    return Event(thread, "token", data={"message_id": message, "text": text})


class TestLog:
    def test_events_arrive_without_a_flush(self, file: LedgerFile, log: EventLog) -> None:
        log.add(Event("t", "update"))
        deadline = time.monotonic() + 5
        while not events_since(file, 0):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def test_flush_commits_what_was_added(self, file: LedgerFile, log: EventLog) -> None:
        for n in range(100):
            log.add(Event("t", "update", data={"n": n}))
        log.flush()
        assert [e.data["n"] for e in events_since(file, 0)] == list(range(100))

    def test_tokens_of_one_message_become_one_event(self, file: LedgerFile, log: EventLog) -> None:
        for text in ("one ", "two ", "three"):
            log.add_token(token(text))
            log.add_token(token(text, message="other"))
        log.flush()
        assert [e.data["text"] for e in events_since(file, 0)] == ["one two three"] * 2

    def test_no_event_of_a_thread_overtakes_its_tokens(
        self, file: LedgerFile, log: EventLog
    ) -> None:
        log.add_token(token("a"))
        log.add_token(token("b", thread="other"))
        log.add(Event("t", "task_end"))
        log.add_token(token("c"))
        log.flush()
        found = [e.data.get("text", e.kind) for e in events_since(file, 0, thread_id="t")]
        assert found == ["a", "task_end", "c"]

    def test_a_ledger_that_cannot_be_written_loses_nothing(
        self, file: LedgerFile, log: EventLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hitloop_tui.attach.ledger_file.BUSY_TIMEOUT_S", 0.01)
        with file.transaction():
            log.add(Event("t", "update"))
            log.flush()
            log.add(Event("t", "custom"))
        log.flush()
        assert [e.kind for e in events_since(file, 0)] == ["update", "custom"]


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Order:
    id: int
    color: Color


class Model(BaseModel):
    order: dict[str, int]


class Evil:
    def __repr__(self) -> str:
        raise RuntimeError


class TestPreview:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (None, None),
            ({"a": [1, 2.5, True, "x"]}, {"a": [1, 2.5, True, "x"]}),
            ({1: (1, 2)}, {"1": [1, 2]}),
            ({"a": {"_injected_error": True, "b": 1}}, {"a": {"b": 1}}),
            (Order(1, Color.RED), {"id": 1, "color": "red"}),
            (Model(order={"n": 1}), {"order": {"n": 1}}),
            (AIMessage("hi"), {"type": "ai", "content": "hi"}),
            (b"\x00\x01", "<2 bytes>"),
            (object, "<class 'object'>"),
            (Evil(), "<Evil: cannot be shown: RuntimeError>"),
        ],
    )
    def test_plain_data(self, value: Any, shown: Any) -> None:
        assert preview(value) == shown

    def test_a_long_value_says_how_much_is_missing(self) -> None:
        assert preview("x" * 5000) == "x" * 1000 + "… 4,000 more characters"
        assert preview(["x" * 5000] * 2, 2000).endswith("… 8,054 more characters")

    @pytest.mark.parametrize(
        "value", [list(range(10**6)), dict.fromkeys(range(10**5), "x" * 99), [["x"] * 999] * 999]
    )
    def test_big_values_are_bounded_and_quick(self, value: Any) -> None:
        started = time.process_time()
        assert len(json.dumps(preview(value), ensure_ascii=False)) < 2 * LIMIT
        assert time.process_time() - started < 0.5

    def test_a_value_that_holds_itself(self) -> None:
        value: list[Any] = []
        value.append(value)
        assert "…" in json.dumps(preview(value), ensure_ascii=False)
