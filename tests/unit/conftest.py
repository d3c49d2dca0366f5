from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.experiments import Desk
from tests.unit.house_rules import HOUSE, written


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An experiment with e-mails."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """Four rules: in house, deleting, the rival, and asking."""
    return written(tmp_path / "policy.toml", HOUSE)
