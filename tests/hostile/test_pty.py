"""Hostile texts in every field, on a real terminal: byte for byte, only what is ours arrives."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, terminal
from tests.hostile.ansi import Token, foreign, tokens
from tests.hostile.corpora import sample
from tests.hostile.escapes import escapes
from tests.hostile.files import build

HITLOOP = [sys.executable, "-m", "hitloop_tui"]
TEXTS = 16
SIZES = [(80, 24), (140, 40)]
DIALOGS = ("e", "r", "c", "?", "T", "T", "v", "m")
WALK, STRIDE = 64, 5
ESCAPE_S = 0.2
"""An escape and a key right after it would be one key."""
COMMANDS = (["ls"], ["trace"], ["audit", "export"], ["audit", "verify"], ["doctor"])


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "agents.db"
    build(path, sample(TEXTS))
    return path


def odd(raw: bytes) -> list[Token]:
    return foreign(tokens(raw))


def controls() -> Iterable[str]:
    return (text for text in escapes() if re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", text))


def test_what_must_not_arrive_would_be_noticed() -> None:
    missed = [text for text in controls() if not odd(text.encode("utf-8", "surrogateescape"))]
    harmless = re.compile(r"\x1b\[[0-9;?<>]*([HJKmhlu]|\$p)|\x1b\[c")
    assert [text for text in missed if not harmless.search(text)] == []


def test_a_program_that_passes_it_on_is_noticed() -> None:
    with terminal(["/bin/sh", "-c", r"printf 'a\033]0;title\007b\302\2332J'"], 80, 24) as shell:
        shell.wait_end()
        assert [token.kind for token in odd(shell.raw)] == ["OSC", "CSI"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_console(db: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with terminal([*HITLOOP, str(db), "--as", "ann"], *size, environment) as console:
        console.wait_for("waiting")
        for number in range(WALK):
            look(console, DIALOGS[number % len(DIALOGS)] if number % STRIDE == 0 else "")
        console.press("q")
        assert console.wait_end() == 0
    assert {token.body for token in odd(console.raw)} == set()


def look(console: Terminal, key: str) -> None:
    """Go to the next question, and open something."""
    for each in ("j", key, "\x1b", "\x1b") if key else "j":
        console.press(each)
        time.sleep(ESCAPE_S if each == "\x1b" else 0)
        console.lines  # noqa: B018  the console may write on


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_on_a_terminal(db: Path, command: list[str]) -> None:
    with terminal([*HITLOOP, *command, "--db", str(db)], 120, 40) as running:
        running.wait_end()
    assert odd(running.raw) == []
    assert b"Traceback" not in running.raw


def test_show_on_a_terminal_and_in_a_pipe(db: Path) -> None:
    listed = subprocess.run(
        [*HITLOOP, "ls", "--json", "--db", str(db)], capture_output=True, check=True, text=True
    )
    ids = re.findall(r'"id": "([0-9a-f]{16,})"', listed.stdout)
    assert len(ids) >= TEXTS
    assert odd(listed.stdout.replace("\n", "").encode()) == []
    for id_ in ids[:: len(ids) // 6]:
        with terminal([*HITLOOP, "show", id_, "--db", str(db)], 100, 40) as running:
            assert running.wait_end() == 0
        assert odd(running.raw) == []


WIDE = ("zq " * 90, "zq" * 150, "zq\u6f22" * 60)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("command", ["ls", "show", "trace"])
def test_no_row_begins_with_what_a_terminal_wrapped(
    tmp_path: Path, command: str, width: int
) -> None:
    """There our own words begin."""
    path = tmp_path / "agents.db"
    ids = build(path, WIDE)
    listed = subprocess.run(
        [*HITLOOP, "ls", "--json", "--db", str(path)], capture_output=True, check=True, text=True
    )
    known = re.findall(r'"id": "([0-9a-f]{16,})"', listed.stdout)
    assert len(known) >= len(ids)
    which = known[:3] if command == "show" else [""]
    for id_ in which:
        arguments = [*HITLOOP, command, *([id_] if id_ else []), "--db", str(path)]
        with terminal(arguments, width, 900, {"COLUMNS": "200"}) as running:
            assert running.wait_end() == 0
            rows = running.lines
        assert any("zq" in row for row in rows)
        assert [row for row in rows if re.match(r"[zq\u6f22]", row)] == []
