"""Telemetry written by scripts of their own, and what another program reads of it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from hitloop_tui import TelemetryLogger


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


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
