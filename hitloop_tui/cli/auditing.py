"""`audit verify` and `audit export`: the ledger for somebody who was not there."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from hitloop_tui.attach import audit as auditing
from hitloop_tui.attach import journal
from hitloop_tui.attach.journal import Head
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.cli.narration import DONE, FAILED, print_json, print_json_lines, say
from hitloop_tui.cli.options import FILE, F, database, database_options, json_option, split_database
from hitloop_tui.config import read_settings
from hitloop_tui.errors import BadInput
from hitloop_tui.paths import ledger_path
from hitloop_tui.safetext import safe


class DatabaseFirst(click.Group):
    """`audit DB verify` is `audit verify DB`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        leading, rest = split_database(args)
        if rest and not rest[0].startswith("-") and rest[0] not in self.commands:
            leading, rest = [*leading, "--db", rest[0]], rest[1:]
        if rest and rest[0] in self.commands:
            rest = [rest[0], *leading, *rest[1:]]
        return super().parse_args(ctx, rest)


def signers_option(command: F) -> F:
    return click.option(
        "--allowed-signers",
        "allowed",
        type=FILE,
        help="Who may sign, as ssh-keygen(1) describes: check the signatures, too.",
    )(command)


@click.group(cls=DatabaseFirst, options_metavar="[DB]")
def audit() -> None:
    """Check the ledger, or write all of it: audit [DB] verify, audit [DB] export."""


@audit.command()
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@json_option
@signers_option
@click.option("--anchor", metavar="SEQ:HASH", help="A head kept elsewhere: it must still be there.")
def verify(
    argument: Path | None,
    db: Path | None,
    ledger: Path | None,
    as_json: bool,
    allowed: Path | None,
    anchor: str | None,
) -> None:
    """Find what was changed in the ledger; exit 1 when something was."""
    kept = None if anchor is None else Head.parse(anchor)
    _require(allowed)
    file = _ledger(argument, db, ledger)
    with file.snapshot() as connection:
        report = auditing.check(connection, kept, allowed)
    file.close()
    (_print_json if as_json else _print_text)(report)
    sys.exit(FAILED if report.faults else DONE)


@audit.command()
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@signers_option
def export(
    argument: Path | None, db: Path | None, ledger: Path | None, allowed: Path | None
) -> None:
    """Write everything that was recorded as JSON lines, oldest first."""
    _require(allowed)
    file = _ledger(argument, db, ledger)
    with file.snapshot() as connection:
        with closing(auditing.export(connection, allowed)) as lines:
            print_json_lines(lines)
        head = journal.head(connection)
    file.close()
    say(f"{head.seq} entries; head {head}")


def _ledger(argument: Path | None, db: Path | None, ledger: Path | None) -> LedgerFile:
    """The ledger to audit: it may have outlived its database, but one of the two must exist."""
    settings = read_settings()
    path = database(argument, db, settings)
    found = ledger or settings.ledger_of(path) or ledger_path(path)
    if not (path.exists() or found.exists()):
        raise BadInput(f"there is no database {path}, and no ledger {found}")
    return LedgerFile(found)


def _require(allowed: Path | None) -> None:
    if allowed is not None and not allowed.is_file():
        raise BadInput(f"--allowed-signers: there is no file {allowed}")


def _print_json(report: auditing.Report) -> None:
    print_json(
        {
            **asdict(report),
            "head": str(report.head),
            "intact": not report.faults,
            "unseen": list(auditing.UNSEEN),
        }
    )


def _print_text(report: auditing.Report) -> None:
    for fault in report.faults:
        place = "" if fault.entry is None else f"entry {fault.entry}: "
        click.echo(f"{click.style('FAULT', fg='red')}  {safe(place + fault.text)}")
    counted = f"{report.head.seq} entries, {report.decisions} decisions"
    faults = len(report.faults)
    click.echo(f"{counted}: {'no fault' if not faults else f'{faults} faults'} found")
    checked = "checked" if report.checked else "not checked: give --allowed-signers FILE"
    click.echo(f"{report.signed} of {report.decisions} decisions are signed; {checked}")
    click.echo("not to be seen from the file alone:")
    for limit in auditing.UNSEEN:
        click.echo(f"  - {limit}")
    click.echo(f"head {report.head}")
    say("keep the head somewhere else, for --anchor")
