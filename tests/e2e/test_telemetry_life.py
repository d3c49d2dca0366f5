"""Telemetry in real processes that end: many at once, killed, interrupted, forked."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
import time

import pytest

from hitloop_tui import TelemetryLogger
from hitloop_tui.errors import DatabaseError
from tests.e2e.telemetry_desk import error_number, of_run, start, stored

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


def test_many_threads_of_many_processes_share_a_new_file(log_file):
    """Nothing lost, nothing doubled, each run in its order, and reads see what was written."""
    levels = ["batch", "batch", "event", "full"]
    processes = [start(MANY, log_file, n, level) for n, level in enumerate(levels)]
    for process in processes:
        assert process.communicate(timeout=120)[1] == ""
    for n in range(4):
        for thread in range(4):
            assert of_run(log_file, f"{n}-{thread}") == list(range(150))
    assert len(stored(log_file)) == 4 * 4 * 150


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
def test_a_killed_process_loses_nothing_that_was_flushed(log_file, durability):
    dice = random.Random(7)
    for turn in range(6):
        process = start(KILLED, log_file, durability, turn)
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 60)):
            process.stdout.readline()
        process.kill()
        told = [int(line) for line in process.communicate(timeout=60)[0].splitlines()]
        assert process.returncode == -signal.SIGKILL
        kept = of_run(log_file, str(turn))
        assert kept == list(range(len(kept)))
        assert len(kept) > max(told, default=0)
    connection = sqlite3.connect(log_file)
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


def test_ctrl_c_at_any_moment_neither_doubles_nor_loses(log_file):
    said, errors = start(INTERRUPTED, log_file).communicate(timeout=120)
    assert errors == ""
    kept, taken = of_run(log_file, "r"), list(map(int, said.split()))
    assert kept == sorted(set(kept))
    assert set(taken) <= set(kept)
    assert len(taken) > 1000


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "1 / 0"])
def test_the_end_of_the_interpreter_is_a_flush(log_file, end):
    script = (
        "import sys; from hitloop_tui import TelemetryLogger;"
        f"TelemetryLogger(sys.argv[1]).log_error('r', ValueError('1'))\n{end}"
    )
    start(script, log_file).communicate(timeout=60)
    assert of_run(log_file, "r") == [1]


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


def test_a_forked_child_writes_its_own_events_and_nobody_elses(log_file):
    assert start(FORKED, log_file).communicate(timeout=60)[1] == ""
    assert of_run(log_file, "parent") == [1, 2]
    assert of_run(log_file, "child") == [2, 3]


def test_children_of_multiprocessing_lose_nothing_at_their_end(log_file):
    """They leave by `os._exit`, without atexit."""
    assert start(CHILDREN, log_file).communicate(timeout=60)[1] == ""
    for name in ("parent", *(f"child-{n}" for n in range(4))):
        assert of_run(log_file, name) == list(range(50))


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


def test_what_is_lost_at_the_end_is_counted(log_file):
    errors = start(LOST, log_file).communicate(timeout=60)[1]
    lost = [line for line in errors.splitlines() if line.startswith("CRITICAL")]
    assert len(lost) == 2
    assert all("3 events are lost" in line and str(log_file) in line for line in lost)
    assert "Traceback" not in errors


def test_a_thread_that_logs_while_another_closes_is_refused_or_written(log_file):
    logger = TelemetryLogger(log_file)
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
    assert of_run(log_file, "r") == taken
