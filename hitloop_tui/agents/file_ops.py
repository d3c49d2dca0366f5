"""A storage janitor: LangChain's agent and its approval middleware, two tool calls in one step.

The graph is exposed as a factory.
"""

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from hitloop_tui.agents.casebook import Case, case, case_of
from hitloop_tui.agents.scripted import call, chat_model
from hitloop_tui.agents.worklog import record

SYSTEM = (
    "You keep a file server tidy. Archive old folders and set retention rules with your tools, "
    "both in one step where that is possible. Close with one sentence."
)


@tool
def list_folder(path: str) -> str:
    """List a folder of the file server."""
    record("list_folder", path=path)
    return f"{path}: 214 files, the newest 190 days old."


@tool
def archive_folder(
    source: str, target: str, compression: float, verify: bool, options: dict[str, Any]
) -> str:
    """Move a folder into the archive. compression runs from 0.0 (none) to 1.0 (best)."""
    record(
        "archive_folder",
        source=source,
        target=target,
        compression=compression,
        verify=verify,
        options=options,
    )
    return f"Archived {source} as {target}."


@tool
def set_retention(paths: list[str], keep_days: int, max_gb: float, dry_run: bool) -> str:
    """Delete files below the paths once they are older than keep_days or exceed max_gb."""
    record("set_retention", paths=paths, keep_days=keep_days, max_gb=max_gb, dry_run=dry_run)
    return f"{len(paths)} folders now keep files for {keep_days} days."


def opening(number: int) -> dict[str, Any]:
    """The first message of thread `number`."""
    told = case(number)
    text = (
        f"Case {number}: /srv/projects/{told.project} fills the volume. Archive what the project "
        f"for {told.company} no longer needs, and set a retention rule for its scratch folders."
    )
    return {"messages": [HumanMessage(text)]}


def script(messages: Sequence[BaseMessage]) -> AIMessage:
    told = case_of([message for message in messages if isinstance(message, HumanMessage)])
    done = sum(isinstance(message, ToolMessage) for message in messages)
    root = f"/srv/projects/{told.project}"
    if done == 0:
        return AIMessage("I look at the folder first.", tool_calls=[call("list_folder", path=root)])
    if done == 1:
        return AIMessage(
            f"Nothing below {root} was opened for half a year. I archive the deliverables for "
            f"{told.company} and let the scratch folders expire.",
            tool_calls=[_archive(told, root), _retention(told, root)],
        )
    return AIMessage(f"Done with {root}: {messages[-1].text}")


def _archive(told: Case, root: str) -> dict[str, Any]:
    options = {
        "owner": told.email,
        "checksums": ["sha256", "crc32"],
        "tier": {"name": "cold", "copies": 2, "min_years": 7},
    }
    return call(
        "archive_folder",
        2,
        source=f"{root}/deliverables",
        target=f"s3://archive/{told.project}/{told.order}.tar.zst",
        compression=told.dice.choice([0.25, 0.5, 0.75]),
        verify=True,
        options=options,
    )


def _retention(told: Case, root: str) -> dict[str, Any]:
    return call(
        "set_retention",
        3,
        paths=[f"{root}/scratch", f"{root}/renders/preview"],
        keep_days=told.dice.choice([14, 30, 60]),
        max_gb=told.dice.choice([12.5, 40.0, 100.0]),
        dry_run=False,
    )


def graph() -> Any:
    """A fresh agent; the model is chosen when it is built."""
    gated = HumanInTheLoopMiddleware(
        interrupt_on={
            "archive_folder": True,
            "set_retention": {"allowed_decisions": ["approve", "edit", "reject"]},
        }
    )
    return create_agent(
        chat_model(script),
        tools=[list_folder, archive_folder, set_retention],
        system_prompt=SYSTEM,
        middleware=[gated],
        name="files",
    )
