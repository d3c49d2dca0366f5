"""Graphs, built from their references and kept open. Here and in the worker LangGraph is known."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from langgraph.checkpoint.serde._msgpack import STRICT_MSGPACK_ENABLED
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.pregel import Pregel

from hitloop_tui.attach.graph_file import load_module, variable
from hitloop_tui.attach.graph_ref import GraphRef
from hitloop_tui.attach.graph_types import GraphSerializer, own_types
from hitloop_tui.errors import ConfigError, GraphLoadError

Graph = Pregel[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class HostedGraph:
    """A graph that is ready to run, and how its thread's data is read."""

    graph: Graph
    module: ModuleType | None = None
    """Where it was loaded from; None for a graph that the hosting application handed over."""
    roots: tuple[Path, ...] = ()

    def stops(self) -> dict[str, Any]:
        """The static breakpoints, as a worker tells them (`attach.breakpoints.Stops`)."""
        graph = self.graph
        told = {"before": graph.interrupt_before_nodes, "after": graph.interrupt_after_nodes}
        return {where: nodes for where, nodes in told.items() if nodes}

    def serializer(self) -> SerializerProtocol | None:
        """For one run: it remembers the names that this thread's data uses.

        None leaves LangGraph's own default, which is the hosting application's choice.
        """
        if self.module is None or not STRICT_MSGPACK_ENABLED:
            return None
        package = frozenset({self.module.__name__.partition(".")[0]})
        return GraphSerializer(self.module, own_types(self.roots, package))


@contextlib.asynccontextmanager
async def open_graphs(refs: Sequence[GraphRef]) -> AsyncIterator[dict[str, HostedGraph]]:
    """Build every graph; those that are context managers stay open until the block ends."""
    _distinct(refs)
    async with contextlib.AsyncExitStack() as stack:
        hosted = {}
        for ref in refs:
            module = load_module(ref)
            graph = await _built(variable(module, ref), ref, stack)
            hosted[ref.name] = HostedGraph(graph, module, _roots(ref, module))
        yield hosted


def _distinct(refs: Sequence[GraphRef]) -> None:
    seen: dict[str, GraphRef] = {}
    for ref in refs:
        if ref.name in seen:
            raise ConfigError(
                f"two graphs are called {ref.name}: {seen[ref.name].origin} and {ref.origin};"
                " give one of them another NAME="
            )
        seen[ref.name] = ref


def _roots(ref: GraphRef, module: ModuleType) -> tuple[Path, ...]:
    beside = (Path(module.__file__).parent,) if module.__file__ else ()
    return (*beside, *ref.search)


async def _built(found: Any, ref: GraphRef, stack: contextlib.AsyncExitStack) -> Graph:
    try:
        made = await _made(found, stack)
    except Exception as error:
        raise GraphLoadError(f"{ref.origin}: {type(error).__name__}: {error}") from error
    if isinstance(made, Pregel):
        return made
    raise GraphLoadError(
        f"{ref.origin}: {ref.variable} is {type(made).__name__}, not a graph: a compiled graph, a"
        " StateGraph, a function that returns one, or an async context manager that yields one"
    )


async def _made(found: Any, stack: contextlib.AsyncExitStack) -> Any:
    if not isinstance(found, Pregel) and not _builder(found) and callable(found):
        found = found(*_factory_arguments(found))
    if inspect.isawaitable(found):
        found = await found
    if hasattr(found, "__aenter__"):
        found = await stack.enter_async_context(found)
    elif hasattr(found, "__enter__"):
        found = stack.enter_context(found)
    return found.compile() if _builder(found) else found


def _builder(found: Any) -> bool:
    state = sys.modules.get("langgraph.graph.state")
    return state is not None and isinstance(found, state.StateGraph)


def _factory_arguments(factory: Any) -> tuple[Any, ...]:
    """One empty config for a factory that cannot do without an argument."""
    required = [
        parameter
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return ({"configurable": {}},) if required else ()
