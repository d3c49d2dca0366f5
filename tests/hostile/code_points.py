"""Every Unicode code point, in long texts; none is left out."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from langgraph.checkpoint.sqlite import SqliteSaver

from tests.hostile.files import ask, gate

CHUNK = 1024


def chunks() -> Iterator[str]:
    """All code points in order."""
    for start in range(0, sys.maxunicode + 1, CHUNK):
        yield "".join(map(chr, range(start, start + CHUNK)))


def after_a_letter(chunk: str) -> str:
    """Each on a base letter, for what combines."""
    return "".join(f"a{char}" for char in chunk)


def build(path: Path, texts: Iterable[str]) -> None:
    """A thread for each text, which stands in two values and in what the agent says."""
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        saver = SqliteSaver(connection)
        for number, text in enumerate(texts):
            question = gate("text", args={"alone": text, "after": after_a_letter(text)})
            question[0]["hitloop"]["action"]["rationale"] = text
            ask(saver, f"chunk {number}", text, question)
