"""Which hosted graph a thread belongs to."""

from __future__ import annotations

import copy
import logging
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from hitloop_tui.attach.graphs import Graph, HostedGraph
from hitloop_tui.attach.preview import cut
from hitloop_tui.attach.run_config import run_config
from hitloop_tui.core.again import ORDERED_AGAIN
from hitloop_tui.errors import HitloopError
from hitloop_tui.safetext import safe

_log = logging.getLogger(__name__)

MAX_WHY = 300
"""Characters of an error about a thread's data, which may quote all of it."""


class Blocked(HitloopError):
    """This worker cannot apply a decision, and has not touched the thread."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A graph that holds the thread's pending questions."""

    name: str
    graph: Graph
    thread_id: str
    config: RunnableConfig
    saver: BaseCheckpointSaver[Any]
    """With the graph's own serializer."""
    head: str
    """The checkpoint it was seen at."""
    superstep: frozenset[str]
    """Tasks of the head's superstep."""
    goes_on: bool
    """Whether something is left to run."""

    def again(self, order: str) -> Choice:
        """For a run that a person ordered after one that may have made its call."""
        configurable = {**self.config["configurable"], ORDERED_AGAIN: order}
        return replace(self, config={**self.config, "configurable": configurable})


async def choose(
    graphs: Mapping[str, HostedGraph],
    thread_id: str,
    metadata: Mapping[str, Any],
    pending: Collection[str],
    saver: BaseCheckpointSaver[Any],
) -> Choice:
    """The graph named by the thread, or else the only one whose own state has the questions.

    Without questions, any graph that could have written the thread. The look at the state comes
    even when the name is known: LangGraph resumes with a wrong or changed graph without an error
    and without doing anything.
    """
    named = metadata.get("graph_id")
    if named is not None and named not in graphs:
        raise Blocked(
            f"the thread belongs to graph {named}, this worker hosts {_names(graphs)}:"
            f" start one with --graph {named}=FILE.py:VARIABLE"
        )
    unread: list[str] = []
    tried = [
        await _choice(name, hosted, thread_id, metadata, pending, saver, unread)
        for name, hosted in graphs.items()
        if named in (None, name)
    ]
    match [choice for choice in tried if choice is not None]:
        case [only]:
            return only
        case []:
            raise Blocked(_none_fits(named, graphs, unread))
        case several:
            raise Blocked(
                "the thread does not say which graph it belongs to, and"
                f" {' and '.join(c.name for c in several)} both fit: run the graph with"
                ' metadata={"graph_id": NAME}, or start a worker with one of them only'
            )


def _none_fits(named: str | None, graphs: Mapping[str, HostedGraph], unread: Sequence[str]) -> str:
    if unread:
        return f"the thread's state cannot be read by {'; '.join(unread)}"
    if named is not None:
        return f"graph {named} has no such question in this thread's state: was it changed since?"
    return f"no graph of this worker has this question; it hosts {_names(graphs)}"


def _names(graphs: Mapping[str, HostedGraph]) -> str:
    return ", ".join(graphs) or "none"


async def _choice(
    name: str,
    hosted: HostedGraph,
    thread_id: str,
    metadata: Mapping[str, Any],
    pending: Collection[str],
    saver: BaseCheckpointSaver[Any],
    unread: list[str],
) -> Choice | None:
    reading = _reading(saver, hosted)
    config = run_config(thread_id, metadata, reading)
    try:
        state = await hosted.graph.aget_state(config)
    except sqlite3.Error:
        raise
    except Exception as error:  # a graph's own reducers and types run here
        why = cut(repr(error), MAX_WHY)
        _log.warning("graph %s cannot read thread %s: %s", name, safe(thread_id), safe(why))
        unread.append(f"graph {name}: {why}")
        return None
    # The functional API shows only the first of several questions.
    if pending and not (state.next and any(one.id in pending for one in state.interrupts)):
        return None
    if "graph_id" not in metadata and not await _could_have_written(hosted.graph, config):
        return None
    head = state.config["configurable"].get("checkpoint_id", "")
    superstep = frozenset(task.id for task in state.tasks)
    goes_on = bool(state.next)
    return Choice(name, hosted.graph, thread_id, config, reading, head, superstep, goes_on)


async def _could_have_written(graph: Graph, config: RunnableConfig) -> bool:
    """Whether the graph has every channel and every node that this thread has used.

    Task ids, and with them interrupt ids, depend on the asking node's name only, so a graph of
    another application that also has a node called `tools` would show the same question.
    """
    found = await config["configurable"]["__pregel_checkpointer"].aget_tuple(config)
    if found is None:
        return False
    channels = set(found.checkpoint["channel_versions"])
    nodes = {name for name in found.checkpoint["versions_seen"] if not name.startswith("__")}
    return channels <= graph.channels.keys() and nodes <= graph.nodes.keys()


def _reading(saver: BaseCheckpointSaver[Any], hosted: HostedGraph) -> BaseCheckpointSaver[Any]:
    """The saver with the graph's own serializer, as LangGraph's `with_allowlist` clones one."""
    serializer = hosted.serializer()
    if serializer is None:
        return saver
    clone = copy.copy(saver)
    clone.serde = serializer
    return clone
