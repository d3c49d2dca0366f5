from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.house_rules import HOUSE, written


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """Four rules: in house, deleting, the rival, and asking."""
    return written(tmp_path / "policy.toml", HOUSE)
