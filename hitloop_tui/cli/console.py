"""`hitloop-tui [DB]` and `demo`: the console on a screen."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path

import click

from hitloop_tui.attach.person import this_person
from hitloop_tui.cli.options import (
    FILE,
    as_option,
    database,
    database_options,
    graph_options,
    sign_option,
    signing_person,
    telemetry_file,
    telemetry_option,
)
from hitloop_tui.cli.working import graph_refs
from hitloop_tui.config import read_settings
from hitloop_tui.errors import BadInput


@click.command(hidden=True)
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@telemetry_option
@graph_options
@as_option
@sign_option
@click.option("--read-only", is_flag=True, help="Look, decide nothing, start no worker.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
def console(
    argument: Path | None,
    db: Path | None,
    ledger: Path | None,
    telemetry: Path | None,
    graphs: tuple[str, ...],
    config: Path | None,
    stated: str | None,
    key: Path | None,
    read_only: bool,
    no_mouse: bool,
) -> None:
    """Open the console on a checkpoint database.

    With graphs given, a worker that applies decisions is started when none is alive. It goes on
    when the console ends.
    """
    settings = read_settings()
    path = _place(database(argument, db, settings))
    _refuse_typo(argument)
    graph_refs(graphs, config, settings)
    need_terminal()
    if not graphs and not config:
        graphs = tuple(f"{name}={settings.folder / ref}" for name, ref in settings.graphs.items())
        config = settings.config
    from hitloop_tui.tui import run_console

    code = run_console(
        path,
        person=signing_person(stated, key, settings),
        ledger=ledger or settings.ledger_of(path),
        telemetry=telemetry_file(telemetry, settings),
        graphs=graphs,
        config=config,
        read_only=read_only,
        hold=settings.hold,
        masks=settings.masks,
        mouse=not no_mouse,
    )
    sys.exit(code)


@click.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--threads", default=3, show_default=True, help="Threads of each agent at first.")
@click.option("--rate", default=0.1, show_default=True, help="New threads per second after that.")
@click.option("--model", metavar="PROVIDER:NAME", help="A real model instead of the scripted one.")
@click.option("--headless", is_flag=True, help="Agents and worker only, until ctrl+c.")
@as_option
def demo(
    folder: Path | None,
    threads: int,
    rate: float,
    model: str | None,
    headless: bool,
    stated: str | None,
) -> None:
    """Agents on a fresh database, a worker, and the console on top; leaving it stops them all.

    Without a terminal it runs --headless, for `ls` and `approve` from another one.
    """
    from hitloop_tui.cli.demo import run_demo

    headless = headless or not _on_terminal()
    run_demo(
        folder,
        threads=threads,
        rate=rate,
        model=model,
        person=this_person(stated),
        headless=headless,
    )


def _place(path: Path) -> Path:
    if not path.parent.is_dir():
        raise BadInput(f"there is no directory {path.parent}")
    return path


def _refuse_typo(argument: Path | None) -> None:
    """`hitloop-tui aprove` would wait for a database of that name."""
    if argument is None or argument.exists() or argument.suffix or len(argument.parts) > 1:
        return
    parent = click.get_current_context().parent
    names = (
        list(parent.command.commands) if parent and isinstance(parent.command, click.Group) else []
    )
    near = difflib.get_close_matches(str(argument), names, 1)
    if near:
        raise BadInput(f"there is no command or database {argument}; did you mean {near[0]}?")


def need_terminal() -> None:
    if not _on_terminal():
        raise BadInput("the console needs a terminal; in a script use ls, show and approve")
    if os.environ.get("TERM") == "dumb":
        raise BadInput("TERM=dumb: the console needs a terminal that can move its cursor")


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
