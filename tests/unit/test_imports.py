"""What starts fast: the console and the command line load neither LangGraph nor each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "hitloop_tui"
TUI = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "tui").rglob("*.py")
)
AGENTS_ROOM = ("langgraph", "langchain", "langchain_core", "langsmith", "aiosqlite")


def loaded(script: str, *names: str) -> set[str]:
    """The top-level modules among `names` that a fresh interpreter has after `script`."""
    script = f"import sys\n{script}\nprint(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()) & set(names)


def test_the_package_loads_neither_textual_nor_langgraph():
    script = "import hitloop_tui; dir(hitloop_tui); hitloop_tui.__version__"
    assert loaded(script, "textual", "rich", "pydantic", *AGENTS_ROOM) == set()


def test_its_names_are_there():
    script = (
        "import hitloop_tui\n"
        "for name in hitloop_tui.__all__: assert getattr(hitloop_tui, name) is not None\n"
        "try: hitloop_tui.nothing\n"
        "except AttributeError: pass\n"
        "else: raise SystemExit('no AttributeError')"
    )
    assert "langgraph" in loaded(script, "langgraph")


@pytest.mark.parametrize(
    "module", ["hitloop_tui.cli", "hitloop_tui.attach.session", "hitloop_tui.cli.demo"]
)
def test_the_engine_loads_no_langgraph_and_no_screen(module):
    assert loaded(f"import {module}", "textual", "jsonschema", *AGENTS_ROOM) == set()


def test_listing_loads_no_langgraph_and_no_screen(zoo_db):
    script = (
        "from hitloop_tui.cli import hitloop\n"
        f"hitloop(['ls', {str(zoo_db)!r}, '--json'], standalone_mode=False)"
    )
    assert loaded(script, "textual", "jsonschema", *AGENTS_ROOM) == set()


def test_no_screen_module_loads_langgraph():
    script = "import hitloop_tui.attach.session\n" + "\n".join(f"import {name}" for name in TUI)
    assert loaded(script, *AGENTS_ROOM) == set()
