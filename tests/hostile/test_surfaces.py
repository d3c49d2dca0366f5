"""A steady sample of the whole run: what people, settings and files say, JSON, code points."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.hostile import code_points, commands, files, json_documents
from tests.hostile.corpora import sample
from tests.hostile.whole import SIZES, Tally, command_lines, console

WORDS = [
    "a\x1b]0;t\x07b",
    "a\u202e\u200bb",
    "x" * 300,
    "a\udc9bb",
    "[@click=app.quit]x[/]",
    "\x9b2J",
]


@pytest.fixture
def tally(tmp_path: Path) -> Iterator[Tally]:
    found = Tally(tmp_path)
    yield found
    assert found.surfaces
    assert (found.foreign, found.tracebacks, found.crashes, found.decided) == ([], [], [], 0)


def test_words_of_people(tally: Tally) -> None:
    db = tally.folder / "agents.db"
    files.build(db, sample(1)[::12])
    command_lines(tally, [*commands.with_words(db, WORDS, every=False)][::2], "words")


def test_files_of_people(tally: Tally) -> None:
    jobs = [*commands.with_files(tally.folder / "files", WORDS[:2])]
    command_lines(tally, [job for job in jobs if job[1][0] != "worker"][::2], "files")


def test_documents(tally: Tally) -> None:
    db = tally.folder / "agents.db"
    json_documents.build(db, [*json_documents.documents()][::75])
    command_lines(tally, [*commands.of_a_file(db, as_json=False)], "json")
    console(tally, db, SIZES[1], name="json", stride=9)


def test_code_points(tally: Tally) -> None:
    db = tally.folder / "agents.db"
    code_points.build(db, islice(code_points.chunks(), 0, 64, 21))
    command_lines(tally, [*commands.of_a_file(db)], "code points")
    console(tally, db, SIZES[0], name="code points", stride=3)
