"""Plain data in and out of a graph's state.

A checkpointer in strict mode gives unknown classes back as something else, and refuses what msgpack
cannot say *after* the node ran: a tool's odd return value would then look like a failed tool.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from hitloop_tui.core.models import Action, Decision
from hitloop_tui.core.plain_json import named

INT64 = range(-(2**63), 2**64)
NAMESPACE = uuid.UUID("6f0d7f4e-6a4f-4c53-9a6c-1c1f5f0d3b5e")


def state_values(state: Any) -> dict[str, Any]:
    """The state as a dict, whether the graph keeps it as a dict, a dataclass or a model."""
    if isinstance(state, Mapping):
        return dict(state)
    names = getattr(type(state), "model_fields", None) or getattr(
        type(state), "__dataclass_fields__", {}
    )
    return {name: getattr(state, name) for name in names}


def stable_action(raw: Any, scope: str) -> Action:
    """The proposed Action; without an id it gets one that depends only on `scope` and the call."""
    if isinstance(raw, Action):
        return raw
    action = Action.model_validate(raw)
    if has_name(raw):
        return action
    return action.model_copy(update={"id": str(uuid.uuid5(NAMESPACE, scope + action.digest()))})


def has_name(raw: Any) -> bool:
    """Whether whoever proposed the Action gave it its id."""
    return "id" in raw.model_fields_set if isinstance(raw, Action) else bool(raw.get("id"))


def dump_action(action: Action) -> dict[str, Any]:
    """The Action as plain data; its arguments stay exactly what the digest was taken of."""
    return {**action.model_dump(mode="json", exclude={"tool_args"}), "tool_args": action.tool_args}


def dump_decision(decision: Decision) -> dict[str, Any]:
    raw = {"edited_args", "proposed"}
    return {
        **decision.model_dump(mode="json", exclude=raw),
        "edited_args": decision.edited_args,
        "proposed": decision.proposed,
    }


def plain(value: Any) -> Any:
    """`value` with everything that a checkpointer could not store turned into text."""
    match value:
        case None | bool() | float():
            return value
        case int():
            return int(value) if value in INT64 else str(value)
        case str():
            return _storable_text(value)
        case bytes() | bytearray():
            return bytes(value)
        case BaseModel():
            return plain(value.model_dump())
        case Mapping():
            return {name: plain(item) for name, item in named(value, _storable_text)}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return plain(str(value))


def _storable_text(value: str) -> str:
    return str(value) if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
