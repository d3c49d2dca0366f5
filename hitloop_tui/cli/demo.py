"""`hitloop-tui demo`: everything at once on a fresh database, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from types import FrameType

from hitloop_tui.attach.person import Person
from hitloop_tui.cli.narration import say
from hitloop_tui.config import read_settings
from hitloop_tui.errors import BadInput

STOP_S = 15.0
"""Seconds that agents and worker get to end by themselves."""


def run_demo(
    folder: Path | None,
    *,
    threads: int,
    rate: float,
    model: str | None,
    person: Person,
    headless: bool,
) -> None:
    """Run the demo in `folder`, or in a temporary one that is removed at the end."""
    with _folder(folder) as home, as_file(files("hitloop_tui.agents")) as agents:
        db = home / "demo.db"
        config = agents / "langgraph.json"
        with _agents(db, threads, rate, model), _worker(db, config, model):
            if headless:
                _wait(db)
            else:
                from hitloop_tui.tui import run_console

                run_console(db, person=person, hold=read_settings().hold)


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is None:
        home = Path(tempfile.mkdtemp(prefix="hitloop-demo-"))
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)
        return
    given.mkdir(parents=True, exist_ok=True)
    if (given / "demo.db").exists():
        raise BadInput(f"{given / 'demo.db'} exists: the demo wants a fresh database")
    yield given


def _agents(
    db: Path, threads: int, rate: float, model: str | None
) -> contextlib.AbstractContextManager[None]:
    command = ["-m", "hitloop_tui.agents", "--db", str(db)]
    command += ["--threads", str(threads), "--rate", str(rate)]
    command += ["--model", model] if model else []
    return _child(command, db.with_name("agents.log"))


def _worker(db: Path, config: Path, model: str | None) -> contextlib.AbstractContextManager[None]:
    command = ["-m", "hitloop_tui", "worker", str(db), "--config", str(config)]
    environment = {"HITLOOP_AGENT_MODEL": model} if model else {}
    return _child(command, db.with_name("worker.log"), environment)


@contextlib.contextmanager
def _child(
    arguments: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[None]:
    """A Python process that ends when the block does, on whatever way out."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(db: Path) -> None:
    """Until ctrl+c or SIGTERM."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    say(f"agents and worker run on {db}; ctrl+c stops them. From another terminal:")
    say(f"  hitloop-tui {db}          the console")
    say(f"  hitloop-tui ls {db}       the inbox")
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
        raise KeyboardInterrupt
