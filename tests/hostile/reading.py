"""Reads databases in every way, and tells what that imported and called: `python -m ... DB...`.

What the first database makes Python import is what reading takes; the others may add nothing.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from hitloop_tui.cli import main
from tests.pilot.console import WIDE, console

CALLS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "compile", "exec")
"""Audit events of what a payload would do (docs.python.org/3/library/audit_events.html)."""


def read(db: Path) -> str:
    """What console and commands say."""
    lines = [["ls", db, "--state", "all"], ["ls", db, "--json", "--reveal", "--state", "all"]]
    lines += [["trace", db], ["trace", db, "--json"], ["doctor", db], ["audit", db, "verify"]]
    said = [_command(*line) for line in lines]
    for shown in json.loads(said[1]):
        said += [_command("show", shown["key"], "--db", db, *more) for more in ((), ("--json",))]
    return "\n".join([*said, asyncio.run(_console(db))])


def _command(*words: Any) -> str:
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            main(list(map(str, words)))
        except SystemExit as end:
            if end.code not in (0, 1):
                raise RuntimeError(f"{words}: {said.getvalue()}") from end
    return said.getvalue()


async def _console(db: Path) -> str:
    """Every card of the inbox, with the trace open."""
    seen = []
    async with console(db, WIDE, rows=1) as at:
        await at.until(lambda: at.main.inbox.state.total > 50)
        await at.until(lambda: at.main.trace.display and at.main.trace.row_count > 50)
        await at.press("g")
        for row in list(at.main.inbox.state.shown):
            await at.until(
                lambda row=row: at.main.card.review and at.main.card.review.key == row.key
            )
            await at.press("v")
            seen += [at.card, at.shown]
            await at.press("J")
    return "\n".join(seen)


@contextmanager
def watched() -> Iterator[dict[str, list[str]]]:
    """What is imported and called meanwhile."""
    found: dict[str, list[str]] = {"imported": [], "called": []}
    before, on = set(sys.modules), True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if on and event in CALLS:
            found["called"].append(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)
    yield found
    on = False
    found["imported"] += sorted(set(sys.modules) - before)


if __name__ == "__main__":
    first, *others = map(Path, sys.argv[1:])
    read(first)
    with watched() as told:
        texts = [read(db) for db in others]
    print(json.dumps({**told, "said": texts}))  # noqa: T201
