"""`import hitloop...` gives the module of the same name in `hitloop_tui`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

OLD, NEW = "hitloop", "hitloop_tui"

FAULTS = {
    "test_policies.py::TestAuditPlusEscalatePolicy::test_consecutive_action_threshold": (
        "oversight 5.2.8, approvals 2.4: asks three times about one action and wants the third"
        " answer to differ: a policy must give the same answer to the same question, and LangGraph"
        " asks again on every resume"
    ),
    "test_injectors.py::TestErrorInjector::test_injected_action_marked_high_risk": (
        "oversight 5.2.2: wants every injected error to be of HIGH risk: that tells the policy, and"
        " the person under study, which action is the wrong one"
    ),
}
"""Checks that must fail, because what they assert is a fault of the original (`faults.py`)."""


class Renamed(MetaPathFinder, Loader):
    """Finds the old names; the module is the new one itself, not a copy."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != OLD:
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(NEW + spec.name.removeprefix(OLD))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It is loaded already; the import system has only put the old name's spec on it."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


sys.meta_path.insert(0, Renamed())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        reason = next((why for name, why in FAULTS.items() if item.nodeid.endswith(name)), None)
        if "tests/upstream/published/" in item.nodeid and reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
