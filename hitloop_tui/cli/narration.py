"""The one place that writes to standard error and knows exit codes."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import click

from hitloop_tui.core.plain_json import json_text
from hitloop_tui.errors import BadInput, HitloopError, NotFound
from hitloop_tui.safetext import Safe, safe

DONE, FAILED, BAD_INPUT, CONFLICT = 0, 1, 2, 3


def report(error: HitloopError) -> int:
    """Say what went wrong; the exit code for it."""
    say(f"hitloop-tui: {error}")
    return BAD_INPUT if isinstance(error, BadInput | NotFound) else FAILED


def tell_of_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """As Python does, but what an agent wrote into the error steers no terminal."""
    for line in "".join(traceback.format_exception(kind, error, trace)).splitlines():
        click.echo(Safe(line), err=True)


def say(text: str) -> None:
    click.echo(safe(text), err=True)


def print_json(value: Any) -> None:
    """One JSON document. ASCII only, so that no text in it can steer a terminal."""
    click.echo(_ascii(json_text(value, indent=2)))


def print_json_lines(values: Iterable[Any]) -> None:
    for value in values:
        click.echo(_ascii(json_text(value)))


def _ascii(text: str) -> str:
    """DELETE is the one control character that JSON leaves as it is."""
    return text.replace("\x7f", "\\u007f")
