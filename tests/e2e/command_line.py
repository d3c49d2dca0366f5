"""`hitloop-tui` as a process of its own, and what it printed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.paths import ledger_path


class Result:
    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in self.err, self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def hitloop(*arguments: Any, cwd: Path | None = None, stdin: str = "", **env: str) -> Result:
    command = [sys.executable, "-m", "hitloop_tui", *map(str, arguments)]
    environment = {**os.environ, **env}
    return Result(
        subprocess.run(
            command, capture_output=True, cwd=cwd, env=environment, input=stdin.encode(), timeout=60
        )
    )


def listed(db: Path, *options: Any) -> dict[str, dict[str, Any]]:
    return {shown["thread_id"]: shown for shown in hitloop("ls", db, "--json", *options).json}


def ids(db: Path) -> dict[str, str]:
    return {thread: shown["id"] for thread, shown in listed(db).items()}


def decisions(*arguments: Any, **options: Any) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and outcomes of a command on ids."""
    result = hitloop(arguments[0], "--json", *arguments[1:], **options)
    for outcome in result.json:
        assert outcome.keys() == {"id", "outcome", "decided_by", "decided_at", "detail"}
    return result.code, result.json


def one(*arguments: object, **env: str) -> tuple[int, str, str | None, str]:
    """Exit code, outcome, who and detail of a command on one id, of `HITLOOP_DB` unless told."""
    code, [outcome] = decisions(*arguments, **env)
    return code, outcome["outcome"], outcome["decided_by"], outcome["detail"]


def told(id_: str) -> list[tuple[str, str]]:
    """What happened to a Review of `HITLOOP_DB`, and by whom, oldest first."""
    return [(past["what"], past["by"]) for past in hitloop("show", id_, "--json").json["history"]]


def recorded(db: Path) -> list[Any]:
    """The answers in the ledger, oldest first."""
    path = db.with_name("agents.ledger.db")
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT answer FROM decisions ORDER BY seq").fetchall()
    connection.close()
    return [json.loads(row[0]) for row in rows]


def worker(db: Path, graph: str, *options: Any, **env: str) -> subprocess.Popen[bytes]:
    """A worker that goes on in the background, once it is alive."""
    command = [sys.executable, "-m", "hitloop_tui", "worker", str(db), "--graph", graph]
    process = subprocess.Popen(
        [*command, *map(str, options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **env},
    )
    until(lambda: alive(db), f"the worker has not begun: {process.poll()}")
    return process


def alive(db: Path) -> bool:
    with closing(LedgerFile(ledger_path(db))) as file:
        return bool(live_workers(file))


def until(look: Any, why: str, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, why
        time.sleep(0.05)
    return found
