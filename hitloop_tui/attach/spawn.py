"""Starting a worker that outlives the console which started it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.paths import ledger_path, state_dir

LOG_LIMIT = 5_000_000
"""Bytes; a longer log is set aside as `.old` when the next worker starts."""


def ensure_worker(
    db: Path, ledger: Path | None, graphs: Sequence[str], config: Path | None
) -> int | None:
    """Start a worker unless one is alive or about to be; its pid when one was started.

    The lock is held by the worker itself for as long as it lives (it inherits the file), so a
    second console that comes while the first one's worker still imports LangGraph starts none.
    """
    ledger = ledger or ledger_path(db)
    if _alive(ledger):
        return None
    lock = os.open(_file_for(ledger, "lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _alive(ledger):
            return None
        return start_detached_worker(db, ledger, graphs, config, inherit=(lock,))
    except BlockingIOError:
        return None
    finally:
        os.close(lock)


def start_detached_worker(
    db: Path,
    ledger: Path | None,
    graphs: Sequence[str],
    config: Path | None,
    *,
    inherit: Sequence[int] = (),
) -> int:
    """Start `hitloop-tui worker` in a session of its own, so that no terminal can hang it up.

    `graphs` and `config` are what the person gave as `--graph` and `--config`.
    """
    ledger = ledger or ledger_path(db)
    command = [sys.executable, "-m", "hitloop_tui", "worker", str(db), "--ledger", str(ledger)]
    command += [word for graph in graphs for word in ("--graph", graph)]
    command += ["--config", str(config)] if config else []
    with log_file(ledger).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=inherit,
        )
    threading.Thread(target=process.wait, name="reaper", daemon=True).start()
    return process.pid


def log_file(ledger: Path) -> Path:
    """Where the worker of a ledger says what it does."""
    path = _file_for(ledger, "log")
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".old"))
    return path


def _alive(ledger: Path) -> bool:
    file = LedgerFile(ledger)
    try:
        return bool(live_workers(file))
    finally:
        file.close()


def _file_for(ledger: Path, suffix: str) -> Path:
    digest = hashlib.sha256(str(ledger.resolve()).encode()).hexdigest()[:12]
    return state_dir() / f"worker-{digest}.{suffix}"
