"""Events per second and per-event lag of the telemetry, beside hitloop 0.5.1 and bare SQLite; and
what following it costs.

    python -m tests.benchmarks.telemetry [--peer PYTHON]

`--peer` is the interpreter of an environment with hitloop 0.5.1. Rounds of all of them alternate,
so that a busy machine slows every one; the medians are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from hitloop_tui.attach.session import Session
from hitloop_tui.attach.watch import FRAME_S, changes

ROUND = """
import importlib, json, sys, time
from datetime import datetime, timezone
library, path, count, durability = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
m = importlib.import_module(library + ".core.models")
Logger = importlib.import_module(library + ".core.logger").TelemetryLogger
log = Logger(path, durability) if durability else Logger(path)
action = m.Action(tool_name="send_email", tool_args={"to": "a@b.example", "body": "x" * 200},
                  risk_class=m.RiskClass.MEDIUM, side_effects=["email_sent"])
request = m.ApprovalRequest(run_id="r", action=action, policy_name="p", policy_reason="why")
decision = m.Decision(action_id=action.id, approved=True, latency_ms=5.0)
result = m.ToolResult(action_id=action.id, success=True, finished_at=datetime.now(timezone.utc))
start = time.perf_counter()
for number in range(count // 5):
    log.log_action_proposed("r", action)
    log.log_approval_requested("r", request, "cli")
    log.log_approval_decided("r", decision, "cli")
    log.log_tool_execution_start("r", action)
    log.log_tool_execution_end("r", result)
if durability:
    log.flush()
print(json.dumps(count / (time.perf_counter() - start)))
log.close()
"""
COUNTS = {"batch": 40_000, "event": 10_000, "full": 2_000, "": 1_000}


def one_round(python: str, library: str, durability: str) -> float:
    with tempfile.TemporaryDirectory(dir=".") as directory:
        count = str(COUNTS[durability])
        command = [python, "-c", ROUND, library, f"{directory}/t.db", count, durability]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return float(json.loads(done.stdout))


def lags(seconds: float = 3.0) -> list[float]:
    """Milliseconds from an event to its sight in another connection, at a thousand a second."""
    from hitloop_tui import TelemetryLogger

    with tempfile.TemporaryDirectory(dir=".") as directory:
        path, logged, seen = Path(directory) / "t.db", list[float](), list[float]()
        logger, stop = TelemetryLogger(path), threading.Event()

        def follow() -> None:
            reader = sqlite3.connect(path)
            while not stop.is_set():
                (count,) = reader.execute("SELECT count(*) FROM trace_events").fetchone()
                seen.extend([time.perf_counter()] * (count - len(seen)))
                time.sleep(0.001)
            reader.close()

        follower = threading.Thread(target=follow)
        follower.start()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            logged.append(time.perf_counter())
            logger.log_error("r", ValueError("x"))
            time.sleep(0.001)
        time.sleep(0.2)
        stop.set()
        follower.join()
        logger.close()
    return [(b - a) * 1000 for a, b in zip(logged, seen, strict=True)]


BUSY_AGENT = """
import sys, time
from hitloop_tui import TelemetryLogger
from hitloop_tui.core.models import Action
rate, seconds = float(sys.argv[2]), float(sys.argv[3])
action = Action(tool_name="send_email", tool_args={"to": "a@b.example", "body": "x" * 200})
with TelemetryLogger(sys.argv[1]) as logger:
    start = time.perf_counter()
    count = 0
    while (now := time.perf_counter() - start) < seconds:
        while count < now * rate:
            logger.log_action_proposed("r", action)
            count += 1
        time.sleep(0.001)
"""


def busy_agent(path: Path, rate: int, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", BUSY_AGENT, path, str(rate), str(seconds)])


def biggest_wal(path: Path, agent: subprocess.Popen[bytes]) -> int:
    wal, biggest = path.with_name(f"{path.name}-wal"), 0
    while agent.poll() is None:
        with suppress(FileNotFoundError):
            biggest = max(biggest, wal.stat().st_size)
        time.sleep(0.05)
    return biggest


async def followed(path: Path, agent: subprocess.Popen[bytes]) -> tuple[list[float], float]:
    """Milliseconds from each event to when the trace tells it, and the share of a core it takes."""
    session, told = Session.open(path.with_name("agents.db")), list[float]()
    trace = session.trace()
    trace.poll()

    async def follow() -> None:
        async for _ in changes(session.watched, session.version):
            tell()
            while trace.holds:
                await asyncio.sleep(FRAME_S)
                tell()

    def tell() -> None:
        events, now = trace.poll(), time.time()
        told.extend((now - event.at) * 1000 for event in events)

    cpu, clock = time.process_time(), time.perf_counter()
    following = asyncio.create_task(follow())
    await asyncio.to_thread(agent.wait)
    spent = (time.process_time() - cpu) / (time.perf_counter() - clock)
    following.cancel()
    session.close()
    return told, spent


def reading(rate: int, seconds: float = 5.0) -> str:
    with tempfile.TemporaryDirectory(dir=".") as directory:
        path = Path(directory) / "agents.telemetry.db"
        alone = biggest_wal(path, busy_agent(path, rate, seconds))
        path.unlink()
        agent = busy_agent(path, rate, seconds)
        wal: list[int] = []
        watching = threading.Thread(target=lambda: wal.append(biggest_wal(path, agent)))
        watching.start()
        told, spent = asyncio.run(followed(path, agent))
        watching.join()
    told.sort()
    return (
        f"told     p50 {told[len(told) // 2]:.0f} ms, p95 {told[len(told) * 95 // 100]:.0f} ms"
        f" at {rate} events/s, {spent:.1%} of a core, WAL {wal[0] / alone:.2f}x of no reader"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="python of an environment with hitloop 0.5.1")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for durability in ("batch", "event", "full"):
            rate = one_round(sys.executable, "hitloop_tui", durability)
            rates.setdefault(durability, []).append(rate)
        if options.peer:
            rates.setdefault("hitloop", []).append(one_round(options.peer, "hitloop", ""))
    peer = statistics.median(rates["hitloop"]) if options.peer else None
    for name, values in rates.items():
        rate = statistics.median(values)
        ratio = f"  {rate / peer:6.1f}x" if peer else ""
        print(f"{name:8} {rate:9.0f} events/s{ratio}")
    waited = sorted(lags())
    for rate in (100, 1000, 5000):
        print(reading(rate))
    print(f"lag      p50 {waited[len(waited) // 2]:.1f} ms, max {waited[-1]:.1f} ms")


if __name__ == "__main__":
    main()
