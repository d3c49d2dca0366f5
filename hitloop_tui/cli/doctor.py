"""`doctor`: what is wrong with this set-up, in plain words."""

from __future__ import annotations

import asyncio
import locale
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import click

from hitloop_tui.attach import journal
from hitloop_tui.attach.graph_ref import GraphRef
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.review import Review, State
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.signing import signer
from hitloop_tui.cli.narration import DONE, FAILED, print_json
from hitloop_tui.cli.options import FILE, database_options, graph_options, json_option
from hitloop_tui.cli.working import graph_refs
from hitloop_tui.config import Settings, read_settings
from hitloop_tui.core.signature import PROGRAM
from hitloop_tui.errors import HitloopError
from hitloop_tui.safetext import safe

PACKAGES = (
    "hitloop-tui",
    "textual",
    "langgraph",
    "langgraph-checkpoint-sqlite",
    "langchain",
    "aiosqlite",
    "pydantic",
)
WRONG = (State.FAILED, State.UNCERTAIN, State.STALE, State.EXPIRED)
LISTED = 10
"""Reviews told one by one."""
_LEFT = """
SELECT worker, count(*) AS left FROM (
  SELECT worker FROM attempts WHERE outcome IS NULL
  UNION ALL SELECT worker FROM orders WHERE outcome IS NULL AND worker IS NOT NULL
) GROUP BY worker
"""
"""Attempts and orders that nobody has ended, by worker."""
_MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Literal["ok", "warn", "fail"]
    subject: str
    text: str


@click.command()
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@graph_options
@json_option
def doctor(
    argument: Path | None,
    db: Path | None,
    ledger: Path | None,
    graphs: tuple[str, ...],
    config: Path | None,
    as_json: bool,
) -> None:
    """Say what is wrong with this set-up; exit 1 when something is."""
    settings, findings = _settings()
    findings += [*_versions(), *_terminal()]
    path = argument or db or settings.db
    if path is None:
        findings.append(Finding("warn", "database", "none named: give --db FILE or set HITLOOP_DB"))
    else:
        findings += _guarded(
            "database",
            lambda: _database(path, ledger or settings.ledger_of(path), settings.telemetry),
        )
    findings += _guarded("deciding", lambda: _deciding(settings))
    findings += _guarded("graphs", lambda: _graphs(graph_refs(graphs, config, settings)))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark, colour = _MARKS[finding.level]
            subject = safe(finding.subject).ljust(28)
            click.echo(f"{click.style(mark, fg=colour)}  {subject} {safe(finding.text)}")
    sys.exit(FAILED if any(finding.level == "fail" for finding in findings) else DONE)


def _guarded(subject: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """What `look` finds, and its error as one more finding."""
    found: list[Finding] = []
    try:
        found.extend(look())
    except HitloopError as error:
        found.append(Finding("fail", subject, str(error)))
    return found


def _settings() -> tuple[Settings, list[Finding]]:
    try:
        return read_settings(), []
    except HitloopError as error:
        return Settings(), [Finding("fail", "settings", str(error))]


def _versions() -> Iterator[Finding]:
    yield Finding("ok", "python", f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
    for package in PACKAGES:
        try:
            yield Finding("ok", package, version(package))
        except PackageNotFoundError:
            yield Finding("fail", package, "not installed: pip install hitloop-tui")


def _terminal() -> Iterator[Finding]:
    size = shutil.get_terminal_size()
    term = os.environ.get("TERM", "")
    places = [name for name in ("SSH_CONNECTION", "TMUX", "NO_COLOR") if os.environ.get(name)]
    about = f"{term or 'no TERM'}, {size.columns}x{size.lines} {' '.join(places)}".rstrip()
    if term in ("", "dumb"):
        yield Finding("warn", "terminal", f"{about}: the console needs a real terminal")
    elif size.columns < 80 or size.lines < 24:
        yield Finding("warn", "terminal", f"{about}: 80x24 is the smallest comfortable size")
    else:
        yield Finding("ok", "terminal", about)
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") != "utf8":
        yield Finding("warn", "locale", f"{encoding}: set LANG to a UTF-8 locale for clear marks")


def _database(path: Path, ledger: Path | None, telemetry: Path | None) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("fail", "database", f"{path} does not exist: start an agent on it")
        return
    session = Session.open(path, ledger, telemetry)
    reviews = list(session.inbox.reviews())
    waiting = [review for review in reviews if review.state is State.PENDING]
    yield Finding("ok", "database", f"{path}, {len(waiting)} waiting")
    yield from _access(path)
    yield from _reviews(reviews)
    yield from _ledger(session.ledger.file)
    logged = [str(one.path) for one in session.telemetry if one.has_events()]
    text = ", ".join(logged) or f"none yet; a logger's place is {session.telemetry[0].path}"
    yield Finding("ok", "telemetry", text)
    yield from _workers(session.ledger.file)
    session.close()


def _reviews(reviews: list[Review]) -> Iterator[Finding]:
    """Those that went wrong, with what can be done about each."""
    wrong = [review for review in reviews if review.state in WRONG]
    for review in wrong[:LISTED]:
        possible = ", ".join([*review.allowed, *review.acts])
        text = f"{review.state}: {review.detail}" + (f"; possible: {possible}" if possible else "")
        yield Finding("warn", f"review {review.id[:8]}", text)
    if len(wrong) > LISTED:
        yield Finding("warn", "reviews", f"{len(wrong) - LISTED} more went wrong: see `ls`")
    for review in reviews:
        if review.question.leftover_answer:
            text = f"{review.thread_id}: another program left an answer that no task took"
            yield Finding("warn", f"review {review.id[:8]}", text)


def _ledger(file: LedgerFile) -> Iterator[Finding]:
    if not file.path.exists():
        yield Finding("ok", "ledger", "not needed yet")
        return
    with file.snapshot() as connection:
        faults = sum(1 for _ in journal.verify(connection))
        head = journal.head(connection)
    if faults:
        text = f"{file.path} is not as it was written, {faults} faults: see `audit verify`"
        yield Finding("fail", "ledger", text)
    else:
        yield Finding("ok", "ledger", f"{file.path}, {head.seq} entries, chain in order")


def _workers(file: LedgerFile) -> Iterator[Finding]:
    workers = live_workers(file)
    for worker in workers:
        yield Finding("ok", "worker", f"{worker.id} hosts {', '.join(worker.graphs)}")
    if not workers:
        yield Finding("warn", "worker", "none is alive: decisions are kept and wait for one")
    alive = {worker.id for worker in workers}
    for row in file.rows(_LEFT):
        if row["worker"] not in alive:
            text = f"{row['worker']} is dead and left {row['left']} unfinished: look, then decide"
            yield Finding("warn", "worker", text)


def _deciding(settings: Settings) -> Iterator[Finding]:
    """How this person's decisions will be held and signed."""
    seconds = ", ".join(f"{name} {left:g} s" for name, left in asdict(settings.hold).items())
    yield Finding("ok", "hold", f"decisions wait for an undo: {seconds}")
    if settings.sign_key is not None:
        signer(settings.sign_key)
        if shutil.which(PROGRAM) is None:
            yield Finding("fail", "signing", f"{PROGRAM} is missing: install OpenSSH's client")
        else:
            yield Finding("ok", "signing", f"with {settings.sign_key}")


def _access(path: Path) -> Iterator[Finding]:
    if not os.access(path.parent, os.W_OK):
        text = f"{path.parent} is not writable: SQLite needs its -wal and -shm files there"
        yield Finding("fail", "database directory", text)
    for part in (path, path.with_name(path.name + "-wal")):
        if part.exists() and part.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            text = f"{part} is open to everyone on this machine: chmod o-rwx"
            yield Finding("warn", "database access", text)


def _graphs(refs: list[GraphRef]) -> Iterator[Finding]:
    if not refs:
        text = "none named: a worker elsewhere must apply decisions, or give --graph / --config"
        yield Finding("warn", "graphs", text)
        return
    from hitloop_tui.attach.graphs import open_graphs  # imports LangGraph

    async def load(ref: GraphRef) -> None:
        async with open_graphs([ref]):
            pass

    for ref in refs:
        try:
            asyncio.run(load(ref))
        except HitloopError as error:
            yield Finding("fail", f"graph {ref.name}", str(error))
        else:
            yield Finding("ok", f"graph {ref.name}", f"{ref.location}:{ref.variable}")
