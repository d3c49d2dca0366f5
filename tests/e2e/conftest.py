from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.worker_desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A ledger and a checkpoint database of their own."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()
