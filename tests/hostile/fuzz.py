"""Real rows, broken at random: `python -m tests.hostile.fuzz --n 100000 --seed 1`.

Every stored question must stay visible, whatever is in its row or in the rows around it, and no
reader may raise. Prints how many rows were stored, shown, read, told as unreadable, and crashed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sqlite3
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ormsgpack

from hitloop_tui.attach.masked import masked_json, masked_review
from hitloop_tui.attach.review import Review
from hitloop_tui.attach.session import Session
from hitloop_tui.cli import text
from hitloop_tui.cli.table import print_inbox
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.tui.widgets.card_sections import card_text
from tests.pilot import questions

BATCH = 500
"""Threads of one database."""
SMALL_INTEGERS = bytes(range(0x10))
OPENERS = bytes([0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, *range(0xC0, 0xE0), 0xDC, 0xDD, 0xDE, 0xDF])
KINDS = [
    "msgpack",
    "json",
    "pickle",
    "bytes",
    "null",
    "",
    "msgpack+aes",
    "\x1b[2J",
    None,
    7,
    b"\xff",
]


@dataclass
class Found:
    """What a run has shown."""

    stored: int = 0
    shown: int = 0
    readable: int = 0
    crashes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    columns: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        told = self.shown - self.readable
        return (
            f"{self.stored:,} questions stored, {self.shown:,} shown ({self.readable:,} readable,"
            f" {told:,} told as unreadable), {len(self.missing)} missing,"
            f" {len(self.crashes)} crashes; broken: {dict(self.columns)}"
        )


def fuzz(count: int, seed: int, folder: Path) -> Found:
    """Break `count` rows and read them all in every way."""
    dice, found = random.Random(seed), Found()
    template = folder / "template.db"
    questions.ask(template, questions.ALL | {"t-list": [{"n": [1, {"deep": b"\x00"}]}] * 5})
    for start in range(0, count, BATCH):
        db = folder / f"fuzz-{start}.db"
        threads = _multiplied(template, db, min(BATCH, count - start))
        broken = _broken(db, threads, dice, found)
        _read(db, threads, broken, dice, found)
        for path in folder.glob(f"{db.stem}*"):
            path.unlink()
    return found


def _multiplied(template: Path, db: Path, count: int) -> list[str]:
    """The template's threads, under as many names as are wanted."""
    with contextlib.closing(sqlite3.connect(template)) as source:
        source.execute("VACUUM INTO ?", (str(db),))
    with contextlib.closing(sqlite3.connect(db)) as connection:
        originals = [t for (t,) in connection.execute("SELECT DISTINCT thread_id FROM checkpoints")]
        threads = [f"f{number}" for number in range(count)]
        for number, thread in enumerate(threads):
            for table in ("checkpoints", "writes"):
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                rest = ", ".join(name for name in columns if name != "thread_id")
                connection.execute(
                    f"INSERT INTO {table} (thread_id, {rest})"
                    f" SELECT ?, {rest} FROM {table} WHERE thread_id=?",
                    (thread, originals[number % len(originals)]),
                )
        for table in ("checkpoints", "writes"):
            connection.execute(f"DELETE FROM {table} WHERE thread_id NOT LIKE 'f%'")
        connection.commit()
    return threads


def _broken(db: Path, threads: list[str], dice: random.Random, found: Found) -> dict[str, str]:
    """One row of every thread; which column it was, by thread."""
    broken = {}
    with contextlib.closing(sqlite3.connect(db)) as connection:
        for thread in threads:
            [column] = dice.choices(list(_COLUMNS), [3, 1, 2, 2, 1])
            _COLUMNS[column](connection, thread, dice)
            broken[thread] = column
            found.columns[column] += 1
        connection.commit()
    return broken


def _value(connection: sqlite3.Connection, thread: str, dice: random.Random) -> None:
    where = "thread_id=? AND idx=-3"
    [value] = connection.execute(f"SELECT value FROM writes WHERE {where}", (thread,)).fetchone()
    sql = f"UPDATE writes SET value=? WHERE {where}"
    connection.execute(sql, (mutated(value, dice), thread))


def _kind(connection: sqlite3.Connection, thread: str, dice: random.Random) -> None:
    new = dice.choice(["?", "?", "CAST(? AS TEXT)"])  # the last makes a text that is no UTF-8
    sql = f"UPDATE writes SET type={new} WHERE thread_id=? AND idx=-3"
    connection.execute(sql, (dice.choice(KINDS), thread))


def _checkpoint(connection: sqlite3.Connection, thread: str, dice: random.Random) -> None:
    name = dice.choice(["checkpoint", "checkpoint", "metadata", "type"])
    sql = f"SELECT rowid, {name} FROM checkpoints WHERE thread_id=?"
    for rowid, value in connection.execute(sql, (thread,)).fetchall():
        new = dice.choice(KINDS) if name == "type" else mutated(bytes(value), dice)
        connection.execute(f"UPDATE checkpoints SET {name}=? WHERE rowid=?", (new, rowid))


def _beside(connection: sqlite3.Connection, thread: str, dice: random.Random) -> None:
    """An answer, an error, or another task's row."""
    index, channel, task = dice.choice(
        [(-4, "__resume__", None), (-1, "__error__", None), (0, "x", "other"), (-3, "__i__", "o")]
    )
    [(value, own)] = connection.execute(
        "SELECT value, task_id FROM writes WHERE thread_id=? AND idx=-3", (thread,)
    )
    connection.execute(
        "INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type,"
        " value) SELECT thread_id, '', checkpoint_id, ?, ?, ?, ?, ? FROM writes"
        " WHERE thread_id=? AND idx=-3",
        (task or own, index, channel, dice.choice(KINDS), mutated(value, dice), thread),
    )


def _path(connection: sqlite3.Connection, thread: str, dice: random.Random) -> None:
    paths = [
        "",
        "~__pregel_push, 1",
        "~__pregel_pull, \x1b]0;x\x07",
        "x" * 5000,
        5,
        b"\xff\xfe",
    ]
    sql = "UPDATE writes SET task_path=? WHERE thread_id=?"
    connection.execute(sql, (dice.choice(paths), thread))


_COLUMNS: dict[str, Callable[[sqlite3.Connection, str, random.Random], None]] = {
    "value": _value,
    "type": _kind,
    "checkpoint": _checkpoint,
    "beside": _beside,
    "path": _path,
}


def mutated(value: bytes, dice: random.Random) -> Any:
    """A value that somebody, or a disk, has changed a little or a lot."""
    data = bytearray(value)
    match dice.randrange(10):
        case 0:
            return None
        case 1:
            return dice.choice(["text", "", 5, 1.5, b"", "{" * 500, '{"a": 1, "a": 2}'])
        case 2:
            return bytes(data[: dice.randrange(len(data) + 1)])
        case 3:
            return bytes(data) + dice.randbytes(dice.randint(1, 9))
        case 4:
            return dice.randbytes(dice.randint(0, 200))
        case 5:
            return generated(dice)
        case 6:
            at = dice.randrange(len(data) + 1)
            return bytes(data[:at] + generated(dice) + data[at:])
        case 7:
            for _ in range(dice.randint(1, 4)):
                data[dice.randrange(len(data))] = dice.choice(OPENERS + SMALL_INTEGERS)
        case _:
            for _ in range(dice.randint(1, 8)):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def generated(dice: random.Random, depth: int = 0) -> bytes:
    """Msgpack that no library would write: names twice, odd names, objects in objects."""
    roll = dice.randrange(12 if depth < 6 else 6)
    match roll:
        case 0 | 1:
            return ormsgpack.packb(dice.choice([None, True, 0, -1, 2**63, 1.5, -0.0, float("nan")]))
        case 2 | 3:
            words = ["", "value", "id", "\x1b[2J", "ord\u0435", "a" * 300, "\u202e", "__type__"]
            return ormsgpack.packb(dice.choice(words))
        case 4:
            return bytes([0xA0 + (size := dice.randrange(8))]) + dice.randbytes(size)
        case 5:
            return b"\xc4" + bytes([size := dice.randrange(9)]) + dice.randbytes(size)
        case 6 | 7 | 8:
            count = dice.randrange(6)
            items = [generated(dice, depth + 1) for _ in range(2 * count)]
            return bytes([0x80 + count]) + b"".join(items)
        case 9 | 10:
            count = dice.randrange(6)
            return bytes([0x90 + count]) + b"".join(
                generated(dice, depth + 1) for _ in range(count)
            )
        case _:
            body = b"\x93" + b"".join(generated(dice, depth + 1) for _ in range(3))
            return b"\xc8" + len(body).to_bytes(2) + bytes([dice.randrange(9)]) + body


def _read(
    db: Path, threads: list[str], broken: dict[str, str], dice: random.Random, found: Found
) -> None:
    session = Session.open(db)
    shown: dict[str, list[Review]] = {}
    try:
        session.inbox.load()
        rows = {row.thread_id for row in session.inbox.rows()}
        for review in session.inbox.reviews():
            shown.setdefault(review.thread_id, []).append(review)
    except Exception:
        found.crashes.append(f"{db.name}: {traceback.format_exc()}")
        rows = set()
    for thread in threads:
        found.stored += 1
        if thread in rows and thread in shown:
            found.shown += 1
            found.readable += all(one.question.undecodable is None for one in shown[thread])
        else:
            found.missing.append(f"{thread} ({broken[thread]})")
    for thread in threads:
        for review in shown.get(thread, ()):
            _guarded(found, f"{thread} ({broken[thread]})", lambda one=review: _told(session, one))
    _guarded(found, f"trace of {db.name}", lambda: _traced(session))
    session.close()


def _told(session: Session, review: Review) -> None:
    """As `ls`, `show` and the card tell it."""
    shown = {**review.to_json(), "history": [], "escalated": False, "claimed_until": None}
    messages = session.source.messages(review.thread_id, 3)
    shown["messages"] = [
        {"role": m.role, "text": m.text, "tool_calls": list(m.tool_calls)} for m in messages
    ]
    masked = masked_json(session.masks, shown)
    json_text(masked)
    with contextlib.redirect_stdout(io.StringIO()):
        print_inbox([masked])
        text.print_review(masked)
        text.print_review(shown)
    for index in range(len(review.actions)):
        card_text(masked_review(session.masks, review), index, messages)


def _traced(session: Session) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        for event in session.trace().poll():
            text.print_event(event.to_json())


def _guarded(found: Found, what: str, read: Callable[[], None]) -> None:
    try:
        read()
    except Exception:
        found.crashes.append(f"{what}: {traceback.format_exc()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        told = fuzz(options.n, options.seed, Path(scratch))
    print(f"seed {options.seed}: {told}, {time.monotonic() - began:.0f} s")  # noqa: T201
    for line in [*told.missing[:5], *told.crashes[:5]]:
        print(line)  # noqa: T201
