"""No fault without a test."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.upstream.faults import FAULTS


def test_every_fault_has_a_test():
    tested: set[str] = set()
    for path in Path(__file__).parent.glob("test_faults_*.py"):
        for test in vars(import_module(f"tests.upstream.{path.stem}")).values():
            for mark in getattr(test, "pytestmark", []):
                if mark.name == "fault":
                    tested.update(mark.args)
    assert FAULTS.keys() == tested
