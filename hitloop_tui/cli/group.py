"""The command group. A first word that is no command is the console's database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import click

from hitloop_tui import __version__
from hitloop_tui.cli.acting import claim, clear, dismiss, done, release, retry, undo
from hitloop_tui.cli.auditing import audit
from hitloop_tui.cli.console import console, demo
from hitloop_tui.cli.deciding import approve, edit, ignore, reject, respond
from hitloop_tui.cli.doctor import doctor
from hitloop_tui.cli.experiment import experiment
from hitloop_tui.cli.listing import ls, show
from hitloop_tui.cli.options import split_database
from hitloop_tui.cli.policy import policy
from hitloop_tui.cli.tracing import trace
from hitloop_tui.cli.working import worker
from hitloop_tui.safetext import Safe

CONSOLE = "console"
_OWN = ("--help", "-h", "--version")


class ConsoleByDefault(click.Group):
    """`hitloop-tui [DB]` opens the console; `hitloop-tui --db DB ls` works like `ls --db DB`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        leading, rest = split_database(args)
        if rest and rest[0] in self.commands:
            args = [rest[0], *leading, *rest[1:]]
        elif not (rest and rest[0] in _OWN):
            args = [CONSOLE, *args]
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _said_safely():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _said_safely():
            return super().invoke(ctx)


@contextlib.contextmanager
def _said_safely() -> Iterator[None]:
    """Click's errors quote the words they are about, some of them as they are."""
    try:
        yield
    except click.ClickException as error:
        vars(error).update(message=Safe(error.message))  # `Final` to type checkers
        raise


@click.group(
    cls=ConsoleByDefault,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="hitloop-tui")
def hitloop() -> None:
    """Approve what your LangGraph agents ask for, from a terminal.

    `hitloop-tui DB` opens the console on a checkpoint database.
    """


for _command in (
    console,
    demo,
    ls,
    show,
    approve,
    reject,
    edit,
    respond,
    ignore,
    undo,
    retry,
    clear,
    done,
    dismiss,
    claim,
    release,
    worker,
    trace,
    audit,
    policy,
    doctor,
    experiment,
):
    hitloop.add_command(_command)
