"""Many commands on one terminal, each a process of its own that need not import everything anew.

    python -m tests.hostile.forks JOBS.json RESULTS.json

A job is `[folder, words]`; a result is the exit code, or minus the signal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hitloop_tui.cli import main as command_line

MARK = "@@ command"
"""On a line of its own before what a command writes, with its number."""


def main(jobs: Path, results: Path) -> None:
    found = json.loads(jobs.read_text())
    codes = [run(number, folder, words) for number, (folder, words) in enumerate(found)]
    results.write_text(json.dumps(codes))


def run(number: int, folder: str, words: Sequence[str]) -> int:
    os.write(1, f"\n{MARK} {number}\n".encode())
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        command_line(words)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
