"""What a worker's graphs print reaches a person without steering the terminal, or gets lost."""

from __future__ import annotations

import os
import subprocess
import sys

PRINTING = """
import os, sys
from hitloop_tui.attach.inert_output import inert_output
with inert_output() as own:
    own.write("ours\\n")
    print("\\x1b[2J\\tof a graph")
    os.system("echo of a child; echo of another >&2")
    sys.stdout.flush()
print("after")
"""
ENDLESS = """
from hitloop_tui.attach.inert_output import inert_output
with inert_output():
    for _ in range(20_000):
        print("x" * 100, flush=True)
open({done!r}, "w").close()
"""


def test_all_that_is_printed_stands_behind_a_gutter() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PRINTING], capture_output=True, text=True, timeout=60, check=True
    )
    said = ended.stderr.splitlines()
    assert "ours" in said
    assert {r"  | \x1b[2J    of a graph", "  | of a child", "  | of another"} <= set(said)
    assert ended.stdout == "after\n"


def test_a_graph_prints_on_when_nobody_reads_any_more(tmp_path) -> None:
    done = tmp_path / "done"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        command = [sys.executable, "-c", ENDLESS.format(done=str(done))]
        subprocess.run(command, stderr=gone, timeout=60, check=False)
    assert done.exists()
