"""From rows of `writes` to Questions: LangGraph's rules, without LangGraph."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import xxhash

from hitloop_tui.attach.decode import Undecodable, digest, loads
from hitloop_tui.attach.review import Identity, Question

PULL = "~__pregel_pull, "
CANCELLED = "CancelledError()"
"""The error row of a task that was stopped because a sibling failed."""
UUID_EPOCH_100NS = 0x01B21DD213814000


@dataclass(frozen=True, slots=True)
class Leaf:
    """The row of an interrupt inside a subgraph, where its answers are counted."""

    ids: tuple[str, ...]
    answers: int
    namespace: str | None
    """The task's namespace, which its interrupt ids are made of; None without a task path."""

    def taken(self, interrupt_id: str) -> bool:
        """Whether an answer to this very question is stored."""
        if self.namespace is None:
            return self.answers > 0
        return _among(interrupt_id, self.namespace, self.answers)


Leaves = Callable[[str], list[Leaf]]
"""Leaf rows of a thread, deepest first."""

Nodes = Callable[[str, str], list[str]]
"""Names of the nodes that may run next, by thread and checkpoint."""


def asked_at(checkpoint_id: str) -> datetime:
    """The time in a UUIDv6 checkpoint id (RFC 9562, section 5.6); the epoch for any other id."""
    try:
        uuid = UUID(checkpoint_id)
        if uuid.version != 6:
            raise ValueError(checkpoint_id)
        ticks = (uuid.time_low << 28) | (uuid.time_mid << 12) | (uuid.time_hi_version & 0x0FFF)
        return datetime.fromtimestamp((ticks - UUID_EPOCH_100NS) / 1e7, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def questions(
    rows: Iterable[sqlite3.Row],
    leaves: Leaves,
    nodes: Nodes,
    graph_id: Callable[[str], str | None],
) -> Iterator[Question]:
    """Questions of unfinished tasks, each interrupt once.

    The functional API writes the first interrupt of its child tasks a second time on the
    entrypoint's task: the row with the longer task path is the child's.
    """
    best: dict[tuple[str, str], tuple[tuple[int, str], Question]] = {}
    for row in rows:
        rank = (len(row["task_path"] or ""), row["task_id"])
        for question in _of_row(row, leaves, nodes, graph_id):
            key = (row["thread_id"], question.identity.interrupt_id or f"task {row['task_id']}")
            if key not in best or rank > best[key][0]:
                best[key] = rank, question
    for _, question in best.values():
        yield question


def _of_row(
    row: sqlite3.Row, leaves: Leaves, nodes: Nodes, graph_id: Callable[[str], str | None]
) -> Iterator[Question]:
    error = _error(row)
    for found in interrupts(row["type"], row["value"]):
        answers, answered = _answers(row, found.id, leaves, nodes)
        yield Question(
            identity=Identity(
                row["thread_id"], "", row["checkpoint_id"], row["task_id"], found.id, answers
            ),
            value=found.value,
            response_schema=found.schema,
            digest=digest(found.value, found.schema),
            requested_at=asked_at(row["checkpoint_id"]),
            node=node_of(row["task_path"]),
            graph_id=graph_id(row["thread_id"]),
            error=error,
            answered=answered and error is not None,
            leftover_answer=bool(row["leftover"]),
            undecodable=found.undecodable,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """One `Interrupt` of a row."""

    id: str
    value: Any
    schema: dict[str, Any] | None = None
    undecodable: str | None = None


def interrupts(type_: str | None, blob: bytes | None) -> list[Found]:
    """The interrupts of a `__interrupt__` row; one that says why when it cannot be read."""
    try:
        value = loads(type_, blob)
    except Undecodable as error:
        return [_unreadable(type_, blob, str(error))]
    items = value if isinstance(value, list) else [value]
    return [_found(item) or _unreadable(type_, blob, "not an Interrupt") for item in items]


def _found(item: Any) -> Found | None:
    match item:
        case {"id": str() as id_, "value": value}:
            schema = item.get("response_schema")
            return Found(id_, value, schema if isinstance(schema, dict) else None)
        case {"__type__": _, "value": value}:
            return Found(str(item.get("interrupt_id", "")), value)
    return None


def _unreadable(type_: str | None, blob: bytes | None, why: str) -> Found:
    data = blob or b""
    what = {"stored as": type_, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return Found("", what, undecodable=why)


def _answers(row: sqlite3.Row, interrupt_id: str, leaves: Leaves, nodes: Nodes) -> tuple[int, bool]:
    """How many answers the asking task has, and whether one of them is to this question."""
    count = _count(row["resume_type"], row["resume_value"])
    if count:
        names = [name for name in [node_of(row["task_path"])] if name]
        names = names or nodes(row["thread_id"], row["checkpoint_id"])
        taken = any(_among(interrupt_id, f"{name}:{row['task_id']}", count) for name in names)
        return count, taken
    node = node_of(row["task_path"])
    if node and interrupt_id == question_id(f"{node}:{row['task_id']}", 0):
        return 0, False
    for leaf in leaves(row["thread_id"]):
        if interrupt_id in leaf.ids:
            return leaf.answers, leaf.taken(interrupt_id)
    return 0, False


def leaf(row: sqlite3.Row) -> Leaf:
    ids = tuple(found.id for found in interrupts(row["type"], row["value"]))
    node = node_of(row["task_path"])
    namespace = f"{row['checkpoint_ns']}|{node}:{row['task_id']}" if node else None
    return Leaf(ids, _count(row["resume_type"], row["resume_value"]), namespace)


def question_id(namespace: str, answers: int) -> str:
    """LangGraph's interrupt id (langgraph/types.py, `_interrupt_id`)."""
    text = f"{namespace}|{answers}" if answers else namespace
    return xxhash.xxh3_128_hexdigest(text.encode())


def ever_asked(row: sqlite3.Row) -> Iterator[Identity]:
    """Every question that a task's row proves: the one it holds, and those answered before it."""
    count = _count(row["resume_type"], row["resume_value"])
    node = node_of(row["task_path"])
    place = (row["thread_id"], "", row["checkpoint_id"], row["task_id"])
    for found in interrupts(row["type"], row["value"]):
        for answers in range(count + 1):
            yield Identity(*place, found.id, answers)
            if node:
                earlier = question_id(f"{node}:{row['task_id']}", answers)
                yield Identity(*place, earlier, answers)


def _among(interrupt_id: str, namespace: str, answers: int) -> bool:
    return any(interrupt_id == question_id(namespace, k) for k in range(answers))


def node_of(task_path: str | None) -> str | None:
    """The node's name in a task path like `~__pregel_pull, tools`; None for Sends."""
    if task_path and task_path.startswith(PULL) and "," not in task_path[len(PULL) :]:
        return task_path[len(PULL) :]
    return None


def _count(type_: str | None, blob: bytes | None) -> int:
    if type_ is None:
        return 0
    try:
        answers = loads(type_, blob)
    except Undecodable:
        return 1
    return len(answers) if isinstance(answers, list) else 1


def _error(row: sqlite3.Row) -> str | None:
    if row["error_type"] is None:
        return None
    try:
        text = str(loads(row["error_type"], row["error_value"]))
    except Undecodable as error:
        text = str(error)
    return None if text == CANCELLED else text
