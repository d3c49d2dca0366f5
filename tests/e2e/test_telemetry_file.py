"""What happens to telemetry's file while it is written: full disks, locks, deletion."""

from __future__ import annotations

import sqlite3
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hitloop_tui import TelemetryLogger
from hitloop_tui.core.models import TraceEvent
from hitloop_tui.errors import DatabaseError
from tests.e2e.telemetry_desk import error_number, of_run, start
from tests.unprivileged import as_somebody

BUSY = "hitloop_tui.core.telemetry_schema.BUSY_TIMEOUT_S"


def numbers(events: list[TraceEvent]) -> list[int]:
    return [int(event.payload["error_message"]) for event in events]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes into the file, and does not end."""
    blocker = sqlite3.connect(path)
    blocker.execute("BEGIN IMMEDIATE")
    yield
    blocker.rollback()
    blocker.close()


FULL = """
    import os, resource, sys
    from hitloop_tui import TelemetryLogger
    from hitloop_tui.errors import DatabaseError
    path, durability = sys.argv[1:]
    logger = TelemetryLogger(path, durability)
    for number in range(100):
        logger.log_error("r", ValueError(str(number)))
    logger.flush()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(path + "-wal").st_size + 8192, most))
    refused = 0
    for number in range(100, 3000):
        try:
            logger.log_error("r", ValueError(str(number)))
        except DatabaseError as error:
            assert path in str(error), error
            refused += 1
    assert bool(refused) == (durability != "batch"), refused
    try:
        logger.close()
        print("closed")
    except DatabaseError as error:
        assert path in str(error), error
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    print(len(logger.get_events("r")))
    logger.close()
"""


@pytest.mark.parametrize("durability", ["batch", "event"])
def test_a_full_disk_is_said_and_what_was_logged_comes_when_there_is_room(log_file, durability):
    said, errors = start(FULL, log_file, durability).communicate(timeout=120)
    assert said == "3000\n"
    assert ("kept for later" in errors) == (durability == "batch")
    assert "Traceback" not in errors
    assert of_run(log_file, "r") == list(range(3000))


def test_while_the_file_is_locked_nobody_waits_and_nothing_is_lost(log_file, monkeypatch, caplog):
    monkeypatch.setattr(BUSY, 0.2)
    with TelemetryLogger(log_file) as logger:
        with locked(log_file):
            error_number(logger, 0)
            deadline = time.monotonic() + 60
            while "kept for later" not in caplog.text and time.monotonic() < deadline:
                time.sleep(0.01)
            for number in range(1, 6000):
                error_number(logger, number)
            tried = {r.threadName for r in caplog.records if "kept for later" in r.message}
            assert tried == {"telemetry"}
            with pytest.raises(DatabaseError, match="locked"):
                logger.get_events()
            with pytest.raises(DatabaseError, match="locked"):
                logger.close()
            error_number(logger, 6000)
        assert numbers(logger.get_events()) == list(range(6001))
    assert of_run(log_file, "r") == list(range(6001))


def test_after_a_close_that_failed_events_reach_the_file_by_themselves(log_file, monkeypatch):
    monkeypatch.setattr(BUSY, 0.01)
    logger = TelemetryLogger(log_file)
    with locked(log_file):
        error_number(logger, 1)
        with pytest.raises(DatabaseError, match="locked"):
            logger.close()
    deadline = time.monotonic() + 30
    while of_run(log_file, "r") != [1] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert of_run(log_file, "r") == [1]
    logger.close()


@pytest.mark.parametrize("durability", ["batch", "event"])
def test_a_file_that_was_deleted_or_replaced_is_begun_anew(log_file, durability, caplog):
    """SQLite goes on writing into the deleted one, and all of it is lost."""
    with TelemetryLogger(log_file, durability) as logger:
        error_number(logger, 1)
        assert numbers(logger.get_events()) == [1]
        log_file.unlink()
        error_number(logger, 2)
        assert numbers(logger.get_events()) == [2]
        with TelemetryLogger(log_file.with_name("other.db")) as other:
            error_number(other, 7)
        log_file.with_name("other.db").replace(log_file)
        for rest in ("-wal", "-shm"):
            log_file.with_name(log_file.name + rest).unlink(missing_ok=True)
        error_number(logger, 8)
        logger.flush()
        assert numbers(logger.get_events()) == [7, 8]
    assert of_run(log_file, "r") == [7, 8]
    assert "was replaced" in caplog.text


def test_a_relative_path_stays_where_it_was(log_file, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with TelemetryLogger(log_file.name) as logger:
        monkeypatch.chdir(tmp_path / "elsewhere")
        error_number(logger, 1)
        logger.flush()
        assert numbers(logger.get_events()) == [1]
    assert logger.db_path == log_file.name
    assert of_run(log_file, "r") == [1]
    assert list((tmp_path / "elsewhere").iterdir()) == []


READ_ONLY = """
    from hitloop_tui import TelemetryLogger
    from hitloop_tui.errors import DatabaseError
    try:
        TelemetryLogger({path!r})
    except DatabaseError as error:
        print(error)
"""


def test_a_file_that_may_not_be_written_is_said_at_once(log_file):
    TelemetryLogger(log_file).close()
    log_file.chmod(0o444)
    log_file.parent.chmod(0o555)
    done = as_somebody(textwrap.dedent(READ_ONLY).format(path=str(log_file)), log_file.parent)
    assert done.stderr == ""
    assert f"telemetry {log_file}:" in done.stdout
    assert "readonly" in done.stdout or "unable to open" in done.stdout
