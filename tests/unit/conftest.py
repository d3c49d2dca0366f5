from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from tests.experiments import Desk
from tests.signers import Signer, allowed
from tests.unit.gate_desk import Mailbox
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


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(LedgerFile(tmp_path / "a.ledger.db"))
    yield opened
    opened.file.close()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def ann(people: dict[str, Signer]) -> Signer:
    return people["ann"]


@pytest.fixture
def bob(people: dict[str, Signer]) -> Signer:
    return people["bob"]


@pytest.fixture
def signers(tmp_path: Path, ann: Signer, bob: Signer) -> Path:
    """The list of who may sign: Ann and Bob."""
    return allowed(tmp_path, ann, bob)
