"""`policy check`: which rule of a policy file fires for an Action, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hitloop_tui.cli.narration import print_json, say
from hitloop_tui.cli.options import FILE, json_option
from hitloop_tui.errors import BadInput
from hitloop_tui.safetext import safe

if TYPE_CHECKING:
    from hitloop_tui.core.models import Action


@click.group()
def policy() -> None:
    """Look at policy files."""


@policy.command()
@click.argument("file", type=FILE)
@click.option(
    "--action",
    metavar="JSON",
    help='The call to explain: {"tool_name": "send_email", "tool_args": {...}}; - reads it.',
)
@json_option
def check(file: Path, action: str | None, as_json: bool) -> None:
    """Check a policy file; with --action, say which rule fires and why.

    Exit 2 when the file or the action is wrong. The verdict is not an exit code.
    """
    from hitloop_tui.policies.rules import explain, read_rules  # loads pydantic

    rules = read_rules(file)
    if action is None:
        say(f"{file}: {len(rules)} rules, no mistake")
        if as_json:
            print_json({"rules": len(rules)})
        return
    explanation = explain(rules, _action(action))
    if as_json:
        print_json(explanation.to_json())
        return
    for line in explanation.lines():
        click.echo(safe(line))


def _action(text: str) -> Action:
    from pydantic import ValidationError

    from hitloop_tui.core.models import Action

    if text == "-":
        text = sys.stdin.read()
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise BadInput(f"--action is not JSON: {error}") from None
    try:
        return Action.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise BadInput(f"--action, {where}: {first['msg']}") from None
