"""A graph that asks, and once it is answered prints hostile texts and raises an error of them."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from tests.hostile.files import gate, storable


class Text(TypedDict):
    text: str


def node(state: Text) -> Text:
    text = state["text"]
    interrupt(gate(text))
    _say(text)
    raise ValueError(text)


def _say(text: str) -> None:
    """On every way out that a process has."""
    print(text)
    print(text, file=sys.stderr)
    for stream in (1, 2):
        os.write(stream, text.encode() + b"\n")
    logging.getLogger(text).error("%s", text)
    warnings.warn(text, stacklevel=1)
    get_stream_writer()({text: text})


def make() -> Any:
    return StateGraph(Text).add_node("node", node).add_edge(START, "node")


REF = "g=tests.hostile.worker_graph:graph"
"""For `--graph`."""
graph = make().compile()


def build(path: Path, texts: Sequence[str]) -> None:
    """Threads that ask, and a person who approved them all."""
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        compiled = make().compile(checkpointer=SqliteSaver(connection))
        for number, text in enumerate(filter(storable, texts)):
            config = {"configurable": {"thread_id": f"{text} {number}"}}
            compiled.invoke({"text": text}, config)
    with closing(Session.open(path)) as session:
        session.inbox.load()
        for row in session.inbox.rows():
            review = session.inbox.review(row.key)
            assert review is not None
            for name in ("ann", "bob"):
                decide(session.inbox, review, {0: Verdict(Kind.APPROVE)}, Person(name, {}))
