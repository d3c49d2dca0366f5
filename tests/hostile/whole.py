"""All hostile texts on all surfaces, byte for byte on a real terminal; it takes hours.

    python -m tests.hostile.whole [--only STAGE ...] [--share 1/1] [--dir FOLDER]

Prints what was read, and everything that should not have been there.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from hitloop_tui.paths import ledger_path
from tests.hostile import code_points, commands, corpora, files, json_documents, worker_graph
from tests.hostile.ansi import foreign, tokens
from tests.hostile.driving import HITLOOP, leave, read_cards, read_trace, screen, walk
from tests.hostile.forks import MARK

T = TypeVar("T")

SIZES = ((80, 24), (140, 40))
SPOTS = {80: [(20, 14), (30, 16), (12, 20)], 140: [(50, 6), (60, 10), (70, 20)]}
"""Where the card's words are: column and line."""
TEXTS, CHUNKS, DOCUMENTS = 40, 32, 40
"""In one file."""
JOBS = 250
"""Commands on one terminal."""
TOLD = 5
"""Of each kind after each batch."""


@dataclass
class Tally:
    """What was read, and what should not have been there."""

    folder: Path
    texts: int = 0
    surfaces: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    foreign: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    decided: int = 0
    """Decisions in the ledger that no key asked for."""
    told: dict[str, int] = field(default_factory=dict)

    def read(self, surface: str, raw: bytes, where: str = "") -> None:
        self.surfaces[surface] += 1
        self.bytes += len(raw)
        odd = {(token.kind, token.body[:60]) for token in foreign(tokens(raw))}
        self.foreign += [f"{surface} {where}: {kind} {body!r}" for kind, body in sorted(odd)]
        if (at := raw.find(b"Traceback (most")) >= 0:
            last = raw[at:].decode(errors="replace").rstrip().splitlines()[-TOLD:]
            self.tracebacks.append(f"{surface} {where}: {' / '.join(map(str.strip, last)):.900}")

    def __str__(self) -> str:
        counted = (
            f"{self.texts:,} texts, {sum(self.surfaces.values()):,} surfaces, {self.bytes:,} bytes"
        )
        found = f"{len(self.foreign)} foreign sequences, {len(self.tracebacks)} tracebacks"
        return (
            f"{counted}: {found}, {len(self.crashes)} crashes, {self.decided} decisions by clicks"
        )


def in_batches(items: Iterable[T], size: int, share: Fraction = Fraction(1)) -> Iterator[list[T]]:
    """Batches of `size`, of which `share` are taken, evenly spread."""
    rest = iter(items)
    for number in itertools.count():
        batch = list(itertools.islice(rest, size))
        if not batch:
            return
        if int((number + 1) * share) > int(number * share):
            yield batch


def console(tally: Tally, db: Path, size: tuple[int, int], *, name: str, stride: int = 3) -> None:
    """Everything the console shows of a file."""
    count, before = len(commands.ids(db)), decisions(db)
    environment = {"XDG_STATE_HOME": str(tally.folder)}
    surface = f"console {size[0]}x{size[1]} {name}"
    with screen([*HITLOOP, str(db), "--as", "ann"], *size, environment) as at:
        try:
            at.wait_for(b"waiting")
            at.settle(2.0)
            read_cards(at, count)
            walk(at, count, SPOTS[size[0]], stride)
            read_trace(at)
            code = leave(at)
        except (AssertionError, OSError) as error:
            code = -1
            tally.crashes.append(f"{surface}: {db}: {type(error).__name__} {str(error)[:300]}")
        if code > 0 or code < -1:
            tally.crashes.append(f"{surface}: {db}: exit {code}: {bytes(at.raw[-300:])!r}")
    tally.read(surface, bytes(at.raw))
    tally.decided += decisions(db) - before


def decisions(db: Path) -> int:
    if not ledger_path(db).exists():
        return 0
    with closing(sqlite3.connect(ledger_path(db))) as connection:
        return int(connection.execute("SELECT count(*) FROM decisions").fetchone()[0])


def command_lines(tally: Tally, jobs: Sequence[commands.Job], name: str) -> None:
    """Each command on a terminal."""
    for number, batch in enumerate(in_batches(jobs, JOBS)):
        listed, codes = (tally.folder / f"{name}{number}.{part}" for part in ("jobs", "codes"))
        listed.write_text(json.dumps(batch))
        command = [sys.executable, "-m", "tests.hostile.forks", str(listed), str(codes)]
        with screen(command, 120, 40, {"XDG_STATE_HOME": str(tally.folder)}) as at:
            while at.child.isalive():
                at.settle(1.0)
            at.settle()
        said = re.split(rb"\r\n" + MARK.encode() + rb" \d+\r\n", bytes(at.raw))[1:]
        ended = json.loads(codes.read_text()) if codes.exists() else []
        if len(ended) != len(batch):
            tally.crashes.append(f"{name}{number}: {len(ended)} of {len(batch)} ended")
        for (folder, words), raw, code in zip(batch, said, ended, strict=False):
            tally.read(f"command {words[0]!a:.20}", raw, f"{words!a:.300} in {folder}")
            if code not in (0, 1, 2, 3):
                tally.crashes.append(f"{words!a:.300} in {folder}: exit {code}")


def texts_everywhere(tally: Tally, share: Fraction) -> None:
    """Each text in every field that the files have."""
    for number, batch in enumerate(in_batches(corpora.every(), TEXTS, share)):
        db = tally.folder / f"texts{number}" / "agents.db"
        db.parent.mkdir()
        files.build(db, batch)
        tally.texts += len(batch)
        for size in SIZES:
            console(tally, db, size, name="texts")
        command_lines(tally, [*commands.of_a_file(db)], f"texts{number}-")
        report(tally, f"texts {number}")


def every_code_point(tally: Tally, share: Fraction) -> None:
    """Both sizes where most code points are assigned, the wide one where few are."""
    for number, batch in enumerate(in_batches(code_points.chunks(), CHUNKS, share)):
        db = tally.folder / f"points{number}" / "agents.db"
        db.parent.mkdir()
        code_points.build(db, batch)
        tally.texts += 2 * len(batch)
        assigned = ord(batch[0][0]) < 0x32000 or 0xE0000 <= ord(batch[0][0]) < 0xE8000
        for size in SIZES if assigned else SIZES[1:]:
            console(tally, db, size, name="code points", stride=16)
        command_lines(tally, [*commands.of_a_file(db, as_json=assigned)], f"points{number}-")
        report(tally, f"code points {number}")


def every_document(tally: Tally, share: Fraction) -> None:
    for number, batch in enumerate(in_batches(json_documents.documents(), DOCUMENTS, share)):
        db = tally.folder / f"json{number}" / "agents.db"
        db.parent.mkdir()
        json_documents.build(db, batch)
        tally.texts += len(batch)
        for size in SIZES:
            console(tally, db, size, name="json", stride=6)
        command_lines(tally, [*commands.of_a_file(db)], f"json{number}-")
        report(tally, f"json {number}")


def words_and_files(tally: Tally, share: Fraction) -> None:
    """What people and settings say: each text by turns in every place, a few in all of them."""
    folder = tally.folder / "words"
    folder.mkdir()
    db = folder / "agents.db"
    files.build(db, corpora.sample(12))
    for number, batch in enumerate(in_batches(corpora.every(), 150, share)):
        tally.texts += len(batch)
        jobs = [*commands.with_words(db, batch, every=False)]
        jobs += commands.with_words(db, batch[::25], every=True)
        jobs += commands.with_files(folder / str(number), batch[::6])
        command_lines(tally, jobs, f"words{number}-")
        report(tally, f"words {number}")


def worker(tally: Tally, share: Fraction) -> None:
    """What graphs print and raise, as the worker tells it, and what is told of them afterwards."""
    for number, batch in enumerate(in_batches(corpora.every(), 150, share)):
        db = tally.folder / f"worker{number}" / "agents.db"
        db.parent.mkdir()
        worker_graph.build(db, batch)
        tally.texts += len(batch)
        command = [*HITLOOP, "worker", str(db), "--once", "--graph", worker_graph.REF]
        with screen(command, 120, 40, {"XDG_STATE_HOME": str(tally.folder)}) as at:
            while at.child.isalive():
                at.settle(1.0)
            at.settle()
        tally.read("worker --once", bytes(at.raw))
        console(tally, db, SIZES[number % 2], name="failed")
        command_lines(tally, [*commands.of_a_file(db)], f"worker{number}-")
        report(tally, f"worker {number}")


STAGES = {
    "texts": texts_everywhere,
    "points": every_code_point,
    "json": every_document,
    "words": words_and_files,
    "worker": worker,
}


def report(tally: Tally, done: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {done}: {tally}", flush=True)
    for kind in ("foreign", "tracebacks", "crashes"):
        found = getattr(tally, kind)
        for each in found[tally.told.get(kind, 0) :][:TOLD]:
            print(f"  {kind}: {each}", flush=True)
        tally.told[kind] = len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=STAGES, default=list(STAGES))
    parser.add_argument("--share", type=Fraction, default=Fraction(1))
    parser.add_argument("--dir", type=Path)
    given = parser.parse_args()
    folder = given.dir or Path(tempfile.mkdtemp())
    tally = Tally(folder)
    for stage in given.only:
        STAGES[stage](tally, given.share)
    for surface, count in sorted(tally.surfaces.items()):
        print(f"{count:7,} {surface}")
    print(tally)
    sys.exit(bool(tally.foreign or tally.tracebacks or tally.crashes or tally.decided))


if __name__ == "__main__":
    main()
