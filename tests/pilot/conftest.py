"""A real database with questions of every kind that the console treats differently."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pilot import questions


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asked") / "agents.db"
    questions.ask(path, questions.ALL)
    return path


@pytest.fixture
def db(asked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(asked, tmp_path / "agents.db"))


@pytest.fixture
def ask(db: Path) -> Callable[[str, object], None]:
    """Let one more thread ask, on the same database."""
    return lambda thread, value: questions.ask(db, {thread: value})
