"""Nothing here or in the tests of faults imports a package by name; see `faults.part`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import postgres_uri, redis_url
from tests.upstream.faults import part

if TYPE_CHECKING:
    from tests.upstream.study import Study

__all__ = ["postgres_uri", "redis_url"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(*ids, absent): fails on hitloop 0.5.1; see faults.py")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    from tests.upstream.study import Study

    study = Study(tmp_path)
    yield study
    study.close()


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[Any]:
    logger = part("core.logger").TelemetryLogger(tmp_path / "telemetry.db")
    yield logger
    logger.close()
