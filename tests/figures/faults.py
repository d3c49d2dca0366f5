"""Files and clocks that fail while a person decides: nothing crashes, and nothing is said to be
recorded that is not.

python -m tests.figures.faults [--n REVIEWS] has so many decided, and breaks something halfway.
Filling a disk needs root, failing fsyncs need strace: without them their lines say so.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from hitloop_tui.attach import ledger_file
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.review import Review
from hitloop_tui.attach.session import Session
from hitloop_tui.errors import DatabaseError
from tests.figures.arena import ROOT, Arena, Score, main, processes
from tests.figures.clocks import moved
from tests.figures.kills import ANN, APPROVE

NOBODY = 65534
DECIDE_S = 120.0
DISK = "disk"
LONG_S = 30.0

Fault = Callable[[Path, Path], None]
"""Breaks something about a database and its ledger, from within the process that decides."""


def no_file_may_grow(db: Path, ledger: Path) -> None:
    size = ledger.with_name(ledger.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def disk_is_full(db: Path, ledger: Path) -> None:
    with contextlib.suppress(OSError), ledger.with_name("filler").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass


def ledger_is_locked(db: Path, ledger: Path) -> None:
    """Until this process ends."""
    LOCKS.append(sqlite3.connect(ledger, isolation_level=None))
    LOCKS[-1].execute("BEGIN IMMEDIATE")


LOCKS: list[sqlite3.Connection] = []


def somebody_writes(seconds: float, db: Path, ledger: Path) -> None:
    """To both files for so long, and nobody else can."""
    held = threading.Event()
    threading.Thread(target=_write, args=(seconds, (db, ledger), held)).start()
    held.wait()


def _write(seconds: float, files: Sequence[Path], held: threading.Event) -> None:
    with contextlib.ExitStack() as stack:
        for path in files:
            connection = sqlite3.connect(path, isolation_level=None)
            stack.enter_context(contextlib.closing(connection))
            connection.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(seconds)


def ledger_is_deleted(db: Path, ledger: Path) -> None:
    for part in _parts(ledger):
        part.rename(part.with_name(f"away-{part.name}"))


def ledger_is_another_programs(db: Path, ledger: Path) -> None:
    ledger_is_deleted(db, ledger)
    with contextlib.closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")


def database_is_deleted(db: Path, ledger: Path) -> None:
    for part in _parts(db):
        part.rename(part.with_name(f"away-{part.name}"))


def database_is_replaced(db: Path, ledger: Path) -> None:
    """By an older one, in which no thread has asked."""
    database_is_deleted(db, ledger)
    with contextlib.closing(sqlite3.connect(db.with_name(f"away-{db.name}"))) as connection:
        schema = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        statements = [sql for (sql,) in schema]
    with contextlib.closing(sqlite3.connect(db)) as connection, connection:
        for sql in statements:
            connection.execute(sql)


def threads_are_deleted(db: Path, ledger: Path) -> None:
    _change(db, "DELETE FROM checkpoints", "DELETE FROM writes")


def column_is_missing(db: Path, ledger: Path) -> None:
    """As langgraph-checkpoint-sqlite before 3.1.2 has it."""
    _change(db, "ALTER TABLE writes DROP COLUMN task_path")


def column_is_unknown(db: Path, ledger: Path) -> None:
    _change(db, "ALTER TABLE writes ADD COLUMN later TEXT")


def folder_is_read_only(db: Path, ledger: Path) -> None:
    """For somebody else than root, whom modes do not stop."""
    for part in _parts(ledger):
        part.chmod(0o444)
    db.parent.chmod(0o555)
    if os.getuid() == 0:
        os.setuid(NOBODY)


def nobody_may_read(db: Path, ledger: Path) -> None:
    """Modes that stop everybody but root."""
    for part in (*_parts(db), *_parts(ledger)):
        part.chmod(0)
    if os.getuid() == 0:
        os.setuid(NOBODY)


def clock_jumps(hours: float, db: Path, ledger: Path) -> None:
    JUMPS.enter_context(moved(hours))


JUMPS = contextlib.ExitStack()


FAULTS: dict[str, Fault] = {
    "no file may grow": no_file_may_grow,
    "the ledger is locked": ledger_is_locked,
    "the ledger is deleted": ledger_is_deleted,
    "the ledger is another program's": ledger_is_another_programs,
    "the folder is read-only": folder_is_read_only,
    "nobody may read the files": nobody_may_read,
    "the database is deleted": database_is_deleted,
    "the database is replaced": database_is_replaced,
    "the threads are deleted": threads_are_deleted,
    "a column is missing": column_is_missing,
    "a column is unknown": column_is_unknown,
    "the clock goes back an hour": partial(clock_jumps, -1),
    "the clock goes on an hour": partial(clock_jumps, 1),
    "the clock goes on ten years": partial(clock_jumps, 87_660),
}


def figure(folder: Path, n: int, score: Score) -> None:
    folder.chmod(0o755)  # nobody must get in
    for number, (what, fault) in enumerate(FAULTS.items()):
        arena = Arena(folder / str(number), "pay")
        strike(arena, what, fault, n, score)
    patient = Arena(folder / "patient", "pay")
    what = f"somebody writes for {LONG_S:g} s"
    strike(patient, what, partial(somebody_writes, LONG_S), n, score, busy_s=LONG_S)
    with _small_disk(folder / DISK) as disk:
        if disk is None:
            score.say("the disk is full: only root can try")
        else:
            strike(Arena(disk, "pay"), "the disk is full", disk_is_full, n, score)
    if shutil.which("strace") is None:
        score.say("fsync fails: only with strace")
    else:
        failing_fsyncs(Arena(folder / "fsync", "pay"), n, score)


def strike(
    arena: Arena, what: str, fault: Fault, n: int, score: Score, *, busy_s: float = 1.0
) -> None:
    """Half are decided before, a quarter by the same session, a quarter by a new one.

    `busy_s`: how long each waits for a lock. 30 s as in life would be long for so many.
    """
    reviews, ledger = arena.ask(n), arena.session.ledger.file.path
    arena.session.close()
    told = arena.db.with_name("told")
    victim = processes.Process(target=_decide, args=(arena.db, arena.env, fault, told, busy_s))
    victim.start()
    victim.join(DECIDE_S)
    for path in (arena.db.parent, *_parts(ledger), *_parts(arena.db)):
        path.chmod(0o755)
    ledger.with_name("filler").unlink(missing_ok=True)
    score.add(f"{what}: crashes", int(victim.exitcode != 0), 1)
    _compare(arena, reviews, dict(map(str.split, told.read_text().splitlines())), score)


def _compare(arena: Arena, reviews: list[Review], said: dict[str, str], score: Score) -> None:
    ledger, found, n = arena.session.ledger.file.path, set[str](), len(reviews)
    for path in (ledger, ledger.with_name(f"away-{ledger.name}")):
        file = LedgerFile(path)
        with contextlib.suppress(DatabaseError):
            found |= {record.key for record in Ledger(file).records()}
        file.close()
    recorded = {key for key, outcome in said.items() if outcome == "recorded"}
    denied = {key for key, outcome in said.items() if outcome not in ("recorded", "unknown")}
    score.add("  Reviews without a word", n - len(said), n)
    score.add("  said to be recorded and not there", recorded - found, len(recorded))
    score.add("  there, and said not to be", found & denied, n)
    with contextlib.suppress(DatabaseError):
        arena.work()
    decided = {review.thread_id for review in reviews if review.key in found}
    ran = arena.effects()
    odd = [thread for thread, times in ran.items() if times > 1 or thread not in decided]
    score.add("  tool ran twice, or undecided", odd, n)
    score.say(f"  ({sorted(Counter(said.values()).items())}, ran for {len(ran)})")


def failing_fsyncs(arena: Arena, n: int, score: Score) -> None:
    """From the twentieth on, in a command for all of them."""
    reviews = arena.ask(n)
    words = ["approve", *(review.id for review in reviews), "--json", "--db", str(arena.db)]
    inject = "inject=fsync,fdatasync:error=EIO:when=20+"
    command = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", inject, sys.executable, "-m"]
    done = subprocess.run(
        [*command, "hitloop_tui", *words],
        cwd=ROOT,
        env={**os.environ, **arena.env},
        capture_output=True,
    )
    score.add("fsync fails: crashes", int(b"Traceback" in done.stderr or done.returncode > 3), 1)
    keys = {review.id: review.key for review in reviews}
    told = {
        keys[one["id"]]: _said(one["outcome"], one["detail"]) for one in json.loads(done.stdout)
    }
    _compare(arena, reviews, told, score)


def _decide(db: Path, env: dict[str, str], fault: Fault, told: Path, busy_s: float) -> None:
    os.environ.update(env)
    ledger_file.BUSY_TIMEOUT_S = busy_s
    session = Session.open(db)
    shown = list(session.inbox.reviews())
    with told.open("w") as file:
        for number, review in enumerate(shown):
            if number == len(shown) // 2:
                fault(db, session.ledger.file.path)
            if number == len(shown) * 3 // 4:
                session = Session.open(db)
            file.write(f"{review.key} {_outcome(session, review)}\n")
            file.flush()


def _outcome(session: Session, review: Review) -> str:
    """As the command line has it."""
    try:
        return decide(session.inbox, review, APPROVE, ANN).outcome
    except DatabaseError as error:
        return _said("failed", str(error))


def _said(outcome: str, detail: str) -> str:
    return "unknown" if outcome == "failed" and ledger_file.UNKNOWN in detail else outcome


def _parts(path: Path) -> list[Path]:
    names = (path.name, f"{path.name}-wal", f"{path.name}-shm")
    return [path.with_name(name) for name in names if path.with_name(name).exists()]


def _change(db: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(db)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)])


if __name__ == "__main__":
    main(__doc__ or "", 40, figure)
