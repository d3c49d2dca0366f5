"""Files, classes and functions stay short, and modules have names that say something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "hitloop_tui"
FILES = sorted(PACKAGE.rglob("*.py"))

FILE, CLASS, FUNCTION = 300, 250, 40
VAGUE = {"util", "utils", "helper", "helpers", "manager", "common", "misc", "base_utils", "stuff"}

ALLOWED: dict[str, str] = {}
"""What may be longer, as `path` or `path:name`, with the reason."""


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def lengths(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, lines and limit of a file and of everything defined in it."""
    text = path.read_text(encoding="utf-8")
    yield name_of(path), len(text.splitlines()), FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            limit = CLASS if isinstance(node, ast.ClassDef) else FUNCTION
            yield f"{name_of(path)}:{node.name}", lines, limit


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_lengths(path):
    long = {name: lines for name, lines, limit in lengths(path) if lines > limit}
    assert long.keys() <= ALLOWED.keys(), long


def test_exceptions_are_still_needed():
    long = {name for path in FILES for name, lines, limit in lengths(path) if lines > limit}
    assert ALLOWED.keys() <= long
    assert all(ALLOWED.values())


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_names_say_something(path):
    names = {part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts}
    assert not names & VAGUE
    assert not any(name.endswith(("_utils", "_helpers", "_manager")) for name in names)
