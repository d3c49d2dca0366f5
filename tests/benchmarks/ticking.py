"""The console with a clock on its event loop: `python -m tests.benchmarks.ticking LOG DB ...`.

A line of LOG tells when the loop woke up, how many seconds it had been deaf before, and how many of
those the console computed: on a busy machine it waits for a core, too.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hitloop_tui import cli
from hitloop_tui.tui.app import ConsoleApp

TICK_S = 0.002
WORTH_S = 0.005

_tasks: list[asyncio.Task[None]] = []


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which no key would have been handled."""

    at: float
    """When it ended."""
    wall: float
    cpu: float
    """Seconds of all the console's threads."""


def gaps(log: Path, since: float) -> list[Gap]:
    """How long the loop was deaf, each time since then."""
    lines = log.read_text(encoding="ascii").splitlines()
    found = (Gap(*map(float, line.split())) for line in lines)
    return [gap for gap in found if gap.at >= since]


async def _tick(log: Path) -> None:
    last, cpu = time.monotonic(), time.process_time()
    with log.open("w", encoding="ascii", buffering=1) as out:
        while True:
            await asyncio.sleep(TICK_S)
            now, used = time.monotonic(), time.process_time()
            if now - last > TICK_S + WORTH_S:
                out.write(f"{now} {now - last - TICK_S} {used - cpu}\n")
            last, cpu = now, used


if __name__ == "__main__":
    _, log, *words = sys.argv

    async def _on_load(_app: ConsoleApp) -> None:
        _tasks.append(asyncio.create_task(_tick(Path(log))))

    ConsoleApp.on_load = _on_load  # type: ignore[attr-defined]
    cli.main(words)
