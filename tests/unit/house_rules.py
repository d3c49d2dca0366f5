"""A policy file for tests, and actions that are proposed under it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from hitloop_tui.core.models import Action

HOUSE = """
    [[rule]]
    name = "in house"
    tool = "send_*"
    args = { to = "*@halden.example" }
    verdict = "auto_approve"

    [[rule]]
    tool = ["delete_*", "purge"]
    verdict = "ask 2 people"
    reason = "Deleting cannot be undone."

    [[rule]]
    tool = "send_*"
    args.to = "*@rival.example"
    verdict = "reject"

    [[rule]]
    tool = "send_*"
    verdict = "ask"
"""


def written(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text))
    return path


def call(tool: str, **args: Any) -> Action:
    return Action(tool_name=tool, tool_args=args)
