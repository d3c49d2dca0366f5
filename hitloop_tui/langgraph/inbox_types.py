"""agent-inbox's payload and answer, for type annotations."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class HumanInterruptConfig(TypedDict):
    """Which answers a question allows."""

    allow_ignore: bool
    allow_respond: bool
    allow_edit: bool
    allow_accept: bool


class ActionRequest(TypedDict):
    """The proposed call."""

    action: str
    args: dict[str, Any]


class HumanInterrupt(TypedDict, total=False):
    """One question."""

    action_request: ActionRequest
    config: HumanInterruptConfig
    description: str
    """Markdown, for people."""
    hitloop: dict[str, Any]
    """The Action, policy, digest and deadline as data."""


class HumanResponse(TypedDict, total=False):
    """One answer; agent-inbox sends a list with exactly one."""

    type: Literal["accept", "ignore", "response", "edit"]
    args: Any
    """Nothing, a text, or an ActionRequest, depending on `type`."""


HITLInterruptPayload = HumanInterrupt
HITLResumePayload = HumanResponse
