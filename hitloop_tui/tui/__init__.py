"""The console. Importing this room does not import Textual; `run_console` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.person import Person
from hitloop_tui.hold import NO_HOLD, Hold

LOCAL_FPS = "60"
REMOTE_FPS = "15"


def run_console(
    db: Path,
    *,
    person: Person,
    ledger: Path | None = None,
    telemetry: Path | None = None,
    graphs: Sequence[str] = (),
    config: Path | None = None,
    read_only: bool = False,
    hold: Hold = NO_HOLD,
    masks: Masks = MASKS,
    mouse: bool = True,
) -> int:
    """Open the console on a database until the person leaves; the exit code.

    A worker is started when `graphs` or `config` name graphs and none is alive.
    """
    _terminal_defaults()
    from hitloop_tui.tui.app import ConsoleApp
    from hitloop_tui.tui.setup import Setup

    app = ConsoleApp(Setup(db, person, ledger, telemetry, graphs, config, read_only, hold, masks))
    app.run(mouse=mouse)
    return app.return_code or 0


def _terminal_defaults() -> None:
    """Textual reads these when it is imported. Nothing moves by itself, and ssh is spared.

    It would also prefer COLUMNS and LINES to the terminal's own size. Readline exports them to all
    that a Python prompt starts: the size of another terminal, for ever.
    """
    for size in ("COLUMNS", "LINES"):
        os.environ.pop(size, None)
    remote = "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    os.environ.setdefault("TEXTUAL_FPS", REMOTE_FPS if remote else LOCAL_FPS)
