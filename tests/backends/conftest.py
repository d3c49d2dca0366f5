from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where approvals are stored; nothing is there yet."""
    return tmp_path / "approvals.db"
