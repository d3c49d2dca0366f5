"""Reading a logger's file while it is written: each event once, and no bad row in the way."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui import TelemetryLogger
from hitloop_tui.attach.events import Event, LedgerEvents, write_events
from hitloop_tui.attach.ground_truth import without_truth
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.telemetry import PAGE, Telemetry
from hitloop_tui.attach.trace import Trace
from hitloop_tui.core.models import EventType, TraceEvent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agents.telemetry.db"


@pytest.fixture
def telemetry(path):
    opened = Telemetry(path)
    yield opened
    opened.close()


def log(path: Path, *numbers: int, run_id: str = "r") -> None:
    with TelemetryLogger(path) as logger:
        for number in numbers:
            logger.log_error(run_id, ValueError(str(number)))


def numbers(events: list[Event]) -> list[int]:
    return [int(event.data["error_message"]) for event in events]


class Reading:
    """Calls `events_since` again and again."""

    def __init__(self, telemetry: Telemetry, thread_id: str | None = None) -> None:
        self.telemetry, self.thread_id, self.cursor = telemetry, thread_id, None

    def news(self) -> list[Event]:
        events, self.cursor = self.telemetry.events_since(self.cursor, thread_id=self.thread_id)
        return events


def test_each_event_is_read_once_and_rows_known_are_not_read_again(path, telemetry):
    reading = Reading(telemetry)
    assert reading.news() == []
    log(path, 1, 2)
    assert numbers(reading.news()) == [1, 2]
    assert reading.news() == []
    with sqlite3.connect(path) as other:
        other.execute("UPDATE trace_events SET payload = 'gone'")
    other.close()
    log(path, 3)
    assert numbers(reading.news()) == [3]


def test_the_past_is_short_and_what_comes_after_it_is_whole(path, telemetry):
    log(path, *range(1000))
    reading = Reading(telemetry)
    assert numbers(reading.news()) == list(range(600, 1000))
    log(path, *range(PAGE * 2 + 7))
    assert numbers(reading.news()) == list(range(PAGE * 2 + 7))


def test_a_file_that_was_replaced_is_read_from_its_beginning(path, telemetry):
    log(path, 1, 2, 3)
    reading = Reading(telemetry)
    assert numbers(reading.news()) == [1, 2, 3]
    path.unlink()
    assert reading.news() == []
    log(path, 4)
    assert numbers(reading.news()) == [4]


def test_a_run_keeps_its_order_when_the_clock_is_set_back(path, telemetry):
    now = datetime.now(UTC) - timedelta(minutes=5)
    with TelemetryLogger(path) as logger:
        for number, minutes in enumerate((0, -60, 1)):
            at = now + timedelta(minutes=minutes)
            payload = {"error_message": number}
            logger.log_event(
                TraceEvent(timestamp=at, run_id="r", event_type="error", payload=payload)
            )
    trace = Trace([telemetry])
    assert numbers(trace.poll()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", "no json"),
        ("payload", "[1, 2]"),
        ("payload", b"\xff\xfe"),
        ("payload", "[" * 100_000),
        ("timestamp", "yesterday"),
        ("timestamp", 7),
        ("event_type", "of_a_later_version"),
        ("run_id", b"\xff"),
        ("thread_id", 12),
        ("run_id", "no UTF-8"),
    ],
)
def test_a_row_that_somebody_spoiled_hides_no_other(path, telemetry, caplog, column, value):
    log(path, 1, 2, 3)
    with sqlite3.connect(path) as other:
        cast = "CAST(x'ff' AS TEXT)" if value == "no UTF-8" else "?"
        given = () if value == "no UTF-8" else (value,)
        other.execute(f"UPDATE trace_events SET {column} = {cast} WHERE id = 2", given)
    other.close()
    events = Reading(telemetry).news()
    assert len(events) == 3
    assert numbers([events[0], events[2]]) == [1, 3]
    assert json.dumps([event.to_json() for event in events])
    with TelemetryLogger(path) as logger:
        told = [event.seq for event in logger.get_events()]
    assert {1, 3} <= set(told)
    assert 2 in told or f"{path}: row 2 is left out" in caplog.text


def test_a_file_that_cannot_be_read_is_told_once_and_read_when_it_can(path, telemetry):
    path.write_text("no database, but longer than a header " * 9)
    version = telemetry.data_version()
    reading = Reading(telemetry)
    (event,) = reading.news()
    assert event.kind == "error"
    assert str(path) in event.data["error"]
    assert reading.news() == []
    path.unlink()
    log(path, 1)
    assert numbers(reading.news()) == [1]
    assert telemetry.data_version() != version


def test_long_values_are_cut_with_their_length(path, telemetry):
    with TelemetryLogger(path) as logger:
        logger.log_error("r", ValueError("x" * 1_000_000), {"short": "y"})
    (event,) = Reading(telemetry).news()
    assert event.data["error_message"].endswith("999,000 more characters")
    assert event.data["context"] == {"short": "y"}


def test_the_truth_goes_and_the_call_stays():
    payload: dict[str, Any] = {
        "tool_args": {"injection_site": "arm"},
        "edited_args": {"injected": 1},
        "proposed": {"tool_args": {"injected": 1}},
        "side_effects": ["email_sent", "INJECTED_ERROR"],
        "injected_error": True,
        "context": [{"_injected_error": False, "kept": 1}],
    }
    assert without_truth(payload) == {
        "tool_args": {"injection_site": "arm"},
        "edited_args": {"injected": 1},
        "proposed": {"tool_args": {"injected": 1}},
        "side_effects": ["email_sent"],
        "context": [{"kept": 1}],
    }


def test_an_injected_error_is_no_event(path, telemetry):
    with TelemetryLogger(path) as logger:
        for kind in (EventType.INJECTED_ERROR, EventType.ERROR, EventType.INJECTED_ERROR):
            logger.log_event(TraceEvent(run_id="r", event_type=kind))
    reading = Reading(telemetry)
    assert [event.kind for event in reading.news()] == ["error"]
    assert reading.news() == []


def test_two_writers_are_told_in_the_order_things_happened(path, telemetry, tmp_path, monkeypatch):
    """A worker's stream reaches the ledger up to 40 ms late, telemetry 25 ms."""
    monkeypatch.setattr("hitloop_tui.attach.trace.SETTLE_S", 0.5)
    ledger = LedgerFile(tmp_path / "agents.ledger.db", durable=False)
    trace = Trace([LedgerEvents(ledger), telemetry])
    with TelemetryLogger(path) as logger:
        assert trace.poll() == []
        at = datetime.now(UTC)
        logger.log_event(TraceEvent(timestamp=at, run_id="r", event_type="error"))
        logger.flush()
        assert trace.poll() == []
        write_events(ledger, [Event("t", "earlier", at=at.timestamp() - 0.01)])
        write_events(ledger, [Event("t", "ahead", at=at.timestamp() + 3600)])
        assert trace.poll() == []
        time.sleep(0.5)
    assert [event.kind for event in trace.poll()] == ["earlier", "error", "ahead"]
    ledger.close()
