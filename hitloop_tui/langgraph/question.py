"""The interrupt value of a gate: agent-inbox's `HumanInterrupt` plus what our console needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from hitloop_tui.core.plain_json import json_text
from hitloop_tui.langgraph.asked import Asked

OnDeadline = Literal["reject", "escalate", "leave"]
"""What is to happen when nobody has answered in time."""

VERSION = 1
CONFIG = dict.fromkeys(("allow_ignore", "allow_respond", "allow_edit", "allow_accept"), True)
MESSAGES_SHOWN = 3
MESSAGE_LENGTH = 200


def question(
    asked: Asked,
    policy_name: str,
    state: Mapping[str, Any],
    *,
    deadline: datetime | None = None,
    error: str | None = None,
    answered: Sequence[str] = (),
    asked_at: datetime | None = None,
    description: str | None = None,
    signed: bool = False,
    on_deadline: OnDeadline = "leave",
) -> list[dict[str, Any]]:
    """One question about one Action; `error` says why the answer before was refused.

    `answered` is what the task's answers so far were given to (see `dialogue`), and `asked_at` is
    there when the task began long before it asked. `signed` tells the console that only signed
    answers count.
    """
    optional = {
        "error": error,
        "answered": list(answered),
        "asked_at": asked_at.isoformat() if asked_at else None,
        "on_deadline": on_deadline if deadline else None,
        "signed": signed,
    }
    detail = _detail(asked, policy_name, state.get("run_id"), deadline)
    return [
        {
            "action_request": {
                "action": asked.shown["tool_name"],
                "args": asked.shown["tool_args"],
            },
            "config": dict(CONFIG),
            "description": description or _description(asked, recent_messages(state)),
            "hitloop": detail | {name: value for name, value in optional.items() if value},
        }
    ]


def _detail(
    asked: Asked, policy_name: str, run_id: Any, deadline: datetime | None
) -> dict[str, Any]:
    detail = {
        "version": VERSION,
        "action": asked.shown,
        "policy": policy_name,
        "policy_reason": asked.reason,
        "digest": asked.digest,
        "run_id": None if run_id is None else str(run_id),
        "deadline": None if deadline is None else deadline.isoformat(),
    }
    if asked.people > 1:
        detail |= {"quorum": asked.people, "approvals": list(asked.approvals)}
    return detail


def recent_messages(state: Mapping[str, Any]) -> list[str]:
    """The last messages of the conversation as one line each; a cut says how much it hides."""
    messages = state.get("messages")
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        return []
    lines = (_one_line(message) for message in messages[-MESSAGES_SHOWN:])
    return [line for line in lines if line]


def _one_line(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    text = content if isinstance(content, str) else getattr(message, "text", "")
    line = " ".join(str(text).split())
    hidden = len(line) - MESSAGE_LENGTH
    return line if hidden <= 0 else f"{line[:MESSAGE_LENGTH]}… +{hidden} characters"


def _description(asked: Asked, context: list[str]) -> str:
    """Markdown. The agent's words are set so that none of them can pass for a heading of ours."""
    action = asked.shown
    args = json_text(action["tool_args"], indent=2, ascii_only=False)
    name = " ".join(action["tool_name"].replace("`", "'").split())
    sections = {
        "Why approval is needed": asked.reason,
        f"{asked.people} people must approve": _approved_so_far(asked),
        "Arguments": f"```json\n{args}\n```",
        "Side effects": _list(action["side_effects"]),
        "Rationale": "\n".join(f"> {line}" for line in action["rationale"].splitlines()),
        "Context": _list(context),
    }
    head = f"**Tool:** `{name}`\n**Risk:** {action['risk_class']}"
    return "\n\n".join([head, *(f"### {name}\n{text}" for name, text in sections.items() if text)])


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {' '.join(item.split())}" for item in items)


def _approved_so_far(asked: Asked) -> str:
    return "" if asked.people == 1 else f"So far: {', '.join(asked.approvals) or 'nobody'}"
