"""Where files are."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_path


def ledger_path(db: Path) -> Path:
    """The ledger beside a checkpoint database: `NAME.db` -> `NAME.ledger.db`."""
    return db.with_name(f"{db.stem}.ledger{db.suffix or '.db'}")


def approvals_path(db: Path) -> Path:
    """Where backends without a checkpointer ask: `NAME.db` -> `NAME.approvals.db`."""
    return db.with_name(f"{db.stem}.approvals{db.suffix or '.db'}")


def telemetry_path(db: Path) -> Path:
    """Where the agents' `TelemetryLogger` writes: `NAME.db` -> `NAME.telemetry.db`."""
    return db.with_name(f"{db.stem}.telemetry{db.suffix or '.db'}")


def state_dir() -> Path:
    """Logs of consoles and workers; created on first use."""
    path = user_state_path("hitloop-tui")
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
