"""Settings: command line > environment > `./hitloop.toml`."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hitloop_tui.attach.masks import DEFAULTS, MASKS, Masks
from hitloop_tui.errors import ConfigError
from hitloop_tui.hold import Hold

FILE = "hitloop.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a `hitloop.toml` says; paths are relative to the file."""

    db: Path | None = None
    """The checkpoint database."""
    ledger: Path | None = None
    """The ledger, when it is not beside the database. Ask `ledger_of`."""
    ledger_db: Path | None = None
    """The only database that `ledger` is meant for; None for any."""
    telemetry: Path | None = None
    """Where the agents' logger writes, when that is not beside the database."""
    config: Path | None = None
    """A `langgraph.json` that names the graphs."""
    graphs: dict[str, str] = field(default_factory=dict)
    """Graphs by name, each `FILE.py:VARIABLE`."""
    hold: Hold = field(default_factory=Hold)
    """How long decisions wait for an undo."""
    masks: Masks = MASKS
    """What is shown only to who asks."""
    sign_key: Path | None = None
    """The ssh key that signs decisions."""
    folder: Path = field(default_factory=Path.cwd)
    """Where the file is."""

    def ledger_of(self, db: Path) -> Path | None:
        """The ledger of a database: decisions about one look stale to a worker on another."""
        if self.ledger_db is not None and db.absolute() != self.ledger_db.absolute():
            return None
        return self.ledger


def read_settings(folder: Path | None = None) -> Settings:
    """The settings of `folder` (the working directory), with what `HITLOOP_DB`, `HITLOOP_LEDGER`,
    `HITLOOP_TELEMETRY`, `HITLOOP_HOLD` and `HITLOOP_SIGN_KEY` say."""
    folder = folder or Path.cwd()
    data = _document(folder / FILE)
    for key in data.keys() - _KEYS:
        near = difflib.get_close_matches(key, _KEYS, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(_KEYS))}"
        raise ConfigError(f"{folder / FILE}: unknown setting {key}{hint}")
    graphs = data.get("graphs", {})
    if not isinstance(graphs, dict) or not all(isinstance(v, str) for v in graphs.values()):
        raise ConfigError(f'{folder / FILE}: graphs must be a table of NAME = "FILE.py:VARIABLE"')
    own_db, ledger = _path(data, "db", folder), _from_environment("HITLOOP_LEDGER")
    return Settings(
        db=_from_environment("HITLOOP_DB") or own_db,
        ledger=ledger or _path(data, "ledger", folder),
        ledger_db=None if ledger else own_db,
        telemetry=_from_environment("HITLOOP_TELEMETRY") or _path(data, "telemetry", folder),
        config=_path(data, "config", folder),
        graphs=graphs,
        hold=_hold(data, folder),
        masks=_masks(data, folder),
        sign_key=_from_environment("HITLOOP_SIGN_KEY") or _sign_key(data, folder),
        folder=folder,
    )


_KEYS = {"db", "ledger", "telemetry", "config", "graphs", "hold", "mask", "sign"}


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _path(data: dict[str, Any], key: str, folder: Path) -> Path | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{folder / FILE}: {key} must be a path in quotes")
    return folder / Path(value).expanduser()


def _sign_key(data: dict[str, Any], folder: Path) -> Path | None:
    table = data.get("sign", {})
    if not isinstance(table, dict) or table.keys() - {"key"}:
        raise ConfigError(f'{folder / FILE}: sign must be a table with key = "PATH"')
    return _path(table, "key", folder)


def _masks(data: dict[str, Any], folder: Path) -> Masks:
    table = data.get("mask", {})
    match {"keys": [], "defaults": True, **(table if isinstance(table, dict) else {"keys": None})}:
        case {"keys": [*keys], "defaults": bool(defaults), **rest} if not rest:
            if all(isinstance(key, str) and key for key in keys):
                return Masks([*(DEFAULTS if defaults else ()), *keys])
    raise ConfigError(
        f'{folder / FILE}: mask must be a table with keys = ["GLOB", ...] and, to mask only those,'
        " defaults = false"
    )


def _hold(data: dict[str, Any], folder: Path) -> Hold:
    given = os.environ.get("HITLOOP_HOLD")
    if given is None:
        return Hold.read(data.get("hold", {}), f"{folder / FILE}: hold")
    try:
        return Hold.read(float(given), "HITLOOP_HOLD")
    except ValueError:
        raise ConfigError(f"HITLOOP_HOLD: {given!r} is no number of seconds") from None


def _from_environment(name: str) -> Path | None:
    return Path(os.environ[name]).expanduser() if os.environ.get(name) else None
