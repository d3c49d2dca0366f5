"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from hitloop_tui.attach.person import Person, this_person
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.signing import signer
from hitloop_tui.attach.telemetry import Telemetry
from hitloop_tui.config import Settings, read_settings
from hitloop_tui.errors import BadInput
from hitloop_tui.hold import Hold
from hitloop_tui.paths import approvals_path, telemetry_path

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)


def database_options(command: F) -> F:
    command = click.option("--ledger", type=FILE, help="The ledger, when not beside the database.")(
        command
    )
    return click.option("--db", type=FILE, help="The checkpoint database (or HITLOOP_DB).")(command)


telemetry_option = click.option(
    "--telemetry",
    type=FILE,
    help="Where the agents' TelemetryLogger writes, when that is not DB or DB's NAME.telemetry.db.",
)


def graph_options(command: F) -> F:
    command = click.option("--config", type=FILE, help="A langgraph.json that names the graphs.")(
        command
    )
    return click.option(
        "--graph",
        "graphs",
        multiple=True,
        metavar="NAME=FILE.py:VAR",
        help="A graph that a worker hosts; repeatable.",
    )(command)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
reveal_option = click.option("--reveal", is_flag=True, help="Show masked values, too.")
as_option = click.option("--as", "stated", metavar="NAME", help="Your name, recorded as stated.")
sign_option = click.option(
    "--sign", "key", type=FILE, metavar="KEY", help="Sign with this ssh key (or HITLOOP_SIGN_KEY)."
)


def split_database(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options of the database before a command, and the rest."""
    count = 0
    while count < len(args) and args[count].partition("=")[0] in ("--db", "--ledger"):
        count += 1 if "=" in args[count] else 2
    return list(args[:count]), list(args[count:])


def database(argument: Path | None, option: Path | None, settings: Settings) -> Path:
    """The database of a command; BadInput when nobody named one."""
    found = argument or option or settings.db
    if found is None:
        raise BadInput("which database? Give it as --db FILE, or set HITLOOP_DB")
    if found.is_dir():
        raise BadInput(f"{found} is a directory, not a database")
    return found


def signing_person(stated: str | None, key: Path | None, settings: Settings) -> Person:
    """The person of this process, who signs if a key is named."""
    key = key or settings.sign_key
    return this_person(stated, None if key is None else signer(key.expanduser()))


def telemetry_file(option: Path | None, settings: Settings) -> Path | None:
    """The file that was named for a logger; BadInput when it is another program's."""
    path = option or settings.telemetry
    if path is not None:
        file = Telemetry(path)
        foreign = file.is_foreign()
        file.close()
        if foreign:
            raise BadInput(f"{path} is another program's database: no TelemetryLogger writes there")
    return path


def open_session(
    argument: Path | None,
    option: Path | None,
    ledger: Path | None,
    telemetry: Path | None = None,
    *,
    hold: Hold | None = None,
) -> Session:
    settings = read_settings()
    db = database(argument, option, settings)
    logged = telemetry_file(telemetry, settings)
    if not any(path.exists() for path in (db, approvals_path(db), logged or telemetry_path(db))):
        raise BadInput(f"there is no database {db}: start an agent on it, or name another --db")
    hold = hold or settings.hold
    return Session.open(db, ledger or settings.ledger_of(db), logged, hold, settings.masks)
