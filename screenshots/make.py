"""Make the pictures of README from the running app: `python screenshots/make.py`.

Real agents on a fresh database, a real worker, and real keys.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
AGENTS = HERE.parent / "hitloop_tui" / "agents" / "langgraph.json"
WIDE, SMALL = (140, 40), (80, 24)
SETTLE_S = 1.0
"""Decision keys are ignored for half a second after the card changes."""

PRESERVE = '<svg xml:space="preserve" '

Drive = Callable[[Any], Awaitable[None]]


async def nothing(_pilot: Any) -> None:
    """The screen as it opens."""


async def show_card(pilot: Any) -> None:
    await _select(pilot, "send_email")
    await pilot.press("enter")


async def edit(pilot: Any) -> None:
    """Change an amount in the editor, and go on to the diff."""
    await _select(pilot, "refund_order")
    await asyncio.sleep(SETTLE_S)
    await pilot.press("e")
    await pilot.pause(SETTLE_S)
    editor = pilot.app.screen.query_one("TextArea")
    editor.load_text(re.sub(r'"amount": [\d.]+', '"amount": 20.0', editor.text))
    await pilot.pause()
    await pilot.press("ctrl+s")


async def follow(pilot: Any) -> None:
    """Approve two actions and watch the worker."""
    for tool in ("refund_order", "send_email"):
        await _select(pilot, tool)
        await asyncio.sleep(SETTLE_S)
        await pilot.press("a")
        await pilot.pause(SETTLE_S)
    await asyncio.sleep(4)
    await pilot.press("3")


async def hold(pilot: Any) -> None:
    """Approve, and go back to what can still be taken back."""
    await _select(pilot, "archive_folder")
    await asyncio.sleep(SETTLE_S)
    for _ in range(2):  # it has two Actions
        await pilot.press("a")
        await pilot.pause(SETTLE_S)
    await _select(pilot, "archive_folder held")


async def help_screen(pilot: Any) -> None:
    await pilot.press("question_mark")


SHOTS: tuple[tuple[str, tuple[int, int], Drive], ...] = (
    ("inbox-140x40", WIDE, nothing),
    ("inbox-80x24", SMALL, nothing),
    ("card-140x40", WIDE, show_card),
    ("card-80x24", SMALL, show_card),
    ("edit-diff-140x40", WIDE, edit),
    ("edit-diff-80x24", SMALL, edit),
    ("help-140x40", WIDE, help_screen),
    ("trace-140x40", WIDE, follow),
    ("held-80x24", SMALL, hold),
)


async def _select(pilot: Any, tool: str) -> None:
    """Filter the inbox to a tool, as a person would."""
    await pilot.press("escape", "slash", *tool.replace("_", " ").split()[0], "enter")
    await pilot.pause(SETTLE_S)


async def shoot(db: Path, name: str, size: tuple[int, int], drive: Drive) -> None:
    from hitloop_tui.attach.person import Person
    from hitloop_tui.hold import NO_HOLD, Hold
    from hitloop_tui.tui.app import ConsoleApp
    from hitloop_tui.tui.setup import Setup

    held = Hold(60, 60, 60) if drive is hold else NO_HOLD
    app = ConsoleApp(Setup(db, Person("alice", {"login": "alice"}), hold=held))
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause(SETTLE_S)
        await drive(pilot)
        await pilot.pause(SETTLE_S)
        picture = app.export_screenshot(title="hitloop-tui")
    # Renderers that are no browsers drop leading blanks without it.
    picture = re.sub(r"terminal-\d+-", "terminal-", picture).replace("<svg ", PRESERVE, 1)
    (HERE / f"{name}.svg").write_text(picture + "\n")
    print(f"{name}.svg")


def main() -> None:
    os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "agents.db"
        run = [sys.executable, "-m"]
        agents = ["hitloop_tui.agents", "--db", str(db), "--once", "--threads", "4"]
        subprocess.run([*run, *agents], check=True)
        worker = ["hitloop_tui", "worker", str(db), "--config", str(AGENTS)]
        with subprocess.Popen([*run, *worker], stderr=subprocess.DEVNULL) as process:
            for name, size, drive in SHOTS:
                asyncio.run(shoot(db, name, size, drive))
            process.terminate()


if __name__ == "__main__":
    main()
