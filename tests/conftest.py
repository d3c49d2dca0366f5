"""One environment for all tests, and databases that real graphs wrote."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.signers import Signer

for _name in [name for name in os.environ if name.startswith("HITLOOP_")] + ["NO_COLOR"]:
    os.environ.pop(_name, None)
os.environ["TZ"] = "UTC"
os.environ["HITLOOP_HOLD"] = "0"  # seconds of waiting that only the tests of holds need
time.tzset()
# A busy machine is no fault of what is tested.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def zoo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every graph of the zoo, asked once, as `GRAPH-STATE` threads. Not to be written to."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    from tests import zoo

    path = tmp_path_factory.mktemp("zoo") / "zoo.db"
    connection = sqlite3.connect(path, check_same_thread=False)
    saver = SqliteSaver(connection)
    for name in (*zoo.BUILDERS, "functional"):
        for state in zoo.STATES if name in ("one", "parallel", "subgraph", "sends") else ["dict"]:
            graph = zoo.compiled(name, saver, state)
            try:
                graph.invoke({"said": []}, {"configurable": {"thread_id": f"{name}-{state}"}})
            except ValueError:
                assert name == "raising"
    connection.close()
    return path


@pytest.fixture
def zoo_db(zoo_file: Path, tmp_path: Path) -> Path:
    """A copy of `zoo_file` of one's own."""
    return Path(shutil.copy(zoo_file, tmp_path / "agents.db"))


@pytest.fixture
def saver_of() -> Iterator[Callable[[Path], object]]:
    """Opens synchronous savers, and closes them at the end."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    opened: list[sqlite3.Connection] = []

    def open_(path: Path) -> SqliteSaver:
        opened.append(sqlite3.connect(path, check_same_thread=False, timeout=30))
        return SqliteSaver(opened[-1])

    yield open_
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """Ann, Bob and Eve, with keys. Only for tests that are marked `needs_ssh`."""
    from tests.signers import signer

    folder = tmp_path_factory.mktemp("keys")
    return {name: signer(folder, name) for name in ("ann", "bob", "eve")}
