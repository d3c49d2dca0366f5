"""`ls` and `show`: the inbox and one Review, as text or JSON."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import click

from hitloop_tui.attach.find import Finder
from hitloop_tui.attach.history import history
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.masked import masked_json
from hitloop_tui.attach.review import Identity, Review, State
from hitloop_tui.attach.source import Message
from hitloop_tui.cli import text
from hitloop_tui.cli.narration import print_json
from hitloop_tui.cli.options import FILE, database_options, json_option, open_session, reveal_option
from hitloop_tui.cli.shown import Shown
from hitloop_tui.cli.table import print_inbox

STATES = click.Choice([*(state.value for state in State), "all"])
RISKS = click.Choice(["high", "medium", "low", "unrated"])
CONTEXT = 8
"""Messages that `show` prints."""


@click.command()
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@json_option
@click.option("--state", "states", type=STATES, multiple=True, help="Only these states.")
@click.option("--risk", "risks", type=RISKS, multiple=True, help="Only these risks.")
@click.option("--tool", metavar="GLOB", help="Only Reviews with a tool of this name.")
@click.option("--thread", metavar="T", help="Only this thread.")
@reveal_option
def ls(
    argument: Path | None,
    db: Path | None,
    ledger: Path | None,
    as_json: bool,
    states: tuple[str, ...],
    risks: tuple[str, ...],
    tool: str | None,
    thread: str | None,
    reveal: bool,
) -> None:
    """List the inbox, newest first.

    Without --state: every Review that still needs a person or a worker.
    """
    session = open_session(argument, db, ledger)
    found = [
        shown
        for shown in Shown(session).all(states)
        if (not risks or (shown["risk_class"] or "unrated") in risks)
        and (tool is None or any(fnmatchcase(a["tool_name"], tool) for a in shown["actions"]))
        and (thread is None or shown["thread_id"] == thread)
    ]
    found.sort(key=lambda shown: (shown["requested_at"], shown["id"]), reverse=True)
    if not reveal:
        found = [masked_json(session.masks, shown) for shown in found]
    session.close()
    if as_json:
        print_json(found)
    else:
        print_inbox(found)


@click.command()
@click.argument("id_", metavar="ID")
@database_options
@json_option
@reveal_option
def show(id_: str, db: Path | None, ledger: Path | None, as_json: bool, reveal: bool) -> None:
    """Show one Review, whole."""
    session = open_session(None, db, ledger)
    found, every = Finder(session.inbox).find(id_), Shown(session)
    messages: list[Message] = []
    match found:
        case Review():
            shown = every.open(found)
            messages = session.source.messages(found.thread_id, CONTEXT)
        case Record():
            shown = every.decided(found)
        case Identity():
            shown = every.gone(found)
    shown["history"] = [past.to_json() for past in history(session.ledger.file, shown["key"])]
    shown["messages"] = [
        {"role": m.role, "text": m.text, "tool_calls": list(m.tool_calls)} for m in messages
    ]
    if not reveal:
        shown = masked_json(session.masks, shown)
    session.close()
    if as_json:
        print_json(shown)
    else:
        text.print_review(shown)
