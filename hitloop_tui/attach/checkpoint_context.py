"""What a head checkpoint tells beside its questions: recent messages, and the nodes to run next."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from hitloop_tui.attach.decode import TYPE, Undecodable, loads
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.source import Message

BRANCH = "branch:to:"
_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}


def messages(head: sqlite3.Row, limit: int, masks: Masks = MASKS) -> list[Message]:
    """The newest messages of the state's `messages` channel, oldest first."""
    stored = head["checkpoint"]
    if head["type"] == "msgpack" and isinstance(stored, bytes) and b"messages" not in stored:
        return []  # known without reading 10 MB of something else
    found = _channels(head).get("messages")
    if not isinstance(found, list):
        return []
    read = (_message(masks.everywhere(item)) for item in found[-limit:])
    return [message for message in read if message is not None]


def next_nodes(head: sqlite3.Row) -> list[str]:
    """Names of the nodes that this checkpoint would run (see langgraph.md, status of a thread)."""
    channels = _channels(head)
    names = [key.removeprefix(BRANCH) for key in channels if str(key).startswith(BRANCH)]
    for send in channels.get("__pregel_tasks") or []:
        match send:
            case {"value": [str(node), *_]} | {"node": str(node)}:
                names.append(node)
    return list(dict.fromkeys(names))


def _channels(head: sqlite3.Row) -> Mapping[str, Any]:
    try:
        checkpoint = loads(head["type"], head["checkpoint"])
        channels = checkpoint["channel_values"]
    except (Undecodable, KeyError, TypeError):
        return {}
    return channels if isinstance(channels, dict) else {}


def _message(item: Any) -> Message | None:
    """LangChain messages, OpenAI-style dicts, and (role, text) pairs."""
    match item:
        case {"content": content}:
            role = str(item.get("role") or item.get("type") or item.get(TYPE, "message"))
            calls = item.get("tool_calls") or []
        case [str(role), str(content)]:
            calls = []
        case str(content):
            role, calls = "message", []
        case _:
            return None
    names = (str(call.get("name", "?")) for call in calls if isinstance(call, dict))
    return Message(_ROLES.get(role, role), _text(content), tuple(names))


def _text(content: Any) -> str:
    """Message content is text or a list of blocks; blocks without text are named."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return str(content)
    parts = []
    for block in content:
        match block:
            case str():
                parts.append(block)
            case {"text": str(text)}:
                parts.append(text)
            case {"type": str(kind)}:
                parts.append(f"({kind})")
    return "\n".join(parts)
