"""Telemetry: every event once, in order, and still there after a crash."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import sqlite3
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitloop_tui import TelemetryLogger
from hitloop_tui.core.models import (
    Action,
    ApprovalRequest,
    Decision,
    EventType,
    RunMetadata,
    ToolResult,
    TraceEvent,
)
from hitloop_tui.errors import DatabaseError

DATA = Path(__file__).parents[1] / "data"
ACTION = Action(id="a1", tool_name="send_email", tool_args={"to": "dana@halden.example"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


def stored(path: Path) -> list[tuple[Any, ...]]:
    """What another program reads."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT id, run_id, payload FROM trace_events ORDER BY id").fetchall()
    connection.close()
    return rows


def error_number(logger: TelemetryLogger, number: int, run_id: str = "r") -> None:
    logger.log_error(run_id, ValueError(str(number)))


def numbers(events: list[TraceEvent]) -> list[int]:
    return [int(event.payload["error_message"]) for event in events]


def test_a_whole_run_can_be_read_back():
    started, finished = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    about = RunMetadata(
        run_id="r", scenario_id="s", condition_id="c", model="m", seed=42, started_at=started
    )
    decision = Decision(
        action_id="a1", approved=True, latency_ms=1250.0, decided_by="human:dana", digest="d"
    )
    result = ToolResult(
        action_id="a1", success=False, error="no", started_at=started, finished_at=finished
    )
    with TelemetryLogger() as logger:
        logger.log_run_start(about)
        logger.log_llm_call("r", tokens_in=3, model="m")
        logger.log_action_proposed("r", ACTION, injected_error=True)
        logger.log_approval_requested("r", ApprovalRequest(run_id="r", action=ACTION), "cli")
        logger.log_approval_decided("r", decision, "cli")
        logger.log_tool_execution_start("r", ACTION)
        logger.log_tool_execution_end("r", result)
        logger.log_error("r", ValueError("boom"), {"where": "here"})
        logger.log_run_end("r", success=False, validation_details={"why": "x"})
        events = logger.get_events("r")
        run = logger.get_run_metadata("r")
        assert logger.get_run_metadata("other") is None
    kinds = [event.event_type.value for event in events]
    assert kinds == [
        "run_start",
        "llm_call",
        "action_proposed",
        "injected_error",
        "approval_requested",
        "approval_decided",
        "tool_execution_start",
        "tool_execution_end",
        "error",
        "run_end",
    ]
    by_kind = {event.event_type.value: event.payload for event in events}
    page = {"run_id": "r", "scenario_id": "s", "condition_id": "c", "seed": 42}
    assert page.items() <= by_kind["run_start"].items()
    assert by_kind["action_proposed"]["args_hash"] == ACTION.args_hash()
    assert by_kind["action_proposed"]["injected_error"] is True
    page = {"channel": "cli", "latency_ms": 1250.0, "decision": True, "decided_by": "human:dana"}
    assert page.items() <= by_kind["approval_decided"].items()
    ended = by_kind["tool_execution_end"]
    assert (ended["success"], ended["execution_time_ms"]) == (False, 2000.0)
    assert ended["finished_at"] == finished.isoformat()
    assert run is not None
    assert (run.seed, run.started_at, run.task_success) == (42, started, False)
    assert run.validation_details == {"why": "x"}
    assert run.duration_ms() is not None


def test_the_call_is_kept_so_that_a_decision_can_be_judged_again():
    """hitloop 0.5.1 keeps a hash of the arguments only."""
    with TelemetryLogger() as logger:
        logger.log_action_proposed("r", ACTION)
        (event,) = logger.get_events()
    again = Action(tool_name=event.payload["tool_name"], tool_args=event.payload["tool_args"])
    assert again.digest() == event.payload["digest"]


def test_events_come_in_the_order_they_were_logged_whatever_the_clock_says():
    """hitloop 0.5.1 sorts by wall clock: an adjusted clock swaps a question and its answer."""
    now = datetime.now(UTC)
    with TelemetryLogger() as logger:
        for step in range(3):
            at = now - timedelta(hours=step)
            event = TraceEvent(run_id=str(step), event_type=EventType.ERROR, timestamp=at)
            logger.log_event(event)
        events = logger.get_events()
    assert [event.run_id for event in events] == ["0", "1", "2"]
    assert [event.seq for event in events] == [1, 2, 3]
    assert all(event.timestamp.tzinfo for event in events)


def test_queries_filter_limit_and_go_on_where_they_stopped():
    with TelemetryLogger() as logger:
        for number in range(6):
            error_number(logger, number, run_id=str(number % 2))
        assert numbers(logger.get_events("0")) == [0, 2, 4]
        assert numbers(logger.get_events(limit=2)) == [0, 1]
        assert numbers(logger.get_events(after=4)) == [4, 5]
        assert logger.get_events(limit=0) == logger.get_events("") == []
        assert logger.get_events(event_type=EventType.RUN_END) == []


def test_runs_are_listed_by_start_and_starting_twice_is_one_run(path):
    with TelemetryLogger(path) as logger:
        for name, day in (("late", 2), ("early", 1), ("late", 3)):
            started = datetime(2026, 1, day, tzinfo=UTC)
            logger.log_run_start(RunMetadata(run_id=name, started_at=started, seed=2**80 + day))
        runs = logger.get_all_runs()
    assert [(run.run_id, run.seed) for run in runs] == [("early", 2**80 + 1), ("late", 2**80 + 2)]


@pytest.mark.parametrize("durability", ["batch", "event", "full"])
def test_reads_see_what_was_written(path, durability):
    with TelemetryLogger(path, durability) as logger:
        for number in range(100):
            error_number(logger, number)
            assert len(logger.get_events()) == number + 1


@pytest.mark.parametrize("durability", ["batch", "event", "full"])
def test_many_threads_lose_and_double_nothing_and_keep_their_own_order(path, durability):
    def write(thread: int) -> None:
        for number in range(200):
            error_number(logger, number, run_id=str(thread))

    with TelemetryLogger(path, durability) as logger:
        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for n in range(8):
            assert numbers(logger.get_events(str(n))) == list(range(200))


def test_a_locked_file_delays_events_but_neither_loses_nor_raises(path, monkeypatch, caplog):
    monkeypatch.setattr("hitloop_tui.core.telemetry_schema.BUSY_TIMEOUT_S", 0.01)
    with TelemetryLogger(path) as logger:
        blocker = sqlite3.connect(path)
        blocker.execute("BEGIN IMMEDIATE")
        error_number(logger, 0)
        time.sleep(0.2)
        error_number(logger, 1)
        with pytest.raises(DatabaseError, match="locked"):
            logger.flush()
        blocker.rollback()
        blocker.close()
        assert numbers(logger.get_events()) == [0, 1]
    assert "kept for later" in caplog.text


def test_a_durable_event_that_cannot_be_written_is_said(path, monkeypatch):
    monkeypatch.setattr("hitloop_tui.core.telemetry_schema.BUSY_TIMEOUT_S", 0.01)
    with TelemetryLogger(path, "full") as logger:
        blocker = sqlite3.connect(path)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError):
            error_number(logger, 0)
        blocker.close()


def test_a_closed_logger_refuses_and_closing_twice_is_fine(path):
    logger = TelemetryLogger(path)
    error_number(logger, 0)
    logger.close()
    logger.close()
    assert len(stored(path)) == 1
    with pytest.raises(DatabaseError, match="closed"):
        error_number(logger, 1)
    with pytest.raises(DatabaseError, match="closed"):
        logger.get_events()


def test_a_new_file_is_its_owners_alone_and_a_bad_path_is_said(path):
    TelemetryLogger(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(DatabaseError, match="nowhere"):
        TelemetryLogger(path.parent / "nowhere" / "t.db")


def test_files_of_hitloop_itself_are_read_and_continued(path, caplog):
    """`tests/data/write_hitloop.py` wrote it, with hitloop 0.5.1."""
    caplog.set_level(logging.INFO)
    shutil.copy(DATA / "hitloop-0.5.1.sqlite", path)
    with TelemetryLogger(path) as logger:
        assert f"{path}: written by hitloop 0.5" in caplog.text
        error_number(logger, 8, "old-1")
        logger.log_run_end("old-2", success=True)
        events = logger.get_events("old-1")
        first, second = logger.get_all_runs()
    assert [event.seq for event in events] == [*range(1, 11), 12]
    assert {event.timestamp.tzinfo for event in events} == {UTC}
    by_kind = {event.event_type.value: event.payload for event in events}
    assert by_kind["action_proposed"]["injected_error"] is True
    assert by_kind["approval_decided"]["decided_by"] == "human:ann"
    assert (first.run_id, first.seed, first.task_success) == ("old-1", 42, False)
    assert first.validation_details == {"why": "stopped"}
    assert first.started_at.date() == date(2026, 11, 23)
    assert (second.run_id, second.seed, second.task_success) == ("old-2", None, True)
    caplog.clear()
    with TelemetryLogger(path) as logger:
        assert len(logger.get_events()) == 13
    assert "hitloop 0.5" not in caplog.text


def test_another_programs_tables_are_left_alone(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE runs (kilometres)")
    other.close()
    with pytest.raises(DatabaseError, match=r"telemetry\.db: its table runs has no column"):
        TelemetryLogger(path)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    other.close()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(payload=st.dictionaries(st.text(), JSON), run_id=st.text(min_size=1))
def test_any_json_comes_back_as_it_was(payload, run_id):
    with TelemetryLogger() as logger:
        logger.log_event(TraceEvent(run_id=run_id, event_type=EventType.ERROR, payload=payload))
        (event,) = logger.get_events(run_id)
    assert event.payload == payload


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")


def endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        ([1.5, math.inf], [1.5, None]),
        ({(1, 2): b"\x00\xff"}, {"(1, 2)": "00ff"}),
        ({3, 1, 2}, [1, 2, 3]),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (ValueError("x"), "ValueError: x"),
        (Hostile(), "<Hostile>"),
        (10**400, 10**400),
    ],
)
def test_what_json_cannot_say_is_logged_all_the_same(value, expected):
    """hitloop 0.5.1 raises into the agent."""
    with TelemetryLogger() as logger:
        logger.log_error("r", ValueError("boom"), {"value": value})
        (event,) = logger.get_events()
    assert event.payload["context"] == {"value": expected}


def test_values_without_end_and_half_characters_are_logged_too():
    with TelemetryLogger() as logger:
        logger.log_error("r\ud800", ValueError("\udfff"), endless())
        (event,) = logger.get_events("r\ud800")
    assert event.run_id == "r\\ud800"
    assert json.dumps(event.payload)


def test_metadata_and_events_as_plain_data():
    event = TraceEvent(run_id="r", event_type=EventType.RUN_START, payload={"n": 1})
    plain = event.model_dump_json_safe()
    assert json.loads(json.dumps(plain)) == plain
    assert plain.keys() == {"timestamp", "run_id", "event_type", "payload"}
    assert RunMetadata().duration_ms() is None
    assert os.path.sep not in RunMetadata().run_id
