"""Servers to store in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hitloop_tui.persistence import ApprovalStore
from tests.servers import postgres_uri, redis_url
from tests.stores.desk import NAMES, Clock, empty, open_store

__all__ = ["postgres_uri", "redis_url"]


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
