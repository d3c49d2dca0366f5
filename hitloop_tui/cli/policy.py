"""`policy check`: which rule of a policy file fires for an Action, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hitloop_tui.cli.narration import BAD_INPUT, print_json, say
from hitloop_tui.cli.options import FILE, json_option
from hitloop_tui.errors import BadInput
from hitloop_tui.safetext import safe

if TYPE_CHECKING:
    from hitloop_tui.core.models import Action
    from hitloop_tui.policies.rule_file import PolicyFileError


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

    All mistakes of the file are listed. Exit 2 when the file or the action is wrong. The verdict is
    not an exit code.
    """
    from hitloop_tui.policies.rule_file import PolicyFileError, read_rules  # loads pydantic
    from hitloop_tui.policies.rules import explain

    try:
        rules = read_rules(file)
    except PolicyFileError as error:
        _report(error, as_json=as_json)
        sys.exit(BAD_INPUT)
    if action is None:
        say(f"{file}: {len(rules)} {'rule' if len(rules) == 1 else 'rules'}, no mistake")
        if as_json:
            print_json({"rules": len(rules), "mistakes": []})
        return
    explanation = explain(rules, _action(action))
    if as_json:
        print_json(explanation.to_json())
        return
    for line in explanation.lines():
        click.echo(safe(line))


def _report(error: PolicyFileError, *, as_json: bool) -> None:
    for mistake in error.mistakes:
        say(f"{error.path}: {mistake}")
    if as_json:
        keys = ("line", "rule", "field", "text")
        found = [{key: getattr(one, key) for key in keys} for one in error.mistakes]
        print_json({"rules": None, "mistakes": found})


def _action(text: str) -> Action:
    from pydantic import ValidationError

    from hitloop_tui.core.models import Action

    try:
        value: Any = json.loads(sys.stdin.read() if text == "-" else text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"--action is not JSON: {error}") from None
    if isinstance(value, dict) and (unknown := value.keys() - Action.model_fields.keys()):
        known = ", ".join(Action.model_fields)
        raise BadInput(f"--action has no field {', '.join(sorted(unknown))}; known are {known}")
    try:
        return Action.model_validate(value)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {e['msg']}" for e in error.errors()
        ]
        raise BadInput(f"--action, {'; '.join(wrong)}") from None
