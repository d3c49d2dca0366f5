"""The arrows between the rooms go down (the contracts are in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {path.name for path in (ROOT / "hitloop_tui").iterdir() if (path / "__init__.py").exists()}


def contracts() -> list[dict[str, object]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["tool"]["importlinter"]["contracts"])


def test_the_contracts_are_kept():
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_every_room_is_in_a_contract():
    """A room that is added must say where it stands."""
    named = {
        part
        for contract in contracts()
        for key in ("layers", "source_modules")
        for entry in contract.get(key, [])  # type: ignore[attr-defined]
        for part in str(entry).replace("|", " ").replace("(", " ").replace(")", " ").split()
    }
    assert {f"hitloop_tui.{room}" for room in ROOMS} <= named
