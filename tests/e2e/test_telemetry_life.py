"""Telemetry in real processes: kills, forks, full disks, locks, files that go away."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui import TelemetryLogger
from hitloop_tui.core.models import TraceEvent
from hitloop_tui.errors import DatabaseError
from tests.unprivileged import as_somebody

BUSY = "hitloop_tui.core.telemetry_schema.BUSY_TIMEOUT_S"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


def stored(path: Path) -> list[tuple[Any, ...]]:
    """What another program reads."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT run_id, json_extract(payload, '$.error_message') FROM trace_events ORDER BY id"
    ).fetchall()
    connection.close()
    return rows


def of_run(path: Path, run_id: str) -> list[int]:
    return [int(number) for run, number in stored(path) if run == run_id]


def error_number(logger: TelemetryLogger, number: int, run_id: str = "r") -> None:
    logger.log_error(run_id, ValueError(str(number)))


def numbers(events: list[TraceEvent]) -> list[int]:
    return [int(event.payload["error_message"]) for event in events]


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


MANY = """
    import sys, threading
    from hitloop_tui import TelemetryLogger
    path, name, durability = sys.argv[1:]
    logger = TelemetryLogger(path, durability)

    def write(thread):
        for number in range(150):
            logger.log_error(f"{name}-{thread}", ValueError(str(number)))
            if number % 50 == 0:
                assert len(logger.get_events(f"{name}-{thread}")) == number + 1

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logger.close()
"""


def test_many_threads_of_many_processes_share_a_new_file(path):
    """Nothing lost, nothing doubled, each run in its order, and reads see what was written."""
    levels = ["batch", "batch", "event", "full"]
    processes = [start(MANY, path, n, level) for n, level in enumerate(levels)]
    for process in processes:
        assert process.communicate(timeout=120)[1] == ""
    for n in range(4):
        for thread in range(4):
            assert of_run(path, f"{n}-{thread}") == list(range(150))
    assert len(stored(path)) == 4 * 4 * 150


KILLED = """
    import sys
    from hitloop_tui import TelemetryLogger
    logger = TelemetryLogger(sys.argv[1], sys.argv[2])
    for number in range(1_000_000):
        logger.log_error(sys.argv[3], ValueError(str(number)))
        if sys.argv[2] != "batch" or number % 7 == 0:
            logger.flush()
            print(number, flush=True)
"""


@pytest.mark.parametrize("durability", ["batch", "event", "full"])
def test_a_killed_process_loses_nothing_that_was_flushed(path, durability):
    dice = random.Random(7)
    for turn in range(6):
        process = start(KILLED, path, durability, turn)
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 60)):
            process.stdout.readline()
        process.kill()
        told = [int(line) for line in process.communicate(timeout=60)[0].splitlines()]
        assert process.returncode == -signal.SIGKILL
        kept = of_run(path, str(turn))
        assert kept == list(range(len(kept)))
        assert len(kept) > max(told, default=0)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


INTERRUPTED = """
    import os, random, signal, sys, threading, time
    from hitloop_tui import TelemetryLogger
    done = threading.Event()

    def interrupt():
        dice = random.Random(7)
        time.sleep(0.01)
        while not done.is_set():
            time.sleep(dice.random() / 200)
            os.kill(os.getpid(), signal.SIGINT)

    logger = TelemetryLogger(sys.argv[1], "event")
    thread = threading.Thread(target=interrupt)
    number, taken = 0, []
    thread.start()
    while number < 2000 or thread.is_alive():
        try:
            while number < 2000:
                number += 1
                logger.log_error("r", ValueError(str(number)))
                taken.append(number)
            done.set()
            thread.join()
            time.sleep(0.1)
        except KeyboardInterrupt:
            pass
    logger.close()
    print(*taken)
"""


def test_ctrl_c_at_any_moment_neither_doubles_nor_loses(path):
    said, errors = start(INTERRUPTED, path).communicate(timeout=120)
    assert errors == ""
    kept, taken = of_run(path, "r"), list(map(int, said.split()))
    assert kept == sorted(set(kept))
    assert set(taken) <= set(kept)
    assert len(taken) > 1000


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "1 / 0"])
def test_the_end_of_the_interpreter_is_a_flush(path, end):
    script = (
        "import sys; from hitloop_tui import TelemetryLogger;"
        f"TelemetryLogger(sys.argv[1]).log_error('r', ValueError('1'))\n{end}"
    )
    start(script, path).communicate(timeout=60)
    assert of_run(path, "r") == [1]


FORKED = """
    import os, signal, sys
    from hitloop_tui import TelemetryLogger
    logger = TelemetryLogger(sys.argv[1])
    logger.log_error("parent", ValueError("1"))
    closed, close = os.pipe()
    child = os.fork()
    logger.log_error("child" if child == 0 else "parent", ValueError("2"))
    if child == 0:
        logger.flush()
        os.close(close)
        os.read(closed, 1)
        logger.log_error("child", ValueError("3"))
        logger.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    logger.close()
    if child:
        os.close(close)
        os.waitpid(child, 0)
"""
CHILDREN = """
    import multiprocessing, sys, threading
    from hitloop_tui import TelemetryLogger

    def write(logger, name):
        for number in range(50):
            logger.log_error(name, ValueError(str(number)))

    if __name__ == "__main__":
        logger = TelemetryLogger(sys.argv[1])
        busy = threading.Thread(target=write, args=(logger, "parent"))
        busy.start()
        fork = multiprocessing.get_context("fork")
        children = [fork.Process(target=write, args=(logger, f"child-{n}")) for n in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        busy.join()
"""


def test_a_forked_child_writes_its_own_events_and_nobody_elses(path):
    assert start(FORKED, path).communicate(timeout=60)[1] == ""
    assert of_run(path, "parent") == [1, 2]
    assert of_run(path, "child") == [2, 3]


def test_children_of_multiprocessing_lose_nothing_at_their_end(path):
    """They leave by `os._exit`, without atexit."""
    assert start(CHILDREN, path).communicate(timeout=60)[1] == ""
    for name in ("parent", *(f"child-{n}" for n in range(4))):
        assert of_run(path, name) == list(range(50))


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
def test_a_full_disk_is_said_and_what_was_logged_comes_when_there_is_room(path, durability):
    said, errors = start(FULL, path, durability).communicate(timeout=120)
    assert said == "3000\n"
    assert ("kept for later" in errors) == (durability == "batch")
    assert "Traceback" not in errors
    assert of_run(path, "r") == list(range(3000))


LOST = """
    import logging, resource, sys
    from hitloop_tui import TelemetryLogger
    logging.basicConfig(format="%(levelname)s %(message)s")
    logger = TelemetryLogger(sys.argv[1])
    other = TelemetryLogger(sys.argv[1] + ".other")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for one in (logger, other):
        for number in range(3):
            one.log_error("r", ValueError(str(number)))
"""


def test_what_is_lost_at_the_end_is_counted(path):
    errors = start(LOST, path).communicate(timeout=60)[1]
    lost = [line for line in errors.splitlines() if line.startswith("CRITICAL")]
    assert len(lost) == 2
    assert all("3 events are lost" in line and str(path) in line for line in lost)
    assert "Traceback" not in errors


def test_while_the_file_is_locked_nobody_waits_and_nothing_is_lost(path, monkeypatch, caplog):
    monkeypatch.setattr(BUSY, 0.2)
    with TelemetryLogger(path) as logger:
        blocker = sqlite3.connect(path)
        blocker.execute("BEGIN IMMEDIATE")
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
        blocker.rollback()
        blocker.close()
        assert numbers(logger.get_events()) == list(range(6001))
    assert of_run(path, "r") == list(range(6001))


def test_after_a_close_that_failed_events_reach_the_file_by_themselves(path, monkeypatch):
    monkeypatch.setattr(BUSY, 0.01)
    logger = TelemetryLogger(path)
    blocker = sqlite3.connect(path)
    blocker.execute("BEGIN IMMEDIATE")
    error_number(logger, 1)
    with pytest.raises(DatabaseError, match="locked"):
        logger.close()
    blocker.rollback()
    blocker.close()
    deadline = time.monotonic() + 30
    while of_run(path, "r") != [1] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert of_run(path, "r") == [1]
    logger.close()


@pytest.mark.parametrize("durability", ["batch", "event"])
def test_a_file_that_was_deleted_or_replaced_is_begun_anew(path, durability, caplog):
    """SQLite goes on writing into the deleted one, and all of it is lost."""
    with TelemetryLogger(path, durability) as logger:
        error_number(logger, 1)
        assert numbers(logger.get_events()) == [1]
        path.unlink()
        error_number(logger, 2)
        assert numbers(logger.get_events()) == [2]
        with TelemetryLogger(path.with_name("other.db")) as other:
            error_number(other, 7)
        path.with_name("other.db").replace(path)
        for rest in ("-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        error_number(logger, 8)
        logger.flush()
        assert numbers(logger.get_events()) == [7, 8]
    assert of_run(path, "r") == [7, 8]
    assert "was replaced" in caplog.text


def test_a_relative_path_stays_where_it_was(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with TelemetryLogger(path.name) as logger:
        monkeypatch.chdir(tmp_path / "elsewhere")
        error_number(logger, 1)
        logger.flush()
        assert numbers(logger.get_events()) == [1]
    assert logger.db_path == path.name
    assert of_run(path, "r") == [1]
    assert list((tmp_path / "elsewhere").iterdir()) == []


READ_ONLY = """
    from hitloop_tui import TelemetryLogger
    from hitloop_tui.errors import DatabaseError
    try:
        TelemetryLogger({path!r})
    except DatabaseError as error:
        print(error)
"""


def test_a_file_that_may_not_be_written_is_said_at_once(path):
    TelemetryLogger(path).close()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    done = as_somebody(textwrap.dedent(READ_ONLY).format(path=str(path)), path.parent)
    assert done.stderr == ""
    assert f"telemetry {path}:" in done.stdout
    assert "readonly" in done.stdout or "unable to open" in done.stdout


def test_a_thread_that_logs_while_another_closes_is_refused_or_written(path):
    logger = TelemetryLogger(path)
    taken: list[int] = []

    def write() -> None:
        for number in range(100_000):
            try:
                error_number(logger, number)
            except DatabaseError:
                return
            taken.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    while len(taken) < 500:
        time.sleep(0.001)
    logger.close()
    thread.join()
    assert of_run(path, "r") == taken
    assert os.path.exists(path)
