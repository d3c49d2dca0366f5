from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.pay_desk import PayDesk
from tests.e2e.questions import HOSTILE, QUESTIONS, run
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import calls, fails
from tests.e2e.worker_process import start, tools

__all__ = ["desk", "pay", "start", "tools"]


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    calls.clear()
    fails.clear()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A ledger and a checkpoint database of their own."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def pay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PayDesk:
    """Threads of an agent that pays, and nobody who has decided."""
    monkeypatch.setenv("PAY_FOLDER", str(tmp_path))
    monkeypatch.setenv("HITLOOP_DB", str(tmp_path / "agents.db"))
    return PayDesk(tmp_path)


@pytest.fixture(scope="session")
def questions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thread for each of `QUESTIONS`. Not to be written to."""
    path = tmp_path_factory.mktemp("asked") / "agents.db"
    for thread, value in QUESTIONS.items():
        messages = [{"role": "user", "content": HOSTILE}]
        run(path, thread, {"value": value, "messages": messages})
    return path


@pytest.fixture
def db(questions_file: Path, tmp_path: Path) -> Path:
    """A copy of `questions_file` of one's own."""
    return Path(shutil.copy(questions_file, tmp_path / "agents.db"))


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    """Where telemetry goes; nothing is there yet."""
    return tmp_path / "telemetry.db"
