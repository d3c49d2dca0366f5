"""Starts threads of the example agents on a database, and leaves their questions to others.

A worker somewhere else resumes them: this process only ever gives first inputs.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import StateGraph

from hitloop_tui.agents.casebook import case_number
from hitloop_tui.agents.scripted import MODEL_VARIABLE
from hitloop_tui.agents.worklog import LOG_VARIABLE

MODULES = {
    "email": "hitloop_tui.agents.email_assistant",
    "files": "hitloop_tui.agents.file_ops",
    "refunds": "hitloop_tui.agents.refunds",
    "research": "hitloop_tui.agents.research",
    "clarify": "hitloop_tui.agents.clarify",
}
BUSY_SECONDS = 30


def main(argv: Sequence[str] | None = None) -> int:
    options = _options(argv)
    if options.model:
        os.environ[MODEL_VARIABLE] = options.model
    if options.log:
        os.environ[LOG_VARIABLE] = str(options.log.absolute())
    try:
        # aiosqlite's thread outlives a failed connect and then talks to a closed loop.
        sqlite3.connect(options.db).close()
        return asyncio.run(drive(options))
    except sqlite3.Error as error:
        _say(f"{options.db}: {error}")
        return 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hitloop_tui.agents", description=__doc__)
    add = parser.add_argument
    add("--db", type=Path, required=True, help="the checkpoint database")
    add("--threads", type=_count, default=2, metavar="N", help="threads of each agent at first")
    add("--rate", type=_rate, default=0.2, metavar="R", help="new ones per second then; 0: none")
    names = f"one of {', '.join(MODULES)}; repeatable; all without it"
    add("--agent", action="append", choices=MODULES, metavar="NAME", help=names)
    add("--model", metavar="PROVIDER:NAME", help="a real model instead of the scripted one")
    add("--seed", type=_count, default=0, metavar="S", help="other cases for the same threads")
    add("--prefix", default="", metavar="P", help="put before every thread id")
    add("--log", type=Path, metavar="FILE", help="one JSON line per tool call")
    add("--once", action="store_true", help="end after the first N threads of each agent")
    return parser.parse_args(argv)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1e6:
        raise ValueError(text)
    return number


async def drive(options: argparse.Namespace) -> int:
    """Run until told to stop. The thread that is being started is brought to its question first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    names = options.agent or list(MODULES)
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            aiosqlite.connect(options.db, timeout=BUSY_SECONDS)
        )
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        agents = [await stack.enter_async_context(_agent(name, saver, options)) for name in names]
        await _start_all(agents, options, stop)
    return 0


async def _start_all(agents: list[Agent], options: argparse.Namespace, stop: asyncio.Event) -> None:
    for agent in agents * options.threads:
        if stop.is_set():
            return
        await agent.start()
    turn = 0
    while not options.once and not stop.is_set():
        pause = 1 / options.rate if options.rate else None
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            await agents[turn % len(agents)].start()
            turn += 1


@dataclass(slots=True)
class Agent:
    """One agent and the number of its last thread."""

    name: str
    prefix: str
    seed: int
    module: Any
    graph: Any
    saver: AsyncSqliteSaver
    last: int = 0

    async def start(self) -> None:
        """A new thread, up to its first question."""
        thread_id = await self._free_id()
        config = {
            "configurable": {"thread_id": thread_id},
            "metadata": {"graph_id": self.name},
        }
        opening = self.module.opening(case_number(self.last, self.seed))
        try:
            result = await self.graph.ainvoke(opening, config)
        except Exception as error:
            _say(f"{thread_id}  failed: {error}")
            return
        questions = len(result.get("__interrupt__", ()))
        _say(f"{thread_id}  {questions} waiting" if questions else f"{thread_id}  finished")

    async def _free_id(self) -> str:
        """The next number no other driver has taken in the meantime."""
        while True:
            self.last += 1
            thread_id = f"{self.prefix}{self.name}-{self.last:04d}"
            if await self.saver.aget_tuple({"configurable": {"thread_id": thread_id}}) is None:
                return thread_id


@asynccontextmanager
async def _agent(
    name: str, saver: AsyncSqliteSaver, options: argparse.Namespace
) -> AsyncIterator[Agent]:
    module = import_module(MODULES[name])
    last = await _last_number(saver, f"{options.prefix}{name}-")
    async with AsyncExitStack() as stack:
        graph = await _compiled(module.graph, stack)
        graph.checkpointer = saver
        yield Agent(name, options.prefix, options.seed, module, graph, saver, last)


async def _compiled(exposed: Any, stack: AsyncExitStack) -> Any:
    """A graph out of whatever a module exposes: itself, a builder or some kind of factory."""
    if callable(exposed) and not hasattr(exposed, "ainvoke"):
        exposed = exposed()
    if inspect.isawaitable(exposed):
        exposed = await exposed
    if hasattr(exposed, "__aenter__"):
        exposed = await stack.enter_async_context(exposed)
    return exposed.compile() if isinstance(exposed, StateGraph) else exposed


async def _last_number(saver: AsyncSqliteSaver, stem: str) -> int:
    """The highest number in use: threads of an earlier driver must not be continued."""
    query = "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id >= ? AND thread_id < ?"
    async with saver.conn.execute(query, (stem, stem[:-1] + ".")) as rows:
        numbers = [row[0].removeprefix(stem) async for row in rows]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
