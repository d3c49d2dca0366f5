"""Which graphs a worker hosts, as words: `--graph` and `langgraph.json`. Imports no LangGraph."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hitloop_tui.attach import dotenv
from hitloop_tui.errors import ConfigError

_FORMS = "NAME=FILE.py:VARIABLE or NAME=package.module:VARIABLE"
_NAMED = re.compile(r"(?P<name>[\w.\- ]+)=(?P<target>.+)")


@dataclass(frozen=True, slots=True)
class GraphRef:
    """A graph by name, and where its Python object is."""

    name: str
    """The `graph_id` of its threads."""
    location: Path | str
    """A Python file, or the dotted name of a module."""
    variable: str
    origin: str
    """Who said so, for error messages: `--graph ...` or `FILE: graphs.NAME`."""
    search: tuple[Path, ...] = ()
    """Directories to import from."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment the graph expects; what the process already has wins."""

    @classmethod
    def parse(cls, text: str, *, base: Path | None = None) -> GraphRef:
        """Read the word after `--graph`; relative files are looked up in `base` or here."""
        base = base or Path.cwd()
        named = _NAMED.fullmatch(text)
        name, target = (named["name"].strip(), named["target"]) if named else ("", text)
        location, variable = _target(target, base, f"--graph {text}")
        return cls(name or _name_of(location), location, variable, f"--graph {text}", (base,))


def read_config(path: Path) -> list[GraphRef]:
    """The graphs of a `langgraph.json`, with its `dependencies` and `env`."""
    path = path.resolve()
    config = _document(path)
    graphs = _of_type(
        config.get("graphs", {}), dict, path, "graphs", 'like {"name": "./file.py:var"}'
    )
    if not graphs:
        raise ConfigError(f'{path}: names no graphs; add "graphs": {{"name": "./file.py:var"}}')
    search = _search(config, path)
    env = _env(config, path)
    refs = []
    for name, value in graphs.items():
        origin = f"{path}: graphs.{name}"
        location, variable = _target(_target_text(value, path, name), path.parent, origin)
        refs.append(GraphRef(name, location, variable, origin, search, env))
    return refs


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON: {error}") from error
    return dict(_of_type(document, dict, path, "the document", "an object with a field graphs"))


def _target_text(value: Any, path: Path, name: str) -> str:
    if isinstance(value, dict):
        value = value.get("path")
    if not isinstance(value, str):
        raise ConfigError(
            f'{path}: graphs.{name} must be "./file.py:variable" or'
            ' {"path": "./file.py:variable"}'
        )
    return value


def _target(text: str, base: Path, origin: str) -> tuple[Path | str, str]:
    location, colon, variable = text.rpartition(":")
    if not colon or not location or not variable.isidentifier():
        raise ConfigError(f"{origin}: does not say which variable holds the graph; write {_FORMS}")
    if not location.endswith(".py") and "/" not in location:
        return location, variable
    file = (base / Path(location).expanduser()).resolve()
    if not file.is_file():
        raise ConfigError(f"{origin}: there is no file {file}")
    return file, variable


def _name_of(location: Path | str) -> str:
    return location.stem if isinstance(location, Path) else location.rpartition(".")[2]


def _search(config: Mapping[str, Any], path: Path) -> tuple[Path, ...]:
    """Local `dependencies` are directories; the others are packages that are installed already."""
    entries = _of_type(config.get("dependencies", []), list, path, "dependencies", 'like ["."]')
    return tuple((path.parent / str(e)).resolve() for e in entries if str(e).startswith("."))


def _env(config: Mapping[str, Any], path: Path) -> dict[str, str]:
    env = config.get("env", {})
    if isinstance(env, str):
        return dotenv.read(path.parent / env, origin=f"{path}: env")
    pairs = _of_type(
        env, dict, path, "env", 'an object like {"KEY": "value"} or the name of a file'
    )
    return {str(key): str(value) for key, value in pairs.items()}


def _of_type(value: Any, kind: type, path: Path, where: str, wanted: str) -> Any:
    if not isinstance(value, kind):
        raise ConfigError(f"{path}: {where} must be {wanted}, not {type(value).__name__}")
    return value
